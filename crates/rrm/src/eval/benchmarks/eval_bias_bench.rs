//! EvalBiasBench: instruction, a good response and one made to look better -> six biases.
//!
//! Rules: ncsoft/offsetbias at 0bd16e4, `run_bench.py`. Its "single accuracy" is the official score here, its "pair accuracy" the strict one.

use std::path::Path;

use super::{mean_of_orders, no_metrics, pair_case, pooled, text};
use crate::{
    dataset::Item,
    eval::{BenchmarkLayout, Case, Orders, Protocol, ScoreUnit},
};

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "evalbiasbench",
    about: "EvalBiasBench: 80 pairs that tempt a judge, by length and five other biases (ncsoft/offsetbias)",
    rule: "both orders, the share of right verdicts among both; a tie or no verdict is wrong",
    tried: "on all 80 pairs",
    orders: Orders::Both,
    apart: None,
    unit: ScoreUnit::Pair,
    layouts: &[BenchmarkLayout {
        needs: &["bias", "instruction", "response1", "response2", "label"],
        columns: &["prompt=instruction", "responses=response1,response2", "label=label:1,2"],
        responses: Some(2),
        cases,
    }],
    official: mean_of_orders,
    sections: |subsets| vec![pooled(subsets)],
    metrics: no_metrics,
};

fn cases(_: &Path, item: Item) -> Result<Vec<Case>, String> {
    let bias = text(&item, "bias")?.to_owned();
    pair_case(item, &bias)
}
