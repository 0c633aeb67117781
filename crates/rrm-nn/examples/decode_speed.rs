//! A model's folder -> JSON lines: how fast the CPU decoder decodes it greedily, at several batch sizes.
//!
//! `cargo run --release -p rrm-nn --example decode_speed -- target/local_engine/S --batches 1 16 --weights f32`. The same job and the same
//! lines as the peers in benches/local_engine; run.py runs them in turn and compares what they write.
#![expect(clippy::print_stdout, reason = "the lines are the output")]

use std::{path::PathBuf, time::Instant};

use rrm_nn::{
    batch::{BLOCK, TokenBatch, TokenRow},
    cpu::{CpuDecoder, CpuOptions, Storage},
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What the command line asks for.
struct Settings {
    folder: PathBuf,
    weights: Storage,
    weights_name: String,
    batches: Vec<usize>,
    prompt_tokens: usize,
    new_tokens: usize,
    repeats: usize,
    threads: usize,
}

/// Seconds of evaluating the prompts and of all steps after, and the tokens written: `(batch, new_tokens)`.
struct Took {
    prefill: f64,
    steps: f64,
    tokens: Vec<Vec<u32>>,
}

fn main() -> Result<()> {
    let settings = settings(std::env::args().skip(1))?;
    let mut decoder = open(&settings)?;
    for &batch in &settings.batches {
        decode(&mut decoder, &Settings { new_tokens: settings.new_tokens.min(16), ..settings.again() }, batch)?;
        let mut took = Vec::new();
        for _ in 0..settings.repeats {
            took.push(decode(&mut decoder, &settings, batch)?);
        }
        println!("{}", line(&settings, batch, &took)?);
    }
    Ok(())
}

impl Settings {
    fn again(&self) -> Settings {
        Settings { folder: self.folder.clone(), batches: Vec::new(), weights_name: self.weights_name.clone(), ..*self }
    }
}

/// Options by name, each followed by its values; one value without a name, the folder.
fn settings(arguments: impl Iterator<Item = String>) -> Result<Settings> {
    let mut settings = Settings {
        folder: PathBuf::new(),
        weights: Storage::F32,
        weights_name: "f32".to_owned(),
        batches: vec![1, 4, 16, 64],
        prompt_tokens: 16,
        new_tokens: 128,
        repeats: 1,
        threads: 2,
    };
    let mut option = String::new();
    for argument in arguments {
        if argument.starts_with("--") {
            option = argument;
            if option == "--batches" {
                settings.batches.clear();
            }
            continue;
        }
        match option.as_str() {
            "" => settings.folder = argument.into(),
            "--batches" => settings.batches.push(argument.parse()?),
            "--prompt-tokens" => settings.prompt_tokens = argument.parse()?,
            "--new-tokens" => settings.new_tokens = argument.parse()?,
            "--repeats" => settings.repeats = argument.parse()?,
            "--threads" => settings.threads = argument.parse()?,
            "--weights" => {
                settings.weights = match argument.as_str() {
                    "f32" => Storage::F32,
                    "bf16" => Storage::Bf16,
                    "int8" => Storage::Int8,
                    other => return Err(format!("--weights {other}: f32, bf16 or int8").into()),
                };
                settings.weights_name = argument;
            }
            other => return Err(format!("{other} is no option").into()),
        }
    }
    Ok(settings)
}

/// The decoder with room for the largest batch.
fn open(settings: &Settings) -> Result<CpuDecoder> {
    let mut decoder =
        CpuDecoder::open(&settings.folder, CpuOptions { storage: settings.weights, threads: Some(settings.threads) })?;
    let most = settings.batches.iter().max().copied().unwrap_or(1);
    decoder.allocate(most * blocks(settings))?;
    Ok(decoder)
}

/// Blocks of one sequence.
fn blocks(settings: &Settings) -> usize {
    (settings.prompt_tokens + settings.new_tokens).div_ceil(BLOCK)
}

/// Evaluates the prompts of `batch` sequences at once, then one token of each in every step.
fn decode(decoder: &mut CpuDecoder, settings: &Settings, batch: usize) -> Result<Took> {
    let each = blocks(settings) as u32;
    let tables = (0..batch as u32).map(|sequence| (sequence * each..(sequence + 1) * each).collect()).collect();
    let mut step = TokenBatch { rows: Vec::new(), tables };
    for sequence in 0..batch {
        step.rows.extend((0..settings.prompt_tokens).map(|position| TokenRow {
            token: prompt_token(sequence, position),
            position: position as u32,
            sequence: sequence as u32,
            logits: position + 1 == settings.prompt_tokens,
        }));
    }
    let started = Instant::now();
    let mut next = likeliest(decoder.step(&step)?.0, batch);
    let prefill = started.elapsed().as_secs_f64();
    let mut tokens = vec![Vec::with_capacity(settings.new_tokens); batch];
    for position in settings.prompt_tokens..settings.prompt_tokens + settings.new_tokens {
        step.rows.clear();
        for (sequence, token) in next.iter().enumerate() {
            tokens[sequence].push(*token);
            step.rows.push(TokenRow { token: *token, position: position as u32, sequence: sequence as u32, logits: true });
        }
        next = likeliest(decoder.step(&step)?.0, batch);
    }
    Ok(Took { prefill, steps: started.elapsed().as_secs_f64() - prefill, tokens })
}

/// Distinct prompts of ordinary tokens; benches/local_engine/workload.py writes the same formula.
fn prompt_token(sequence: usize, position: usize) -> u32 {
    16 + ((131 * sequence + 17 * position + 7) % 2000) as u32
}

/// The first of the largest logits of each row: logits `(batch, vocabulary)`.
fn likeliest(logits: &[f32], batch: usize) -> Vec<u32> {
    let best = |row: &[f32]| {
        let best = row.iter().enumerate().fold((0, f32::NEG_INFINITY), |best, (i, x)| if *x > best.1 { (i, *x) } else { best });
        best.0 as u32
    };
    logits.chunks_exact(logits.len() / batch).map(best).collect()
}

/// One result as JSON: medians of the repetitions, and every sequence's new tokens.
fn line(settings: &Settings, batch: usize, took: &[Took]) -> Result<serde_json::Value> {
    let median = |of: fn(&Took) -> f64| {
        let mut all: Vec<f64> = took.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        (all[(all.len() - 1) / 2] + all[all.len() / 2]) / 2.0
    };
    let steps = median(|took| took.steps);
    Ok(serde_json::json!({
        "engine": format!("rrm {}, {}", env!("CARGO_PKG_VERSION"), settings.weights_name),
        "model": settings.folder.file_name().map(|name| name.to_string_lossy()),
        "threads": settings.threads,
        "batch": batch,
        "prompt_tokens": settings.prompt_tokens,
        "new_tokens": settings.new_tokens,
        "repeats": took.len(),
        "tokens_per_second": (batch * settings.new_tokens) as f64 / steps,
        "ms_per_step": steps / settings.new_tokens as f64 * 1e3,
        "prefill_seconds": median(|took| took.prefill),
        "peak_rss_mib": peak_memory()?,
        "tokens": took.first().map(|took| &took.tokens),
    }))
}

/// The most memory that this process has had resident, in MiB, as Linux counts it.
fn peak_memory() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    Ok(kib.ok_or("/proc/self/status has no VmHWM")? / 1024.0)
}
