//! A real model: SmolLM2-135M-Instruct as a folder of f32 weights in `models/`, or wherever `RRM_TEST_CHECKPOINT` names it. Without it
//! these tests skip and say so.

use std::{fs, path::PathBuf};

use candle_core::Device;
use rrm::engine::in_process::ChatTemplate;
use rrm_nn::{
    checkpoint::Checkpoint,
    cpu::{CpuDecoder, CpuOptions},
    tokens::ModelTokenizer,
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    golden::{self, folder, largest_difference, likeliest},
    oracle::Decoder,
    tokens::message,
};

/// `scripts/make_smollm2_golden.py` writes it.
#[derive(Deserialize)]
struct Golden {
    messages: Vec<Value>,
    tokens: Vec<u32>,
    greedy: Vec<u32>,
    /// The tokens whose logits every row holds.
    sampled: Vec<usize>,
    rows: Vec<Row>,
}

/// Logits at one position.
#[derive(Deserialize)]
struct Row {
    position: usize,
    /// The likeliest tokens, and their logits.
    largest: Vec<usize>,
    values: Vec<f32>,
    sampled: Vec<f32>,
}

fn checkpoint() -> Option<Checkpoint> {
    let made = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/SmolLM2-135M-Instruct").into();
    let path = std::env::var_os("RRM_TEST_CHECKPOINT").map_or_else(made, PathBuf::from);
    if path.exists() {
        return Some(Checkpoint::open(&path).unwrap());
    }
    crate::skipping::skipped(&format!("{} is absent, scripts/dequantise_gguf.py makes it from the GGUF file", path.display()));
    None
}

fn read() -> Golden {
    serde_json::from_slice(&fs::read(folder("smollm2.json")).unwrap()).unwrap()
}

#[test]
fn golden_logits_of_a_real_model_are_those_of_transformers() {
    let Some(checkpoint) = checkpoint() else { return };
    let golden = read();
    let tokens = [golden.tokens.as_slice(), &golden.greedy].concat();
    let readable = Decoder::load(&checkpoint, &Device::Cpu).unwrap();
    check(&golden, &golden::logits(&readable, &tokens));
    drop(readable);
    let mut fast = CpuDecoder::open(checkpoint.folder(), CpuOptions::default()).unwrap();
    fast.allocate(8).unwrap();
    check(&golden, &golden::cpu_logits(&mut fast, &tokens));
}

/// Holds the logits of every position, `(T, V)`, to those that were written down.
fn check(golden: &Golden, logits: &[Vec<f32>]) {
    let at = |position: usize, tokens: &[usize]| tokens.iter().map(|token| logits[position][*token]).collect::<Vec<f32>>();
    let mut worst = 0f32;
    for row in &golden.rows {
        let largest = largest_difference(&at(row.position, &row.largest), &row.values);
        let sampled = largest_difference(&at(row.position, &golden.sampled), &row.sampled);
        assert!(largest.max(sampled) < 1e-4, "off by {largest} and {sampled} at position {}", row.position);
        worst = worst.max(largest).max(sampled);
    }
    eprintln!("off by {worst} at most");
    let last = golden.tokens.len() - 1;
    let chosen: Vec<u32> = logits[last..last + golden.greedy.len()].iter().map(|row| likeliest(row)).collect();
    assert_eq!(chosen, golden.greedy);
}

#[test]
fn the_prompt_of_a_real_model_is_that_of_transformers() {
    let Some(checkpoint) = checkpoint() else { return };
    let golden = read();
    let tokenizer = ModelTokenizer::open(checkpoint.folder(), checkpoint.config().vocab_size).unwrap();
    let template = tokenizer.chat_template().map(str::to_owned);
    let template = ChatTemplate::new(template, tokenizer.bos().to_owned(), tokenizer.eos().to_owned()).unwrap();
    let messages: Vec<_> = golden.messages.iter().map(message).collect();
    assert_eq!(tokenizer.prompt(&template.render(&messages).unwrap()).unwrap(), golden.tokens);
    assert!(tokenizer.ends(2));
}
