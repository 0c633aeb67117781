//! What goes wrong is an answer, never silence.

use std::sync::{Arc, Mutex};

use futures::{executor::block_on, future::join_all};
use rrm::{
    chat::Message,
    engine::{Engine, EngineError, Request},
};

use super::{
    complete, config, engine,
    fake::{Bytes, Fake, Fate},
    labels, request,
};
use crate::engine::{LocalEngine, SchedulerConfig};

fn details(engine: &LocalEngine, requests: usize) -> Vec<String> {
    let all = (0..requests).map(|seed| engine.complete(request(&format!("{seed} asks."), seed as u64, 50)));
    let failed = |answer: Result<_, EngineError>| match answer {
        Err(EngineError::Failed { engine, detail }) => {
            assert_eq!(engine, "fake");
            detail
        }
        other => panic!("{other:?}"),
    };
    block_on(join_all(all)).into_iter().map(failed).collect()
}

#[test]
fn a_failed_step_answers_all_that_run_and_the_next_request_is_served() {
    let (engine, fate) = engine(None, &config());
    let alone = complete(&engine, request("Who?", 7, 50)).unwrap();
    let steps = fate.lock().unwrap().steps;
    fate.lock().unwrap().fails_at = Some(steps + 1);
    // The first may run alone in that step; so only it is sure to fail.
    assert_eq!(details(&engine, 1), ["a decode failed"]);
    assert_eq!(complete(&engine, request("Who?", 7, 50)).unwrap(), alone);
    assert_eq!(engine.counters().blocks, 0);
}

#[test]
fn labels_that_could_not_be_scored_leave_no_blocks_behind() {
    let (engine, fate) = engine(Some("\\box{A 2}"), &config());
    let labelled = Request { labels: Some(labels()), ..request("Who?", 7, 50) };
    assert!(complete(&engine, labelled.clone()).unwrap().label_logprobs.is_some());
    let steps = fate.lock().unwrap().steps;
    // The same steps again, all of them computed: the last one scores.
    fate.lock().unwrap().fails_at = Some(2 * steps);
    assert_eq!(complete(&engine, labelled).unwrap_err().to_string(), "fake: a decode failed");
    assert_eq!(engine.counters().blocks, 0);
}

#[test]
fn a_panic_of_the_decoder_answers_everybody_then_and_later() {
    let (engine, fate) = engine(None, &config());
    fate.lock().unwrap().panics_at = Some(1);
    let all = (0..100).map(|seed| engine.complete(request(&format!("{seed} asks."), seed, 50)));
    let answers = block_on(join_all(all)).into_iter().chain([complete(&engine, request("Later?", 1, 50))]);
    for answer in answers {
        let error = answer.unwrap_err();
        // A run ends with it: no further row would fare better.
        assert!(matches!(&error, EngineError::Ended { engine } if engine == "fake") && error.is_fatal(), "{error}");
    }
}

#[test]
fn logits_that_are_no_numbers_are_an_error() {
    let (engine, fate) = engine(None, &config());
    fate.lock().unwrap().broken = true;
    assert_eq!(details(&engine, 3), ["the model gave no finite logits"; 3]);
    assert_eq!(engine.counters().blocks, 0);
}

#[test]
fn a_conversation_that_the_template_refuses_is_an_error() {
    let (engine, _) = engine(None, &config());
    let refused = Request { messages: [Message::user("refuse")].into(), ..request("", 0, 5) };
    assert_eq!(complete(&engine, refused).unwrap_err().to_string(), "fake: no such conversation");
}

#[test]
fn too_few_bytes_are_an_error_at_the_start() {
    let info = engine(None, &config()).0.info().clone();
    let decoder = Box::new(Fake::new(100, None, Arc::<Mutex<Fate>>::default()));
    let small = SchedulerConfig { kv_bytes: Some(2999), ..config() };
    let refused = LocalEngine::start(info, decoder, Arc::new(Bytes), &small).map(|_| ()).unwrap_err();
    assert_eq!(refused.to_string(), "fake: 2999 bytes for keys and values are fewer than three blocks of 1000");
}

#[test]
fn an_engine_that_is_dropped_lets_go_of_its_decoder() {
    let (engine, fate) = engine(None, &config());
    complete(&engine, request("Who?", 1, 5)).unwrap();
    assert_eq!(Arc::strong_count(&fate), 2);
    drop(engine);
    assert_eq!(Arc::strong_count(&fate), 1);
}
