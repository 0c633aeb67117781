//! A run that ends by an error asks nothing more, and waits for what was asked as long as it may.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
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
    judge::{Judge, JudgeError, Places},
    ranking::{
        rank::{RankSettings, rank},
        strategy::Strategy,
    },
    run::{RunError, Task, run},
    spending::Spending,
};

/// The `refuses`th call fails as all others would; others take `late` before they answer.
struct Refusing {
    inner: ScriptedEngine,
    refuses: usize,
    late: Duration,
    calls: AtomicUsize,
    answered: AtomicUsize,
}

impl Engine for Refusing {
    fn info(&self) -> &EngineInfo {
        self.inner.info()
    }

    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        Box::pin(async move {
            if self.calls.fetch_add(1, SeqCst) + 1 == self.refuses {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let (engine, detail) = (self.info().name.clone(), "no money".to_owned());
                return Err(EngineError::Unpaid { engine, status: 402, detail });
            }
            tokio::time::sleep(self.late).await;
            self.answered.fetch_add(1, SeqCst);
            self.inner.complete(request).await
        })
    }
}

fn judge(refuses: usize, late: Duration) -> (Arc<Refusing>, Judge) {
    let (calls, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let engine = Arc::new(Refusing { inner: scripted("longer").unwrap(), refuses, late, calls, answered });
    let mut judge = Judge::new(engine.clone(), Format::shipped("direct").unwrap());
    judge.places = Arc::new(Places::new(8));
    judge.spending = Arc::new(Spending::default());
    (engine, judge)
}

fn item(row: usize, n: usize) -> Item {
    let response =
        |i: usize| Response { text: format!("{i} of {row}").into(), label: None, team: None, extra: Default::default() };
    let prompt = Arc::new(Prompt::text("Which one?"));
    Item { id: format!("r{row}"), row, prompt, responses: (0..n).map(response).collect(), extra: Default::default() }
}

#[tokio::test]
async fn what_is_in_flight_ends_and_nothing_more_is_asked() {
    for (task, n) in [(Task::Judge, 2), (Task::Rank(RankSettings { strategy: Strategy::Elo, ..Default::default() }), 5)] {
        let (engine, judge) = judge(3, Duration::from_millis(300));
        let rows = (0..50).map(|row| Ok(item(row, n)));
        let Err(RunError::Judge { id, source }) = run(&judge, &task, rows, 16, |_, _| Ok(())).await else { panic!("it goes on") };
        assert!(matches!(source, JudgeError::Engine(EngineError::Unpaid { .. })), "{id}: {source}");
        // Eight were in flight: the one that was refused, and seven that were answered.
        assert_eq!((engine.calls.load(SeqCst), engine.answered.load(SeqCst)), (8, 7), "{task:?}");
        let spent = judge.spending.spent();
        assert_eq!((spent.calls, spent.unfinished), (8, 1));
    }
    let (engine, judge) = judge(2, Duration::from_millis(300));
    let error = rank(&judge, &item(0, 9), &RankSettings { strategy: Strategy::WinRate, ..Default::default() }).await.unwrap_err();
    assert!(matches!(error, JudgeError::Engine(EngineError::Unpaid { .. })), "{error}");
    assert_eq!((engine.calls.load(SeqCst), engine.answered.load(SeqCst)), (8, 7));
    // The same judge goes on with another row.
    assert!(rank(&judge, &item(1, 3), &RankSettings::default()).await.is_ok());
}

#[tokio::test]
async fn nobody_waits_longer_than_it_may_take() {
    // The first row never ends, and the error is that of a later one.
    for refuses in [1, 5] {
        let (_, mut judge) = judge(refuses, Duration::from_secs(600));
        judge.patience = Duration::from_millis(200);
        let began = Instant::now();
        let Err(RunError::Judge { id, source }) =
            run(&judge, &Task::Judge, (0..50).map(|row| Ok(item(row, 2))), 16, |_, _| Ok(())).await
        else {
            panic!("it goes on")
        };
        assert!(matches!(source, JudgeError::Engine(EngineError::Unpaid { .. })), "{id}: {source}");
        assert_eq!(id, format!("r{}", refuses - 1));
        assert!((200..5_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn rows_before_the_error_are_handed_on_and_no_row_behind_it() {
    let (_, judge) = judge(20, Duration::from_millis(5));
    let mut handed = Vec::new();
    let rows = (0..60).map(|row| Ok(item(row, 2)));
    let result = run(&judge, &Task::Judge, rows, 8, |item, row| {
        assert!(row.error.is_none(), "{row:?}");
        handed.push(item.row);
        Ok(())
    });
    assert!(result.await.is_err());
    assert!((10..20).contains(&handed.len()) && handed.iter().copied().eq(0..handed.len()), "{handed:?}");
    // A result that cannot be written ends it as well, and what was asked for is answered.
    let (engine, judge) = self::judge(usize::MAX, Duration::from_millis(100));
    let rows = (0..60).map(|row| Ok(item(row, 2)));
    let result = run(&judge, &Task::Judge, rows, 8, |_, _| Err(std::io::Error::other("full"))).await;
    assert!(matches!(result, Err(RunError::Write(_))), "{result:?}");
    let (calls, answered) = (engine.calls.load(SeqCst), engine.answered.load(SeqCst));
    assert!(calls == answered && calls <= 24, "{calls} {answered}");
}
