//! Who a server is: remembered by the store, made sure of before the first completion, refused where it is somebody else.

use std::{path::Path, sync::atomic::Ordering::SeqCst};

use rrm::{
    engine::{
        Engine, EngineError,
        http::{Continuation, HttpConfig, HttpEngine, IdentityMemory, MismatchPolicy, connect_remembered},
    },
    store::Identities,
};
use serde_json::{Value, json};

use crate::{
    faulty_server::{Fault, FaultyServer, model::Said, well},
    http::{config, request},
};

fn server(weights: u64, states: Value) -> FaultyServer {
    let said = Said { states, ..Said::default() };
    said.weights.store(weights, SeqCst);
    FaultyServer::start(said, well())
}

/// What vLLM lists of a model.
fn vllm(length: u64) -> Value {
    json!({"owned_by": "vllm", "root": "/models/judge", "parent": null, "max_model_len": length})
}

/// What llama.cpp's server lists of one.
fn llama(context: u64, size: u64) -> Value {
    let meta = json!({"vocab_type": 2, "n_vocab": 49152, "n_ctx": context, "n_ctx_train": 8192, "n_embd": 576, "n_params": 134_515_008, "size": size});
    json!({"owned_by": "llamacpp", "meta": meta})
}

fn named(servers: &[&FaultyServer]) -> HttpConfig {
    HttpConfig { model: Some("judge".to_owned()), max_retries: 1, continuation: Continuation::None, ..config(servers) }
}

async fn connected(config: HttpConfig, store: &Path, otherwise: MismatchPolicy) -> Result<HttpEngine, EngineError> {
    connect_remembered(config, IdentityMemory { identities: Identities::at(store), otherwise }).await
}

/// An engine that was asked for one completion.
async fn used(config: HttpConfig, store: &Path) -> Result<HttpEngine, EngineError> {
    let engine = connected(config, store, MismatchPolicy::Stop).await?;
    engine.complete(request(1)).await?;
    Ok(engine)
}

fn store() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    (folder, path)
}

#[tokio::test]
async fn who_is_remembered_is_asked_nothing_until_something_is_paid() {
    let (_folder, store) = store();
    let server = server(1, vllm(4096));
    let first = used(named(&[&server]), &store).await.unwrap();
    let (asked, listed) = (server.requests(), server.said().counter.load(SeqCst));
    let again = connected(named(&[&server]), &store, MismatchPolicy::Stop).await.unwrap();
    assert_eq!((server.requests(), server.said().counter.load(SeqCst)), (asked, listed), "nobody was asked");
    assert_eq!((again.info(), again.opening(), again.notes()), (first.info(), first.opening(), first.notes()));
    assert!(first.unasked().is_none() && again.unasked().is_some());
    futures::future::join_all((0..20).map(|item| again.complete(request(item))))
        .await
        .into_iter()
        .for_each(|done| drop(done.unwrap()));
    assert!(again.unasked().is_none());
    let continued = connected(HttpConfig { model: None, ..named(&[&server]) }, &store, MismatchPolicy::Stop).await.unwrap();
    assert!(continued.unasked().is_some(), "only the models were asked for");
    // With a name nobody has to be there.
    let config = named(&[&server]);
    drop(server);
    let gone = connected(config, &store, MismatchPolicy::Stop).await.unwrap();
    assert_eq!(gone.info(), first.info());
    assert!(matches!(gone.complete(request(1)).await, Err(EngineError::Unreachable { .. })));
}

