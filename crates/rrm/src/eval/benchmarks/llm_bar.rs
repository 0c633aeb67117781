//! LLMBar: an instruction, two outputs, and the one that follows it -> five subsets, by the folders of the published files.
//!
//! Rules: princeton-nlp/LLMBar at 900616b, `LLMEvaluator/evaluate.py`. The adversarial score is the plain mean of its four subsets, as GPT-4's
//! published statistics show (Metrics_Reference: 85.45, 89.67, 72.34, 83.70, mean 82.79; summaries of the paper report 82.8; all pairs together would
//! be 84.5). The mean of all five is rrm's own: no source for it is at hand.

use std::path::Path;

use super::{mean, mean_of_orders, no_metrics, pair_case_of};
use crate::{
    dataset::Item,
    eval::{BenchmarkLayout, Case, GroupLevel, Orders, Protocol, ScoreUnit, Section},
};

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "llmbar",
    about: "LLMBar: 419 pairs, natural and four adversarial subsets (princeton-nlp/LLMBar)",
    rule: "both orders, the mean of their accuracies; a tie or no verdict is wrong; adversarial is the mean of its four subsets; overall, the mean of all five, is not confirmed upstream",
    tried: "on all 419 pairs",
    orders: Orders::Both,
    apart: None,
    unit: ScoreUnit::Pair,
    layouts: &[BenchmarkLayout { cases, ..LAYOUT }],
    official: mean_of_orders,
    sections,
    metrics: no_metrics,
};

/// Layout of its files. RewardBench holds the same pairs.
pub(crate) const LAYOUT: BenchmarkLayout = BenchmarkLayout {
    needs: &["input", "output_1", "output_2", "label"],
    columns: &["prompt=input", "responses=output_1,output_2", "label=label:1,2"],
    responses: Some(2),
    cases,
};

/// Parts of folder names, and the names of their subsets in RewardBench.
const FOLDERS: [(&str, &str); 5] = [
    ("natural", "natural"),
    ("neighbor", "adver-neighbor"),
    ("gptinst", "adver-GPTInst"),
    ("gptout", "adver-GPTOut"),
    ("manual", "adver-manual"),
];

/// Returns the subset of a file, by the name of its folder or of the file.
pub(crate) fn subset(file: &Path) -> Result<&'static str, String> {
    let names: Vec<String> = file.iter().rev().take(2).map(|part| part.to_string_lossy().to_lowercase()).collect();
    let named = |(folder, _): &&(&str, &str)| names.iter().any(|name| name.contains(folder));
    let found = FOLDERS.iter().find(named).map(|(_, subset)| *subset);
    found.ok_or_else(|| "the folder of an LLMBar file names its subset: Natural, Neighbor, GPTInst, GPTOut or Manual".to_owned())
}

fn cases(file: &Path, item: Item) -> Result<Vec<Case>, String> {
    pair_case_of(item, subset(file)?)
}

fn sections(_: &[&str]) -> Vec<Section> {
    let all = || FOLDERS.iter().map(|(_, subset)| (*subset).to_owned());
    vec![mean(GroupLevel::Section, "adversarial", all().skip(1)), mean(GroupLevel::Overall, "overall", all())]
}
