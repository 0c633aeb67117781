//! Benchmarks: how their files are read and their decisions counted.

mod own;
mod parity;
mod recorded;
mod rules;
mod scripts;

use std::{path::PathBuf, sync::Arc};

use rrm::{
    dataset::ColumnNames,
    engine::{Engine, scripted::scripted},
    eval::{self, Benchmark, BenchmarkEvaluation, CaseRow, GroupScore, Suite},
    format::Format,
    judge::Judge,
};

fn judge(engine: Arc<dyn Engine>, format: &str) -> Judge {
    Judge::new(engine, Format::shipped(format).unwrap())
}

/// A benchmark from real data; none where that is not there.
fn suite(benchmark: Benchmark, data: &[&str]) -> Option<Suite> {
    let paths: Option<Vec<PathBuf>> = data.iter().map(|name| crate::shared_data(name)).collect();
    Some(eval::load(benchmark, &paths?, &ColumnNames::default()).unwrap())
}

/// Judges all cases in both orders; their rows and the scores.
async fn evaluate(judge: &Judge, suite: &Suite) -> (Vec<CaseRow>, BenchmarkEvaluation) {
    let mut rows = Vec::new();
    let emit = |row: &CaseRow| {
        rows.push(row.clone());
        Ok(())
    };
    let (counted, tally) = eval::run(judge, suite, true, 128, emit).await.unwrap();
    assert_eq!((counted.cases as usize, counted.failed), (suite.cases.len(), 0));
    (rows, eval::scores(judge, suite, &tally))
}

/// Scores of a scripted judge.
async fn evaluate_script(script: &str, suite: &Suite) -> BenchmarkEvaluation {
    evaluate(&judge(Arc::new(scripted(script).unwrap()), "rrm"), suite).await.1
}

fn group<'a>(evaluation: &'a BenchmarkEvaluation, name: &str) -> &'a GroupScore {
    evaluation.groups.iter().find(|group| group.name == name).unwrap_or_else(|| panic!("no group {name}"))
}

fn official(evaluation: &BenchmarkEvaluation, name: &str) -> f64 {
    group(evaluation, name).official.unwrap().value
}

fn strict(evaluation: &BenchmarkEvaluation, name: &str) -> f64 {
    group(evaluation, name).strict.unwrap().value
}
