//! The HTTP engine against a server that works: what it learns when connecting, and what a completion is made of.

use std::sync::{Arc, Mutex, atomic::Ordering::SeqCst};

use rrm::{
    chat::Message,
    engine::{
        Engine, EngineError, Finish, Request, Sampling,
        http::{Continuation, HttpConfig, HttpEngine, connect},
    },
};

use crate::faulty_server::{FaultyServer, Plan, model::Said, well};

/// A configuration for these servers with back-offs too short to notice.
pub fn config(servers: &[&FaultyServer]) -> HttpConfig {
    let urls = servers.iter().map(|server| server.url.clone()).collect();
    HttpConfig { urls, backoff: 0.001, timeout: 5.0, ..HttpConfig::default() }
}

/// A request about `item`; requests about different items differ.
pub fn request(item: usize) -> Request {
    Request {
        messages: [Message::user(format!("Which one is better? Item {item}."))].into(),
        sampling: Sampling { max_tokens: 100, ..Sampling::default() },
        seed: item as u64,
        budget: None,
        comparison: None,
        labels: None,
        sink: None,
    }
}

/// An engine at a new server.
pub async fn engine(said: Said, plan: Plan) -> (FaultyServer, HttpEngine) {
    let server = FaultyServer::start(said, plan);
    let engine = connect(config(&[&server])).await.unwrap();
    (server, engine)
}

/// `request` with a sink, and what the sink was told.
pub fn watched(mut request: Request) -> (Request, Arc<Mutex<String>>) {
    let told = Arc::new(Mutex::new(String::new()));
    let sink = told.clone();
    request.sink = Some(Arc::new(move |text: &str| sink.lock().unwrap().push_str(text)));
    (request, told)
}

#[tokio::test]
async fn connecting_learns_what_is_there() {
    let (server, engine) = engine(Said::default(), well()).await;
    let info = engine.info();
    assert_eq!(info.name, format!("judge at {}", server.url));
    assert_eq!((info.seeds, info.logprobs, info.budget, info.paid), (true, true, true, true));
    assert!(engine.notes().is_empty(), "{:?}", engine.notes());
    let said =
        Said { logprobs: false, continues: crate::faulty_server::model::Continues::Never, drifts: true, ..Said::default() };
    let (_server, engine) = self::engine(said, well()).await;
    let info = engine.info();
    assert_eq!((info.seeds, info.logprobs, info.budget), (false, false, false));
}

#[tokio::test]
async fn who_opens_the_thinking_is_learned_from_the_prompt_or_from_a_reply() {
    use crate::faulty_server::model::Continues;
    use rrm::engine::Opening;

    for continues in [Continues::Template, Continues::Tokens, Continues::Flags, Continues::Never] {
        for (opens, expected) in [(true, Opening::Template), (false, Opening::Model)] {
            let (_server, engine) = engine(Said { opens, continues, ..Said::default() }, well()).await;
            assert_eq!(engine.opening(), expected, "{continues:?}");
            assert_eq!(engine.notes().iter().any(|note| note.contains("opened_by_template")), opens, "{:?}", engine.notes());
        }
    }
    // What the server moves away it knows the beginning of.
    let (_server, engine) = engine(Said { opens: true, reasoning: Some("reasoning"), ..Said::default() }, well()).await;
    assert_eq!(engine.opening(), Opening::Model);
}

#[tokio::test]
async fn a_completion_has_text_end_and_usage() {
    let (_server, engine) = engine(Said::default(), well()).await;
    let done = engine.complete(request(1)).await.unwrap();
    assert!(done.text.starts_with("<think> ") && done.text.ends_with('}'), "{}", done.text);
    assert_eq!((done.finish, done.elicited, done.reasoning.clone()), (Finish::Stop, false, None));
    assert!(done.usage.prompt_tokens > 5 && done.usage.completion_tokens > 8, "{:?}", done.usage);
    let mut short = request(1);
    short.sampling.max_tokens = 3;
    let cut = engine.complete(short).await.unwrap();
    assert_eq!((cut.finish, cut.usage.completion_tokens), (Finish::Length, 3));
    assert!(done.text.starts_with(&cut.text));
    assert_eq!(engine.complete(request(1)).await.unwrap(), done, "the same request, the same answer");
    assert_ne!(engine.complete(request(2)).await.unwrap().text, done.text);
}

#[tokio::test]
async fn moved_thinking_is_kept_apart_and_missing_usage_is_zero() {
    for field in ["reasoning", "reasoning_content"] {
        let (_server, engine) = engine(Said { reasoning: Some(field), usage: false, ..Said::default() }, well()).await;
        let done = engine.complete(request(1)).await.unwrap();
        assert!(done.reasoning.is_some_and(|text| text.contains(" b")), "{field}");
        assert!(done.text.trim_start().starts_with("The better one"), "{}", done.text);
        assert_eq!(done.usage, rrm::engine::Usage::default());
    }
}

#[tokio::test]
async fn streaming_equals_not_streaming() {
    for reasoning in [None, Some("reasoning")] {
        let (_server, engine) = engine(Said { reasoning, ..Said::default() }, well()).await;
        for item in 0..20 {
            let whole = engine.complete(request(item)).await.unwrap();
            let (request, told) = watched(request(item));
            let streamed = engine.complete(request).await.unwrap();
            assert_eq!(streamed, whole);
            let thinking = whole.reasoning.unwrap_or_default();
            assert_eq!(*told.lock().unwrap(), thinking + &whole.text);
        }
    }
}

