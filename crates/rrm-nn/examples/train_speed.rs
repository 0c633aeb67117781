//! How fast a plain training step is: forward, cross-entropy on next tokens, backward, AdamW. `train_speed S|M|T [steps] [threads]` prints the
//! median seconds of a step, tokens per second and peak memory as one line of JSON. Shapes as `benches/train/peer.py` has them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints")]

use std::time::Instant;

use rrm_nn::{
    config::ModelConfig,
    train::{
        adamw::{AdamW, AdamWConfig, Moments},
        layout::{PackedTokens, TokenTarget},
        trainee::{Trainee, TraineeOptions},
        weights::{InitStd, TrainedWeights},
    },
};

/// Vocabulary, hidden size, layers, heads, heads of keys and values, inner size; sequences and their tokens.
const S: ([usize; 6], usize, usize) = ([2048, 256, 6, 4, 2, 768], 16, 256);
/// SmolLM2-135M.
const M: ([usize; 6], usize, usize) = ([49152, 576, 30, 9, 3, 1536], 2, 256);
/// A judge as small as the one that the project trains itself, on short texts.
const T: ([usize; 6], usize, usize) = ([64, 128, 2, 4, 2, 256], 128, 48);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |index: usize| arguments.get(index).map(String::as_str);
    let (shape, sequences, length) = match text(0) {
        Some("M") => M,
        Some("T") => T,
        _ => S,
    };
    let steps: usize = text(1).unwrap_or("7").parse()?;
    let threads = text(2).map(str::parse).transpose()?;
    let [vocabulary, hidden, layers, heads, kv_heads, inner] = shape;
    let config = ModelConfig::parse(
        format!(
            r#"{{"model_type": "llama", "vocab_size": {vocabulary}, "hidden_size": {hidden}, "num_hidden_layers": {layers},
            "num_attention_heads": {heads}, "num_key_value_heads": {kv_heads}, "intermediate_size": {inner},
            "rms_norm_eps": 1e-5, "tie_word_embeddings": true}}"#
        )
        .as_bytes(),
    )?;
    let checkpoint_activations = text(3) == Some("checkpoint");
    let mut weights = TrainedWeights::random(&config, &InitStd::default(), 0);
    let mut trainee = Trainee::new(&config, TraineeOptions { threads, checkpoint_activations })?;
    let count = weights.trainable().len();
    let mut gradients = vec![0f32; count];
    let config = AdamWConfig { weight_decay: 0.01, ..AdamWConfig::default() };
    let cores = std::thread::available_parallelism()?.get();
    // PyTorch's decays all weights.
    let decayed = std::iter::once(0..count).collect();
    let mut adamw = AdamW { config, decayed, threads: threads.unwrap_or(cores), moments: Moments::new(count) };
    let packed = sequences_of(sequences, length, vocabulary);
    let slope = -1.0 / packed.targets.len() as f32;
    let mut times = Vec::new();
    for step in 0..=steps {
        let start = Instant::now();
        gradients.fill(0.0);
        let scored = trainee.backward(&weights, &packed, 1.0, &|_, _| slope, &mut gradients)?;
        let loss = scored.iter().map(|scored| f64::from(scored.logprob)).sum::<f64>() * f64::from(slope);
        let passed = start.elapsed().as_secs_f64();
        adamw.step(weights.trainable_mut(), &gradients, 3e-4);
        let all = start.elapsed().as_secs_f64();
        eprintln!("step {step}: loss {loss:.4}, passes {passed:.3} s, update {:.3} s, all {all:.3} s", all - passed);
        if step > 0 {
            times.push(all);
        }
    }
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    let tokens = packed.tokens.len() as f64;
    println!(
        r#"{{"seconds": {median:.4}, "best": {:.4}, "tokens_per_second": {:.0}, "peak_mib": {}}}"#,
        times[0],
        tokens / median,
        peak_mib()
    );
    Ok(())
}

/// Sequences of random tokens, each of which predicts the next.
fn sequences_of(sequences: usize, length: usize, vocabulary: usize) -> PackedTokens {
    let mut packed = PackedTokens::default();
    let mut state = 1u64;
    for _ in 0..sequences {
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) as usize % vocabulary) as u32
        };
        let tokens: Vec<u32> = (0..=length).map(|_| draw()).collect();
        let first = packed.tokens.len();
        packed.push(None, &tokens[..length]);
        packed.targets.extend(tokens[1..].iter().enumerate().map(|(at, token)| TokenTarget { row: first + at, token: *token }));
    }
    packed
}

/// The most memory that this process ever had, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() / 1024
}
