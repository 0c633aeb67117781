//! Numbers of completions and bytes a text -> what a put and a get cost: `cargo bench -p rrm-judge --bench store [COMPLETIONS [BYTES]]`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints what it measured and stops where it cannot")]

use std::{fs, sync::Arc, time::Instant};

use rrm::{
    address::CompletionKey,
    engine::{Completion, Finish, Usage},
    keyed::{KeyedRandom, shuffle},
    store::{Origin, Store, stats},
};

const TASKS: usize = 256;

#[tokio::main]
async fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let (count, bytes) = (*numbers.first().unwrap_or(&100_000), *numbers.get(1).unwrap_or(&1000));
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = directory.path().join("store.db");
    let store = Store::open(&path).unwrap();
    let texts: Arc<Vec<String>> = Arc::new((0..512).map(|i| text(i, bytes)).collect());
    println!("{count} completions of {bytes} bytes, {TASKS} tasks");

    let put = move |store: Store, i: usize| {
        let texts = texts.clone();
        async move { store.put(key(i), origin(i), completion(&texts, i)).await.map(|_| ()).unwrap() }
    };
    let alone = Instant::now();
    for i in 2 * count..2 * count + 100 {
        put(store.clone(), i).await;
    }
    println!("{:>15}: {:.2} ms each", "put, alone", alone.elapsed().as_secs_f64() * 10.0);
    for part in 0..10 {
        let range = part * count / 10..(part + 1) * count / 10;
        measure("put", &store, range, put.clone()).await;
    }
    let size = fs::metadata(&path).unwrap().len();
    let get = |store: Store, i: usize| async move { assert!(store.get(key(i)).unwrap().is_some()) };
    measure("get, there", &store, 0..count, get).await;
    let miss = |store: Store, i: usize| async move { assert!(store.get(key(i)).unwrap().is_none()) };
    measure("get, not there", &store, count..2 * count, miss).await;
    store.close().await.unwrap();
    drop(store);
    let held = stats(&path).unwrap();
    let each = |bytes: u64| bytes / count as u64;
    println!(
        "file: {} bytes a completion ({} of them its body); {size} before closing",
        each(held.bytes),
        each(held.engines[0].bytes)
    );
    let open = Instant::now();
    Store::open(&path).unwrap();
    println!("open: {:.1} ms", open.elapsed().as_secs_f64() * 1e3);
}

/// Runs `work` for every number of the range, in a random order shared out among the tasks, and prints its rate and cost.
async fn measure<F: Future<Output = ()> + Send + 'static>(
    what: &str,
    store: &Store,
    range: std::ops::Range<usize>,
    work: impl Fn(Store, usize) -> F + Clone + Send + 'static,
) {
    let order = Arc::new(shuffle(range.len(), 0, what, "bench"));
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (store, order, work, start) = (store.clone(), order.clone(), work.clone(), range.start);
            tokio::spawn(async move {
                for i in (task..order.len()).step_by(TASKS) {
                    work(store.clone(), start + order[i]).await;
                }
            })
        })
        .collect();
    futures::future::try_join_all(tasks).await.unwrap();
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let (rate, each) = (range.len() as f64 / seconds, cpu * 1e6 / range.len() as f64);
    println!("{what:>15}: {rate:8.0}/s, {each:5.1} us CPU each; {} MB resident", resident_megabytes());
}

fn key(i: usize) -> CompletionKey {
    CompletionKey(*blake3::hash(&i.to_le_bytes()).as_bytes())
}

fn origin(i: usize) -> Origin {
    Origin {
        engine: "bench at http://127.0.0.1:8000".into(),
        fingerprint: "0123456789abcdef".into(),
        format_hash: "fedcba9876543210".into(),
        item: format!("row-{i}"),
        shown: (0, 1),
        vote: 0,
    }
}

fn completion(texts: &[String], i: usize) -> Completion {
    let usage = Usage { prompt_tokens: 900, completion_tokens: 250 };
    Completion {
        text: texts[i % texts.len()].clone(),
        reasoning: None,
        finish: Finish::Stop,
        elicited: false,
        usage,
        label_logprobs: None,
    }
}

/// Text that compresses about as well as the reasoning of a judge: phrases that come again, and words that are the rarer the later
/// they stand in a list.
fn text(i: usize, bytes: usize) -> String {
    let mut words = KeyedRandom::new(0, "words", "bench", &[]);
    let words: Vec<String> = (0..4000)
        .map(|rank| (0..2 + words.below(4) + rank / 1000).map(|_| char::from(b'a' + words.below(26) as u8)).collect())
        .collect();
    let mut random = KeyedRandom::new(0, "text", "bench", &[i as u64]);
    let mut text = String::new();
    while text.len() < bytes {
        if random.below(4) == 0 && text.len() > 100 {
            let start = random.below(text.len() as u64 - 40) as usize;
            let phrase = text[start..start + 40].to_owned();
            text += &phrase;
        }
        text += &words[(random.f64().powi(3) * words.len() as f64) as usize];
        text.push(' ');
    }
    text.truncate(bytes);
    text
}

/// CPU time of this process so far, from Linux's `/proc` in ticks of 10 ms.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: f64 = fields.iter().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn resident_megabytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0) / 1024
}
