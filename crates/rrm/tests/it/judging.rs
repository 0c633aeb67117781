//! Votes, rankings and rows, judged by engines that the test controls.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use futures::future::BoxFuture;
use rrm::{
    comparison::{Comparison, Prompt, Side},
    dataset::{Item, Response},
    engine::{Completion, Engine, EngineError, EngineInfo, LabelLogprobs, Request, scripted::ScriptedEngine, scripted::scripted},
    format::Format,
    judge::{Adaptive, ComparisonId, Evidence, Judge, JudgeSettings, Judgment, Order, VoteRecord},
    keyed::KeyedRandom,
    ranking::{
        rank::{self, RankSettings, TeamRule},
        strategy::{self, DecidedBy, Strategy},
    },
    result::{Row, match_row},
    run::{Task, run},
    spending::{Spending, SpendingLimits},
    store::Store,
    vote::{Decision, Probabilities},
};

/// A scripted engine whose answers arrive in another order in every run, and that counts what it was asked and what was dropped.
struct Jittery {
    inner: ScriptedEngine,
    salt: u64,
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Jittery {
    fn new(script: &str, salt: u64) -> Arc<Self> {
        Arc::new(Jittery { inner: scripted(script).unwrap(), salt, begun: AtomicUsize::new(0), ended: AtomicUsize::new(0) })
    }
}

impl Engine for Jittery {
    fn info(&self) -> &EngineInfo {
        self.inner.info()
    }

    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        Box::pin(async move {
            self.begun.fetch_add(1, SeqCst);
            for _ in 0..KeyedRandom::new(self.salt ^ request.seed, "", "jitter", &[]).below(40) {
                tokio::task::yield_now().await;
            }
            let answer = self.inner.complete(request).await;
            self.ended.fetch_add(1, SeqCst);
            answer
        })
    }
}

fn judge(engine: Arc<dyn Engine>, settings: JudgeSettings) -> Judge {
    let mut judge = Judge::new(engine, Format::shipped("rrm").unwrap());
    judge.settings = settings;
    judge
}

fn pair() -> Comparison {
    Comparison { prompt: Arc::new(Prompt::text("Q")), first: "good".into(), second: "bad".into(), label: Some(Side::First) }
}

fn item(id: &str, n: usize) -> Item {
    let response = |i: usize| Response {
        text: format!("response {i}").into(),
        label: Some(i as f64),
        team: None,
        extra: Default::default(),
    };
    Item {
        id: id.into(),
        row: 1,
        prompt: Arc::new(Prompt::text("Q")),
        responses: (0..n).map(response).collect(),
        extra: Default::default(),
    }
}

#[tokio::test]
async fn adaptive_voting_decides_as_all_votes_do_whatever_arrives_first() {
    for round in 0..60 {
        let id = format!("item-{round}");
        let named = ComparisonId { item: &id, pair: (0, 1), order: Order::Given };
        let mut decisions = Vec::new();
        let mut prefixes = Vec::new();
        for (salt, adaptive) in [(0, Adaptive::Off), (1, Adaptive::Sparing), (2, Adaptive::Eager), (3, Adaptive::Eager)] {
            let engine = Jittery::new("accuracy=0.6", salt);
            let settings = JudgeSettings { votes: 9, both_orders: true, adaptive, ..Default::default() };
            let judgment = judge(engine.clone(), settings).judge(named, &pair()).await.unwrap();
            decisions.push(judgment.decision);
            if adaptive == Adaptive::Off {
                assert_eq!(votes(&judgment).len(), 9);
            } else {
                prefixes.push(votes(&judgment).iter().map(|v| v.key).collect::<Vec<_>>());
            }
            if adaptive == Adaptive::Sparing {
                assert_eq!(engine.begun.load(SeqCst), votes(&judgment).len(), "a vote was asked for that did not count");
            }
        }
        assert!(decisions.iter().all(|d| *d == decisions[0]));
        assert!(prefixes.iter().all(|p| *p == prefixes[0]), "what counts depends on what arrived first");
    }
}

