//! PPE's correctness sets: a prompt, 32 responses of one model with their correctness, and five sampled pairs of a right and a wrong one -> these
//! pairs.
//!
//! Rules: the pair accuracy of microsoft/LMOps at af6bc85 (`RRM-evaluation`), which counts an unread verdict as half and draws orders by a salted
//! hash. [`labelled_responses`] reads the same files for best of K. The human preferences are another set, which is not read.

use std::{path::Path, sync::Arc};

use serde_json::Value;

use super::{NOT_RUN, mean, no_metrics, or_half, text};
use crate::{
    dataset::Item,
    eval::{BenchmarkLayout, Case, GroupLevel, Orders, Protocol, ScoreUnit, Section},
    vote::Choice,
};

pub(crate) const PROTOCOL: Protocol = Protocol {
    name: "ppe",
    about: "PPE, correctness: five pairs of a right and a wrong response to each prompt, in five sets (lmarena-ai/PPE-*-Best-of-K)",
    rule: "one order, drawn; right 1, wrong 0, anything else 0.5, as in the paper's own evaluation; overall is the mean of the sets and ours",
    tried: NOT_RUN,
    orders: Orders::Drawn,
    apart: None,
    unit: ScoreUnit::Pair,
    layouts: &[LAYOUT],
    official: or_half,
    sections,
    metrics: no_metrics,
};

/// Layout of a row.
pub(crate) const LAYOUT: BenchmarkLayout = BenchmarkLayout {
    needs: &["question_id", "model_name", "prompt", "response_1", "response_32", "scores", PAIRS],
    columns: &[
        "id=question_id",
        "prompt=prompt",
        "responses=response_1,response_2,response_3,response_4,response_5,response_6,response_7,response_8,\
        response_9,response_10,response_11,response_12,response_13,response_14,response_15,response_16,\
        response_17,response_18,response_19,response_20,response_21,response_22,response_23,response_24,\
        response_25,response_26,response_27,response_28,response_29,response_30,response_31,response_32",
    ],
    responses: Some(32),
    cases,
};

const PAIRS: &str = "sampled_conflict_pairs";

/// Parts of a file's path (its name, `data`, the set's folder), and the set that they stand for.
const SETS: [(&str, &str); 5] =
    [("mmlu", "mmlu-pro"), ("math", "math"), ("gpqa", "gpqa"), ("ifeval", "ifeval"), ("mbpp", "mbpp-plus")];

fn cases(file: &Path, item: Item) -> Result<Vec<Case>, String> {
    let (item, set, right) = read(file, item)?;
    let pairs = list(&item, PAIRS)?.iter().map(|pair| labelled(pair, &right));
    let pairs: Vec<_> = pairs.collect::<Result<_, _>>()?;
    let item = Arc::new(item);
    let case = |(pair, label)| Case { item: item.clone(), pair, label, subset: set.to_owned() };
    Ok(pairs.into_iter().map(case).collect())
}

/// Returns the row with a label for each response, for best of K: 1 if it is right, 0 if it is wrong.
pub(crate) fn labelled_responses(file: &Path, item: Item) -> Result<Item, String> {
    let (mut item, _, right) = read(file, item)?;
    for (response, right) in item.responses.iter_mut().zip(right) {
        response.label = Some(f64::from(u8::from(right.ok_or("`scores` must hold true or false for each response")?)));
    }
    Ok(item)
}

/// Returns the row with its set in its id, the set, and the correctness of each response.
fn read(file: &Path, mut item: Item) -> Result<(Item, &'static str, Vec<Option<bool>>), String> {
    let named = |part: String| SETS.iter().find(|(name, _)| part.contains(name)).map(|(_, set)| *set);
    let set = file.iter().rev().take(3).find_map(|part| named(part.to_string_lossy().to_lowercase()));
    let set = set.ok_or("the path of a PPE file names its set: MMLU-Pro, MATH, GPQA, IFEval or MBPP-Plus")?;
    let right: Vec<Option<bool>> = list(&item, "scores")?.iter().map(Value::as_bool).collect();
    if right.len() != item.responses.len() {
        return Err(format!("`scores` must hold one entry for each response; found {}", right.len()));
    }
    item.id = format!("{set}/{}/{}", item.id, text(&item, "model_name")?);
    Ok((item, set, right))
}

fn list<'a>(item: &'a Item, column: &str) -> Result<&'a Vec<Value>, String> {
    item.extra.get(column).and_then(Value::as_array).ok_or_else(|| format!("`{column}` must be a list"))
}

/// Returns a pair of indices, and the right one of the two.
fn labelled(pair: &Value, right: &[Option<bool>]) -> Result<((usize, usize), Choice), String> {
    let bad =
        || format!("`{PAIRS}` holds {pair}; expected two indexes from 0 to 31, one of a right response, one of a wrong one");
    let indexes: Vec<usize> = pair.as_array().into_iter().flatten().filter_map(Value::as_u64).map(|i| i as usize).collect();
    let [a, b] = indexes[..] else { return Err(bad()) };
    match (right.get(a).copied().flatten(), right.get(b).copied().flatten()) {
        (Some(true), Some(false)) => Ok(((a, b), Choice::A)),
        (Some(false), Some(true)) => Ok(((a, b), Choice::B)),
        _ => Err(bad()),
    }
}

fn sections(_: &[&str]) -> Vec<Section> {
    vec![mean(GroupLevel::Overall, "overall", SETS.map(|(_, set)| set.to_owned()))]
}
