//! Held-out pairs are judged as `rrm judge` judges them, and counted rightly.

use std::{fs, sync::Arc};

use rrm::{
    engine::{Engine, Sampling, scripted::scripted},
    format::Format,
};
use rrm_nn::{
    engine::LocalEngine,
    local::LocalConfig,
    text::ChatTokenizer,
    train::{
        data::{DataConfig, PairFile, PairSource},
        evaluate::{EvaluateConfig, HeldOut, evaluate, evaluate_weights, sift, write_sifted},
        rollout::Policy,
    },
};
use serde_json::json;
use tempfile::TempDir;

use crate::golden::{checkpoint, folder};

fn format(name: &str) -> Arc<Format> {
    Arc::new(Format::shipped(name).unwrap())
}

fn engine(rule: &str) -> Arc<dyn Engine> {
    Arc::new(scripted(rule).unwrap())
}

/// Pairs of which every fourth is won by the shorter response.
fn pairs(folder: &TempDir, count: usize) -> std::path::PathBuf {
    let row = |i: usize| {
        let (long, short) = (format!("a long answer, number {i}"), "short");
        let (chosen, rejected) = if i.is_multiple_of(4) { (short, long.as_str()) } else { (long.as_str(), short) };
        json!({"id": format!("pair-{i}"), "prompt": "Which?", "chosen": chosen, "rejected": rejected})
    };
    let path = folder.path().join("held-out.jsonl");
    fs::write(&path, (0..count).map(|i| format!("{}\n", row(i))).collect::<String>()).unwrap();
    path
}

#[test]
fn rights_firsts_and_both_orders_are_counted() {
    let folder = TempDir::new().unwrap();
    let held_out = HeldOut::open(&pairs(&folder, 200), &[]).unwrap();
    assert_eq!(held_out.pairs(), 200);
    let one = EvaluateConfig { sampled: false, ..EvaluateConfig::default() };
    let both = EvaluateConfig { both_orders: true, ..EvaluateConfig::default() };
    let longer = evaluate(&engine("longer"), &format("rrm"), &held_out, &one).unwrap();
    let measured = longer.greedy.unwrap();
    assert_eq!((longer.sampled, measured.judgments, measured.consistent), (None, 200, None));
    assert_eq!(measured.accuracy.value, 0.75);
    // Wilson's interval of 150 of 200, computed apart in Python.
    assert!(
        (measured.accuracy.low.unwrap() - 0.685_659).abs() < 1e-5 && (measured.accuracy.high.unwrap() - 0.804_918).abs() < 1e-5
    );
    let share = measured.first.unwrap().value;
    assert!((0.4..0.6).contains(&share), "orders are drawn: {share}");
    let longer = evaluate(&engine("longer"), &format("rrm"), &held_out, &both).unwrap().sampled.unwrap();
    assert_eq!((longer.judgments, longer.accuracy, longer.consistent.unwrap().value), (400, measured.accuracy, 0.75));
    assert_eq!(longer.first.unwrap().value, 0.5);
    let first = evaluate(&engine("first"), &format("rrm"), &held_out, &both).unwrap().greedy.unwrap();
    assert_eq!((first.accuracy.value, first.consistent.unwrap().value, first.first.unwrap().value), (0.5, 0.0, 1.0));
}

#[test]
fn a_task_of_tokio_may_evaluate() {
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let folder = TempDir::new().unwrap();
        let held_out = HeldOut::open(&pairs(&folder, 1000), &[]).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let judged = runtime
            .block_on(async { evaluate(&engine("longer"), &format("rrm"), &held_out, &EvaluateConfig::default()).unwrap() });
        done.send(judged).unwrap();
    });
    // Without care it never ends.
    let judged = ended.recv_timeout(std::time::Duration::from_secs(120)).unwrap();
    assert_eq!(judged.greedy.unwrap().judgments, 1000);
}

#[test]
fn weights_in_memory_judge_as_their_folder_does() {
    let temporary = TempDir::new().unwrap();
    let held_out = HeldOut::open(&pairs(&temporary, 12), &[]).unwrap();
    let sampling = Sampling { temperature: 1.0, max_tokens: 40, ..Sampling::default() };
    let config = EvaluateConfig { sampling, max_thinking_tokens: Some(20), both_orders: true, ..EvaluateConfig::default() };
    let checkpoint = checkpoint("qwen2");
    let mut weights = |name: &str, shape: &[usize]| checkpoint.tensor(name, shape);
    let text = Arc::new(ChatTokenizer::open(&checkpoint).unwrap());
    let policy = Policy { config: checkpoint.config(), weights: &mut weights, text: &text };
    let format = Arc::new(Format::parse("tiny", TINY).unwrap());
    let in_memory = evaluate_weights(policy, Some(2), &format, &held_out, &config).unwrap();
    let opened: Arc<dyn Engine> = Arc::new(LocalEngine::open(LocalConfig::new(folder("qwen2"))).unwrap());
    assert_eq!(in_memory, evaluate(&opened, &format, &held_out, &config).unwrap());
    let sampled = in_memory.sampled.unwrap();
    assert!(sampled.mean_completion_tokens > 20.0 && sampled.no_verdict + sampled.truncated > 0, "{sampled:?}");
}

/// A short prompt, for a model of 512 positions.
const TINY: &str = r#"
name = "tiny"
[[messages]]
role = "user"
content = "{{ prompt }} {{ response_1 }} {{ response_2 }}"
[verdict]
wrap = "<LABEL>"
first = ["1"]
second = ["2"]
several = "last"
[elicit]
thinking = "<"
answer = "<"
max_verdict_tokens = 3
stop = [">"]
"#;

#[test]
fn what_the_base_judges_right_every_time_is_left_out() {
    let folder = TempDir::new().unwrap();
    let path = pairs(&folder, 40);
    let sifted =
        sift(&engine("longer"), &format("direct"), &HeldOut::open(&path, &[]).unwrap(), &EvaluateConfig::default(), 4).unwrap();
    assert!(sifted.iter().all(|line| (line.right, line.of, line.kept) == if line.kept { (0, 4, true) } else { (4, 4, false) }));
    let filter = folder.path().join("filter.jsonl");
    write_sifted(&filter, &sifted).unwrap();
    let file = PairFile { path, weight: 1.0, columns: Vec::new(), filter: Some(filter) };
    let config = DataConfig { sources: vec![file], batch_size: 10, ..DataConfig::default() };
    let text = Arc::new(ChatTokenizer::open(&checkpoint("qwen2")).unwrap());
    let mut source = PairSource::open(config, format("direct"), text).unwrap();
    assert_eq!((source.counts()[0].filtered, source.counts()[0].kept), (30, 10));
    let ids: Vec<usize> = source.batch(0).unwrap().iter().map(|pair| pair.id[5..].parse().unwrap()).collect();
    assert!(ids.iter().all(|id| id.is_multiple_of(4)), "{ids:?}");
}

#[test]
fn pairs_without_a_label_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("held-out.jsonl");
    fs::write(&path, r#"{"prompt": "?", "responses": ["a", "b"]}"#).unwrap();
    let error = HeldOut::open(&path, &[]).unwrap_err().to_string();
    assert!(error.ends_with("held-out.jsonl row 1: its labels do not say which response is better"), "{error}");
}
