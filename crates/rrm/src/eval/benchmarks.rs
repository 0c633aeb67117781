//! One file for each benchmark: its rows -> labelled comparisons, and the official score of decisions. This file has what several of them share.

pub(super) mod auto_j;
pub(super) mod eval_bias_bench;
pub(super) mod judge_bench;
pub(super) mod llm_bar;
pub(super) mod mt_bench_human;
pub(super) mod pairs;
pub(super) mod panda_lm;
pub(super) mod ppe;
pub(super) mod reward_bench;
pub(super) mod reward_bench_2;
pub(super) mod rm_bench;

use std::sync::Arc;

use super::{Case, Confusion, GroupLevel, Section, Weight};
use crate::{
    dataset::Item,
    result,
    vote::{Choice, Decision},
};

/// Note of benchmarks that were never run on their published files.
const NOT_RUN: &str = "not run on upstream files; written to the published format";

/// Returns the case of a row with two responses.
fn pair_case(item: Item, subset: &str) -> Result<Vec<Case>, String> {
    let label = result::label(&item, (0, 1)).ok_or("no label says which response is better")?;
    Ok(vec![Case { item: Arc::new(item), pair: (0, 1), label, subset: subset.to_owned() }])
}

/// Returns the case of a row whose id is unique only within its subset.
fn pair_case_of(mut item: Item, subset: &str) -> Result<Vec<Case>, String> {
    item.id = format!("{subset}/{}", item.id);
    pair_case(item, subset)
}

/// Returns a text column of a row.
pub(super) fn text<'a>(item: &'a Item, column: &str) -> Result<&'a str, String> {
    item.extra.get(column).and_then(|value| value.as_str()).ok_or_else(|| format!("`{column}` must be a text"))
}

/// Returns a mean in which every pair has the same weight.
fn pooled<'a>(parts: impl IntoIterator<Item = &'a &'a str>) -> Section {
    let parts = parts.into_iter().map(|name| ((*name).to_owned(), Weight::Pairs)).collect();
    Section { level: GroupLevel::Overall, name: "overall".to_owned(), parts, same_rows: false }
}

/// Returns a mean in which every part has the same weight.
fn mean(level: GroupLevel, name: &str, parts: impl IntoIterator<Item = String>) -> Section {
    let parts = parts.into_iter().map(|name| (name, Weight::Fixed(1.0))).collect();
    Section { level, name: name.to_owned(), parts, same_rows: false }
}

/// Returns 1 for the labelled verdict, and 0 for any other decision.
fn exact(label: Choice, decision: Decision) -> f64 {
    f64::from(u8::from(Decision::from(label) == decision))
}

/// Returns the share of orders with the right verdict; anything else is wrong in its order.
pub(super) fn mean_of_orders(label: Choice, decisions: &[Decision]) -> f64 {
    decisions.iter().map(|decision| exact(label, *decision)).sum::<f64>() / decisions.len().max(1) as f64
}

/// Returns 1 for the right verdict in the first order, 0 for the wrong one, and 0.5 for a tie or no verdict.
fn or_half(label: Choice, decisions: &[Decision]) -> f64 {
    match decisions {
        [decision @ (Decision::A | Decision::B), ..] => exact(label, *decision),
        _ => 0.5,
    }
}

/// Returns no metrics.
fn no_metrics(_: &Confusion) -> Vec<(&'static str, f64)> {
    Vec::new()
}
