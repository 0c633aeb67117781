//! Thinking budgets over HTTP, with servers that continue a text in each of the known ways, or not at all.

use rrm::engine::{
    Budget, Completion, Engine, EngineError, Finish, Request,
    http::{Continuation, HttpConfig, connect},
};

use crate::{
    faulty_server::{
        FaultyServer, mixed,
        model::{Continues, Said},
        well,
    },
    http::{config, engine, request, watched},
};

const WAYS: [Continues; 5] =
    [Continues::Flags, Continues::Trailing, Continues::Template, Continues::Tokens, Continues::Truncated];

/// A request that is cut after `tokens` of thinking.
fn budgeted(item: usize, tokens: u32) -> Request {
    let budget = Budget {
        max_thinking_tokens: tokens,
        elicit: "\n</think>\n\nThe better one is \\boxed{".to_owned(),
        elicit_answer: "\n\nThe better one is \\boxed{".to_owned(),
        open: "<think>".to_owned(),
        close: "</think>".to_owned(),
        opened_by_template: false,
        max_verdict_tokens: 8,
        stop: vec!["}".to_owned()],
        verdicts: ["\\boxed{Assistant 1}", "\\boxed{Assistant 2}"].map(str::to_owned).to_vec(),
        stop_at_verdict: false,
    };
    Request { budget: Some(budget), ..request(item) }
}

/// Checks a cut completion against what the same judge says without a budget.
fn check(cut: &Completion, whole: &Completion, tokens: u64) {
    assert!(cut.elicited);
    assert_eq!(cut.finish, Finish::Stop);
    let (thinking, verdict) = cut.text.split_once("\n</think>\n\nThe better one is ").unwrap();
    assert!(whole.text.starts_with(thinking), "{thinking}");
    assert!(whole.text.ends_with(verdict), "{verdict} of {}", whole.text);
    assert!(cut.usage.prompt_tokens > 2 * whole.usage.prompt_tokens, "the prompt is sent, and billed, twice");
    assert_eq!(cut.usage.completion_tokens, tokens + 2, "thinking and two words of verdict");
}

#[tokio::test]
async fn thinking_is_cut_and_a_verdict_follows_by_every_way() {
    for continues in WAYS {
        let (_server, engine) = engine(Said { continues, ..Said::default() }, well()).await;
        assert!(engine.info().budget, "{continues:?}");
        for item in 0..10 {
            let whole = engine.complete(request(item)).await.unwrap();
            check(&engine.complete(budgeted(item, 5)).await.unwrap(), &whole, 5);
            let untouched = engine.complete(budgeted(item, 90)).await.unwrap();
            assert_eq!(untouched, whole, "who ends before the budget is left alone");
        }
    }
}

#[tokio::test]
async fn the_stop_string_is_at_the_end_however_the_server_treats_it() {
    for (names_stop, keeps_stop) in [(true, false), (false, true), (true, true)] {
        let (_server, engine) = engine(Said { names_stop, keeps_stop, ..Said::default() }, well()).await;
        let whole = engine.complete(request(4)).await.unwrap();
        check(&engine.complete(budgeted(4, 5)).await.unwrap(), &whole, 5);
    }
}

#[tokio::test]
async fn a_verdict_that_does_not_fit_is_a_truncation() {
    let (_server, engine) = engine(Said::default(), well()).await;
    let mut request = budgeted(1, 5);
    request.budget.as_mut().unwrap().max_verdict_tokens = 1;
    let cut = engine.complete(request).await.unwrap();
    assert_eq!((cut.finish, cut.elicited), (Finish::Length, true));
}