#[tokio::test]
async fn eager_voting_cancels_what_is_in_flight() {
    let mut cancelled = 0;
    for salt in 0..20 {
        let engine = Jittery::new("accuracy=1", salt);
        let settings = JudgeSettings { votes: 15, adaptive: Adaptive::Eager, ..Default::default() };
        let judge = judge(engine.clone(), settings);
        let judgment = judge.judge(ComparisonId { item: "x", pair: (0, 1), order: Order::Given }, &pair()).await.unwrap();
        assert_eq!(votes(&judgment).len(), 8);
        let (begun, ended) = (engine.begun.load(SeqCst), engine.ended.load(SeqCst));
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(engine.ended.load(SeqCst), ended, "a dropped generation went on");
        assert_eq!(judge.spending.spent().unfinished as usize, begun - ended);
        cancelled += begun - ended;
    }
    assert!(cancelled > 0, "nothing was ever cancelled");
}

#[tokio::test]
async fn a_match_is_the_same_whichever_of_the_two_is_named_first() {
    let settings = JudgeSettings { votes: 5, both_orders: true, ..Default::default() };
    let judge = judge(Arc::new(scripted("accuracy=0.7").unwrap()), settings);
    let mut orders = Vec::new();
    for row in 0..12 {
        let item = item(&format!("row {row}"), 2);
        let one = rank::play(&judge, &item, (0, 1)).await.unwrap();
        let other = rank::play(&judge, &item, (1, 0)).await.unwrap();
        assert_eq!(one.judgment.decision, other.judgment.decision.swapped());
        assert_eq!((one.judgment.counts, one.order), (other.judgment.counts.swapped(), other.order.swapped()));
        orders.push(one.order);
        let line = |played| serde_json::to_string(&match_row(strategy::settle(0, played))).unwrap();
        assert_eq!(line(one), line(other), "the line says who was shown first, and not who was named first");
    }
    assert!(orders.contains(&Order::Given) && orders.contains(&Order::Swapped), "{orders:?}");
}

#[tokio::test]
async fn half_of_the_votes_see_the_other_order() {
    let settings = JudgeSettings { votes: 4, both_orders: true, ..Default::default() };
    let judgment = judge(Arc::new(scripted("first").unwrap()), settings)
        .judge(ComparisonId { item: "x", pair: (0, 1), order: Order::Given }, &pair())
        .await
        .unwrap();
    assert_eq!((judgment.counts.for_a, judgment.counts.for_b), (2, 2));
    assert_eq!(judgment.decision, Decision::Undecided, "a judge that only knows places decides nothing");
}

/// Says of every comparison that the first place is better, with a probability of 0.8.
struct Sure(EngineInfo);

impl Engine for Sure {
    fn info(&self) -> &EngineInfo {
        &self.0
    }

    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        Box::pin(async move {
            let answer = scripted("first").unwrap().complete(request).await?;
            Ok(Completion { label_logprobs: LabelLogprobs::new(0.4f64.ln(), 0.1f64.ln(), None), ..answer })
        })
    }
}

#[tokio::test]
async fn votes_tell_how_likely_each_verdict_was_in_the_order_of_the_match() {
    let folder = tempfile::tempdir().unwrap();
    let info = EngineInfo { logprobs: true, paid: true, ..scripted("first").unwrap().info().clone() };
    let settings = JudgeSettings { votes: 2, both_orders: true, ..Default::default() };
    let store = Some(Store::open(folder.path().join("store.db")).unwrap());
    let mut judge = judge(Arc::new(Sure(info)), settings);
    judge.store = store;
    let new = rows(&judge, &Task::Judge, &[item("x", 2)], 1).await.remove(0);
    let played = &new.result.as_ref().unwrap().matches[0];
    for vote in &played.votes {
        let Probabilities { a, b, tie } = vote.probabilities.unwrap();
        assert_eq!((vote.order.shown(a, b), tie), ((0.8, 0.2), None), "{vote:?}");
    }
    let written = serde_json::to_value(played).unwrap()["votes"].clone();
    let place = |first: f64, second: f64| serde_json::json!({"first": first, "second": second});
    assert_eq!([0, 1].map(|vote| written[vote]["probabilities"].clone()), [place(0.8, 0.2), place(0.2, 0.8)]);
    assert_eq!(rows(&judge, &Task::Judge, &[item("x", 2)], 1).await, [new], "a stored completion gives another row");
    assert_eq!(judge.spending.spent().calls, 2);
}

