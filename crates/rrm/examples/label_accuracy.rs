//! Labels of `rrm label` and the truth about their responses -> a Markdown table and a figure: accuracy against votes, margin and coverage.
//!
//! `cargo run -p rrm-judge --example label_accuracy -- DATA.jsonl FIGURE.svg 'NAME=LABELS.jsonl' ...`, with columns named as MMLU-Pro's. A pair
//! counts where one response is right and the other is not; `LABELS.jsonl.dropped.jsonl` holds those without a label.
#![allow(clippy::print_stdout, reason = "the table is what this prints")]

use std::{collections::HashMap, error::Error, fs, path::Path};

use rrm::{
    dataset::{self, ColumnNames, ReadOptions},
    report::{LabelPoint, label_figure, label_points},
};
use serde_json::Value;

const THRESHOLDS: [f64; 6] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];

/// Which responses of each row are right.
type Truth = HashMap<String, Vec<bool>>;

fn truth(path: &Path) -> Result<Truth, Box<dyn Error>> {
    let columns = ColumnNames::parse(&["id=question_id", "prompt=question"])?;
    let mut truth = Truth::new();
    for item in dataset::read(path, &ReadOptions { columns, ..ReadOptions::default() })? {
        let item = item?;
        truth.insert(item.id, item.responses.iter().map(|response| response.label == Some(1.0)).collect());
    }
    Ok(truth)
}

/// Whether the first of a row's two responses is right and the second is not, or the other way; `None` where they are alike.
fn right(truth: &Truth, id: &Value, a: &Value, b: &Value) -> Option<bool> {
    let of = |response: &Value| truth.get(id.as_str()?)?.get(response.as_u64()? as usize).copied();
    let (a, b) = (of(a)?, of(b)?);
    (a != b).then_some(a)
}

fn rows(path: &str) -> Result<Vec<Value>, Box<dyn Error>> {
    fs::read_to_string(path)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn points(truth: &Truth, labels: &str) -> Result<(u64, Vec<LabelPoint>), Box<dyn Error>> {
    let mut found = Vec::new();
    for row in rows(labels)? {
        if let Some(right) = right(truth, &row["rrm_id"], &row["rrm_chosen"], &row["rrm_rejected"]) {
            found.push((row["rrm_margin"].as_f64().unwrap_or(0.0), right));
        }
    }
    let dropped = rows(&format!("{labels}.dropped.jsonl"))?;
    let undecided = dropped.iter().filter(|row| right(truth, &row["id"], &row["pair"][0], &row["pair"][1]).is_some());
    let pairs = (found.len() + undecided.count()) as u64;
    Ok((pairs, label_points(&found, pairs, &THRESHOLDS)))
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [data, figure, files @ ..] = args.as_slice() else { return Err("expected DATA FIGURE NAME=LABELS...".into()) };
    let truth = truth(Path::new(data))?;
    let head: String = THRESHOLDS.iter().map(|threshold| format!(" margin {threshold} |")).collect();
    println!("| labels | pairs |{head}\n|---|--:|{}", "--:|".repeat(THRESHOLDS.len()));
    let mut series = Vec::new();
    for file in files {
        let (name, labels) = file.split_once('=').ok_or("expected NAME=LABELS")?;
        let (pairs, points) = points(&truth, labels)?;
        let cell = |point: &LabelPoint| match point.accuracy {
            Some(accuracy) => format!(" {:.1} of {:.1} |", accuracy.value * 100.0, point.coverage * 100.0),
            None => " - |".to_owned(),
        };
        println!("| {name} | {pairs} |{}", points.iter().map(cell).collect::<String>());
        series.push((name.to_owned(), points));
    }
    let drawn = label_figure("Labels of a simulated judge of accuracy 0.8, MMLU-Pro", &series)?;
    fs::write(figure, drawn.ok_or("nothing is labelled")?)?;
    Ok(())
}
