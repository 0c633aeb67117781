//! Scores of RewardBench -> the results file of its own scripts.
//!
//! Format: allenai/reward-bench at 05a9005e, `save_to_hub` in `rewardbench/utils.py`: one flat object, sorted keys, indented by four spaces. It does
//! not have the sections and the overall score, which upstream computes from the subsets.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, ser::PrettyFormatter};

use super::{Benchmark, BenchmarkEvaluation, GroupLevel};

/// Returns the text of `eval-set/ORGANISATION/MODEL.json`; `None` for other benchmarks.
///
/// # Errors
/// The error of the JSON writer.
pub fn reward_bench_results(evaluation: &BenchmarkEvaluation) -> Result<Option<String>, serde_json::Error> {
    if evaluation.benchmark != Benchmark::RewardBench {
        return Ok(None);
    }
    let subsets = evaluation.groups.iter().filter(|group| group.level == GroupLevel::Subset);
    let accuracies = subsets.filter_map(|group| Some((group.name.as_str(), Value::from(group.official?.value))));
    let about = [
        ("chat_template", Value::Null),
        ("model", evaluation.engine.name.as_str().into()),
        // Upstream's name for every judge that writes text and is a single model.
        ("model_type", "Generative RM".into()),
    ];
    let results: BTreeMap<&str, Value> = accuracies.chain(about).collect();
    let mut text = Vec::new();
    results.serialize(&mut serde_json::Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"    ")))?;
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}
