//! JudgeBench: a question, two responses of one model, which of them is correct -> four categories.
//!
//! Rules: ScalerLab/JudgeBench at e2c52c2, `utils/metrics.py`.

use std::path::Path;

use super::{no_metrics, pair_case, pooled, text};
use crate::{
    dataset::Item,
    eval::{BenchmarkLayout, Case, Orders, Protocol, ScoreUnit},
    vote::{Choice, Decision},
};

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "judgebench",
    about: "JudgeBench: 350 pairs of GPT-4o, and apart from them 270 of Claude 3.5 Sonnet; one is objectively correct (ScalerLab/JudgeBench)",
    rule: "both orders; each right verdict +1, each wrong one -1, a tie or none 0; a pair counts if the sum is positive",
    tried: "on the 350 pairs of GPT-4o",
    orders: Orders::Both,
    apart: Some("response_model"),
    unit: ScoreUnit::Pair,
    layouts: &[BenchmarkLayout {
        needs: &["pair_id", "question", "response_A", "response_B", "label", "source", "response_model"],
        columns: &["id=pair_id", "prompt=question", "responses=response_A,response_B", "label=label"],
        responses: Some(2),
        cases,
    }],
    official,
    sections: |_| vec![pooled(&CATEGORIES)],
    metrics: no_metrics,
};

/// Beginnings of `source`. That of MMLU-Pro is followed by a subject.
const CATEGORIES: [&str; 4] = ["mmlu-pro", "livebench-reasoning", "livebench-math", "livecodebench"];

fn cases(_: &Path, item: Item) -> Result<Vec<Case>, String> {
    let source = text(&item, "source")?;
    let category = CATEGORIES.iter().find(|category| source.starts_with(**category));
    let category = category.ok_or_else(|| format!("`source` is `{source}`; expected one of {}", CATEGORIES.join(", ")))?;
    pair_case(item, category)
}

fn official(label: Choice, decisions: &[Decision]) -> f64 {
    let label = Decision::from(label);
    let points = |decision: &Decision| i32::from(*decision == label) - i32::from(*decision == label.swapped());
    f64::from(u8::from(decisions.iter().map(points).sum::<i32>() > 0))
}
