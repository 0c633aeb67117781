//! Scripted judges on every benchmark: each does what it promises, whatever the benchmark's files and rules are.

use rrm::{
    dataset::ColumnNames,
    eval::{self, Benchmark, BenchmarkEvaluation, CaseRow, Suite},
    result::MatchRow,
    vote::Decision,
};
use serde_json::{Value, json};

use super::{evaluate, judge};
use rrm::engine::scripted::scripted;
use std::sync::Arc;

/// Rows of each made file.
const ROWS: usize = 24;

/// Two responses whose lengths differ, the right one the longer in half of the rows.
fn texts(row: usize) -> (String, String) {
    let (short, long) = (format!("s{row}"), format!("a long one {row}"));
    if row % 4 < 2 { (long, short) } else { (short, long) }
}

/// A file of each benchmark as it is published: its name, and rows that are labelled for the first response and for the second in turn.
fn file(benchmark: Benchmark) -> (&'static str, fn(usize) -> Value) {
    match benchmark {
        Benchmark::RewardBench => ("filtered.json", |row| {
            let (right, wrong) = texts(row);
            json!({"id": row, "prompt": "P", "chosen": right, "rejected": wrong, "subset": (["hep-go", "donotanswer"][row % 2])})
        }),
        Benchmark::RewardBench2 => ("train.json", |row| {
            let (right, wrong) = texts(row);
            let others = [wrong, format!("w{row}"), format!("another wrong one {row}")];
            match row % 2 {
                0 => json!({"id": row, "prompt": "P", "chosen": [right], "rejected": others, "num_correct": 1, "subset": "Math"}),
                _ => json!({"id": format!("tied:{row}"), "prompt": "P", "chosen": [right, format!("r{row}")], "rejected": others,
                    "num_correct": 2, "subset": "Ties"}),
            }
        }),
        Benchmark::RmBench => ("chat.json", |row| {
            let side = |what: &str| [1, 9, 30].map(|n| format!("{what}{row}{}", "x".repeat(n)));
            json!({"id": row, "prompt": "P", "chosen": side("right"), "rejected": side("no")})
        }),
        Benchmark::JudgeBench => ("pairs.json", |row| {
            let (right, wrong) = texts(row);
            let (a, b, label) = if row % 2 == 0 { (right, wrong, "A>B") } else { (wrong, right, "B>A") };
            json!({"pair_id": format!("{row}"), "question": "Q", "response_A": a, "response_B": b, "label": label,
                "source": "livebench-math", "response_model": "m"})
        }),
        Benchmark::PandaLm => ("test.json", |row| {
            let (right, wrong) = texts(row);
            let (a, b, label) = if row % 2 == 0 { (right, wrong, 1) } else { (wrong, right, 2) };
            json!({"idx": row, "instruction": "I", "input": "", "response1": a, "response2": b, "annotator1": label,
                "annotator2": label, "annotator3": 0})
        }),
        Benchmark::LlmBar => ("natural.json", |row| {
            let (right, wrong) = texts(row);
            let (a, b, label) = if row % 2 == 0 { (right, wrong, 1) } else { (wrong, right, 2) };
            json!({"input": format!("P{row}"), "output_1": a, "output_2": b, "label": label})
        }),
        Benchmark::EvalBiasBench => ("biasbench.json", |row| {
            let (right, wrong) = texts(row);
            let (a, b, label) = if row % 2 == 0 { (right, wrong, 1) } else { (wrong, right, 2) };
            json!({"id": row, "bias": "length", "instruction": "I", "response1": a, "response2": b, "label": label})
        }),
        Benchmark::Ppe => ("math.json", |row| {
            let mut columns = json!({"question_id": row, "model_name": "m", "prompt": "P",
                "scores": ((0..32).map(|i| i % 3 == 1).collect::<Vec<_>>()), "sampled_conflict_pairs": [[1, 0], [0, 4], [30, 31]]});
            (0..32).for_each(|i| columns[format!("response_{}", i + 1)] = format!("{row} {}", "y".repeat(i * 7 % 32 + 1)).into());
            columns
        }),
        Benchmark::AutoJ => ("testdata_pairwise.json", |row| {
            let (right, wrong) = texts(row);
            let (a, b, label) = if row % 2 == 0 { (right, wrong, 0) } else { (wrong, right, 1) };
            json!({"scenario": "chitchat", "label": label, "prompt": format!("P{row}"), "response 1": a, "response 2": b})
        }),
        Benchmark::MtBenchHuman => ("human.json", |row| {
            let (right, wrong) = texts(row);
            let (a, b, winner) = if row % 2 == 0 { (right, wrong, "model_a") } else { (wrong, right, "model_b") };
            let turns = |said| json!([{"role": "user", "content": "Q"}, {"role": "assistant", "content": said}]);
            json!({"question_id": row, "model_a": "x", "model_b": "y", "winner": winner, "judge": "expert_1", "turn": 1,
                "conversation_a": turns(a), "conversation_b": turns(b)})
        }),
        Benchmark::Pairs => ("mine.json", |row| {
            let (right, wrong) = texts(row);
            match row % 3 {
                0 => json!({"id": row, "prompt": "P", "chosen": right, "rejected": wrong}),
                1 => {
                    json!({"id": row, "prompt": "P", "responses": [{"text": wrong, "score": -2.5}, {"text": right, "score": 7}]})
                }
                _ => {
                    json!({"id": row, "prompt": "P", "responses": [{"text": wrong, "correct": false}, {"text": right, "correct": true}]})
                }
            }
        }),
    }
}

