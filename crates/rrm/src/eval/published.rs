//! Scores of RewardBench -> the results file that its own scripts write, for whoever reads those.
//!
//! Format: allenai/reward-bench at 05a9005e, `save_to_hub` in `rewardbench/utils.py`: one flat object, keys sorted, four spaces. Sections and the whole
//! are not in it; upstream adds them up from the subsets.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, ser::PrettyFormatter};

use super::{Benchmark, BenchmarkEvaluation, GroupLevel};

/// The text of `eval-set/ORGANISATION/MODEL.json`; `None` for other benchmarks.
///
/// # Errors
/// What cannot be written as JSON.
pub fn reward_bench_results(evaluation: &BenchmarkEvaluation) -> Result<Option<String>, serde_json::Error> {
    if evaluation.benchmark != Benchmark::RewardBench {
        return Ok(None);
    }
    let subsets = evaluation.groups.iter().filter(|group| group.level == GroupLevel::Subset);
    let accuracies = subsets.filter_map(|group| Some((group.name.as_str(), Value::from(group.official?.value))));
    let about = [
        ("chat_template", Value::Null),
        ("model", evaluation.engine.name.as_str().into()),
        // What upstream calls every judge that writes text, and that is one model.
        ("model_type", "Generative RM".into()),
    ];
    let results: BTreeMap<&str, Value> = accuracies.chain(about).collect();
    let mut text = Vec::new();
    results.serialize(&mut serde_json::Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"    ")))?;
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}
