//! The HTTP engine against servers that fail: every request is answered exactly once or gives its error, and no fault makes a
//! wrong answer count.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, future::join_all, stream};
use rrm::engine::{
    Completion, Engine, EngineError,
    http::{Continuation, HttpConfig, HttpEngine, connect},
};

use crate::{
    faulty_server::{
        Fault, FaultyServer, Plan, mixed,
        model::{Said, hash},
        well,
    },
    http::{config, engine, request, watched},
};

/// When a test that waits for something has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Every request gets `fault`, however often it is tried.
fn always(fault: Fault) -> Plan {
    Arc::new(move |_, _| fault)
}

/// The first try of each request gets `fault`.
fn once(fault: Fault) -> Plan {
    Arc::new(move |_, attempt| if attempt == 0 { fault } else { Fault::None })
}

/// An engine at a server that fails by `plan` once the engine has connected.
async fn connected(plan: Plan, change: impl FnOnce(HttpConfig) -> HttpConfig) -> (FaultyServer, HttpEngine) {
    let server = FaultyServer::start(Said::default(), well());
    let engine = connect(change(HttpConfig { continuation: Continuation::None, ..config(&[&server]) })).await.unwrap();
    server.set_plan(plan);
    (server, engine)
}

async fn answers(engine: &HttpEngine, items: usize, concurrency: usize) -> Vec<Completion> {
    let mut all: Vec<_> = stream::iter(0..items)
        .map(|item| async move { (item, engine.complete(request(item)).await.unwrap()) })
        .buffer_unordered(concurrency)
        .collect()
        .await;
    all.sort_by_key(|(item, _)| *item);
    all.into_iter().map(|(_, completion)| completion).collect()
}

#[tokio::test]
async fn every_request_is_answered_exactly_once_whatever_goes_wrong() {
    let (_sound, reference) = engine(Said::default(), well()).await;
    let expected = answers(&reference, 400, 64).await;
    // One after the other, waiting for hanging requests would take long.
    let in_turn: Plan = Arc::new(|request, attempt| match mixed()(request, attempt) {
        Fault::Hang => Fault::Close,
        fault => fault,
    });
    for (concurrency, plan) in [(1, in_turn), (256, mixed())] {
        let (server, engine) = connected(plan, |config| HttpConfig { timeout: 2.0, concurrency, ..config }).await;
        let probes = server.answers().len();
        assert_eq!(answers(&engine, 400, concurrency).await, expected, "concurrency {concurrency}");
        let counts = server.answers();
        assert_eq!(counts.len() - probes, 400);
        let stats = engine.stats();
        assert_eq!(stats.answered, counts.values().sum::<u64>(), "{stats:?}");
        assert!(stats.status_429 > 0 && stats.status_5xx > 0 && stats.unreadable > 0 && stats.disconnects > 0);
        assert!(stats.timeouts > 0 || concurrency == 1);
    }
}

#[tokio::test]
async fn connecting_survives_the_same_faults_and_learns_the_same() {
    let (_sound, reference) = engine(Said::default(), well()).await;
    let server = FaultyServer::start(Said::default(), mixed());
    let engine = connect(HttpConfig { timeout: 1.0, ..config(&[&server]) }).await.unwrap();
    assert_eq!(engine.info().fingerprint, reference.info().fingerprint);
    assert!(engine.info().budget && engine.info().seeds && engine.info().logprobs);
}

#[tokio::test]
async fn a_stream_that_breaks_is_told_once() {
    for fault in [Fault::HalfABody, Fault::ShortBody, Fault::ErrorInside, Fault::Garbage, Fault::Close] {
        let (_server, engine) = connected(once(fault), |config| config).await;
        let (request, told) = watched(request(3));
        let completion = engine.complete(request).await.unwrap();
        assert_eq!(*told.lock().unwrap(), completion.text, "{fault:?}");
        assert_eq!(engine.stats().retries, 1);
    }
}

#[tokio::test]
async fn what_never_passes_ends_in_its_own_error() {
    type Expected = fn(&EngineError) -> bool;
    let cases: [(Fault, Expected); 9] = [
        (Fault::Garbage, |error| matches!(error, EngineError::BadReply { .. })),
        (Fault::WrongTypes, |error| matches!(error, EngineError::BadReply { .. })),
        (Fault::NoChoices, |error| matches!(error, EngineError::BadReply { .. })),
        (Fault::HalfABody, |error| matches!(error, EngineError::BadReply { .. })),
        (Fault::ShortBody, |error| matches!(error, EngineError::BadReply { .. })),
        (Fault::Close, |error| matches!(error, EngineError::BadReply { .. })),
        (Fault::Status(500), |error| matches!(error, EngineError::Status { status: 500, .. })),
        (
            Fault::ErrorInside,
            |error| matches!(error, EngineError::Status { status: 502, detail, .. } if detail == "the worker died"),
        ),
        (Fault::Hang, |error| matches!(error, EngineError::TimedOut { .. })),
    ];
    for (fault, expected) in cases {
        let timeout = if fault == Fault::Hang { 0.3 } else { 5.0 };
        let (server, engine) = connected(well(), |config| HttpConfig { max_retries: 2, timeout, ..config }).await;
        server.set_plan(always(fault));
        let before = server.requests();
        let error = engine.complete(request(1)).await.unwrap_err();
        assert!(expected(&error), "{fault:?}: {error}");
        assert!(!error.is_fatal(), "one bad request does not stop a run: {error}");
        let tries = if fault == Fault::Hang { 2 } else { 3 };
        assert_eq!(server.requests() - before, tries, "{fault:?}: what timed out is tried once more");
        assert!(error.to_string().len() < 400, "{error}");
    }
}

