//! A model's folder and switches -> one JSON line: what a judging job takes through the local engine, in seconds and tokens.
//!
//! `cargo run --release -p rrm-nn --example judging_job -- target/local_engine/S --prompt-tokens 700 --adaptive sparing`. Several prompts, each
//! with several responses that a knockout ranks, all at once. benches/local_engine runs it with parts of the engine switched off, and with
//! more and more of everything.
//!
//! Prompts and responses are words of this repository's docs, drawn by key, with the length asked for in tokens. A random model states no
//! verdict, so the engine's text is closed by one: right with probability `--accuracy`, keyed by the request's seed. Everything else is as in
//! `rrm rank`, without a store.
#![expect(clippy::print_stdout, reason = "the line is the output")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Instant,
};

use futures::future::{BoxFuture, try_join_all};
use rrm::{
    comparison::{Prompt, Side},
    dataset::{Item, Response},
    engine::{Completion, Engine, EngineError, EngineInfo, Finish, Request, Sampling},
    format::Format,
    judge::{Adaptive, Judge, JudgeSettings, Places},
    keyed::KeyedRandom,
    ranking::rank::{RankSettings, rank},
};
use rrm_nn::{
    batch::BLOCK,
    engine::{LocalEngine, SchedulerConfig},
    local::LocalConfig,
};
use tokenizers::Tokenizer;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const WORDS: [&str; 2] = [include_str!("../../../docs/formats.md"), include_str!("../../../docs/glossary.md")];

/// What the command line asks for.
struct Settings {
    folder: PathBuf,
    prompts: usize,
    responses: usize,
    prompt_tokens: usize,
    response_tokens: usize,
    votes: u32,
    budget: u32,
    adaptive: Adaptive,
    accuracy: f64,
    prefix_sharing: bool,
    max_batch: usize,
    kv_mib: u64,
    threads: usize,
}

/// The local engine, with a verdict after what it writes.
struct Spoken {
    engine: LocalEngine,
    accuracy: f64,
    /// The text of each request by its seed.
    texts: Mutex<BTreeMap<u64, blake3::Hash>>,
}

impl Engine for Spoken {
    fn info(&self) -> &EngineInfo {
        self.engine.info()
    }

