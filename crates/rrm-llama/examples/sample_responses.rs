//! A prompt -> N sampled responses of a GGUF model, as a row for `rrm rank`.
//!
//! `cargo run -p rrm-llama --example sample_responses -- models/SmolLM2-135M-Instruct.Q4_1.gguf > examples/eight-responses.jsonl`
//! made the shipped example: eight real responses of a very small model, none of them edited.
#![allow(clippy::print_stdout, reason = "the row is the output")]

use rrm::{
    chat::Message,
    engine::{Engine, Request, Sampling},
};
use rrm_llama::{LlamaConfig, LlamaEngine};

const PROMPT: &str = "Explain to a ten-year-old in two or three sentences why the moon seems to change its shape.";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("the path of a GGUF model is expected")?;
    let engine = LlamaEngine::open(LlamaConfig::new(path))?;
    let mut responses = Vec::new();
    for seed in 1..=8 {
        let request = Request {
            messages: [Message::user(PROMPT)].into(),
            sampling: Sampling { temperature: 0.8, top_p: 0.95, top_k: None, min_p: None, max_tokens: 160 },
            seed,
            budget: None,
            comparison: None,
            labels: None,
            sink: None,
        };
        let completion = futures::executor::block_on(engine.complete(request))?;
        responses.push(completion.text.trim().to_owned());
    }
    println!("{}", serde_json::json!({ "id": "eight", "prompt": PROMPT, "responses": responses }));
    Ok(())
}
