//! Many requests, and many that nobody waits for any more.

use std::{future::Future, pin::Pin, sync::Arc, task::Poll};

use futures::{FutureExt, StreamExt, channel, executor::block_on, future::select_all, poll, stream::FuturesUnordered};
use proptest::prelude::*;
use rrm::engine::{Completion, Engine, EngineError, Request};

use super::{
    POSITIONS, complete, complete_all, config, engine, in_time, request,
    same_text::{configs, oracle, requests},
};
use crate::engine::SchedulerConfig;

#[test]
fn ten_thousand_requests() {
    in_time(|| {
        let (engine, _) = engine(None, &SchedulerConfig { kv_bytes: Some(100_000), ..config() });
        let ask = |n: u64| request(&format!("Comparison {} of many.", n / 4), n, 12);
        let requests: Vec<Request> = (0..10_000).map(ask).collect();
        for (request, answer) in requests.iter().zip(complete_all(&engine, &requests)) {
            assert_eq!(answer, oracle(request, None, POSITIONS));
        }
        let counters = engine.counters();
        assert!(counters.blocks == 0 && counters.peak_blocks <= 100, "{counters:?}");
    });
}

/// A request that says when it begins to write.
fn announced(number: u64, begun: channel::mpsc::UnboundedSender<u64>) -> Request {
    let mut endless = request(&format!("{number} tells a story to somebody who leaves. {}", "So. ".repeat(20)), number, 800);
    endless.sink = Some(Arc::new(move |_: &str| _ = begun.unbounded_send(number)));
    endless
}

#[test]
fn a_storm_of_cancelled_requests_leaves_nothing_behind() {
    in_time(|| {
        let script = "z".repeat(800);
        let (engine, fate) = engine(Some(&script), &SchedulerConfig { kv_bytes: Some(200_000), ..config() });
        let alone = complete(&engine, request("Who is still there?", 1, 30)).unwrap();
        for _ in 0..20 {
            block_on(async {
                let (begun, mut writing) = channel::mpsc::unbounded();
                let mut all: Vec<_> = (0..300).map(|n| engine.complete(announced(n, begun.clone()))).collect();
                for each in &mut all {
                    let _ = poll!(each);
                }
                // Some are in the middle of their text, some in their prompt, most in the queue.
                writing.next().await.unwrap();
                drop(all);
            });
        }
        let steps = fate.lock().unwrap().steps;
        assert_eq!(complete(&engine, request("Who is still there?", 1, 30)).unwrap(), alone);
        assert!(fate.lock().unwrap().steps <= steps + 40, "nobody waits for what was cancelled");
        assert_eq!(engine.counters().blocks, 0);
    });
}

#[test]
fn what_is_cancelled_in_the_queue_is_never_begun() {
    in_time(|| {
        let script = "z".repeat(800);
        let (engine, fate) = engine(Some(&script), &SchedulerConfig { max_batch: 1, ..config() });
        block_on(async {
            let (begun, mut writing) = channel::mpsc::unbounded();
            let mut all: Vec<_> = (0..200).map(|n| engine.complete(announced(n, begun.clone()))).collect();
            for each in &mut all {
                let _ = poll!(each);
            }
            writing.next().await.unwrap();
        });
        let steps = fate.lock().unwrap().steps;
        complete(&engine, request("Who is still there?", 1, 30)).unwrap();
        assert!(fate.lock().unwrap().steps <= steps + 40);
    });
}

#[test]
fn whoever_waited_for_a_cancelled_one_goes_on() {
    in_time(|| {
        let (engine, _) = engine(None, &SchedulerConfig { prefill_rows: 1, ..config() });
        let vote = |seed| request(&"The same long question. ".repeat(20), seed, 10);
        block_on(async {
            // One row a step: the second vote waits for the first, which leaves at any place of the prompt.
            for _ in 0..20 {
                let (mut first, mut second) = (engine.complete(vote(1)), engine.complete(vote(2)));
                let _ = (poll!(&mut first), poll!(&mut second));
                drop(first);
                drop(second);
            }
            assert_eq!(engine.complete(vote(3)).await.unwrap(), oracle(&vote(3), None, POSITIONS));
        });
    });
}

/// What somebody who uses the engine does next.
#[derive(Clone, Debug)]
enum Action {
    /// Asks for one of the requests.
    Ask(usize),
    /// Drops one of the futures.
    Drop(usize),
    /// Waits for any answer.
    Wait,
}

type Asked<'e> = Pin<Box<dyn Future<Output = (usize, Result<Completion, EngineError>)> + 'e>>;

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let one = prop_oneof![
        4 => any::<usize>().prop_map(Action::Ask),
        2 => any::<usize>().prop_map(Action::Drop),
        1 => Just(Action::Wait),
    ];
    prop::collection::vec(one, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn coming_and_going_ends_and_changes_nothing(requests in requests(8), config in configs(), actions in actions()) {
        in_time(move || block_on(async {
            let (engine, _) = engine(None, &config);
            let check = |(at, answer): (usize, Result<Completion, EngineError>)| {
                assert_eq!(answer.unwrap(), oracle(&requests[at], None, 288));
            };
            let mut asked: Vec<Asked<'_>> = Vec::new();
            for action in actions {
                match action {
                    Action::Ask(at) => {
                        let at = at % requests.len();
                        let mut future: Asked<'_> = Box::pin(engine.complete(requests[at].clone()).map(move |answer| (at, answer)));
                        match poll!(&mut future) {
                            Poll::Ready(answer) => check(answer),
                            Poll::Pending => asked.push(future),
                        }
                    }
                    Action::Drop(at) if !asked.is_empty() => drop(asked.swap_remove(at % asked.len())),
                    Action::Wait if !asked.is_empty() => {
                        let (answer, _, rest) = select_all(asked).await;
                        check(answer);
                        asked = rest;
                    }
                    Action::Drop(_) | Action::Wait => {}
                }
            }
            asked.into_iter().collect::<FuturesUnordered<_>>().for_each(|answer| async { check(answer) }).await;
            engine.complete(request("The last one.", 0, 3)).await.unwrap();
            assert_eq!(engine.counters().blocks, 0);
        }));
    }
}
