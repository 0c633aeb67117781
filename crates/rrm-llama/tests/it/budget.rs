//! Thinking budgets: the cut, the elicitation, and the verdict after it.

use std::sync::{Arc, Mutex};

use rrm::engine::{Budget, EngineError, Finish, Request};

use crate::{complete, engine, request};

const PROMPT: &str = "Question: what is 2 + 2?\nAssistant 1: It is 4.\nAssistant 2: It is 5.\nThink step by step about each word of both \
                      answers, then say which assistant is better.";

fn budget() -> Budget {
    Budget {
        max_thinking_tokens: 3,
        elicit: "\n</think>\n\nThe better answer is \\boxed{Assistant ".to_owned(),
        elicit_answer: "\n\nThe better answer is \\boxed{Assistant ".to_owned(),
        open: "<think>".to_owned(),
        close: "</think>".to_owned(),
        opened_by_template: false,
        max_verdict_tokens: 8,
        stop: vec!["}".to_owned()],
        verdicts: ["\\boxed{Assistant 1}", "\\boxed{Assistant 2}"].map(str::to_owned).to_vec(),
        stop_at_verdict: false,
    }
}

#[test]
fn a_cut_is_followed_by_the_elicitation_and_a_verdict() {
    let Some(engine) = engine() else { return };
    for seed in 0..5 {
        let seen = Arc::new(Mutex::new(String::new()));
        let sink = seen.clone();
        let mut cut = request(PROMPT, if seed == 0 { 0.0 } else { 0.7 }, seed, 1000);
        cut.budget = Some(budget());
        cut.sink = Some(Arc::new(move |piece: &str| sink.lock().unwrap().push_str(piece)));
        let completion = complete(engine, cut).unwrap();
        assert!(completion.elicited);
        assert_eq!(completion.finish, Finish::Stop);
        let (thinking, verdict) = completion.text.split_once(&budget().elicit_answer).unwrap();
        assert!(!thinking.is_empty(), "{:?}", completion.text);
        assert_eq!(verdict.find('}'), Some(verdict.len() - 1), "{verdict:?}");
        // What a small model puts into the box when it is free to is its own affair.
        assert!(seed > 0 || verdict.starts_with(['1', '2']), "{verdict:?}");
        assert!((4..=11).contains(&completion.usage.completion_tokens));
        assert_eq!(*seen.lock().unwrap(), completion.text);
    }
}

#[test]
fn open_thinking_is_closed_by_the_elicitation() {
    let Some(engine) = engine() else { return };
    let mut cut = request(PROMPT, 0.0, 0, 1000);
    cut.budget = Some(Budget { opened_by_template: true, ..budget() });
    let completion = complete(engine, cut).unwrap();
    assert!(completion.text.contains(&budget().elicit), "{:?}", completion.text);
}

#[test]
fn the_token_limit_cuts_before_a_larger_budget() {
    let Some(engine) = engine() else { return };
    let mut cut = request(PROMPT, 0.0, 0, 2);
    cut.budget = Some(Budget { max_thinking_tokens: 500, ..budget() });
    let completion = complete(engine, cut).unwrap();
    assert!(completion.elicited && completion.usage.completion_tokens <= 10);
}

#[test]
fn a_completion_that_ends_by_itself_is_touched_only_without_a_verdict() {
    let Some(engine) = engine() else { return };
    let free = request("What is the capital of France? Answer in one sentence.", 0.0, 0, 60);
    let written = complete(engine, free.clone()).unwrap();
    assert!(written.text.contains("Paris"), "{:?}", written.text);
    let within = |verdicts: &str| {
        let budget = Budget { max_thinking_tokens: 60, verdicts: vec![verdicts.to_owned()], ..budget() };
        complete(engine, Request { budget: Some(budget), ..free.clone() }).unwrap()
    };
    assert_eq!(within("Paris"), written);
    let asked = within("Lyon");
    assert!(asked.elicited && asked.text.starts_with(&(written.text + &budget().elicit_answer)), "{:?}", asked.text);
}

#[test]
fn a_verdict_that_does_not_end_is_a_truncation() {
    let Some(engine) = engine() else { return };
    let mut endless = request(PROMPT, 0.0, 0, 1000);
    endless.budget = Some(Budget { max_verdict_tokens: 2, stop: vec!["never to be seen".to_owned()], ..budget() });
    let completion = complete(engine, endless).unwrap();
    assert!(completion.elicited);
    assert_eq!((completion.finish, completion.usage.completion_tokens), (Finish::Length, 5));
}

#[test]
fn a_budget_that_cannot_fit_is_refused_before_anything_is_written() {
    let Some(engine) = engine() else { return };
    let mut huge = request(PROMPT, 0.0, 0, 1_000_000);
    huge.budget = Some(Budget { max_thinking_tokens: 1_000_000, ..budget() });
    assert!(matches!(complete(engine, huge), Err(EngineError::TooLong { tokens: 1_000_001.., .. })));
}