/// The votes of a judge that compares.
fn votes(judgment: &Judgment) -> &[VoteRecord] {
    match &judgment.evidence {
        Evidence::Votes(votes) => votes,
        Evidence::Scores(_) => panic!("scores: {judgment:?}"),
    }
}

async fn rows(judge: &Judge, task: &Task, items: &[Item], window: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let keep = |_, row| {
        rows.push(row);
        Ok(())
    };
    run(judge, task, items.iter().cloned().map(Ok), window, keep).await.unwrap();
    rows
}

#[tokio::test]
async fn rows_are_the_same_whatever_runs_at_once() {
    let items: Vec<Item> = (1..12).map(|n| item(&format!("n{n}"), n)).collect();
    for strategy in Strategy::ALL {
        let task = Task::Rank(RankSettings { strategy, opponents: None, teams: TeamRule::Text });
        let settings = JudgeSettings { votes: 3, adaptive: Adaptive::Eager, both_orders: true, ..Default::default() };
        let alone = rows(&judge(Jittery::new("accuracy=0.7", 1), settings.clone()), &task, &items, 1).await;
        let together = rows(&judge(Jittery::new("accuracy=0.7", 2), settings), &task, &items, 64).await;
        assert_eq!(alone, together);
        assert_eq!(alone.len(), items.len());
    }
}

#[tokio::test]
async fn a_right_judge_finds_the_order_and_a_silent_one_finds_none() {
    let task = |strategy| Task::Rank(RankSettings { strategy, ..Default::default() });
    let ranked = |script: &'static str, strategy| async move {
        let judge = judge(Arc::new(scripted(script).unwrap()), JudgeSettings::default());
        rows(&judge, &task(strategy), &[item("x", 9)], 1).await.remove(0).result.unwrap()
    };
    for strategy in Strategy::rated() {
        assert_eq!(ranked("accuracy=1", strategy).await.order.unwrap(), (0..9).rev().collect::<Vec<_>>(), "{strategy:?}");
        let silent = ranked("silent", strategy).await;
        assert_eq!((silent.undecided, silent.coins, silent.usage.abstained), (36, 0, 36));
        assert!(silent.matches.iter().all(|m| m.winner.is_none() && m.decided_by == DecidedBy::Nothing));
        assert_eq!((silent.order, silent.ranks, silent.scores), (None, Some(vec![None; 9]), vec![None; 9]));
    }
    let right = ranked("accuracy=1", Strategy::Knockout).await;
    assert_eq!((right.order.unwrap()[0], right.ranks), (8, None));
    let silent = ranked("silent", Strategy::Knockout).await;
    assert_eq!((silent.matches.len(), silent.coins, silent.undecided), (8, 0, 8));
    assert!(silent.matches.iter().all(|m| m.winner.is_none() && m.decided_by == DecidedBy::Nothing));
    assert_eq!((silent.order, silent.ranks, silent.scores), (None, Some(vec![None; 9]), vec![None; 9]));
}

#[tokio::test]
async fn equal_responses_are_never_compared() {
    let mut same = item("x", 6);
    same.responses.iter_mut().for_each(|r| r.text = "the same".into());
    let engine = Jittery::new("first", 0);
    let task = Task::Rank(RankSettings::default());
    let found = rows(&judge(engine.clone(), JudgeSettings::default()), &task, &[same], 1).await.remove(0).result.unwrap();
    assert_eq!(found.matches.iter().map(|m| m.decided_by).collect::<Vec<_>>(), vec![DecidedBy::Team; 5]);
    assert_eq!(engine.begun.load(SeqCst), 0);
}

