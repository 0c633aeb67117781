//! What is prepared is bounded like what is sent, however many rows, responses and votes there are.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use futures::future::BoxFuture;
use rrm::{
    comparison::Prompt,
    dataset::{Item, Response},
    engine::{
        Completion, Engine, EngineError, EngineInfo, Request,
        scripted::{ScriptedEngine, scripted},
    },
    format::Format,
    judge::{Adaptive, Judge, JudgeError, JudgeSettings, Places},
    ranking::{
        rank::{RankSettings, rank},
        strategy::Strategy,
    },
    run::{Task, run},
};

const CONCURRENCY: usize = 16;

/// Counts requests: every one that exists holds the format's labels, wherever it waits.
struct Counting {
    inner: ScriptedEngine,
    /// Calls after which the key is refused.
    refuses_after: usize,
    calls: AtomicUsize,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    most_prepared: AtomicUsize,
}

impl Counting {
    fn new(refuses_after: usize) -> Arc<Self> {
        let zero = || AtomicUsize::new(0);
        let [calls, in_flight, most_in_flight, most_prepared] = [zero(), zero(), zero(), zero()];
        let inner = scripted("accuracy=0.7").unwrap();
        Arc::new(Counting { inner, refuses_after, calls, in_flight, most_in_flight, most_prepared })
    }

    fn most(&self) -> (usize, usize) {
        (self.most_in_flight.load(SeqCst), self.most_prepared.load(SeqCst))
    }
}

/// A request in flight, whether it ends or is dropped.
struct Here<'a>(&'a AtomicUsize);

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Engine for Counting {
    fn info(&self) -> &EngineInfo {
        self.inner.info()
    }

    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        Box::pin(async move {
            let calls = self.calls.fetch_add(1, SeqCst) + 1;
            self.most_in_flight.fetch_max(self.in_flight.fetch_add(1, SeqCst) + 1, SeqCst);
            let _here = Here(&self.in_flight);
            // One of the holders is the format itself.
            let prepared = Arc::strong_count(request.labels.as_ref().unwrap()) - 1;
            self.most_prepared.fetch_max(prepared, SeqCst);
            for _ in 0..calls % 3 {
                tokio::task::yield_now().await;
            }
            if calls > self.refuses_after {
                let (engine, detail) = (self.info().name.clone(), "no such key".to_owned());
                return Err(EngineError::Unauthorized { engine, status: 401, detail });
            }
            self.inner.complete(request).await
        })
    }
}

fn judge(engine: Arc<Counting>, votes: u32, adaptive: Adaptive) -> Judge {
    let mut judge = Judge::new(engine, Format::shipped("direct").unwrap());
    judge.settings = JudgeSettings { votes, adaptive, both_orders: votes > 1, ..Default::default() };
    judge.places = Arc::new(Places::new(CONCURRENCY));
    judge.addresses = false;
    judge
}

fn item(row: usize, n: usize) -> Item {
    let response = |i: usize| Response {
        text: format!("response {i} of row {row}").into(),
        label: Some(i as f64),
        team: None,
        extra: Default::default(),
    };
    Item {
        id: format!("row-{row}"),
        row,
        prompt: Arc::new(Prompt::text("Which one?")),
        responses: (0..n).map(response).collect(),
        extra: Default::default(),
    }
}

/// Everything is used that may be, and no more.
fn assert_bounded(engine: &Counting) {
    let (in_flight, prepared) = engine.most();
    assert_eq!(in_flight, CONCURRENCY, "requests in flight");
    assert!(prepared > CONCURRENCY, "only {prepared} requests were prepared ahead");
    assert!(prepared <= 4 * CONCURRENCY, "{prepared} requests were prepared at once");
}

#[tokio::test]
async fn many_rows_of_many_responses_with_many_votes_prepare_four_times_what_is_in_flight() {
    // The round robins (322,400 votes) end early, by a refused key: what is prepared at once shows long before.
    let kinds = [
        (Strategy::Elo, Adaptive::Off, 5, 130, 20_000),
        (Strategy::Knockout, Adaptive::Off, 5, 130, usize::MAX),
        (Strategy::Knockout, Adaptive::Sparing, 100, 5, usize::MAX),
    ];
    for (strategy, adaptive, votes, rows, refuses_after) in kinds {
        let engine = Counting::new(refuses_after);
        let task = Task::Rank(RankSettings { strategy, ..Default::default() });
        let judge = judge(engine.clone(), votes, adaptive);
        let counted = run(&judge, &task, (0..rows).map(|row| Ok(item(row, 32))), rows, |_, _| Ok(())).await;
        match counted {
            Ok(counted) => assert_eq!((counted.rows, counted.failed), (rows as u64, 0)),
            Err(error) => assert!(refuses_after < usize::MAX, "{error}"),
        }
        if adaptive == Adaptive::Off && refuses_after == usize::MAX {
            assert_eq!(engine.calls.load(SeqCst), rows * 31 * votes as usize);
        }
        assert_bounded(&engine);
    }
}

#[tokio::test]
async fn one_row_of_two_thousand_prepares_no_more_and_ends_at_an_error_that_all_would_meet() {
    for strategy in [Strategy::Elo, Strategy::Knockout] {
        let engine = Counting::new(600);
        let judge = judge(engine.clone(), 1, Adaptive::Off);
        let ranked = rank(&judge, &item(0, 2000), &RankSettings { strategy, ..Default::default() }).await;
        assert!(matches!(ranked, Err(JudgeError::Engine(EngineError::Unauthorized { .. }))));
        assert_bounded(&engine);
        let calls = engine.calls.load(SeqCst);
        assert!(calls <= 601 + CONCURRENCY, "{calls} calls were made, and none after 600 could go well");
    }
}
