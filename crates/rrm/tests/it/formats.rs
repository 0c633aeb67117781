//! Judge formats: what is sent, byte for byte, and how answers are read.

use std::{path::Path, process::Command, sync::Arc};

use proptest::prelude::*;
use rrm::{
    chat::{Message, Role},
    comparison::{Comparison, Prompt},
    engine::{Completion, Finish, Usage},
    format::{Format, SHIPPED},
    transcript,
    verdict::{self, Abstain, Verdict},
};

fn comparison(prompt: Prompt, first: &str, second: &str) -> Comparison {
    Comparison { prompt: Arc::new(prompt), first: first.into(), second: second.into(), label: None }
}

fn shipped(name: &str) -> Format {
    Format::shipped(name).unwrap()
}

fn read(format: &Format, text: &str, finish: Finish) -> Result<Verdict, Abstain> {
    let completion =
        Completion { text: text.into(), reasoning: None, finish, elicited: false, usage: Usage::default(), label_logprobs: None };
    verdict::read(&transcript::split(&completion, format.file.thinking.as_ref()), &format.file.verdict)
}

#[test]
fn the_released_prompt_is_reproduced_byte_for_byte() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let Some(released) = crate::shared_data("prompts/rrm-released.json") else { return };
    let script = Command::new("python3").arg(root.join("scripts/released_format.py")).arg(&released).output().unwrap();
    assert!(script.status.success(), "{}", String::from_utf8_lossy(&script.stderr));
    let format = Format::parse("released", std::str::from_utf8(&script.stdout).unwrap()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(released).unwrap()).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let (question, answers) = ("What is 2 + 2?\n", ["  four, \\boxed{4} ", "Five & <b>{{ more }}</b>\n"]);
    let user = text(&json["user"]) + &text(&json["others"]["Skywork_ASSISTANT_PROMPT"]);
    let user = user.replace("{question}", question).replace("{answer1}", answers[0]).replace("{answer2}", answers[1]);
    let expected = [Message { role: Role::System, content: text(&json["system"]) }, Message::user(user)];
    assert_eq!(format.messages(&comparison(Prompt::text(question), answers[0], answers[1])).unwrap(), expected);
}

