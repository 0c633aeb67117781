//! Auto-J's pairwise test set: a query of one of 58 scenarios, two responses, and the one that people prefer, or neither.
//!
//! Rules: GAIR-NLP/auto-j at 2ae17a3, `codes/leaderboard/pairwise_eval.py`: "agreement" over all pairs. Its groups of scenarios are not combined.

use std::{path::Path, sync::Arc};

use super::{NOT_RUN, exact, no_metrics, pooled, text};
use crate::{
    dataset::Item,
    eval::{BenchmarkLayout, Case, Orders, Protocol, ScoreUnit},
    vote::{Choice, Decision},
};

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "autoj",
    about: "Auto-J: 1,392 pairs of 58 scenarios with the label of people, ties among them (GAIR-NLP/auto-j, testdata_pairwise.jsonl)",
    rule: "both orders; a pair counts if the verdicts of both are right, a tie included; no verdict is wrong",
    tried: NOT_RUN,
    orders: Orders::Both,
    apart: None,
    unit: ScoreUnit::Pair,
    layouts: &[BenchmarkLayout {
        needs: &["scenario", "label", "prompt", "response 1", "response 2"],
        columns: &["prompt=prompt", "responses=response 1,response 2"],
        responses: Some(2),
        cases,
    }],
    official,
    sections: |subsets| vec![pooled(subsets)],
    metrics: no_metrics,
};

fn cases(_: &Path, item: Item) -> Result<Vec<Case>, String> {
    let subset = text(&item, "scenario")?.to_owned();
    // Unlike in other benchmarks, 0 is the first response.
    let label = match item.extra.get("label").and_then(serde_json::Value::as_u64) {
        Some(0) => Choice::A,
        Some(1) => Choice::B,
        Some(2) => Choice::Tie,
        _ => return Err("`label` must be 0 (the first), 1 (the second) or 2 (a tie)".to_owned()),
    };
    Ok(vec![Case { item: Arc::new(item), pair: (0, 1), label, subset }])
}

fn official(label: Choice, decisions: &[Decision]) -> f64 {
    decisions.iter().map(|decision| exact(label, *decision)).product()
}
