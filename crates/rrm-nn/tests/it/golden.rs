//! Logits and greedy tokens equal those of transformers, on the models that `scripts/make_tiny_models.py` makes and writes down.

use std::{fs, path::PathBuf};

use candle_core::{Device, Tensor};
use rrm_nn::{
    batch::{BLOCK, TokenBatch, TokenRow},
    checkpoint::Checkpoint,
    cpu::{CpuDecoder, CpuOptions, kernel::Isa},
};
use serde::Deserialize;
use serde_json::Value;

use crate::oracle::Decoder;

/// The folders: three architectures, and one with a vocabulary of words, biases everywhere and YaRN.
pub const MODELS: [&str; 4] = ["llama", "qwen2", "qwen3", "words"];

/// Largest difference between two logits that are equal.
const TOLERANCE: f32 = 1e-4;

/// What transformers computed with a model.
#[derive(Deserialize)]
pub struct Golden {
    pub prompts: Vec<Prompt>,
    pub conversations: Vec<Conversation>,
}

#[derive(Deserialize)]
pub struct Prompt {
    pub tokens: Vec<u32>,
    /// The likeliest token after the prompt, then the likeliest after that, and so on.
    pub greedy: Vec<u32>,
    /// `(T, V)`
    pub logits: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
pub struct Conversation {
    pub messages: Vec<Value>,
    pub tokens: Vec<u32>,
    pub text: String,
}

/// The folder of a tiny model.
pub fn folder(model: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).join(model)
}

pub fn checkpoint(model: &str) -> Checkpoint {
    Checkpoint::open(&folder(model)).unwrap()
}

pub fn golden(model: &str) -> Golden {
    serde_json::from_slice(&fs::read(folder(model).join("golden.json")).unwrap()).unwrap()
}

/// Holds any decoder to the numbers of transformers. `logits` gives those of every position of a sequence, `(T, V)`.
pub fn check(model: &str, mut logits: impl FnMut(&[u32]) -> Vec<Vec<f32>>) {
    for prompt in golden(model).prompts {
        let found = logits(&prompt.tokens);
        assert_eq!(found.len(), prompt.logits.len());
        for (position, (found, expected)) in found.iter().zip(&prompt.logits).enumerate() {
            let difference = largest_difference(found, expected);
            assert!(difference < TOLERANCE, "{model}: off by {difference} at position {position}");
        }
        let mut tokens = prompt.tokens.clone();
        for expected in prompt.greedy {
            let last = logits(&tokens).pop().unwrap();
            assert_eq!(likeliest(&last), expected, "{model}: after {} tokens", tokens.len());
            tokens.push(expected);
        }
    }
}

pub fn largest_difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let worse = |worst: f32, difference: f32| if difference > worst || difference.is_nan() { difference } else { worst };
    found.iter().zip(expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, worse)
}

pub fn likeliest(logits: &[f32]) -> u32 {
    logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0 as u32
}

/// Logits of one sequence by the readable decoder.
pub fn logits(decoder: &Decoder, tokens: &[u32]) -> Vec<Vec<f32>> {
    let tokens = Tensor::new(tokens, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    let logits = decoder.logits(&decoder.forward(&tokens).unwrap()).unwrap();
    logits.squeeze(0).unwrap().to_vec2().unwrap()
}

#[test]
fn golden_logits_and_greedy_tokens_are_those_of_transformers() {
    for model in MODELS {
        let decoder = Decoder::load(&checkpoint(model), &Device::Cpu).unwrap();
        check(model, |tokens| logits(&decoder, tokens));
    }
}

#[test]
fn what_fills_up_a_shorter_sequence_changes_nothing_before_it() {
    let decoder = Decoder::load(&checkpoint("qwen3"), &Device::Cpu).unwrap();
    let rows = [[5u32, 9, 7, 300], [5, 9, 8, 8]];
    let logits = decoder.logits(&decoder.forward(&Tensor::new(&rows, &Device::Cpu).unwrap()).unwrap()).unwrap();
    let logits: Vec<Vec<Vec<f32>>> = logits.to_vec3().unwrap();
    assert!(largest_difference(&logits[0][1], &logits[1][1]) < TOLERANCE);
    assert!(largest_difference(&logits[0][2], &logits[1][2]) > 0.1);
}

#[test]
fn a_token_outside_the_vocabulary_is_an_error() {
    let decoder = Decoder::load(&checkpoint("llama"), &Device::Cpu).unwrap();
    assert!(decoder.forward(&Tensor::new(&[[304u32]], &Device::Cpu).unwrap()).is_err());
}

/// Logits of one sequence by the decoder for CPUs, in two chunks that share no boundary with its blocks.
pub fn cpu_logits(decoder: &mut CpuDecoder, tokens: &[u32]) -> Vec<Vec<f32>> {
    let (vocabulary, cut) = (decoder.config().vocab_size, tokens.len() / 3);
    let row = |(position, token): (usize, &u32)| TokenRow { token: *token, position: position as u32, sequence: 0, logits: true };
    let rows: Vec<TokenRow> = tokens.iter().enumerate().map(row).collect();
    let tables = vec![(0..tokens.len().div_ceil(BLOCK) as u32).rev().collect()];
    let mut logits = Vec::new();
    for rows in [&rows[..cut], &rows[cut..]] {
        let batch = TokenBatch { rows: rows.to_vec(), tables: tables.clone() };
        logits.extend(decoder.step(&batch).unwrap().0.chunks(vocabulary).map(<[f32]>::to_vec));
    }
    logits
}

#[test]
fn golden_the_decoder_for_cpus_gives_the_same() {
    for model in MODELS {
        for threads in [1, 3] {
            let options = CpuOptions { threads: Some(threads), ..CpuOptions::default() };
            let mut decoder = CpuDecoder::open(&folder(model), options).unwrap();
            decoder.allocate(16).unwrap();
            check(model, |tokens| cpu_logits(&mut decoder, tokens));
        }
    }
}

#[test]
fn golden_instructions_change_no_bit() {
    for model in MODELS {
        let tokens = &golden(model).prompts[0].tokens;
        let mut all = Vec::new();
        for isa in Isa::all() {
            let mut decoder = CpuDecoder::open(&folder(model), CpuOptions::default()).unwrap().with_isa(isa);
            decoder.allocate(16).unwrap();
            all.push(cpu_logits(&mut decoder, tokens));
        }
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{model}");
    }
}