#[test]
fn the_default_format_shows_query_and_responses() {
    let messages = shipped("rrm").messages(&comparison(Prompt::text("Say hi."), "Hi!", "No.")).unwrap();
    insta::assert_snapshot!(messages[1].content, @r"
    ## Query

    Say hi.

    ## Assistant responses

    ### Assistant 1

    Hi!

    ### Assistant 2

    No.

    ## Analysis

    Reason step by step about which assistant answers the query better, then give the verdict as \boxed{Assistant 1} or \boxed{Assistant 2}.
    ");
}

#[test]
fn rubric_reference_and_long_conversations_are_shown() {
    let turn = |role, content: &str| Message { role, content: content.into() };
    let messages = vec![turn(Role::User, "Hi"), turn(Role::Assistant, "Hello"), turn(Role::User, "Sum of 1 and 2?")];
    let prompt = Prompt { messages, rubric: Some("Be brief.".into()), reference: Some("3".into()) };
    for (name, _) in SHIPPED {
        let messages = shipped(name).messages(&comparison(prompt.clone(), "3", "4")).unwrap();
        let whole: String = messages.iter().map(|m| m.content.as_str()).collect();
        for part in ["User: Hi\n\nAssistant: Hello\n\nUser: Sum of 1 and 2?", "Be brief.", "\n3\n"] {
            assert!(whole.contains(part), "{name}: {part}");
        }
    }
}

#[test]
fn verdicts_are_read_by_the_rules_of_each_format() {
    let table = [
        ("rrm", r"so \boxed{Assistant 1}", Ok(Verdict::First)),
        ("rrm", r"<think>\boxed{Assistant 1}</think> \boxed{ Assistant 2 }", Ok(Verdict::Second)),
        ("rrm", r"\boxed{Assistant 1} no: \boxed{Assistant 2}", Ok(Verdict::Second)),
        ("rrm", r"\boxed{Assistant 1} and \boxed{42}", Err(Abstain::NoVerdict)),
        ("rrm", r"\boxed{Assistant 1 or Assistant 2}", Err(Abstain::Ambiguous)),
        ("rrm", r"\boxed{Assistant 12}", Err(Abstain::NoVerdict)),
        ("rrm", r"Assistant 1 is better", Err(Abstain::NoVerdict)),
        ("rrm", r"<think>\boxed{Assistant 1}", Err(Abstain::NoVerdict)),
        ("rrm", "", Err(Abstain::NoVerdict)),
        ("direct", r"\boxed{Assistant 2}", Ok(Verdict::Second)),
        ("arena-hard", "My final verdict is [[A>>B]]", Ok(Verdict::First)),
        ("arena-hard", "[[B>A]] so [[B>A]], see [[1, 2]]", Ok(Verdict::Second)),
        ("arena-hard", "[[A=B]]", Ok(Verdict::Tie)),
        ("arena-hard", "[[A>B]] or [[A>>B]]", Err(Abstain::Ambiguous)),
        ("arena-hard", "[[A]]", Err(Abstain::NoVerdict)),
    ];
    for (name, text, expected) in table {
        assert_eq!(read(&shipped(name), text, Finish::Stop), expected, "{name}: {text}");
        assert_eq!(read(&shipped(name), text, Finish::Length), Err(Abstain::Truncated), "{name}: {text}");
    }
}

#[test]
fn a_wrong_format_file_says_what_is_wrong() {
    let change = |from: &str, to: &str| {
        let text = SHIPPED[0].1.replace(from, to);
        Format::parse("my.toml", &text).map(|_| ()).unwrap_err().to_string()
    };
    insta::assert_snapshot!(change(r"\boxed{LABEL}", r"\boxed{}"), @r"format my.toml: verdict.wrap must hold LABEL with text on both sides, such as '\boxed{LABEL}'");
    insta::assert_snapshot!(change(r#"["Assistant 2"]"#, r#"["Assistant 1"]"#), @"format my.toml: the same label stands for two verdicts in [verdict]");
    assert!(change("several", "severl").contains("unknown field `severl`"));
    assert!(change("{{ prompt }}", "{{ prompt").starts_with("format my.toml: template of message 1: "));
}

proptest! {
    #[test]
    fn reading_never_panics_and_finds_a_label_that_comes_last(noise in "\\PC{0,80}", first: bool) {
        for (name, _) in SHIPPED {
            let format = shipped(name);
            let _ = read(&format, &noise, Finish::Stop);
            let labels = format.labels();
            prop_assume!(!noise.contains("[[") && !noise.contains("\\boxed{"));
            let label = if first { &labels.first } else { &labels.second };
            let expected = if first { Verdict::First } else { Verdict::Second };
            // Words of other scripts that are not known make a label on their line doubtful.
            let gap = if noise.chars().all(|c| c < '\u{250}') { "" } else { "\n" };
            prop_assert_eq!(read(&format, &format!("<think>{noise}</think>{noise}{gap}{label}"), Finish::Stop), Ok(expected));
        }
    }

    #[test]
    fn what_stands_before_the_thinking_ends_never_counts(noise in "\\PC{0,80}", first: bool) {
        for (name, _) in SHIPPED.iter().filter(|(name, _)| *name != "direct") {
            let format = shipped(name);
            let labels = format.labels();
            let label = if first { &labels.first } else { &labels.second };
            prop_assume!(!noise.contains("[[") && !noise.contains("\\boxed{") && !noise.contains("think>"));
            prop_assert_eq!(read(&format, &format!("<think>{label}</think>{noise}"), Finish::Stop), Err(Abstain::NoVerdict));
        }
    }
}

#[test]
fn a_format_that_does_not_show_both_responses_is_refused() {
    for (name, text) in SHIPPED {
        Format::parse(name, text).unwrap().shows_both().unwrap();
    }
    let (_, shipped) = SHIPPED[0];
    for (from, to, expected) in [
        ("{{ response_2 }}", "{{ response_1 }}", "do not show {{ response_2 }}"),
        ("{{ response_1 }}", "", "do not show {{ response_1 }}"),
        ("{{ response_1 }}", "{% if rubric %}{{ response_1 }}{% endif %}", "do not show {{ response_1 }}"),
        ("{{ response_1 }}", "{{ respose_1 }}", "message 1, line 13: there is no variable `respose_1`"),
        ("{{ prompt }}", "{{ question }}", "there is no variable `question`; the variables are prompt, conversation"),
    ] {
        assert!(shipped.contains(from), "{from}");
        let checked = Format::parse("mine", &shipped.replace(from, to)).and_then(|format| format.shows_both());
        let error = checked.unwrap_err().to_string();
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn a_response_that_a_template_hides_from_a_row_is_an_error_of_that_row() {
    let (_, shipped) = SHIPPED[0];
    let long = "word ".repeat(300);
    let of = |replacement: &str| Format::parse("mine", &shipped.replace("{{ response_2 }}", replacement)).unwrap();
    let asked = |format: &Format, prompt: &str, first: &str, second: &str| {
        format.messages(&comparison(Prompt::text(prompt), first, second)).map(drop).map_err(|error| error.to_string())
    };
    for (replacement, second) in [
        ("{% if response_2|length < 500 %}{{ response_2 }}{% endif %}", &*long),
        ("{% if response_2|length > 3 %}{{ response_2 }}{% endif %}", "no"),
        ("{{ response_2[:100] }}", &*long),
        ("{{ response_2[:800] }} {{ response_2[:800] }}", &*long),
        ("{% if reference %}{{ response_2 }}{% endif %}", "It is four."),
        (
            "{% if 'cannot' not in response_2 %}{{ response_2 }}{% endif %}",
            "I cannot say that, and there is nothing that I could add to it.",
        ),
        ("{% if conversation|length > 1 %}{{ response_2 }}{% endif %}", "4"),
    ] {
        let error = asked(&of(replacement), "How many?", "It is 4.", second).unwrap_err();
        assert!(
            error.contains("the prompt for this row does not show") && error.contains("{{ response_2 }}"),
            "{replacement}: {error}"
        );
    }
    for replacement in [
        "{{ response_2 }}",
        "{{ response_2|trim }}",
        "{{ response_2|tojson }}",
        "{{ response_2|upper }}",
        "{{ response_2|indent(4) }}",
        "{{ response_2|replace('`', '') }}",
    ] {
        for second in [
            "4",
            "",
            "  four \n",
            "```python\nprint(\"4\")\n```",
            "\u{1f600}",
            "How many?",
            "It is 4.",
            &*long,
            "a \u{e9} <b> & \\n",
        ] {
            assert_eq!(asked(&of(replacement), "How many?", "It is 4.", second), Ok(()), "{replacement} {second}");
        }
    }
    // A format that asks for something else shows what it likes.
    let none = shipped.replace("{{ response_2 }}", "").replace("name = ", "compares = false\nname = ");
    assert_eq!(asked(&Format::parse("mine", &none).unwrap(), "How many?", "4", "5"), Ok(()));
}

#[test]
fn formats_are_tried_with_rows_of_several_kinds() {
    for (name, text) in SHIPPED {
        Format::parse(name, text).unwrap().shows_all_kinds().unwrap();
    }
    let (_, shipped) = SHIPPED[0];
    for (replacement, kind) in [
        ("{% if response_2|length < 500 %}{{ response_2 }}{% endif %}", "long responses"),
        ("{% if response_2|length > 4 %}{{ response_2 }}{% endif %}", "short responses"),
        ("{% if not rubric %}{{ response_2 }}{% endif %}", "a rubric"),
        ("{% if not reference %}{{ response_2 }}{% endif %}", "a reference answer"),
        ("{% if conversation|length == 1 %}{{ response_2 }}{% endif %}", "a prompt of many turns"),
        ("{{ response_2[:200] }}", "long responses"),
    ] {
        let format = Format::parse("mine", &shipped.replace("{{ response_2 }}", replacement)).unwrap();
        let error = format.shows_all_kinds().unwrap_err().to_string();
        assert!(error.contains(&format!("of a row with {kind}, its messages do not show")), "{replacement}: {error}");
    }
    let zero = "[elicit]\nthinking = \"x\"\nanswer = \"y\"\nmax_verdict_tokens = 0\nstop = []\n";
    let without = shipped.split("[elicit]").next().unwrap();
    let error = Format::parse("mine", &format!("{without}{zero}")).unwrap_err().to_string();
    assert!(error.contains("elicit.max_verdict_tokens is 0"), "{error}");
}
