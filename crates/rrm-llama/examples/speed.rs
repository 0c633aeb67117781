//! A GGUF file -> tokens per second of reading a prompt, of writing, and of a prompt that shares its beginning with the last one.
//!
//! `cargo run -p rrm-llama --example speed -- models/SmolLM2-135M-Instruct.Q4_1.gguf [threads]`
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people")]

use std::time::Instant;

use futures::executor::block_on;
use rrm::{
    chat::Message,
    engine::{Engine, Request, Sampling},
};
use rrm_llama::{LlamaConfig, LlamaEngine};

fn main() {
    let path = std::env::args().nth(1).expect("a GGUF file is expected");
    let threads = std::env::args().nth(2).map(|threads| threads.parse().unwrap());
    let start = Instant::now();
    let engine = LlamaEngine::open(LlamaConfig { threads, ..LlamaConfig::new(path) }).unwrap();
    println!("open {:.2} s", start.elapsed().as_secs_f64());
    let text = "You are a careful judge. Read the two answers and say which is better, with reasons. ".repeat(36);
    for round in 0..3 {
        // Another first word, so that nothing is shared.
        let prompt = format!("Round {round}. {text}");
        let read = timed(&engine, prompt.clone(), 1);
        let again = timed(&engine, prompt.clone() + "And be brief.", 1);
        let wrote = timed(&engine, prompt, 97);
        let tokens = (wrote.1 - 1) as f64;
        println!(
            "read {:.0} tokens/s ({} tokens), read again {:.3} s, write {:.1} tokens/s ({} tokens)",
            read.2 as f64 / read.0,
            read.2,
            again.0,
            tokens / (wrote.0 - again.0),
            wrote.1
        );
    }
}

/// Seconds, tokens written, tokens of the prompt.
fn timed(engine: &LlamaEngine, prompt: String, max_tokens: u32) -> (f64, u64, u64) {
    let sampling = Sampling { temperature: 1.0, top_p: 0.95, top_k: Some(40), min_p: None, max_tokens };
    let request = Request {
        messages: [Message::user(prompt)].into(),
        sampling,
        seed: 1,
        budget: None,
        comparison: None,
        labels: None,
        sink: None,
    };
    let start = Instant::now();
    let completion = block_on(engine.complete(request)).unwrap();
    (start.elapsed().as_secs_f64(), completion.usage.completion_tokens, completion.usage.prompt_tokens)
}
