//! The same request gives the same completion: alone or among others, shared or not, whatever the memory and the size of a step.

use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use proptest::prelude::*;
use rrm::engine::{Budget, Completion, Engine, Finish, Request};

use super::{
    POSITIONS, budget, complete_all, config, engine,
    fake::{Bytes, logits_after},
    in_time, labels, request,
};
use crate::{
    backend::Tokenizer,
    engine::SchedulerConfig,
    labels::logprob,
    sequence::{self, Sequence},
};

/// Context of the random tests: nine blocks.
const CONTEXT: usize = 288;

/// What a request must give, without blocks, batches and threads.
pub fn oracle(request: &Request, script: Option<&str>, limit: usize) -> Completion {
    let prompt = Bytes.encode_prompt(&request.messages).unwrap();
    let plan = sequence::plan(request, prompt.len(), limit, &Bytes).unwrap();
    let mut sequence = Sequence::new(request.clone(), prompt, plan);
    let mut end = sequence.begin(&Bytes);
    let finish = loop {
        match end {
            Some(finish) => break finish,
            None => {
                let token = sequence.sampler.draw(&logits_after(&sequence.tokens, script)).unwrap();
                end = sequence.accept(token as u32, &Bytes);
            }
        }
    };
    let found = sequence.continuations(&Bytes).filter(|_| finish == Finish::Stop);
    let found = found.filter(|found| found.tokens.iter().all(|label| found.context - 1 + label.len() <= limit));
    let scores = found.map(|found| {
        let score = |label: &Vec<u32>| {
            let mut tokens = sequence.tokens[..found.context].to_vec();
            let each = label.iter().map(|token| {
                let logprob = logprob(&logits_after(&tokens, script), *token);
                tokens.push(*token);
                logprob
            });
            each.sum::<f64>()
        };
        found.tokens.iter().map(score).collect::<Vec<f64>>()
    });
    crate::schedule::scored(sequence.finish(finish), scores.as_deref()).completion
}

/// The beginning of one of three texts: those of one family share their beginnings.
fn prompt(family: usize, length: usize) -> String {
    (0..length).map(|at| char::from(b"abcdefghijklmnopqrstuvwxyz"[(at * (family + 1) + at / 26 + family) % 26])).collect()
}

/// Requests that share beginnings, some of them the same; with `script` they state verdicts.
pub fn requests(count: usize) -> impl Strategy<Value = Vec<Request>> {
    let one = (0_usize..3, 1_usize..160, 0_u64..6, 0_u32..70, any::<bool>(), any::<bool>());
    let one = one.prop_map(|(family, length, seed, tokens, within, labelled)| {
        // Two lengths of three are the same: votes on one prompt.
        let length = if seed % 3 < 2 { 70 + family } else { length };
        let budget =
            within.then(|| Budget { max_thinking_tokens: tokens / 2, verdicts: vec![labels().first.clone()], ..budget() });
        Request { budget, labels: labelled.then(labels), ..request(&prompt(family, length), seed, tokens) }
    });
    prop::collection::vec(one, 1..count)
}

pub fn configs() -> impl Strategy<Value = SchedulerConfig> {
    (any::<bool>(), 1_usize..9, 0_usize..90, 10_u64..24).prop_map(|(share_prefixes, max_batch, prefill_rows, blocks)| {
        SchedulerConfig { share_prefixes, max_batch, prefill_rows, kv_bytes: Some(blocks * 1000), context: Some(CONTEXT) }
    })
}

/// A text that states a verdict, now and then, since what is written besides is random.
const VERDICT: &str = "Well.</think>So \\box{A 1}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn whatever_else_runs(requests in requests(14), config in configs(), scripted in any::<bool>()) {
        let script = scripted.then_some(VERDICT);
        let (engine, fate) = engine(script, &config);
        let sent = requests.clone();
        let (engine, answers) = in_time(move || {
            let answers = complete_all(&engine, &sent);
            (engine, answers)
        });
        for (request, answer) in requests.iter().zip(answers) {
            prop_assert_eq!(answer, oracle(request, script, CONTEXT));
        }
        let counters = engine.counters();
        prop_assert_eq!(counters.blocks, 0);
        prop_assert!(counters.peak_blocks * 1000 <= config.kv_bytes.unwrap());
        let fate = fate.lock().unwrap();
        // Labels come on top of what draws: three rows, of one request at least.
        prop_assert!(fate.most_rows <= config.prefill_rows.max(config.max_batch) + 6);
        prop_assert!(config.share_prefixes || counters.reused == 0);
    }
}

