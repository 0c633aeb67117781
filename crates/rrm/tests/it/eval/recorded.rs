//! Judgments that others published, scored by the benchmarks' rules; upstream's figures where its files are at hand.

use std::path::PathBuf;

use rrm::{
    dataset::ColumnNames,
    eval::{self, Benchmark, BenchmarkEvaluation, RecordedResults, Suite},
    vote::Decision,
};
use serde_json::json;
use tempfile::TempDir;

use super::{group, official, strict, suite};

fn scored(suite: &Suite, paths: &[PathBuf]) -> Result<(RecordedResults, BenchmarkEvaluation), String> {
    let recorded = eval::recorded(suite, paths).map_err(|error| error.to_string())?;
    let evaluation = eval::recorded_scores(suite, &recorded.tally, "test", recorded.files.clone());
    Ok((recorded, evaluation))
}

/// A folder with files in it.
fn files(files: &[(&str, String)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn load(benchmark: Benchmark, path: PathBuf) -> Suite {
    eval::load(benchmark, &[path], &ColumnNames::default()).unwrap()
}

fn lines(rows: &[serde_json::Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

#[test]
fn parity_5_judgebench_from_the_published_decisions_of_o1_mini() {
    let Some(suite) = suite(Benchmark::JudgeBench, &["judgebench/gpt-4o-pairs.jsonl"]) else { return };
    let Some(path) = crate::shared_data("judgebench/o1-mini-arena_hard-judgments.jsonl.gz") else { return };
    let (recorded, evaluation) = scored(&suite, &[path]).unwrap();
    let percent = |name: &str| format!("{:.2}", 100.0 * official(&evaluation, name));
    let categories = ["mmlu-pro", "livebench-reasoning", "livebench-math", "livecodebench"];
    assert_eq!(categories.map(percent), ["58.44", "62.24", "82.14", "78.57"]);
    assert_eq!(percent("overall"), "65.71");
    assert_eq!((strict(&evaluation, "overall") * 350.0).round() as u64, 203);
    assert_eq!(recorded.rows.iter().filter(|row| row.decisions[0] != row.decisions[1]).count(), 110);
    assert_eq!((recorded.counted.failed, recorded.without_verdict, recorded.unreadable, recorded.unmatched), (0, 0, 0, 0));
    assert_eq!(group(&evaluation, "overall").counts.votes, 700);
}

fn judge_bench(id: &str, label: &str) -> serde_json::Value {
    json!({"pair_id": id, "question": format!("Q{id}"), "response_A": "a", "response_B": "b", "label": label,
        "source": "mmlu-pro-law", "response_model": "m"})
}

#[test]
fn judgebench_counts_null_unknown_and_missing_judgments_as_upstream_does_and_says_how_many() {
    let ids = ["1", "2", "3", "4", "5", "6"];
    let said = |id: &str, decisions: [serde_json::Value; 2]| {
        let judgments: Vec<_> = decisions.into_iter().map(|d| if d.is_null() { d } else { json!({"decision": d}) }).collect();
        json!({"pair_id": id, "label": "A>B", "judge_name": "j", "judgments": judgments})
    };
    let rows = [
        said("1", ["A>B".into(), "B>A".into()]),
        said("2", ["A>B".into(), "A>B".into()]),
        said("3", ["A=B".into(), "B>A".into()]),
        said("4", [serde_json::Value::Null, "B>A".into()]),
        said("5", ["A>>B".into(), "none".into()]),
        said("other", ["A>B".into(), "B>A".into()]),
    ];
    let pairs: Vec<_> = ids.iter().map(|id| judge_bench(id, "A>B")).collect();
    let folder = files(&[("data/pairs.jsonl", lines(&pairs)), ("outputs/judge.jsonl", lines(&rows))]);
    let suite = load(Benchmark::JudgeBench, folder.path().join("data"));
    let (recorded, evaluation) = scored(&suite, &[folder.path().join("outputs")]).unwrap();
    let official: Vec<f64> = recorded.rows.iter().map(|row| row.official).collect();
    assert_eq!(official, [1.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    assert_eq!(recorded.rows[1].decisions, [Decision::A, Decision::B]);
    assert_eq!(recorded.rows[3].decisions, [Decision::Undecided, Decision::A]);
    assert_eq!((recorded.counted.cases, recorded.counted.failed), (6, 1));
    assert_eq!((recorded.without_verdict, recorded.unreadable, recorded.unmatched), (1, 2, 1));
    let counts = group(&evaluation, "overall").counts;
    assert_eq!((counts.votes, counts.abstained, counts.failed, counts.flipped), (10, 3, 1, 2));
    assert_eq!(strict(&evaluation, "overall"), 1.0 / 6.0);
    assert!(evaluation.format.contains("recorded") && evaluation.recorded.len() == 1);
    // A single game has one order, and so no strict score.
    let single = [json!({"pair_id": "1", "judgments": [{"decision": "A>B"}]}), json!({"pair_id": "2", "judgments": [null]})];
    let folder = files(&[("pairs.jsonl", lines(&pairs[..2])), ("single.jsonl", lines(&single))]);
    let suite = load(Benchmark::JudgeBench, folder.path().join("pairs.jsonl"));
    let (_, evaluation) = scored(&suite, &[folder.path().join("single.jsonl")]).unwrap();
    assert_eq!((super::official(&evaluation, "overall"), group(&evaluation, "overall").strict), (0.5, None));
}

#[test]
fn judgments_that_contradict_the_data_or_one_another_are_refused() {
    let pairs = lines(&[judge_bench("1", "A>B"), judge_bench("2", "B>A")]);
    let row =
        |id: &str, label: &str| json!({"pair_id": id, "label": label, "judgments": [{"decision": "A>B"}, {"decision": "B>A"}]});
    for (rows, expected) in [
        (vec![row("1", "B>A")], "row 1: the label is not that of `1` in the data"),
        (vec![row("1", "A>B"), row("1", "A>B")], "row 1 judges the same pair; give the judgments of one judge at a time"),
        (vec![row("7", "A>B")], "none of its judgments is about a pair of the data"),
        (vec![json!({"pair_id": "1", "judgments": "A>B"})], "row 1: `judgments` must be a list of one or two"),
        (
            vec![
                json!({"pair_id": "1", "question": "Q1", "response_A": "a", "response_B": "another", "judgments": [{"decision": "A>B"}]}),
            ],
            "row 1: `response_B` is not that of `1` in the data: the judgment is about other texts",
        ),
        (
            vec![json!({"pair_id": "1", "question": "Another?", "judgments": [{"decision": "A>B"}]})],
            "row 1: `question` is not that of `1` in the data",
        ),
        (vec![json!({"id": "1"})], "no judgments of judgebench, which have the columns pair_id and judgments"),
    ] {
        let folder = files(&[("pairs.jsonl", pairs.clone()), ("judge.jsonl", lines(&rows))]);
        let suite = load(Benchmark::JudgeBench, folder.path().join("pairs.jsonl"));
        let error = scored(&suite, &[folder.path().join("judge.jsonl")]).err().unwrap();
        assert!(error.contains(expected) && error.contains("judge.jsonl"), "{error}");
    }
    let own = files(&[("own.jsonl", json!({"prompt": "P", "chosen": "a", "rejected": "b"}).to_string())]);
    let suite = load(Benchmark::Pairs, own.path().join("own.jsonl"));
    let error = scored(&suite, &[own.path().join("own.jsonl")]).err().unwrap();
    assert_eq!(error, "judgments of others are read for judgebench, llmbar and pandalm, not for pairs");
}

fn llm_bar(input: &str, label: u32) -> serde_json::Value {
    json!({"input": input, "output_1": "hi", "output_2": "bye", "label": label})
}

#[test]
fn llmbar_is_read_as_its_repository_holds_it_and_its_evaluators_are_scored() {
    let result = |winners: [serde_json::Value; 2]| {
        let [given, swapped] = winners.map(|winner| json!({"completion": ["…", "stop"], "winner": winner}));
        let mut row = llm_bar("Say hi.", 1);
        row["results"] = json!([["auxiliary", "stop"], {"swap = False": given, "swap = True": swapped}]);
        json!([row]).to_string()
    };
    let data = |input: &str| json!([llm_bar(input, 1)]).to_string();
    let folder = files(&[
        ("Dataset/LLMBar/Natural/dataset.json", data("Say hi.")),
        ("Dataset/LLMBar/Natural/evaluators/GPT-4/CoT/result.json", result(["1".into(), serde_json::Value::Null])),
        ("Dataset/LLMBar/Natural/evaluators/GPT-4/Swap/result.json", result(["2".into(), "1".into()])),
        ("Dataset/LLMBar/Natural/evaluators/GPT-4/Swap/statistics.json", "{}".to_owned()),
        ("Dataset/LLMBar/Adversarial/Manual/dataset.json", data("Say bye.")),
        // Sets that are no part of the benchmark have the same form.
        ("Dataset/CaseStudy/Base_9/dataset.json", data("Say 3.")),
        ("LLMEvaluator/evaluators/config/GPT-4/CoT.json", "[{\"prompt\": \"x\"}]".to_owned()),
    ]);
    let whole = load(Benchmark::LlmBar, folder.path().to_owned());
    assert_eq!(whole.cases.iter().map(|case| case.subset.as_str()).collect::<Vec<_>>(), ["adver-manual", "natural"]);
    assert_eq!(whole.skipped.len(), 1, "{:?}", whole.skipped);
    let natural = folder.path().join("Dataset/LLMBar/Natural");
    let suite = load(Benchmark::LlmBar, natural.clone());
    let (recorded, evaluation) = scored(&suite, &[natural.join("evaluators/GPT-4/CoT")]).unwrap();
    assert_eq!(recorded.rows[0].decisions, [Decision::A, Decision::Undecided]);
    assert_eq!((official(&evaluation, "natural"), recorded.without_verdict), (0.5, 1));
    // Of two judges none is taken silently.
    let error = scored(&suite, &[natural.join("evaluators")]).err().unwrap();
    assert!(error.contains("give the judgments of one judge at a time"), "{error}");
}

#[test]
fn pandalm_predictions_are_scored_and_what_is_unknown_is_wrong() {
    let row = |idx: u32, label: u32| {
        json!({"idx": idx, "instruction": "I", "input": "", "response1": "a", "response2": "b",
            "annotator1": label, "annotator2": label, "annotator3": label})
    };
    let data = json!([row(0, 1), row(1, 2), row(2, 0), row(3, 1)]).to_string();
    let result = |idx: u32, result: serde_json::Value| json!({"idx": idx, "gpt_result": result, "gpt_reason": "…"});
    let said = json!([result(0, "1".into()), result(1, 2.into()), result(2, "Tie".into()), result(3, "garbage".into())]);
    let folder = files(&[("testset.json", data), ("gpt.json", said.to_string())]);
    let suite = load(Benchmark::PandaLm, folder.path().join("testset.json"));
    let (recorded, evaluation) = scored(&suite, &[folder.path().join("gpt.json")]).unwrap();
    assert_eq!((official(&evaluation, "overall"), group(&evaluation, "overall").strict), (0.75, None));
    assert_eq!((recorded.unreadable, recorded.counted.failed), (1, 0));
    // Predictions about another edition, whose numbers are the same.
    let mut other = result(0, "1".into());
    other["response1"] = "an older answer".into();
    std::fs::write(folder.path().join("gpt.json"), json!([other]).to_string()).unwrap();
    let error = scored(&suite, &[folder.path().join("gpt.json")]).err().unwrap();
    assert!(error.ends_with("row 1: `response1` is not that of `0` in the data: the judgment is about other texts"), "{error}");
}
