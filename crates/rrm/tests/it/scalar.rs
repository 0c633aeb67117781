//! Scalar reward models as judges, against a fake one on loopback.

use std::sync::Arc;

use rrm::{
    comparison::{Comparison, Prompt},
    engine::{EngineError, http::HttpConfig, scalar},
    format::Format,
    judge::{ComparisonId, Evidence, Judge, JudgeError, Order, Places},
    store::Store,
    vote::Decision,
};

use crate::fake_scorer::{FakeScorer, MODEL};

fn config(url: String) -> HttpConfig {
    HttpConfig { urls: vec![url], backoff: 0.001, timeout: 5.0, ..HttpConfig::default() }
}

async fn judge(url: String, store: Option<Store>) -> Judge {
    let engine = Arc::new(scalar::connect(config(url)).await.unwrap());
    let mut judge = Judge::new(engine, Format::shipped("rrm").unwrap());
    judge.store = store;
    judge.places = Arc::new(Places::new(8));
    judge
}

fn comparison(first: &str, second: &str) -> Comparison {
    Comparison { prompt: Arc::new(Prompt::text("Q")), first: first.into(), second: second.into(), label: None }
}

async fn decide(judge: &Judge, first: &str, second: &str) -> Result<rrm::judge::Judgment, JudgeError> {
    judge.judge(ComparisonId { item: "row", pair: (0, 1), order: Order::Given }, &comparison(first, second)).await
}

#[tokio::test]
async fn every_route_gives_the_same_verdicts() {
    for route in ["classify", "predict", "score", "rerank"] {
        let server = FakeScorer::start(&[route]);
        // Named or found.
        for url in [format!("{}/{route}", server.url), server.url.clone()] {
            let judge = judge(url, None).await;
            assert_eq!(judge.engine.info().name, format!("{MODEL} at {}", server.url));
            let judgment = decide(&judge, "score 2.5", "score 1.5").await.unwrap();
            let Evidence::Scores([a, b]) = &judgment.evidence else { panic!("{judgment:?}") };
            assert_eq!((judgment.decision, a.score, b.score), (Decision::A, 2.5, 1.5), "{route}");
            assert_eq!(decide(&judge, "score 1.5", "score 2.5").await.unwrap().decision, Decision::B);
            assert_eq!(decide(&judge, "score 2.5", "also 2.5").await.unwrap().decision, Decision::Tie);
        }
    }
}

#[tokio::test]
async fn a_response_is_scored_once_and_a_second_run_asks_for_nothing() {
    let server = FakeScorer::start(&["classify"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let texts = ["a 1", "b 2", "c 3", "d 4"];
    for _ in 0..2 {
        let judge = judge(server.url.clone(), Some(Store::open(&path).unwrap())).await;
        let all = texts.iter().flat_map(|a| texts.iter().map(move |b| (a, b))).filter(|(a, b)| a != b);
        // All twelve at once: whoever wants a score that is on its way waits for it.
        let judgments = futures::future::join_all(all.map(|(a, b)| decide(&judge, a, b))).await;
        assert!(judgments.into_iter().all(|judgment| judgment.is_ok()));
        let scored = server.scored();
        assert_eq!((scored.len(), scored.values().max()), (4, Some(&1)), "{scored:?}");
        judge.store.unwrap().close().await.unwrap();
    }
}

#[tokio::test]
async fn trouble_passes_or_is_an_error_of_its_row() {
    let server = FakeScorer::start(&["predict"]);
    let judge = judge(server.url.clone(), None).await;
    server.fail(&[503, 429, 500]);
    assert_eq!(decide(&judge, "1", "2").await.unwrap().decision, Decision::B);
    server.fail(&[413, 413]);
    let error = decide(&judge, "3", "4").await.unwrap_err();
    assert!(!error.is_fatal() && error.to_string().contains("status 413: as planned"), "{error}");
    // What failed was not kept.
    assert_eq!(decide(&judge, "3", "4").await.unwrap().decision, Decision::B);
}

#[tokio::test]
async fn what_a_score_has_no_use_for_is_refused() {
    let server = FakeScorer::start(&["classify"]);
    let mut judge = judge(server.url.clone(), None).await;
    judge.settings.votes = 3;
    let error = decide(&judge, "1", "2").await.unwrap_err();
    assert!(error.is_fatal() && error.to_string().contains("--votes must be 1"), "{error}");
    let none = FakeScorer::start(&[]);
    let error = scalar::connect(config(none.url.clone())).await.err().unwrap();
    assert!(
        matches!(&error, EngineError::Unsupported { what, .. } if what.contains("tried classify, predict, score, rerank")),
        "{error}"
    );
}
