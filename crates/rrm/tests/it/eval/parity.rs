//! Published numbers, computed again from what was published with them.

use std::{
    collections::{BTreeMap, HashMap},
    io::BufReader,
    sync::Arc,
    time::Instant,
};

use flate2::read::GzDecoder;
use futures::future::{BoxFuture, ready};
use rrm::{
    engine::{Completion, Engine, EngineError, EngineInfo, Finish, Request, Usage},
    eval::{Benchmark, GroupLevel, Share, combine},
    vote::{Choice, Decision},
};
use serde::Deserialize;

use super::{evaluate, evaluate_script, group, judge, official, strict, suite};

#[test]
fn parity_1_sections_of_rewardbench_from_the_released_accuracies() {
    for (judge, overall) in [("7b", 0.82194), ("32b", 0.91205)] {
        let Some(path) = crate::shared_data(&format!("rrm-recorded/{judge}_RewardBench_result.json")) else { return };
        let released: BTreeMap<String, serde_json::Value> = serde_json::from_reader(std::fs::File::open(path).unwrap()).unwrap();
        // Sections have weights of their own: how many pairs these are of makes no difference to their values.
        let subset = |(name, value): (&String, &serde_json::Value)| {
            Some((name.clone(), Share { value: value.as_f64()?, rows: 100.0 }, 100))
        };
        let subsets: Vec<_> = released.iter().filter_map(subset).collect();
        assert_eq!(subsets.len(), 23);
        let combined = combine(Benchmark::RewardBench, &subsets);
        assert!(combined.iter().all(|group| group.missing.is_empty()));
        for group in combined.iter().filter(|group| group.level == GroupLevel::Section) {
            let theirs = released["leaderboard"][&group.name].as_f64().unwrap();
            assert!((group.share.value - theirs).abs() < 1e-12, "{judge} {}: {} {theirs}", group.name, group.share.value);
        }
        let ours = combined.iter().find(|group| group.level == GroupLevel::Overall).unwrap().share.value;
        assert!((ours - overall).abs() < 5e-6, "{judge}: {ours}");
        let values: Vec<_> = combined.iter().map(|group| format!("{} {}", group.name, group.share.value)).collect();
        eprintln!("RRM-{judge}: {}", values.join(", "));
    }
}

#[derive(Deserialize)]
struct Recorded {
    pair_id: String,
    judgments: Vec<Reply>,
}

#[derive(Deserialize)]
struct Reply {
    judgment: Text,
    decision: String,
}

#[derive(Deserialize)]
struct Text {
    response: String,
}

/// Answers each comparison with the reply that was recorded for it.
pub(super) struct Replies {
    pub(super) info: EngineInfo,
    /// By the responses in the order shown, and the question.
    pub(super) by_texts: HashMap<(String, String, String), String>,
}

impl Replies {
    pub(super) fn new(by_texts: HashMap<(String, String, String), String>) -> Arc<Self> {
        let (name, fingerprint) = ("recorded".to_owned(), "recorded".to_owned());
        Arc::new(Replies {
            info: EngineInfo { name, fingerprint, seeds: true, logprobs: false, budget: false, paid: false },
            by_texts,
        })
    }
}

impl Engine for Replies {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        let comparison = request.comparison.unwrap();
        let key = (
            comparison.first.to_string(),
            comparison.second.to_string(),
            comparison.prompt.messages.last().unwrap().content.clone(),
        );
        let usage = Usage { prompt_tokens: 7, completion_tokens: 3 };
        let text = self.by_texts[&key].clone();
        Box::pin(ready(Ok(Completion {
            text,
            reasoning: None,
            finish: Finish::Stop,
            elicited: false,
            usage,
            label_logprobs: None,
        })))
    }
}

