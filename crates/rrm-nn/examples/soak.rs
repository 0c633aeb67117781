//! A model's folder -> thousands of short requests and a storm of cancelled ones through the local engine, and proof that they leave nothing
//! behind: resident memory, blocks in use, and every answer compared with what the same request gets alone.
//!
//! `cargo run --release -p rrm-nn --example soak -- target/local_engine/S --requests 10000 --cancelled 10000 --alone 2000`. Requests come in
//! three mixes: all answered, half of them dropped after a keyed number of tokens (some before the first), all answered again. A wrong answer,
//! memory that grows, blocks that stay in use, or a minute without any answer ends it with an error.
#![expect(clippy::print_stdout, reason = "the lines are the output")]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use rrm::{
    chat::Message,
    engine::{Budget, Completion, Engine, Request, Sampling},
    keyed::KeyedRandom,
};
use rrm_nn::{
    batch::BLOCK,
    engine::{LocalEngine, SchedulerConfig},
    local::LocalConfig,
};
use tokio::sync::Notify;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const WORDS: &str = include_str!("../../../docs/glossary.md");
/// Requests in flight.
const WIDTH: usize = 128;
/// Resident memory may move by this much while nothing leaks: allocator and caches of the engine.
const SLACK_MIB: f64 = 16.0;
const PATIENCE: Duration = Duration::from_secs(60);

/// What the command line asks for.
struct Settings {
    folder: PathBuf,
    requests: u64,
    cancelled: u64,
    alone: u64,
}

/// One answer, or `None` where the request was dropped.
type Answer = (u64, Option<blake3::Hash>);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let settings = settings(std::env::args().skip(1))?;
    let engine = open(&settings.folder, WIDTH / 2, true)?;
    let half = settings.requests / 2;
    let mut answers = phase(&engine, "answered", 0..half, false).await?;
    let warm = resident()?;
    let storm = settings.requests..settings.requests + 2 * settings.cancelled;
    answers.extend(phase(&engine, "half of them dropped", storm, true).await?);
    answers.extend(phase(&engine, "answered", half..settings.requests, false).await?);
    let grown = resident()? - warm;
    println!("{}", serde_json::json!({ "grown_mib": round(grown), "allowed_mib": SLACK_MIB }));
    if grown > SLACK_MIB {
        return Err(format!("memory grew by {grown:.1} MiB").into());
    }
    idle(&engine).await?;
    drop(engine);
    compare(&settings, &answers).await
}

fn settings(mut arguments: impl Iterator<Item = String>) -> Result<Settings> {
    let mut settings = Settings { folder: PathBuf::new(), requests: 10_000, cancelled: 10_000, alone: 2_000 };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
        match argument.as_str() {
            "--requests" => settings.requests = value()?.parse()?,
            "--cancelled" => settings.cancelled = value()?.parse()?,
            "--alone" => settings.alone = value()?.parse()?,
            folder => settings.folder = folder.into(),
        }
    }
    Ok(settings)
}

/// A small budget for keys and values, so that prefixes are evicted all the time.
fn open(folder: &Path, max_batch: usize, share_prefixes: bool) -> Result<LocalEngine> {
    let scheduler = SchedulerConfig { share_prefixes, max_batch, kv_bytes: Some(64 << 20), ..SchedulerConfig::default() };
    Ok(LocalEngine::open(LocalConfig { threads: Some(2), scheduler, ..LocalConfig::new(folder) })?)
}

/// Sends the requests, [`WIDTH`] at once, and says now and then how much memory is resident.
async fn phase(engine: &LocalEngine, name: &str, numbers: std::ops::Range<u64>, drop_some: bool) -> Result<Vec<Answer>> {
    let (started, all) = (Instant::now(), numbers.end - numbers.start);
    let one = |number: u64| async move {
        let dropped = drop_some && number % 2 == 1;
        let answer = if dropped { dropping(engine, number).await? } else { Some(engine.complete(request(number)).await?) };
        Ok::<Answer, rrm::engine::EngineError>((number, answer.map(|completion| digest(&completion))))
    };
    let mut answers = stream::iter(numbers).map(one).buffer_unordered(WIDTH);
    let mut got = Vec::new();
    while let Some(answer) = tokio::time::timeout(PATIENCE, answers.next()).await.map_err(|_| "no answer for a minute")? {
        got.push(answer?);
        if (got.len() as u64).is_multiple_of((all / 5).max(1)) {
            let seconds = started.elapsed().as_secs_f64();
            println!(
                "{}",
                serde_json::json!({ "phase": name, "done": got.len(), "seconds": round(seconds), "resident_mib": round(resident()?) })
            );
        }
    }
    Ok(got.into_iter().filter(|(_, answer)| answer.is_some()).collect())
}