#[tokio::test]
async fn sizes_of_contexts_paths_owners_and_ports_are_no_identity() {
    let others = [
        (vllm(4096), vllm(2048)),
        (vllm(4096), json!({"owned_by": "me", "root": "/elsewhere/judge", "max_model_len": 512})),
        (llama(4096, 98), llama(8192, 98)),
        (llama(4096, 98), json!({"owned_by": "gateway"})),
    ];
    for (before, after) in others {
        let (_folder, store) = store();
        let first = used(named(&[&server(1, before.clone())]), &store).await.unwrap();
        let restarted = server(1, after.clone());
        for config in [named(&[&restarted]), HttpConfig { model: None, ..named(&[&restarted]) }] {
            let again = used(config, &store).await.unwrap();
            assert_eq!(again.info().fingerprint, first.info().fingerprint, "{before} and {after}");
        }
    }
    // Also where nothing is remembered: shards have stores of their own.
    let (_one, one) = store();
    let (_two, two) = store();
    let here = used(named(&[&server(1, vllm(4096))]), &one).await.unwrap();
    let there = used(named(&[&server(1, json!({"owned_by": "vllm", "root": "/scratch/7/judge"}))]), &two).await.unwrap();
    assert_eq!(here.info().fingerprint, there.info().fingerprint);
}

#[tokio::test]
async fn other_weights_under_the_same_name_are_refused_before_anything_is_paid() {
    for states in [vllm(4096), llama(4096, 98)] {
        let (_folder, store) = store();
        let server = server(1, states);
        used(named(&[&server]), &store).await.unwrap();
        server.said().weights.store(2, SeqCst);
        let engine = connected(named(&[&server]), &store, MismatchPolicy::Stop).await.unwrap();
        let asked = server.requests();
        let all = futures::future::join_all((0..20).map(|item| engine.complete(request(item)))).await;
        for error in all.into_iter().map(Result::unwrap_err) {
            assert!(matches!(error, EngineError::OtherWeights { .. }) && error.is_fatal(), "{error}");
            let said = error.to_string();
            assert!(said.contains("remembers judge since 2") && said.contains("greedy answer"), "{said}");
        }
        assert_eq!(
            server.requests() - asked,
            10,
            "three at once, three one after the other, and one beside three longer ones, for all twenty"
        );
    }
    // Another server that calls its model so learns it at once, also from one that would only be read from the store.
    let (_folder, store) = store();
    used(named(&[&server(1, vllm(4096))]), &store).await.unwrap();
    let other = server(2, vllm(4096));
    let error = connected(named(&[&other]), &store, MismatchPolicy::Stop).await.err().unwrap();
    assert!(matches!(error, EngineError::OtherWeights { .. }), "{error}");
    // The same answers, and another file: what is stated counts.
    let (_folder, store) = self::store();
    used(named(&[&server(1, llama(4096, 98))]), &store).await.unwrap();
    let error = used(named(&[&server(1, llama(4096, 140))]), &store).await.err().unwrap().to_string();
    assert!(error.contains("it states meta.size 140, and stated 98"), "{error}");
}

#[tokio::test]
async fn both_ways_on_are_remembered() {
    let (_folder, store) = store();
    let (one, two) = (server(1, vllm(4096)), server(2, vllm(4096)));
    let first = used(named(&[&one]), &store).await.unwrap().info().fingerprint.clone();
    let same = connected(named(&[&two]), &store, MismatchPolicy::SameWeights(None)).await.unwrap();
    assert_eq!(same.info().fingerprint, first);
    // Not before something is paid for, or a run ends well.
    assert!(used(named(&[&two]), &store).await.is_err());
    same.close().await.unwrap();
    assert!(same.notes().iter().any(|note| note.contains("--same-weights")), "{:?}", same.notes());
    for server in [&one, &two] {
        assert_eq!(used(named(&[server]), &store).await.unwrap().info().fingerprint, first, "both answers are its own");
    }
    let three = server(3, vllm(4096));
    assert!(used(named(&[&three]), &store).await.is_err());
    let other = connected(named(&[&three]), &store, MismatchPolicy::OtherWeights).await.unwrap();
    assert_ne!(other.info().fingerprint, first);
    other.close().await.unwrap();
    assert!(other.notes().iter().any(|note| note.contains("asked anew")), "{:?}", other.notes());
    // From now on there are two of the name, and each is known by its answers.
    assert_eq!(used(named(&[&one]), &store).await.unwrap().info().fingerprint, first);
    assert_eq!(used(named(&[&three]), &store).await.unwrap().info().fingerprint, other.info().fingerprint);
    let four = server(4, vllm(4096));
    assert!(matches!(used(named(&[&four]), &store).await, Err(EngineError::OtherWeights { .. })));
    let error = connected(named(&[&four]), &store, MismatchPolicy::SameWeights(None)).await.err().unwrap().to_string();
    assert!(error.contains("--same-weights="), "which of the two: {error}");
    let none =
        connected(named(&[&four]), &store, MismatchPolicy::SameWeights(Some("none".to_owned()))).await.err().unwrap().to_string();
    assert!(none.contains("--same-weights="), "{none}");
    let none =
        connected(named(&[&one]), &store, MismatchPolicy::SameWeights(Some("none".to_owned()))).await.err().unwrap().to_string();
    assert!(none.contains("--same-weights=none: nothing of this model"), "{none}");
    let which = MismatchPolicy::SameWeights(Some(first[..8].to_owned()));
    assert_eq!(connected(named(&[&four]), &store, which).await.unwrap().info().fingerprint, first);
}

