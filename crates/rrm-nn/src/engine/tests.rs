//! The engine on a decoder that shows every mistake with blocks: see [`fake`].

mod answers;
mod ends;
mod fake;
mod labels;
mod load;
mod same_text;

use std::{
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use futures::{executor::block_on, future::join_all};
use rrm::{
    chat::Message,
    engine::{Budget, Completion, Engine, EngineError, EngineInfo, Labels, Request, Sampling},
};

use super::{LocalEngine, SchedulerConfig};
use fake::{Bytes, Fake, Fate};

/// Positions of the decoder where a test says nothing else.
const POSITIONS: usize = 1000;

fn config() -> SchedulerConfig {
    SchedulerConfig { kv_bytes: Some(1_000_000), ..SchedulerConfig::default() }
}

/// An engine, and what its decoder goes through.
fn engine(script: Option<&str>, config: &SchedulerConfig) -> (LocalEngine, Arc<Mutex<Fate>>) {
    let fate = Arc::<Mutex<Fate>>::default();
    let decoder = Box::new(Fake::new(POSITIONS, script, fate.clone()));
    let info = EngineInfo {
        name: "fake".to_owned(),
        fingerprint: "fake".to_owned(),
        seeds: true,
        logprobs: true,
        budget: true,
        paid: true,
    };
    (LocalEngine::start(info, decoder, Arc::new(Bytes), config).unwrap(), fate)
}

fn request(prompt: &str, seed: u64, max_tokens: u32) -> Request {
    Request {
        messages: [Message::user(prompt)].into(),
        sampling: Sampling { temperature: 1.0, max_tokens, ..Sampling::default() },
        seed,
        budget: None,
        comparison: None,
        labels: None,
        sink: None,
    }
}

fn budget() -> Budget {
    Budget {
        max_thinking_tokens: 6,
        elicit: "</think>[[".to_owned(),
        elicit_answer: "\n[[".to_owned(),
        open: "<think>".to_owned(),
        close: "</think>".to_owned(),
        opened_by_template: false,
        max_verdict_tokens: 8,
        stop: vec!["]]".to_owned()],
        verdicts: ["[[1]]", "[[2]]"].map(str::to_owned).to_vec(),
        stop_at_verdict: false,
    }
}

fn labels() -> Arc<Labels> {
    Arc::new(Labels { first: "\\box{A 1}".to_owned(), second: "\\box{A 2}".to_owned(), tie: None })
}

fn complete(engine: &LocalEngine, request: Request) -> Result<Completion, EngineError> {
    block_on(engine.complete(request))
}

/// All answers, in the order of the requests, which are all sent before any is waited for.
fn complete_all(engine: &LocalEngine, requests: &[Request]) -> Vec<Completion> {
    let answers = block_on(join_all(requests.iter().map(|request| engine.complete(request.clone()))));
    answers.into_iter().map(Result::unwrap).collect()
}

/// Runs a scenario that must not stand still.
fn in_time<T: Send + 'static>(scenario: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, finished) = mpsc::channel();
    thread::spawn(move || done.send(scenario()));
    finished.recv_timeout(Duration::from_secs(120)).expect("the scenario failed or stands still")
}