    fn complete(&self, request: Request) -> BoxFuture<'_, std::result::Result<Completion, EngineError>> {
        Box::pin(async move {
            let right = KeyedRandom::new(request.seed, "", "accuracy", &[]).f64() < self.accuracy;
            let better = request.comparison.as_ref().and_then(|comparison| comparison.label);
            let (labels, seed) = (request.labels.clone(), request.seed);
            let mut completion = self.engine.complete(request).await?;
            if let Ok(mut texts) = self.texts.lock() {
                texts.insert(seed, blake3::hash(completion.text.as_bytes()));
            }
            let said = if right { better } else { better.map(Side::other) };
            let label = labels.map(|labels| if said == Some(Side::First) { labels.first.clone() } else { labels.second.clone() });
            completion.text += &format!("\n</think>\n{}", label.unwrap_or_default());
            completion.finish = Finish::Stop;
            Ok(completion)
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let settings = settings(std::env::args().skip(1))?;
    let items = items(&settings)?;
    let engine = Arc::new(Spoken { engine: open(&settings)?, accuracy: settings.accuracy, texts: Mutex::default() });
    let judge = judge(&settings, engine.clone())?;
    let ranking = RankSettings::default();
    let started = Instant::now();
    let rankings = try_join_all(items.iter().map(|item| rank(&judge, item, &ranking))).await?;
    let seconds = started.elapsed().as_secs_f64();
    let orders: Vec<_> = rankings.iter().map(|ranking| &ranking.order).collect();
    let counted: usize =
        rankings.iter().flat_map(|r| &r.matches).flat_map(|m| &m.judgment).map(|j| j.evidence.votes().count()).sum();
    println!("{}", line(&settings, &engine, &judge, (seconds, counted, serde_json::json!(orders)))?);
    Ok(())
}

/// Options by name, each followed by its value; `--no-prefix-sharing` has none, the folder has no name.
fn settings(mut arguments: impl Iterator<Item = String>) -> Result<Settings> {
    let mut settings = Settings {
        folder: PathBuf::new(),
        prompts: 4,
        responses: 8,
        prompt_tokens: 300,
        response_tokens: 100,
        votes: 8,
        budget: 128,
        adaptive: Adaptive::Sparing,
        accuracy: 0.8,
        prefix_sharing: true,
        max_batch: 64,
        kv_mib: 2048,
        threads: 2,
    };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
        match argument.as_str() {
            "--prompts" => settings.prompts = value()?.parse()?,
            "--responses" => settings.responses = value()?.parse()?,
            "--prompt-tokens" => settings.prompt_tokens = value()?.parse()?,
            "--response-tokens" => settings.response_tokens = value()?.parse()?,
            "--votes" => settings.votes = value()?.parse()?,
            "--budget" => settings.budget = value()?.parse()?,
            "--adaptive" => settings.adaptive = serde_json::from_value(value()?.into())?,
            "--accuracy" => settings.accuracy = value()?.parse()?,
            "--no-prefix-sharing" => settings.prefix_sharing = false,
            "--max-batch" => settings.max_batch = value()?.parse()?,
            "--kv-mib" => settings.kv_mib = value()?.parse()?,
            "--threads" => settings.threads = value()?.parse()?,
            other if other.starts_with("--") => return Err(format!("{other} is no option").into()),
            folder => settings.folder = folder.into(),
        }
    }
    Ok(settings)
}

fn open(settings: &Settings) -> Result<LocalEngine> {
    let scheduler = SchedulerConfig {
        share_prefixes: settings.prefix_sharing,
        max_batch: settings.max_batch,
        kv_bytes: Some(settings.kv_mib << 20),
        ..SchedulerConfig::default()
    };
    Ok(LocalEngine::open(LocalConfig { threads: Some(settings.threads), scheduler, ..LocalConfig::new(&settings.folder) })?)
}

fn judge(settings: &Settings, engine: Arc<Spoken>) -> Result<Judge> {
    let format = Format::shipped("rrm")?;
    let sampling = Sampling { temperature: 1.0, ..Sampling::default() };
    let mut judge = Judge::new(engine, format);
    judge.settings = JudgeSettings {
        votes: settings.votes,
        adaptive: settings.adaptive,
        max_thinking_tokens: Some(settings.budget),
        sampling,
        ..JudgeSettings::default()
    };
    judge.places = Arc::new(Places::new(usize::MAX));
    Ok(judge)
}

/// Prompts with responses that get better from the first to the last.
fn items(settings: &Settings) -> Result<Vec<Item>> {
    let words = Words::read(&settings.folder)?;
    let response = |item: usize, number: usize| Response {
        text: words.text("response", &[item as u64, number as u64], settings.response_tokens).into(),
        label: Some(number as f64),
        team: None,
        extra: serde_json::Map::new(),
    };
    let item = |number: usize| Item {
        id: format!("prompt-{number}"),
        row: number + 1,
        prompt: Arc::new(Prompt::text(words.text("prompt", &[number as u64], settings.prompt_tokens))),
        responses: (0..settings.responses).map(|response_number| response(number, response_number)).collect(),
        extra: serde_json::Map::new(),
    };
    Ok((0..settings.prompts).map(item).collect())
}

/// Words, each with the tokens it takes after a space.
struct Words(Vec<(&'static str, usize)>);

impl Words {
    fn read(folder: &Path) -> Result<Self> {
        let tokenizer = Tokenizer::from_file(folder.join("tokenizer.json"))?;
        let plain = |word: &&str| word.len() > 1 && word.chars().all(char::is_alphabetic);
        let counted = |word: &'static str| Ok((word, tokenizer.encode(format!(" {word}"), false)?.len()));
        Ok(Words(WORDS.iter().flat_map(|text| text.split_whitespace()).filter(plain).map(counted).collect::<Result<_>>()?))
    }

    /// Text of about so many tokens: the same for the same key.
    fn text(&self, what: &str, key: &[u64], tokens: usize) -> String {
        let mut keyed = KeyedRandom::new(0, "judging job", what, key);
        let (mut text, mut written) = (String::new(), 0);
        while written < tokens {
            let (word, count) = self.0[keyed.below(self.0.len() as u64) as usize];
            text.push_str(if text.is_empty() { "" } else { " " });
            text.push_str(word);
            written += count;
        }
        text
    }
}

/// The result: seconds, counted votes and orders are given, the rest is what judge and engine counted.
fn line(settings: &Settings, engine: &Spoken, judge: &Judge, done: (f64, usize, serde_json::Value)) -> Result<serde_json::Value> {
    let (spent, counters) = (judge.spending.spent(), engine.engine.counters());
    let (seconds, counted, orders) = done;
    let mut texts = blake3::Hasher::new();
    if let Ok(written) = engine.texts.lock() {
        for text in written.values() {
            texts.update(text.as_bytes());
        }
    }
    Ok(serde_json::json!({
        "model": settings.folder.file_name().map(|name| name.to_string_lossy()),
        "prompts": settings.prompts, "responses": settings.responses, "votes": settings.votes, "budget": settings.budget,
        "prompt_tokens": settings.prompt_tokens, "response_tokens": settings.response_tokens,
        "adaptive": settings.adaptive, "prefix_sharing": settings.prefix_sharing, "max_batch": settings.max_batch,
        "threads": settings.threads,
        "seconds": seconds,
        "calls": spent.calls, "counted_votes": counted,
        "tokens_of_requests": spent.prompt_tokens, "tokens_drawn": spent.completion_tokens,
        "tokens_evaluated": counters.rows, "tokens_reused": counters.reused, "steps": counters.steps, "preemptions": counters.preemptions,
        "peak_cache_tokens": counters.peak_blocks * BLOCK as u64,
        "peak_rss_mib": peak_memory()?,
        "orders": orders, "texts": texts.finalize().to_hex().as_str(),
    }))
}

/// The most memory that this process has had resident, in MiB, as Linux counts it.
fn peak_memory() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    Ok(kib.ok_or("/proc/self/status has no VmHWM")? / 1024.0)
}
