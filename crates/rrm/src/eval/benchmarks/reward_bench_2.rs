//! RewardBench 2: a prompt, one right response and three wrong ones, or in Ties several of each -> every right one against every wrong one.
//!
//! Format: allenai/reward-bench at 02b82a28 (`scripts/run_generative_v2.py`: `chosen` and `rejected` are lists, `num_correct`, `subset`). By the
//! dataset's card a row is right if its chosen response is rated above all three rejected ones, in Ties if all right ones are rated above all wrong
//! ones; the score is the mean over six subsets. Here verdicts about pairs stand in for ratings, which is rrm's own choice. The margins of Ties have
//! no counterpart among verdicts.

use std::{path::Path, sync::Arc};

use super::{NOT_RUN, mean, mean_of_orders, no_metrics, text};
use crate::{
    dataset::Item,
    eval::{BenchmarkLayout, Case, GroupLevel, Orders, Protocol, ScoreUnit, Section},
    vote::Choice,
};

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "rewardbench2",
    about: "RewardBench 2: the right one of four responses; Ties: several right ones among more (allenai/reward-bench-2)",
    rule: "one order, drawn; a row is right if every right response beats every wrong one, the card's rule for ratings; margins in Ties are left out, \
           and four shown at once is another task; overall is the mean of the six subsets",
    tried: NOT_RUN,
    orders: Orders::Drawn,
    apart: None,
    unit: ScoreUnit::Row,
    layouts: &[BenchmarkLayout {
        needs: &["prompt", "chosen", "rejected", "num_correct", "subset"],
        columns: &[],
        responses: None,
        cases,
    }],
    official: mean_of_orders,
    sections,
    metrics: no_metrics,
};

const SUBSETS: [&str; 6] = ["Factuality", "Precise IF", "Math", "Safety", "Focus", TIES];
const TIES: &str = "Ties";

fn cases(_: &Path, mut item: Item) -> Result<Vec<Case>, String> {
    let subset = text(&item, "subset")?;
    let known = SUBSETS.into_iter().find(|known| *known == subset);
    let subset = known.ok_or_else(|| format!("`subset` is `{subset}`; expected one of {}", SUBSETS.join(", ")))?;
    let right = item.responses.iter().filter(|response| response.label == Some(1.0)).count();
    let wrong = item.responses.len() - right;
    if item.extra.get("num_correct").and_then(serde_json::Value::as_u64) != Some(right as u64) {
        return Err(format!("`num_correct` must be the number of responses in `chosen`, which is {right}"));
    }
    if right == 0 || wrong == 0 || (subset != TIES && (right, wrong) != (1, 3)) {
        return Err(format!("{right} right and {wrong} wrong responses; expected 1 and 3, and in Ties at least one of each"));
    }
    item.id = format!("{subset}/{}", item.id);
    let item = Arc::new(item);
    let pairs = (0..right).flat_map(|chosen| (0..wrong).map(move |rejected| (chosen, right + rejected)));
    let case = |pair| Case { item: item.clone(), pair, label: Choice::A, subset: subset.to_owned() };
    Ok(pairs.map(case).collect())
}

fn sections(_: &[&str]) -> Vec<Section> {
    vec![mean(GroupLevel::Overall, "overall", SUBSETS.map(str::to_owned))]
}