/// Starts a request and drops it after a keyed number of pieces of text, if it gets that far.
async fn dropping(engine: &LocalEngine, number: u64) -> std::result::Result<Option<Completion>, rrm::engine::EngineError> {
    let after = KeyedRandom::new(0, "soak", "drop", &[number]).below(14);
    let (seen, enough) = (AtomicU64::new(0), Arc::new(Notify::new()));
    if after == 0 {
        enough.notify_one();
    }
    let bell = enough.clone();
    let sink = Arc::new(move |_: &str| {
        if seen.fetch_add(1, Relaxed) + 1 == after {
            bell.notify_one();
        }
    });
    tokio::select! {
        biased;
        completion = engine.complete(Request { sink: Some(sink), ..request(number) }) => completion.map(Some),
        () = enough.notified() => Ok(None),
    }
}

/// A short comparison: few words of a few prompts, so that beginnings are shared, and few tokens to write.
fn request(number: u64) -> Request {
    let mut keyed = KeyedRandom::new(0, "soak", "request", &[number]);
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let pick = |key: u64, count: u64| {
        let mut keyed = KeyedRandom::new(0, "soak", "text", &[key]);
        (0..count).map(|_| words[keyed.below(words.len() as u64) as usize]).collect::<Vec<_>>().join(" ")
    };
    let (prompt, first, second) = (keyed.below(40), keyed.below(400), keyed.below(400));
    let text = format!("{}\n\n1: {}\n\n2: {}", pick(prompt, 12), pick(100 + first, 6), pick(100 + second, 6));
    let verdict = |label: &str| format!("[{label}]");
    Request {
        messages: [Message::user(text)].into(),
        sampling: Sampling { temperature: 0.8, top_p: 0.95, ..Sampling::default() },
        seed: number,
        budget: Some(Budget {
            max_thinking_tokens: 4 + keyed.below(8) as u32,
            elicit: "\n</think>\n[".to_owned(),
            elicit_answer: "\n[".to_owned(),
            open: "<think>".to_owned(),
            close: "</think>".to_owned(),
            opened_by_template: false,
            max_verdict_tokens: 3,
            stop: vec!["]".to_owned()],
            verdicts: vec![verdict("1"), verdict("2")],
            stop_at_verdict: false,
        }),
        comparison: None,
        labels: None,
        sink: None,
    }
}

/// Everything about an answer that must not depend on what else was going on.
fn digest(completion: &Completion) -> blake3::Hash {
    blake3::hash(format!("{completion:?}").as_bytes())
}

/// Nothing may be held once nobody waits: one more request is answered after everything before it was cleared away.
async fn idle(engine: &LocalEngine) -> Result<()> {
    engine.complete(request(u64::MAX >> 11)).await?;
    let counters = engine.counters();
    println!(
        "{}",
        serde_json::json!({
            "blocks_in_use": counters.blocks, "peak_cache_tokens": counters.peak_blocks * BLOCK as u64, "steps": counters.steps,
            "tokens_evaluated": counters.rows, "tokens_reused": counters.reused, "preemptions": counters.preemptions,
        })
    );
    if counters.blocks > 0 { Err(format!("{} blocks are still in use", counters.blocks).into()) } else { Ok(()) }
}

/// Asks for some of the answers again, one at a time, of an engine that shares nothing.
async fn compare(settings: &Settings, answers: &[Answer]) -> Result<()> {
    let engine = open(&settings.folder, 1, false)?;
    let sent = settings.requests + 2 * settings.cancelled;
    let every = (answers.len() as u64 / settings.alone.max(1)).max(1);
    let mut compared = 0;
    for (number, answer) in answers.iter().step_by(every as usize) {
        let alone = digest(&engine.complete(request(*number)).await?);
        if Some(alone) != *answer {
            return Err(format!("request {number} got another answer alone than among others").into());
        }
        compared += 1;
    }
    println!(
        "{}",
        serde_json::json!({ "answers": answers.len(), "dropped": sent - answers.len() as u64, "compared_with_alone": compared, "different": 0 })
    );
    Ok(())
}

/// Resident memory now, in MiB, as Linux counts it.
fn resident() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    Ok(kib.ok_or("/proc/self/status has no VmRSS")? / 1024.0)
}

fn round(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}
