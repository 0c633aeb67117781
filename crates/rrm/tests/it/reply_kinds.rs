//! Kinds of replies that were once read as the opposite of what the judge wrote: verdicts in thinking under any mark, labels that words of any
//! language deny, and text that follows a verdict under a heading of the prompt. Beside each kind stand honest replies in the same forms.

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

#[test]
fn words_that_deny_a_label_in_any_language_give_it_no_vote() {
    for words in [
        "The response to discard is",
        "The response to avoid is",
        "The one I would remove is",
        "Eliminated:",
        "Excluded:",
        "Downvote:",
        "Downvoted:",
        "Least helpful:",
        "The least good:",
        "The least accurate response is",
        "The response with more errors is",
        "The answer with the most factual mistakes is",
        "The one that has several flaws is",
        "The response with more hallucinations:",
        "The inaccurate response is",
        "Everyone except",
        "All but",
        "Either one other than",
        "Opposite of",
        "The opposite of the better one is",
        "The opponent of",
        "I would have said",
        "I would have gone with",
        "Nicht",
        "Es ist nicht",
        "Schlechter:",
        "Die schlechtere Antwort ist",
        "Verlierer:",
        "Pire :",
        "La pire réponse est",
        "Perdant :",
        "Ce n'est pas",
        "Peor:",
        "La peor respuesta es",
        "No es",
        "Pior:",
        "Peggiore:",
        "Slechter:",
        "Gorsza odpowiedź to",
        "不是",
        "我认为不是",
        "较差的是",
        "较差的回答：",
        "被淘汰的是",
        "Хуже:",
        "Это не",
        "Худший ответ —",
        "悪い方は",
        "더 나쁜 답은",
        "الأسوأ:",
        // Words that no list has, in scripts whose words for verdicts are listed.
        "被扣分的是",
        "Снято:",
    ] {
        for text in [format!("{words} {ONE}"), format!("I compared both.\n\n{words} {ONE}."), format!("**{words}** {ONE}")] {
            // A dash ends a clause, so that nothing is known of the words before it.
            if !words.ends_with('—') {
                assert!(read(&text).is_err(), "{text}");
            }
        }
        // A label on a line of its own is the judge's.
        let text = format!("{words} {ONE}\n\n{TWO}");
        assert_ne!(read(&text), Ok(Verdict::First), "{text}");
    }
}

#[test]
fn honest_words_in_any_language_keep_their_verdict() {
    for words in [
        "The response with fewer errors is",
        "The response without mistakes is",
        "The one with no hallucinations:",
        "The response that fixes the errors is",
        "The least flawed response is",
        "The least bad:",
        "At least for me it is",
        "Last but not least:",
        "The response to keep is",
        "The more helpful response is",
        "Everything considered,",
        "No:",
        "Nicht schlechter, also",
        "Mein Urteil:",
        "Die bessere Antwort ist",
        "Mon verdict :",
        "La meilleure réponse est",
        "La mejor respuesta es",
        "A melhor resposta é",
        "La risposta migliore è",
        "Het betere antwoord is",
        "Lepsza odpowiedź to",
        "最终判断：",
        "因此更好的是",
        "所以，",
        "我选择",
        "Лучший ответ:",
        "Вердикт:",
        "より良い回答は",
        "最終判定:",
        "더 나은 답은",
        "الأفضل:",
        "Wajibu:",
        "የተሻለው:",
    ] {
        let text = format!("{words} {TWO}");
        assert_eq!(read(&text), Ok(Verdict::Second), "{text}");
    }
    for text in ["第二个回答更准确。\n\n{2}", "የተሻለው\n\n{2}", "Второй точнее, первый хуже.\n\n{2}", "第一个回答有错误\n{2}"]
    {
        assert_eq!(read(&text.replace("{2}", TWO)), Ok(Verdict::Second), "{text}");
    }
}

#[test]
fn a_query_that_the_model_made_up_decides_nothing() {
    for head in ["## Query", "# Question", "<|User Prompt|>", "### Prompt", "Human: and now?", "User: next", "<|im_start|>user"] {
        let text = format!("It is clear.\n\n{TWO}\n\n{head}\n\nnew\n\n{ONE}");
        assert!(read(&text).is_err(), "{text}");
        assert_eq!(read(&format!("{head}\n\nnew\n\n{TWO}")), Ok(Verdict::Second), "{head}");
    }
}