#[tokio::test]
async fn a_server_that_answers_otherwise_under_load_is_known_again() {
    let (_folder, store) = store();
    let server = server(1, llama(4096, 98));
    let first = used(named(&[&server]), &store).await.unwrap().info().fingerprint.clone();
    // All three at once are computed beside others; what comes later is not.
    server.said().load.store(3, SeqCst);
    assert_eq!(used(named(&[&server]), &store).await.unwrap().info().fingerprint, first);
    // The answers of that load are its own from now on.
    let asked = server.requests();
    server.said().load.store(3, SeqCst);
    used(named(&[&server]), &store).await.unwrap();
    assert_eq!(server.requests() - asked, 3 + 1, "nothing had to be asked again");
}

/// As vLLM does in bf16: idle it says one thing to the request, alone or three times at once, and at work another.
#[tokio::test]
async fn a_server_that_was_always_at_work_is_known_when_it_is_idle() {
    let (_folder, store) = store();
    let server = server(1, llama(4096, 98));
    server.said().load.store(1_000_000, SeqCst);
    let first = used(named(&[&server]), &store).await.unwrap().info().fingerprint.clone();
    server.said().idle.store(6, SeqCst);
    assert_eq!(used(named(&[&server]), &store).await.unwrap().info().fingerprint, first);
    assert_eq!(server.said().idle.load(SeqCst), 0, "three at once and three one after the other were answered otherwise");
}

#[tokio::test]
async fn answers_that_do_not_repeat_are_no_identity_and_that_is_said() {
    let (_folder, store) = store();
    let drifting = || FaultyServer::start(Said { drifts: true, states: vllm(4096), ..Said::default() }, well());
    let server = drifting();
    let first = used(named(&[&server]), &store).await.unwrap();
    assert!(first.notes()[0].contains("`revision`"), "{:?}", first.notes());
    let asked = server.requests();
    let again = used(named(&[&server]), &store).await.unwrap();
    assert_eq!((again.info(), again.notes()), (first.info(), first.notes()), "it is said again");
    assert_eq!(server.requests() - asked, 1, "nothing is asked that says nothing");
    let elsewhere = used(named(&[&drifting()]), &store).await.unwrap();
    assert_eq!(elsewhere.info().fingerprint, first.info().fingerprint);
}

#[tokio::test]
async fn one_replica_with_other_weights_is_enough() {
    let (_folder, store) = store();
    let (one, two) = (server(1, vllm(4096)), server(1, vllm(4096)));
    used(named(&[&one, &two]), &store).await.unwrap();
    used(named(&[&two]), &store).await.unwrap();
    let other = server(2, vllm(4096));
    let error = used(named(&[&one, &other]), &store).await.err().unwrap();
    assert!(matches!(error, EngineError::OtherWeights { .. }), "{error}");
}

