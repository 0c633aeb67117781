//! The user's own labelled pairs, in any form that `rrm judge` reads -> subsets by the column `subset`, if there is one.

use std::path::Path;

use super::{mean_of_orders, no_metrics, pair_case, pooled};
use crate::{
    dataset::Item,
    eval::{BenchmarkLayout, Case, Orders, Protocol, ScoreUnit},
};

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "pairs",
    about: "your own labelled pairs: JSONL, JSON, CSV, TSV or Parquet, with --column where columns have other names; `subset` groups them",
    rule: "one order, drawn; right 1, everything else 0",
    tried: "",
    orders: Orders::Drawn,
    apart: None,
    unit: ScoreUnit::Pair,
    layouts: &[BenchmarkLayout { needs: &[], columns: &[], responses: Some(2), cases }],
    official: mean_of_orders,
    sections: |subsets| vec![pooled(subsets)],
    metrics: no_metrics,
};

fn cases(_: &Path, item: Item) -> Result<Vec<Case>, String> {
    let subset = match item.extra.get("subset") {
        None | Some(serde_json::Value::Null) => "pairs".to_owned(),
        Some(serde_json::Value::String(subset)) => subset.clone(),
        Some(other) => other.to_string(),
    };
    pair_case(item, &subset)
}
