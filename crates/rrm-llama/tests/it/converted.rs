//! Folders that were converted to GGUF files: llama.cpp loads them and writes what our own decoder writes with the folder.

use std::path::{Path, PathBuf};

use futures::executor::block_on;
use rrm::{

    engine::Engine,
};
use rrm_llama::LlamaEngine;
use rrm_nn::{
    engine::LocalEngine,
    gguf_export::{MatrixType, convert},
    local::LocalConfig,
};

use crate::{config, request};

const PROMPTS: [&str; 3] = ["Name three rivers.", "What is the capital of France?", "1, 2, 3 and\n\nthen 12345? It's \"so\"."];

fn tiny(model: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../rrm-nn/tests/golden")).join(model)
}

fn text(engine: &impl Engine, prompt: &str, max_tokens: u32) -> (u64, String) {
    let done = block_on(engine.complete(request(prompt, 0.0, 0, max_tokens))).unwrap();
    (done.usage.prompt_tokens, done.text)
}

fn converted(folder: &Path, matrices: MatrixType) -> (tempfile::TempDir, LlamaEngine) {
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("model.gguf");
    convert(folder, &path, matrices).unwrap();
    let engine = LlamaEngine::open(config(path)).unwrap();
    (out, engine)
}

#[test]
fn tiny_models_write_the_same_text() {
    for model in ["llama", "qwen2", "qwen3"] {
        let folder = tiny(model);
        let ours = LocalEngine::open(LocalConfig { threads: Some(1), ..LocalConfig::new(&folder) }).unwrap();
        for matrices in [MatrixType::F32, MatrixType::F16, MatrixType::Q8_0] {
            let (_folder, theirs) = converted(&folder, matrices);
            for prompt in PROMPTS {
                eprintln!("{model} {matrices:?} {:?}\n   {:?}", text(&ours, prompt, 48), text(&theirs, prompt, 48));
            }
        }
    }
}
