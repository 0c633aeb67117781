//! MT-Bench's human votes: two conversations about the same question, and the one that a person prefers -> the votes about first turns.
//!
//! Rules: ncsoft/offsetbias at 0bd16e4, `run_bench.py`: first turns only, without ties. Each vote is a pair of its own, so that two responses are
//! judged as often as people voted on them.

use std::{path::Path, sync::Arc};

use super::{NOT_RUN, mean_of_orders, no_metrics, pooled, text};
use crate::{
    dataset::Item,
    eval::{BenchmarkLayout, Case, Orders, Protocol, ScoreUnit},
    vote::Choice,
};

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "mt-bench-human",
    about: "MT-Bench: votes of people about the first turns of six models, without ties (lmsys/mt_bench_human_judgments, the file `human`)",
    rule: "both orders, the share of right verdicts among both; a tie or no verdict is wrong; second turns and votes for a tie are left out",
    tried: NOT_RUN,
    orders: Orders::Both,
    apart: None,
    unit: ScoreUnit::Pair,
    layouts: &[BenchmarkLayout {
        needs: &["question_id", "model_a", "model_b", "winner", "judge", "conversation_a", "conversation_b", "turn"],
        columns: &["prompt=conversation_a.0.content", "responses=conversation_a.1.content,conversation_b.1.content"],
        responses: Some(2),
        cases,
    }],
    official: mean_of_orders,
    sections: |subsets| vec![pooled(subsets)],
    metrics: no_metrics,
};

fn cases(_: &Path, item: Item) -> Result<Vec<Case>, String> {
    let label = match text(&item, "winner")? {
        "model_a" => Choice::A,
        "model_b" => Choice::B,
        tie if tie.starts_with("tie") => return Ok(Vec::new()),
        other => return Err(format!("`winner` is `{other}`; expected model_a, model_b or tie")),
    };
    match item.extra.get("turn").and_then(serde_json::Value::as_u64) {
        Some(1) => Ok(vec![Case { item: Arc::new(item), pair: (0, 1), label, subset: "first turn".to_owned() }]),
        Some(2) => Ok(Vec::new()),
        _ => Err("`turn` must be 1 or 2".to_owned()),
    }
}