#[tokio::test]
async fn equal_texts_have_one_place_and_a_pair_of_them_costs_nothing() {
    let with = |texts: &[&str]| {
        let mut row = item("x", texts.len());
        row.responses.iter_mut().zip(texts).for_each(|(response, text)| response.text = (*text).into());
        row
    };
    let ranked = |row: Item, strategy| async move {
        let judge = judge(Arc::new(scripted("longer").unwrap()), JudgeSettings::default());
        let task = Task::Rank(RankSettings { strategy, ..Default::default() });
        rows(&judge, &task, &[row], 1).await.remove(0).result.unwrap()
    };
    let values = |result: &rrm::result::RowResult| -> Vec<Option<f64>> {
        result.scores.iter().map(|score| score.map(|score| score.value)).collect()
    };
    let two = ranked(with(&["same", "same"]), Strategy::Knockout).await;
    assert_eq!((values(&two), two.usage.votes), (vec![Some(1.0); 2], 0));
    for strategy in Strategy::ALL {
        for texts in [
            ["aa", "b", "aa", "cccc", "aa", "ddd"],
            ["cccc", "b", "aa", "cccc", "b", "ddd"],
            ["x", "cccc", "cccc", "x", "cccc", "x"],
        ] {
            let row = with(&texts);
            let result = ranked(row, strategy).await;
            let (values, order) = (values(&result), result.order.unwrap());
            for (i, j) in (0..6).flat_map(|i| (0..i).map(move |j| (i, j))).filter(|(i, j)| texts[*i] == texts[*j]) {
                assert_eq!(values[i], values[j], "{strategy:?} {texts:?}");
            }
            // What is longest is best, and the order follows the scores.
            assert_eq!(texts[order[0]], "cccc", "{strategy:?} {texts:?}");
            assert!(order.windows(2).all(|pair| values[pair[0]] >= values[pair[1]]), "{strategy:?} {values:?} {order:?}");
        }
    }
    // Where a place rests on a match without a verdict, the twin's does too.
    let judge_of = |script| judge(Arc::new(scripted(script).unwrap()), JudgeSettings::default());
    let task = Task::Rank(RankSettings::default());
    let silent = rows(&judge_of("silent"), &task, &[with(&["same", "same", "other", "same"])], 1).await.remove(0).result.unwrap();
    assert_eq!((silent.order, silent.ranks), (None, Some(vec![None; 4])));
    // A pair is no question; of what is taken off nobody is asked either.
    for texts in [["same", "same"], ["same", "same<|im_end|>"]] {
        let engine = Jittery::new("first", 0);
        let settings = JudgeSettings { votes: 4, ..Default::default() };
        let result = rows(&judge(engine.clone(), settings), &Task::Judge, &[with(&texts)], 1).await.remove(0).result.unwrap();
        assert_eq!(engine.begun.load(SeqCst), 0);
        assert_eq!((result.verdict, &result.order, values(&result)), (Some(Decision::Tie), &None, vec![Some(0.5); 2]));
        assert_eq!((result.matches[0].decided_by, result.matches[0].counts, result.undecided), (DecidedBy::Team, None, 0));
    }
}

#[tokio::test]
async fn what_a_limited_run_paid_for_is_kept_so_that_runs_get_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut asked = 0;
    let mut runs = 0;
    loop {
        runs += 1;
        let engine = Jittery::new("accuracy=0.7", runs);
        let mut judge = judge(engine.clone(), JudgeSettings { votes: 3, ..Default::default() });
        judge.store = Some(Store::open(folder.path().join("store.sqlite")).unwrap());
        judge.spending = Arc::new(Spending::new(SpendingLimits { max_calls: Some(7), ..Default::default() }));
        let task = Task::Rank(RankSettings { strategy: Strategy::Elo, ..Default::default() });
        let row = rows(&judge, &task, &[item("x", 5)], 1).await.remove(0);
        asked += engine.begun.load(SeqCst);
        assert_eq!(judge.spending.spent().unfinished, 0, "a paid call was thrown away");
        if row.error.is_none() {
            break;
        }
        assert!(runs < 10, "runs do not get on: {row:?}");
    }
    assert_eq!((runs, asked), (5, 30), "10 matches of 3 votes, 7 calls a run, each asked for once");
}

#[tokio::test]
async fn a_limit_stops_cleanly_and_is_never_exceeded() {
    let engine = Jittery::new("first", 0);
    let mut judge = judge(engine.clone(), JudgeSettings::default());
    judge.spending = Arc::new(Spending::new(SpendingLimits { max_calls: Some(10), ..Default::default() }));
    let items: Vec<Item> = (0..30).map(|i| item(&format!("i{i}"), 2)).collect();
    let rows = rows(&judge, &Task::Judge, &items, 8).await;
    let failed = rows.iter().filter(|row| row.error.is_some()).count();
    assert_eq!((rows.len(), failed, engine.begun.load(SeqCst)), (30, 20, 10));
    assert_eq!(rows[29].error.as_deref(), Some("stopped by --max-calls 10"));
}
