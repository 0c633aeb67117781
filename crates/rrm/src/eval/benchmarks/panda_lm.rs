//! PandaLM's test set: instruction, input, two responses, and three annotators who may call them equal -> the label of most annotators.
//!
//! Upstream (WeOpenML/PandaLM at 3871806) publishes no metric script. Accuracy and macro averages over the three labels are those of the paper. A
//! verdict that cannot be read counts as wrong, which reproduces the numbers of its published predictions.

use std::path::Path;

use super::{mean_of_orders, pair_case, pooled};
use crate::{
    dataset::Item,
    eval::{BenchmarkLayout, Case, Confusion, Orders, Protocol, ScoreUnit},
};

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "pandalm",
    about: "PandaLM: 999 pairs with the majority label of three people, ties among them (WeOpenML/PandaLM)",
    rule: "the file's order; right is the majority label, a tie included; no verdict is wrong; macro precision, recall and F1 beside it",
    tried: "on all 999 pairs",
    orders: Orders::Given,
    apart: None,
    unit: ScoreUnit::Pair,
    layouts: &[BenchmarkLayout {
        needs: &["instruction", "input", "response1", "response2", "annotator1", "annotator2", "annotator3"],
        columns: &[
            "id=idx",
            "prompt=instruction+input",
            "responses=response1,response2",
            "label=annotator1,annotator2,annotator3:1,2,0",
        ],
        responses: Some(2),
        cases,
    }],
    official: mean_of_orders,
    sections: |subsets| vec![pooled(subsets)],
    metrics,
};

fn cases(_: &Path, item: Item) -> Result<Vec<Case>, String> {
    pair_case(item, "pandalm")
}

/// Returns means over the three labels. A label that no verdict names has precision 0.
fn metrics(confusion: &Confusion) -> Vec<(&'static str, f64)> {
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let each: Vec<(f64, f64, f64)> = (0..3)
        .map(|label| {
            let right = confusion[label][label];
            let named: u64 = confusion.iter().map(|row| row[label]).sum();
            let labelled: u64 = confusion[label].iter().sum();
            (share(right, named), share(right, labelled), share(2 * right, named + labelled))
        })
        .collect();
    let mean = |of: fn(&(f64, f64, f64)) -> f64| each.iter().map(of).sum::<f64>() / 3.0;
    vec![("macro precision", mean(|m| m.0)), ("macro recall", mean(|m| m.1)), ("macro F1", mean(|m| m.2))]
}