#[tokio::test]
async fn parity_2_judgebench_from_the_recorded_replies_of_o1_mini() {
    let Some(suite) = suite(Benchmark::JudgeBench, &["judgebench/gpt-4o-pairs.jsonl"]) else { return };
    let Some(path) = crate::shared_data("judgebench/o1-mini-arena_hard-judgments.jsonl.gz") else { return };
    let file = BufReader::new(GzDecoder::new(std::fs::File::open(path).unwrap()));
    let recorded: HashMap<String, Vec<Reply>> = std::io::BufRead::lines(file)
        .map(|line| serde_json::from_str::<Recorded>(&line.unwrap()).unwrap())
        .map(|row| (row.pair_id, row.judgments))
        .collect();
    let mut by_texts = HashMap::new();
    for case in &suite.cases {
        let [first, second] = [0, 1].map(|i| case.item.responses[i].text.to_string());
        let question = case.item.prompt.messages[0].content.clone();
        let [given, swapped] = recorded[&case.item.id].as_slice() else { panic!("two replies to each pair") };
        by_texts.insert((first.clone(), second.clone(), question.clone()), given.judgment.response.clone());
        by_texts.insert((second, first, question), swapped.judgment.response.clone());
    }
    assert_eq!(by_texts.len(), 700);
    let (rows, evaluation) = evaluate(&judge(Replies::new(by_texts), "arena-hard"), &suite).await;

    let percent = |name: &str| format!("{:.2}", 100.0 * official(&evaluation, name));
    let categories = ["mmlu-pro", "livebench-reasoning", "livebench-math", "livecodebench"];
    assert_eq!(categories.map(percent), ["58.44", "62.24", "82.14", "78.57"]);
    assert_eq!(percent("overall"), "65.71");
    assert_eq!(rows.iter().filter(|row| row.strict == Some(true)).count(), 203);
    assert_eq!((strict(&evaluation, "overall") * 350.0).round() as u64, 203);
    assert_eq!(rows.iter().filter(|row| row.decisions[0] != row.decisions[1]).count(), 110);
    assert_eq!(group(&evaluation, "overall").counts.flipped, 110);

    let mut otherwise = Vec::new();
    for row in &rows {
        for (played, reply) in row.matches.iter().zip(&recorded[&row.id]) {
            // About the response that was shown first, as upstream's replies are.
            let ours = match played.clone().about(played.shown().0).decision.unwrap() {
                Decision::A => "A>B",
                Decision::B => "B>A",
                Decision::Tie => "A=B",
                Decision::Undecided => "none",
            };
            if ours != reply.decision {
                otherwise.push((row.id.clone(), ours, reply.decision.clone()));
            }
        }
    }
    eprintln!("replies read otherwise than upstream: {otherwise:?}");
    assert!(otherwise.is_empty());
}

#[tokio::test]
async fn parity_3_pandalm_labels_and_the_ceiling_of_judges_without_ties() {
    let Some(suite) = suite(Benchmark::PandaLm, &["pandalm"]) else { return };
    let labels = [Choice::A, Choice::B, Choice::Tie].map(|label| suite.cases.iter().filter(|case| case.label == label).count());
    assert_eq!(labels, [422, 472, 105]);
    // It always agrees, but has no way to say that two responses are equal.
    let evaluation = evaluate_script("accuracy=1", &suite).await;
    assert_eq!(format!("{:.2}", 100.0 * official(&evaluation, "overall")), "89.49");
    assert_eq!(evaluation.groups.len(), 1);
    assert_eq!(evaluation.metrics["macro recall"], 2.0 / 3.0);
}

#[tokio::test]
async fn parity_4_counts_of_the_published_files_and_free_baselines_on_all_of_them() {
    let files: [(Benchmark, &[&str], usize, usize); 5] = [
        (Benchmark::RewardBench, &["humanevalpack"], 984, 984),
        (Benchmark::RewardBench, &["humanevalpack", "llmbar"], 984 + 419, 984 + 419),
        (Benchmark::LlmBar, &["llmbar"], 419, 419),
        (Benchmark::RmBench, &["rm-bench"], 798, 9 * 798),
        (Benchmark::EvalBiasBench, &["evalbiasbench"], 80, 80),
    ];
    for (benchmark, data, rows, cases) in files {
        let Some(suite) = suite(benchmark, data) else { return };
        let name = benchmark.protocol().name;
        assert_eq!(suite.files.iter().map(|file| file.rows as usize).sum::<usize>(), rows, "{name}");
        assert_eq!((suite.cases.len(), suite.skipped.len()), (cases, 0), "{name}");
        let half = if benchmark == Benchmark::RewardBench { 0.5 } else { 0.0 };
        for script in ["first", "longer", "random", "silent"] {
            let started = Instant::now();
            let evaluation = evaluate_script(script, &suite).await;
            let seconds = started.elapsed().as_secs_f64();
            assert!(seconds < 10.0, "{name} {data:?} {script}: {seconds} s");
            let last = evaluation.groups.last().unwrap();
            let (ours, both) = (last.official.unwrap().value, last.strict.unwrap().value);
            eprintln!("{name} {data:?} {script}: {ours:.4} strict {both:.4} in {seconds:.2} s");
            // Who looks at places only is right in one order and wrong in the other.
            assert!(script != "first" || (both == 0.0 && last.counts.consistent == 0), "{name}");
            assert!(script != "longer" || last.counts.undecided == 0, "{name}");
            assert!(script != "silent" || (ours == half && both == 0.0), "{name}: {ours}");
        }
    }
    let Some(hep) = suite(Benchmark::RewardBench, &["humanevalpack"]) else { return };
    let evaluation = evaluate_script("first", &hep).await;
    // Without math-prm the six languages are the section, and three sections are absent.
    assert_eq!(group(&evaluation, "Reasoning").missing, ["math-prm"]);
    assert_eq!(group(&evaluation, "overall").missing, ["Chat", "Chat Hard", "Safety", "math-prm"]);
    assert_eq!(official(&evaluation, "Reasoning"), official(&evaluation, "overall"));
}
