//! Kinds of replies that were once read as the opposite of what the judge wrote: verdicts in thinking under any mark. Beside each kind stand honest
//! replies in the same forms.

use std::sync::{Arc, LazyLock};

use rrm::{
    comparison::{Comparison, Prompt},
    engine::{Completion, Finish, Opening, Usage},
    format::Format,
    transcript,
    verdict::{self, Abstain, Verdict},
};

const ONE: &str = r"\boxed{Assistant 1}";
const TWO: &str = r"\boxed{Assistant 2}";

/// What a reply in the format `rrm` says; `elicited` says that a budget elicited its verdict.
fn read_of(text: &str, opening: Opening, reasoning: Option<&str>, elicited: bool) -> Result<Verdict, Abstain> {
    static FORMAT: LazyLock<Format> = LazyLock::new(|| Format::shipped("rrm").unwrap());
    let format = &*FORMAT;
    let completion = Completion {
        text: text.to_owned(),
        reasoning: reasoning.map(str::to_owned),
        finish: Finish::Stop,
        elicited,
        usage: Usage::default(),
        label_logprobs: None,
    };
    let transcript = transcript::split_of(&completion, format.file.thinking.as_ref(), opening);
    let prompt = Arc::new(Prompt::text("Which?"));
    let comparison = Comparison { prompt, first: "x".into(), second: "y".into(), label: None };
    verdict::read_about(&transcript, &format.file.verdict, &comparison)
}

fn read(text: &str) -> Result<Verdict, Abstain> {
    read_of(text, Opening::Model, None, false)
}

/// Marks that open thinking at the beginning of a reply, with those that close it.
const MARKS: [(&str, &str); 38] = [
    ("<think>", "</think>"),
    ("<THINK>", "</think>"),
    ("<think >", "</think>"),
    ("< think>", "</think >"),
    ("<think type=\"deep\">", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thoughts>", "</thoughts>"),
    ("<reasoning>", "</reasoning>"),
    ("<reasoning_content>", "</reasoning_content>"),
    ("<seed:think>", "</seed:think>"),
    ("<mm:think>", "</mm:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("<antThinking>", "</antThinking>"),
    ("<inner_monologue>", "</inner_monologue>"),
    ("<monologue>", "</monologue>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<plan>", "</plan>"),
    ("<planning>", "</planning>"),
    ("<analysis>", "</analysis>"),
    ("<Analysis step='1'>", "</Analysis>"),
    ("<internal>", "</internal>"),
    ("<hidden>", "</hidden>"),
    ("<cot>", "</cot>"),
    ("<chain_of_thought>", "</chain_of_thought>"),
    ("<draft>", "</draft>"),
    ("<rationale>", "</rationale>"),
    ("<|thinking|>", "<|/thinking|>"),
    ("<|plan|>", "<|/plan|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("[THINK]", "[/THINK]"),
    ("\u{25c1}think\u{25b7}", "\u{25c1}/think\u{25b7}"),
    ("<unused94>thought\n", "<unused95>"),
    ("&lt;think&gt;", "&lt;/think&gt;"),
    ("\\<think\\>", "\\</think\\>"),
    ("<details type=\"reasoning\" done=\"true\">\n<summary>Thought for 9 seconds</summary>\n", "</details>"),
    ("<details><summary>Thinking</summary>\n", "</details>"),
    ("<|im_start|>think\n", "<|im_end|>"),
    ("```thinking\n", "\n```"),
];

#[test]
fn a_verdict_in_unfinished_thinking_is_none_under_any_mark() {
    for (open, close) in MARKS {
        for thought in [format!("At first sight {ONE}"), format!("Hmm.\n\n{ONE}\n\nBut then again"), format!("Hmm.\n\n{ONE}")] {
            for text in
                [format!("{open}{thought}"), format!("{open}{thought}\n{close}\nI cannot decide."), format!("\n{open}{thought}")]
            {
                assert!(read(&text).is_err(), "{text}");
                let answer = format!("<think>a</think>\n{text}");
                assert!(read(&answer).is_err(), "{answer}");
            }
            for verdict in [TWO.to_owned(), format!("The better one is {TWO}"), format!("<answer>{TWO}</answer>")] {
                for text in
                    [format!("{open}{thought}\n{close}\n{verdict}"), format!("<think>a</think>\n{open}b\n{close}\n{verdict}")]
                {
                    assert_eq!(read(&text), Ok(Verdict::Second), "{text}");
                    assert_eq!(read_of(&text, Opening::Unknown, None, false), Ok(Verdict::Second), "{text}");
                    assert_eq!(read_of(&text, Opening::Model, Some("moved"), false), Ok(Verdict::Second), "{text}");
                }
            }
        }
    }
    // A comment is thinking too, and never a verdict.
    assert!(read(&format!("<!-- {ONE} -->\nI cannot decide.")).is_err());
    assert_eq!(read(&format!("<!-- {ONE} -->\n{TWO}")), Ok(Verdict::Second));
}

#[test]
fn thinking_under_a_heading_ends_at_the_next_one() {
    for head in
        ["Thinking:", "Thinking: ", "**Thinking:** ", "**Thinking**\n", "# Thought process\n", "Thought: ", "Thoughts:\n\n"]
    {
        for text in [
            format!("{head}At first sight {ONE}"),
            format!("{head}{ONE}\n\n**Answer:** none"),
            format!("{head}Hmm.\n\n{ONE}\n\nBut then again"),
            format!("{head}{ONE}\n\n## Verdict\n\nI cannot decide."),
        ] {
            assert!(read(&text).is_err(), "{text}");
        }
        for text in [
            format!("{head}At first sight {ONE}\n\n**Answer:** {TWO}"),
            format!("{head}The first is wrong.\n\n{TWO}"),
            format!("{head}The first is wrong.\nThe better response is {TWO}."),
            format!("{head}The first is wrong.\n\nVerdict: {TWO}\n\nConclusion: the second is right."),
            format!("{head}The answer of the first is wrong.\n\nAnswer:\n{TWO}"),
        ] {
            assert_eq!(read(&text), Ok(Verdict::Second), "{text}");
        }
    }
    // Words at the beginning of a reply that are no heading of thinking.
    for text in
        ["Thinking about it, the second is right: {2}", "**Reasoning:** it is right. {2}", "[Analysis]\nb\n[Verdict]\n{2}"]
    {
        assert_eq!(read(&text.replace("{2}", TWO)), Ok(Verdict::Second), "{text}");
    }
}

/// What the chat template opened is closed by the model's own mark, and not by a heading or a tag of other meaning.
#[test]
fn thinking_that_the_template_opened_is_not_ended_by_other_marks() {
    for text in [format!("<plan>a</plan>\n{ONE}"), format!("Thinking: a\n\nAnswer: {ONE}"), format!("<!-- a -->{ONE}")] {
        assert!(read_of(&text, Opening::Template, None, false).is_err(), "{text}");
        let closed = format!("{text}\n</think>\n{TWO}");
        assert_eq!(read_of(&closed, Opening::Template, None, false), Ok(Verdict::Second), "{closed}");
        assert_eq!(read_of(&text, Opening::Template, Some("moved"), false), Ok(Verdict::First), "{text}");
    }
    // A budget ended the thinking under a mark that the format does not know.
    assert_eq!(read_of(&format!("<analysis>a\n\n{TWO}"), Opening::Model, None, true), Ok(Verdict::Second));
    assert!(read_of(&format!("<analysis>{ONE} is what I"), Opening::Model, None, true).is_err());
}