#[test]
fn votes_on_one_prompt_compute_it_once() {
    // With the mark 103 tokens: three whole blocks, six copied, and the last one of each vote's own. And 21, all in one block.
    for tokens in [103, 21] {
        let (engine, _) = engine(None, &config());
        let votes: Vec<Request> = (0..8).map(|seed| request(&prompt(0, tokens - 1), seed, 20)).collect();
        for (vote, answer) in votes.iter().zip(complete_all(&engine, &votes)) {
            assert_eq!(answer, oracle(vote, None, POSITIONS));
        }
        let counters = engine.counters();
        assert_eq!((counters.reused, counters.prefill_rows), (7 * (tokens as u64 - 1), tokens as u64));
    }
}

#[test]
fn a_shared_beginning_is_computed_once_and_outlives_its_request() {
    let (engine, _) = engine(None, &config());
    let ask = |end: &str| super::complete(&engine, request(&format!("{}{end}", prompt(1, 96)), 0, 1)).unwrap();
    ask("first");
    ask("another");
    assert_eq!((engine.counters().reused, engine.counters().prefill_rows), (96, 102 + 8));
}

#[test]
fn nothing_is_shared_when_sharing_is_off() {
    let (engine, _) = engine(None, &SchedulerConfig { share_prefixes: false, ..config() });
    let votes: Vec<Request> = (0..4).map(|seed| request(&prompt(0, 102), seed, 1)).collect();
    complete_all(&engine, &votes);
    assert_eq!((engine.counters().reused, engine.counters().prefill_rows), (0, 4 * 103));
}

#[test]
fn one_at_a_time_when_batching_is_off() {
    let (engine, fate) = engine(None, &SchedulerConfig { max_batch: 1, ..config() });
    let votes: Vec<Request> = (0..9).map(|seed| request(&prompt(0, 50), seed, 9)).collect();
    complete_all(&engine, &votes);
    assert_eq!(fate.lock().unwrap().most_sequences, 1);
}

#[test]
fn sequences_that_outgrow_the_memory_give_way_and_write_the_same() {
    // The verdict comes first: whoever gives way later scores labels in the middle of what was evaluated again.
    let script = format!("\\box{{A 1}}{}", "x".repeat(140));
    let small = SchedulerConfig { kv_bytes: Some(11_000), ..config() };
    let last_words = Arc::<Mutex<Vec<usize>>>::default();
    let labelled = |family| {
        let (order, written) = (last_words.clone(), Mutex::new(0));
        let sink = move |piece: &str| {
            let mut written = written.lock().unwrap();
            *written += piece.len();
            if *written == 149 {
                order.lock().unwrap().push(family);
            }
        };
        Request { labels: Some(labels()), sink: Some(Arc::new(sink)), ..request(&prompt(family, 60), 0, 200) }
    };
    let requests: Vec<Request> = (0..6).map(labelled).collect();
    let (engine, _) = engine(Some(&script), &small);
    let sent = requests.clone();
    let (counters, answers) = in_time(move || {
        let answers = complete_all(&engine, &sent);
        (engine.counters(), answers)
    });
    assert_eq!(*last_words.lock().unwrap(), [0, 1, 2, 3, 4, 5], "the younger gave way");
    for (request, answer) in requests.iter().zip(answers) {
        assert!(answer.label_logprobs.is_some());
        assert_eq!(answer, oracle(request, Some(&script), 320));
    }
    assert!(counters.preemptions > 0 && counters.peak_blocks <= 11 && counters.blocks == 0, "{counters:?}");
}

#[test]
fn a_long_prompt_does_not_keep_others_from_writing() {
    let script = "y".repeat(60);
    let (engine, fate) = engine(Some(&script), &SchedulerConfig { prefill_rows: 10, ..config() });
    let written = Arc::new(Mutex::new(0_u64));
    let (count, steps) = (written.clone(), fate.clone());
    let mut first = request("short", 0, 100);
    // A token in every step, once it writes.
    first.sink = Some(Arc::new(move |_: &str| *count.lock().unwrap() = steps.lock().unwrap().steps));
    let both = async { futures::join!(engine.complete(first), engine.complete(request(&prompt(2, 800), 0, 1))) };
    let (first, long) = block_on(both);
    assert_eq!((first.unwrap().text.len(), long.unwrap().usage.prompt_tokens), (60, 801));
    assert!(*written.lock().unwrap() <= 62, "60 tokens took {} steps", written.lock().unwrap());
    assert!(fate.lock().unwrap().most_rows <= 10);
}
