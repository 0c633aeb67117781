//! The engine on a real model: SmolLM2-135M-Instruct, or whatever `RRM_TEST_GGUF` names. Without a model these tests skip and say so.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![allow(clippy::print_stderr, reason = "some tests show what they measure")]

use std::{path::PathBuf, sync::LazyLock};

use rrm::{
    chat::Message,
    engine::{Completion, Engine, EngineError, Request, Sampling},
};
use rrm_llama::{LlamaConfig, LlamaEngine};

mod bad_files;
mod budget;
mod converted;
mod generation;
#[path = "../../../../tests/skipping.rs"]
mod skipping;

/// The model under test, if there is one.
fn model() -> Option<PathBuf> {
    let fetched = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/SmolLM2-135M-Instruct.Q4_1.gguf").into();
    let path = std::env::var_os("RRM_TEST_GGUF").map_or_else(fetched, PathBuf::from);
    if path.exists() {
        return Some(path);
    }
    skipping::skipped(&format!("{} is absent, scripts/fetch-smollm2.sh fetches it", path.display()));
    None
}

/// One thread: the threads of llama.cpp wait for each other by spinning, which takes ages beside other tests.
fn config(path: PathBuf) -> LlamaConfig {
    LlamaConfig { threads: Some(1), ..LlamaConfig::new(path) }
}

/// One engine for all tests of a process.
fn engine() -> Option<&'static LlamaEngine> {
    static ENGINE: LazyLock<Option<LlamaEngine>> = LazyLock::new(|| Some(LlamaEngine::open(config(model()?)).unwrap()));
    ENGINE.as_ref()
}

/// A request of one user turn.
fn request(prompt: &str, temperature: f64, seed: u64, max_tokens: u32) -> Request {
    Request {
        messages: [Message::user(prompt)].into(),
        sampling: Sampling { temperature, max_tokens, ..Sampling::default() },
        seed,
        budget: None,
        comparison: None,
        labels: None,
        sink: None,
    }
}

fn complete(engine: &LlamaEngine, request: Request) -> Result<Completion, EngineError> {
    futures::executor::block_on(engine.complete(request))
}