#[tokio::test]
async fn moved_thinking_is_put_back_before_the_elicitation() {
    for continues in WAYS {
        let (_server, engine) = engine(Said { continues, reasoning: Some("reasoning_content"), ..Said::default() }, well()).await;
        let whole = engine.complete(request(2)).await.unwrap();
        let cut = engine.complete(budgeted(2, 5)).await.unwrap();
        assert_eq!(cut.reasoning, None);
        let thinking = cut.text.strip_prefix("<think>").unwrap().split("\n</think>").next().unwrap();
        assert!(whole.reasoning.unwrap().starts_with(thinking), "{continues:?}: {thinking}");
        assert!(whole.text.ends_with(cut.text.rsplit("is ").next().unwrap()), "{continues:?}: {}", cut.text);
    }
}

#[tokio::test]
async fn closed_thinking_is_elicited_as_an_answer() {
    let (_server, engine) = engine(Said::default(), well()).await;
    let whole = engine.complete(request(1)).await.unwrap();
    let closed_at = whole.text.split("</think>").next().unwrap().split_whitespace().count() as u32;
    let cut = engine.complete(budgeted(1, closed_at + 2)).await.unwrap();
    assert_eq!(cut.text.matches("</think>").count(), 1, "{}", cut.text);
    assert!(cut.text.contains("\n\nThe better one is \\boxed{"));
}

#[tokio::test]
async fn a_server_that_begins_a_new_turn_is_recognised() {
    let (_server, engine) = engine(Said { continues: Continues::Never, ..Said::default() }, well()).await;
    assert!(!engine.info().budget);
    assert_eq!(engine.continues_by(), None);
    let error = engine.complete(budgeted(1, 5)).await.unwrap_err();
    assert!(matches!(error, EngineError::Unsupported { .. }) && error.is_fatal(), "{error}");
    assert!(engine.complete(request(1)).await.is_ok(), "without a budget all is well");
}

#[tokio::test]
async fn a_template_that_drops_thinking_is_recognised() {
    for (continues, able) in [(Continues::Flags, false), (Continues::Truncated, false), (Continues::Tokens, true)] {
        let (_server, engine) = engine(Said { continues, drops_thinking: true, ..Said::default() }, well()).await;
        assert_eq!(engine.info().budget, able, "{continues:?}");
    }
}

#[tokio::test]
async fn only_the_allowed_ways_are_tried() {
    let cases = [
        (Continues::Flags, Continuation::Message, true),
        (Continues::Flags, Continuation::Completion, false),
        (Continues::Flags, Continuation::None, false),
        (Continues::Tokens, Continuation::Completion, true),
        (Continues::Tokens, Continuation::Message, false),
    ];
    for (continues, continuation, able) in cases {
        let server = FaultyServer::start(Said { continues, ..Said::default() }, well());
        let engine = connect(HttpConfig { continuation, ..config(&[&server]) }).await.unwrap();
        assert_eq!(engine.info().budget, able, "{continues:?} {continuation:?}");
    }
}

#[tokio::test]
async fn streaming_a_budget_equals_not_streaming() {
    for continues in WAYS {
        let (_server, engine) = engine(Said { continues, ..Said::default() }, well()).await;
        let whole = engine.complete(budgeted(6, 5)).await.unwrap();
        let (request, told) = watched(budgeted(6, 5));
        assert_eq!(engine.complete(request).await.unwrap(), whole, "{continues:?}");
        assert_eq!(*told.lock().unwrap(), whole.text, "{continues:?}");
    }
}

#[tokio::test]
async fn faults_change_nothing_under_a_budget() {
    let (_sound, reference) = engine(Said::default(), well()).await;
    let server = FaultyServer::start(Said::default(), mixed());
    let faulty = connect(HttpConfig { timeout: 1.0, ..config(&[&server]) }).await.unwrap();
    let all = |engine| futures::future::join_all((0..60).map(move |item| Engine::complete(engine, budgeted(item, 5))));
    let (expected, got) = futures::future::join(all(&reference), all(&faulty)).await;
    for (expected, got) in expected.into_iter().zip(got) {
        assert_eq!(got.unwrap(), expected.unwrap());
    }
}