#[tokio::test]
async fn a_gateway_gives_a_model_another_name() {
    let (_folder, store) = store();
    let first = used(named(&[&server(1, llama(4096, 98))]), &store).await.unwrap().info().fingerprint.clone();
    let behind = |weights: u64| {
        let said = Said { models: vec!["openai/judge"], states: json!({}), ..Said::default() };
        said.weights.store(weights, SeqCst);
        FaultyServer::start(said, well())
    };
    let gateway = behind(1);
    let config = HttpConfig { model: None, ..named(&[&gateway]) };
    let renamed = used(config.clone(), &store).await.unwrap();
    assert_eq!(renamed.info().fingerprint, first);
    assert!(renamed.notes().iter().any(|note| note.contains("answers as judge")), "{:?}", renamed.notes());
    let asked = gateway.requests();
    connected(HttpConfig { model: Some("openai/judge".to_owned()), ..config }, &store, MismatchPolicy::Stop).await.unwrap();
    assert_eq!(gateway.requests(), asked, "the name is remembered");
    // Another model whose name ends so is nobody's other weights.
    let (_folder, store) = self::store();
    used(named(&[&server(1, llama(4096, 98))]), &store).await.unwrap();
    let stranger = behind(2);
    let stranger = used(HttpConfig { model: None, ..named(&[&stranger]) }, &store).await.unwrap();
    assert_ne!(stranger.info().fingerprint, first);
}

#[tokio::test]
async fn who_is_named_by_a_revision_is_believed() {
    let (_folder, store) = store();
    let revision = |server: &FaultyServer, name: &str| HttpConfig { revision: Some(name.to_owned()), ..named(&[server]) };
    let (one, two) = (server(1, vllm(4096)), server(2, vllm(4096)));
    let first = used(revision(&one, "7"), &store).await.unwrap().info().fingerprint.clone();
    let asked = two.requests();
    assert_eq!(used(revision(&two, "7"), &store).await.unwrap().info().fingerprint, first);
    assert_eq!(two.requests() - asked, 1, "only the completion was asked for");
    assert_ne!(used(revision(&two, "8"), &store).await.unwrap().info().fingerprint, first);
    // And is another than one that nobody named.
    assert_ne!(used(named(&[&one]), &store).await.unwrap().info().fingerprint, first);
    assert!(matches!(used(named(&[&two]), &store).await, Err(EngineError::OtherWeights { .. })));
}

#[tokio::test]
async fn other_fields_are_another_identity() {
    let (_folder, store) = store();
    let server = server(1, vllm(4096));
    let first = used(named(&[&server]), &store).await.unwrap().info().fingerprint.clone();
    let mut short = named(&[&server]);
    short.fields.seed_bits = Some(31);
    let other = used(short.clone(), &store).await.unwrap().info().fingerprint.clone();
    assert_ne!(other, first);
    assert_eq!(used(short, &store).await.unwrap().info().fingerprint, other);
}

#[tokio::test]
async fn a_server_that_fails_when_it_is_asked_who_it_is_is_asked_once() {
    let (_folder, store) = store();
    let server = server(1, vllm(4096));
    used(named(&[&server]), &store).await.unwrap();
    let engine = connected(named(&[&server]), &store, MismatchPolicy::Stop).await.unwrap();
    server.set_plan(std::sync::Arc::new(|_, _| Fault::Status(500)));
    let asked = server.requests();
    let all = futures::future::join_all((0..20).map(|item| engine.complete(request(item)))).await;
    for error in all.into_iter().map(Result::unwrap_err) {
        assert!(matches!(error, EngineError::Unconfirmed { .. }) && error.is_fatal(), "{error}");
    }
    assert!(server.requests() - asked <= 6, "{} requests", server.requests() - asked);
}