#[tokio::test]
async fn the_fingerprint_follows_the_weights_and_nothing_else() {
    let first = FaultyServer::start(Said::default(), well());
    let fingerprint = |config: HttpConfig| async { connect(config).await.unwrap().info().fingerprint.clone() };
    let before = fingerprint(config(&[&first])).await;
    assert_eq!(before, fingerprint(config(&[&first])).await, "`created` has changed, the model has not");
    let second = FaultyServer::start(Said::default(), well());
    assert_eq!(before, fingerprint(config(&[&second, &first])).await, "another port, more replicas");
    let with_v1 = HttpConfig { urls: vec![format!("{}/v1/", first.url)], ..config(&[]) };
    assert_eq!(before, fingerprint(with_v1).await);
    let fixed = HttpConfig { revision: Some("step-100".to_owned()), ..config(&[&second]) };
    let named = fingerprint(fixed.clone()).await;
    let retrained = Said::default();
    retrained.weights.store(2, SeqCst);
    let third = FaultyServer::start(retrained, well());
    assert_ne!(before, fingerprint(config(&[&third])).await, "retrained behind the same name");
    assert_eq!(
        named,
        fingerprint(HttpConfig { urls: vec![third.url.clone()], ..fixed.clone() }).await,
        "who names it is believed"
    );
    let other = HttpConfig { revision: Some("step-200".to_owned()), ..fixed };
    assert_ne!(named, fingerprint(other).await);
}

#[tokio::test]
async fn a_server_that_drifts_is_found_again_and_said_to_drift() {
    let (server, engine) = engine(Said { drifts: true, ..Said::default() }, well()).await;
    assert!(engine.notes()[0].contains("revision"), "{:?}", engine.notes());
    let again = connect(config(&[&server])).await.unwrap();
    assert_eq!(engine.info().fingerprint, again.info().fingerprint);
    let revision = HttpConfig { revision: Some("1".to_owned()), ..config(&[&server]) };
    assert!(connect(revision).await.unwrap().notes().is_empty());
}

#[tokio::test]
async fn replicas_with_different_weights_are_noticed() {
    let said = Said::default();
    said.weights.store(2, SeqCst);
    let (one, other) = (FaultyServer::start(Said::default(), well()), FaultyServer::start(said, well()));
    let engine = connect(config(&[&one, &other])).await.unwrap();
    assert!(!engine.notes().is_empty(), "the same request must go to both");
}

#[tokio::test]
async fn the_model_is_the_only_one_or_has_to_be_named() {
    let said = || Said { models: vec!["judge", "writer"], ..Said::default() };
    let server = FaultyServer::start(said(), well());
    let error = connect(config(&[&server])).await.err().unwrap().to_string();
    assert!(error.contains("judge, writer"), "{error}");
    let named = |model: &str| HttpConfig { model: Some(model.to_owned()), ..config(&[&server]) };
    assert_eq!(connect(named("writer")).await.unwrap().model(), "writer");
    let error = connect(named("poet")).await.err().unwrap();
    assert!(matches!(error, EngineError::Status { status: 404, .. }), "{error}");
    let silent = FaultyServer::start(Said { models: Vec::new(), ..Said::default() }, well());
    let error = connect(config(&[&silent])).await.err().unwrap().to_string();
    assert!(error.contains("name the one to use"), "{error}");
}

#[tokio::test]
async fn the_key_is_sent_and_never_shown() {
    let server = FaultyServer::with_key(Said::default(), well(), Some("sk-right"));
    let with = |key: &str| HttpConfig { api_key: Some(key.to_owned()), ..config(&[&server]) };
    let engine = connect(with("sk-right\n")).await.unwrap();
    assert!(engine.complete(request(1)).await.is_ok());
    for model in [None, Some("judge".to_owned())] {
        let wrong = HttpConfig { model, ..with("sk-wrong") };
        let error = connect(wrong.clone()).await.err().unwrap();
        assert!(matches!(error, EngineError::Unauthorized { status: 401, .. }), "{error}");
        assert!(error.is_fatal());
        let shown = format!("{error} {error:?} {wrong:?}");
        assert!(!shown.contains("sk-wrong"), "{shown}");
    }
    let error = connect(with("sk-\u{1}")).await.err().unwrap().to_string();
    assert!(error.contains("key") && !error.contains("sk-"), "{error}");
}

#[tokio::test]
async fn no_more_than_the_allowed_number_is_in_flight() {
    let server = FaultyServer::start(Said::default(), Arc::new(|_, _| crate::faulty_server::Fault::Late(2)));
    let engine = connect(HttpConfig { concurrency: 7, continuation: Continuation::None, ..config(&[&server]) }).await.unwrap();
    let all = futures::future::join_all((0..60).map(|item| engine.complete(request(item)))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(server.most_in_flight(), 7);
}

#[tokio::test]
async fn statistics_count_what_was_spent() {
    let (_server, engine) = engine(Said::default(), well()).await;
    let before = engine.stats();
    assert!(before.requests >= 6, "the probes are counted: {before:?}");
    let mut usage = rrm::engine::Usage::default();
    for item in 0..5 {
        usage += engine.complete(request(item)).await.unwrap().usage;
    }
    let after = engine.stats();
    assert_eq!((after.requests - before.requests, after.answered - before.answered, after.retries), (5, 5, 0));
    assert_eq!(after.prompt_tokens - before.prompt_tokens, usage.prompt_tokens);
    assert_eq!(after.completion_tokens - before.completion_tokens, usage.completion_tokens);
    assert!(after.cached_prompt_tokens > before.cached_prompt_tokens);
}