fn suite(benchmark: Benchmark, row: impl Fn(usize) -> Value) -> Suite {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file(benchmark).0);
    std::fs::write(&path, serde_json::to_string(&(0..ROWS).map(row).collect::<Vec<_>>()).unwrap()).unwrap();
    eval::load(benchmark, &[path], &ColumnNames::default()).unwrap()
}

async fn script(spec: &str, suite: &Suite) -> (Vec<CaseRow>, BenchmarkEvaluation) {
    evaluate(&judge(Arc::new(scripted(spec).unwrap()), "rrm"), suite).await
}

#[tokio::test]
async fn accuracy_1_is_always_right_and_accuracy_0_never() {
    for benchmark in Benchmark::ALL {
        let suite = suite(benchmark, file(benchmark).1);
        for (spec, expected) in [("accuracy=1", 1.0), ("accuracy=0", 0.0)] {
            let (rows, evaluation) = script(spec, &suite).await;
            for group in &evaluation.groups {
                let scores = [group.official, group.strict].map(|score| score.unwrap().value);
                assert_eq!(scores, [expected; 2], "{benchmark:?} {spec}: {}", group.name);
            }
            assert!(rows.iter().all(|row| row.official == expected), "{benchmark:?} {spec}");
        }
    }
}

#[tokio::test]
async fn accuracy_is_drawn_anew_for_each_match() {
    for benchmark in Benchmark::ALL {
        let suite = suite(benchmark, file(benchmark).1);
        for p in [0.3, 0.8] {
            let (rows, _) = script(&format!("accuracy={p}"), &suite).await;
            let decisions: Vec<bool> =
                rows.iter().flat_map(|row| row.decisions.iter().map(|decision| *decision == row.label.into())).collect();
            let (n, right) = (decisions.len() as f64, decisions.iter().filter(|right| **right).count() as f64);
            // Four standard deviations.
            assert!(
                (right / n - p).abs() < 4.0 * (p * (1.0 - p) / n).sqrt(),
                "{benchmark:?}: {right} of {n} right, expected {p}"
            );
        }
    }
}

#[tokio::test]
async fn places_lengths_silence_and_coins_are_what_they_say() {
    for benchmark in Benchmark::ALL {
        let suite = suite(benchmark, file(benchmark).1);
        for spec in ["first", "second", "longer", "shorter", "silent"] {
            let (rows, _) = script(spec, &suite).await;
            for (row, case) in rows.iter().zip(&suite.cases) {
                for played in &row.matches {
                    let length = |response: usize| case.item.responses[response].text.len();
                    // About the response that was shown first.
                    let played = played.clone().about(played.shown().0);
                    let (first, second) = (length(played.a), length(played.b));
                    let of = |first| if first { Decision::A } else { Decision::B };
                    let expected = match spec {
                        "first" => Decision::A,
                        "second" => Decision::B,
                        "longer" => of(first >= second),
                        "shorter" => of(first <= second),
                        _ => Decision::Undecided,
                    };
                    assert_eq!(played.decision, Some(expected), "{benchmark:?} {spec} {}", row.id);
                }
            }
        }
        let (rows, _) = script("random", &suite).await;
        let shown = |played: &MatchRow| played.clone().about(played.shown().0).decision;
        let decisions: Vec<Decision> = rows.iter().flat_map(|row| &row.matches).filter_map(shown).collect();
        let (n, first) = (decisions.len() as f64, decisions.iter().filter(|decision| **decision == Decision::A).count() as f64);
        assert!((first - n / 2.0).abs() < 4.0 * (n / 4.0).sqrt(), "{benchmark:?}: {first} of {n} for the first place");
    }
}

#[tokio::test]
async fn a_label_that_is_a_tie_names_no_side_and_a_coin_is_tossed() {
    let tied = |benchmark: Benchmark| {
        move |row: usize| {
            let mut columns = file(benchmark).1(row);
            match benchmark {
                Benchmark::AutoJ => columns["label"] = 2.into(),
                Benchmark::PandaLm => ["annotator1", "annotator2"].iter().for_each(|name| columns[*name] = 0.into()),
                _ => {
                    columns =
                        json!({"id": row, "prompt": "P", "responses": [{"text": "a", "score": 1}, {"text": "bb", "score": 1}]})
                }
            }
            columns
        }
    };
    for benchmark in [Benchmark::AutoJ, Benchmark::PandaLm, Benchmark::Pairs] {
        let suite = suite(benchmark, tied(benchmark));
        for spec in ["accuracy=1", "accuracy=0"] {
            let (rows, _) = script(spec, &suite).await;
            let decisions: Vec<Decision> = rows.iter().flat_map(|row| row.decisions.clone()).collect();
            let first = decisions.iter().filter(|decision| **decision == Decision::A).count();
            let second = decisions.iter().filter(|decision| **decision == Decision::B).count();
            assert_eq!(first + second, decisions.len());
            assert!(first.min(second) > decisions.len() / 4, "{benchmark:?} {spec}: {first} and {second}");
        }
    }
}

/// What a judge is asked by does not depend on what is right: the same messages for both labels.
#[test]
fn no_format_shows_a_label() {
    use rrm::{
        comparison::{Comparison, Prompt, Side},
        format::Format,
    };
    for (name, _) in rrm::format::SHIPPED {
        let format = Format::shipped(name).unwrap();
        let mut prompt = Prompt::text("P");
        (prompt.rubric, prompt.reference) = (Some("R".to_owned()), Some("A".to_owned()));
        let labelled = |label| {
            let comparison = Comparison { prompt: Arc::new(prompt.clone()), first: "x".into(), second: "y".into(), label };
            format.messages(&comparison).unwrap()
        };
        assert_eq!(labelled(None), labelled(Some(Side::First)), "{name}");
        assert_eq!(labelled(None), labelled(Some(Side::Second)), "{name}");
    }
}