#[tokio::test]
async fn what_will_not_change_is_not_tried_again() {
    for status in [400, 401, 403, 404, 422, 501] {
        let (server, engine) = connected(always(Fault::Status(status)), |config| config).await;
        let before = server.requests();
        let error = engine.complete(request(1)).await.unwrap_err();
        assert_eq!(server.requests() - before, 1, "{error}");
        assert_eq!(matches!(error, EngineError::Unauthorized { .. }), matches!(status, 401 | 403), "{error}");
    }
}

#[tokio::test]
async fn retry_after_is_kept() {
    let (_server, engine) = connected(once(Fault::TooMany("0.3")), |config| config).await;
    let start = Instant::now();
    engine.complete(request(1)).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
    assert_eq!(engine.stats().status_429, 1);
    let (server, engine) = connected(always(Fault::TooMany("3600")), |config| config).await;
    let before = server.requests();
    let error = engine.complete(request(1)).await.unwrap_err();
    assert!(matches!(error, EngineError::Status { status: 429, .. }), "{error}");
    assert_eq!(server.requests() - before, 1, "an hour is not waited for, nor ignored");
    assert!(engine.complete(request(2)).await.is_err());
    assert_eq!(server.requests() - before, 1, "and other requests do not ask in between");
}

#[tokio::test]
async fn a_busy_replica_leaves_the_work_to_the_other() {
    let (busy, free) = (FaultyServer::start(Said::default(), well()), FaultyServer::start(Said::default(), well()));
    let engine = connect(HttpConfig { continuation: Continuation::None, ..config(&[&busy, &free]) }).await.unwrap();
    busy.set_plan(always(Fault::TooMany("4")));
    let start = Instant::now();
    answers(&engine, 50, 10).await;
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[tokio::test]
async fn replicas_share_the_work_and_stand_in_for_each_other() {
    let servers = [(); 3].map(|()| FaultyServer::start(Said::default(), always(Fault::Late(2))));
    let [a, b, c] = &servers;
    let engine = connect(HttpConfig { continuation: Continuation::None, ..config(&[a, b, c]) }).await.unwrap();
    answers(&engine, 90, 30).await;
    for server in &servers {
        assert!(server.requests() >= 20, "{} of about 30", server.requests());
    }
    let [a, b, c] = servers;
    drop(a);
    drop(b);
    assert_eq!(answers(&engine, 90, 30).await.len(), 90);
    drop(c);
    // The threads of the dropped servers may take a moment to close their sockets; then nobody is there any more.
    let unreachable = async {
        loop {
            match engine.complete(request(1)).await {
                Err(error @ EngineError::Unreachable { .. }) => break error,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    let error = tokio::time::timeout(PATIENCE, unreachable).await.unwrap();
    assert!(error.is_fatal(), "{error}");
}

#[tokio::test]
async fn one_failing_replica_does_not_make_the_other_unreachable() {
    let server = FaultyServer::start(Said::default(), well());
    let gone = FaultyServer::start(Said::default(), well()).url.clone();
    let mut config = HttpConfig { max_retries: 0, continuation: Continuation::None, ..config(&[&server]) };
    config.urls.insert(0, gone);
    let engine = connect(config.clone()).await.unwrap();
    assert_eq!(answers(&engine, 20, 4).await.len(), 20, "a refused connection costs no retry while another replica is untried");
    server.set_plan(always(Fault::Status(500)));
    let error = engine.complete(request(1)).await.unwrap_err();
    assert!(matches!(error, EngineError::Status { status: 500, .. }), "{error}");
    drop(server);
    let error = connect(config).await.err().unwrap();
    assert!(matches!(error, EngineError::Unreachable { .. } | EngineError::BadReply { .. }), "{error}");
}

#[tokio::test]
async fn a_dropped_future_closes_its_connection() {
    let (server, engine) = connected(always(Fault::Hang), |config| config).await;
    let mut waiting: Vec<_> = (0..8).map(|item| engine.complete(request(item))).collect();
    let all = join_all(waiting.iter_mut());
    let arrived = async {
        while server.in_flight() < 8 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = all => panic!("nothing is answered"),
        () = arrived => {}
    }
    assert_eq!(server.abandoned(), 0);
    drop(waiting);
    let abandoned = async {
        // A connection counts as abandoned a moment before it is no longer in flight.
        while server.abandoned() < 8 || server.in_flight() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, abandoned).await.unwrap();
    assert_eq!(engine.stats().cancelled, 8);
}

#[tokio::test]
async fn too_long_is_told_with_its_numbers() {
    let body = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.";
    let error = refused_with(body).await;
    assert!(matches!(error, EngineError::TooLong { tokens: 5000, limit: 4096, .. }), "{error}");
    let error = refused_with("temperature must be at most 2").await;
    assert!(matches!(error, EngineError::Status { status: 400, .. }), "{error}");
}

/// The error for a request that an axum server, as many are, refuses with these words.
async fn refused_with(words: &'static str) -> EngineError {
    use axum::{Json, Router, http::StatusCode, routing::post};
    let refuse = move || async move { (StatusCode::BAD_REQUEST, Json(serde_json::json!({"error": {"message": words}}))) };
    let app = Router::new().route("/v1/chat/completions", post(refuse));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let config = HttpConfig { urls: vec![url], model: Some("judge".to_owned()), ..HttpConfig::default() };
    connect(config).await.err().unwrap()
}

#[test]
fn the_plan_is_the_same_every_time() {
    let (one, other) = (mixed(), mixed());
    let requests = (0..100_u64).map(|n| hash(&n.to_le_bytes()));
    assert!(requests.flat_map(|request| [0, 1, 2].map(|attempt| (request, attempt))).all(|(r, a)| one(r, a) == other(r, a)));
}
