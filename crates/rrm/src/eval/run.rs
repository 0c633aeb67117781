//! Cases -> a judge's decisions about them, as rows in the order of the cases, with many cases at once.

use std::{borrow::Cow, future::ready, io};

use futures::{StreamExt, future::join, stream};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Benchmark, Case, CaseTotals, Orders, Suite};
use crate::{
    judge::{Judge, JudgeError, JudgeKind, Order},
    ranking::{rank, strategy},
    result::{self, Flag, MatchRow, Verdicts},
    run,
    vote::{Choice, Decision},
};

/// The result of one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CaseRow {
    /// Layout version.
    pub rrm: u32,
    /// Id of the row that the case belongs to.
    pub id: String,
    /// Indices of the two responses, in the benchmark's own order.
    pub pair: (usize, usize),
    /// Subset that it counts under.
    pub subset: String,
    /// The better response in that order, or a tie.
    pub label: Choice,
    /// Decisions in that order, one for each order that the judge saw, the official one first.
    pub decisions: Vec<Decision>,
    /// Official score of the decisions, from 0 to 1.
    pub official: f64,
    /// Whether the decisions in both orders are right; absent if only one order was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// Bytes of the two responses.
    pub bytes: (usize, usize),
    /// Names of the models that wrote them, if the data has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writers: Option<(String, String)>,
    /// Reason why a judgment is missing in one order. It counts as no verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The judgments with their votes; `a` is the first response of the pair.
    pub matches: Vec<MatchRow>,
    /// Of the user's own pairs: judged texts that hold prompt markup, or that differ from the text of the row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
}

impl Serialize for CaseRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        CaseRow::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for CaseRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut row = CaseRow::deserialize(deserializer)?;
        row.matches = row.matches.into_iter().map(|played| played.about(row.pair.0)).collect();
        Ok(row)
    }
}

impl CaseRow {
    /// Returns the kind of the judge.
    pub fn kind(&self) -> JudgeKind {
        JudgeKind::from(self.matches.iter().any(|played| played.kind() == JudgeKind::Scores))
    }
}

/// Counts of the cases of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseCounts {
    /// Number of cases that were asked about.
    pub cases: u64,
    /// Of these, cases with an error in place of a judgment.
    pub failed: u64,
    /// Counts of the votes of all cases.
    pub verdicts: Verdicts,
}

/// The reason why a run stopped before its last case.
#[derive(Debug, thiserror::Error)]
pub enum EvalRunError {
    /// An error that every further case would meet.
    #[error("row {id}: {source}")]
    Judge {
        /// The row's id.
        id: String,
        /// Error of the judge.
        source: JudgeError,
    },
    /// A row could not be written.
    #[error("cannot write results: {0}")]
    Write(#[from] io::Error),
}

/// Asks about every case, in both orders or in the official ones, and hands each row to `emit`.
///
/// # Errors
/// [`EvalRunError`] at the first row that cannot be written, or with an error that every further case would meet. Then no more requests are sent, and
/// those in flight have [`Judge::patience`] to end.
pub async fn run(
    judge: &Judge,
    suite: &Suite,
    both_orders: bool,
    window: usize,
    mut emit: impl FnMut(&CaseRow) -> io::Result<()>,
) -> Result<(CaseCounts, CaseTotals), EvalRunError> {
    let (mut counted, mut tally) = (CaseCounts::default(), CaseTotals::new(suite.benchmark));
    let judge = &judge.for_run();
    let work = |case| async move { (case, one(judge, suite, case, both_orders).await) };
    let check = |(case, row): (&Case, Result<CaseRow, JudgeError>)| {
        row.map_err(|source| EvalRunError::Judge { id: case.item.id.clone(), source })
    };
    let begun = stream::iter(&suite.cases).take_while(|_| ready(!judge.has_ended()));
    let hand_on = |row: CaseRow| {
        counted.cases += 1;
        counted.failed += u64::from(row.error.is_some());
        row.matches.iter().for_each(|played| counted.verdicts.add_match(played));
        let undecided = row.error.is_none() && row.decisions.first() == Some(&Decision::Undecided);
        counted.verdicts.rows_without_place += u64::from(undecided);
        tally.add(&row);
        Ok(emit(&row)?)
    };
    let of_ended = |error: &EvalRunError| matches!(error, EvalRunError::Judge { source, .. } if source.is_of_ended());
    match judge.through(begun.map(work).buffered(window.max(1)), check, hand_on, of_ended).await {
        Ok(()) => Ok((counted, tally)),
        Err(Some(error)) if !of_ended(&error) => Err(error),
        Err(_) => {
            let (id, source) = judge.end().unwrap_or_else(|| (String::new(), JudgeError::Ended));
            Err(EvalRunError::Judge { id, source })
        }
    }
}

/// Returns the orders in which the judge is asked about a case, the official one first.
fn orders(judge: &Judge, case: &Case, orders: Orders, both: bool) -> (Order, Option<Order>) {
    let official = match orders {
        Orders::Drawn => rank::drawn_order(judge.settings.seed, &case.item.id, case.pair),
        Orders::Given | Orders::Both => Order::Given,
    };
    (official, orders.both(both).then_some(official.swapped()))
}

/// Returns one row, or an error that every further case would meet.
async fn one(judge: &Judge, suite: &Suite, case: &Case, both_orders: bool) -> Result<CaseRow, JudgeError> {
    let protocol = suite.benchmark.protocol();
    let (official, other) = orders(judge, case, protocol.orders, both_orders);
    // Texts of published benchmarks are not changed; the user's own are prepared as `rrm judge` does.
    let own = suite.benchmark == Benchmark::Pairs;
    let (item, flags) =
        if own { run::judged(&case.item, &judge.format.markup) } else { (Cow::Borrowed(&*case.item), Vec::new()) };
    // The label is the case's, because responses of some benchmarks have no labels of their own.
    let ask = |order| rank::play_in_order(judge, &item, case.pair, order, case.right());
    let again = async {
        match other {
            Some(order) => Some(ask(order).await),
            None => None,
        }
    };
    // If one order fails, the other still ends, so that what it paid for is stored.
    let (first, second) = join(ask(official), again).await;
    let (mut decisions, mut matches, mut error) = (Vec::new(), Vec::new(), None);
    for played in [Some(first), second].into_iter().flatten() {
        match played {
            Ok(played) => {
                decisions.push(played.judgment.decision);
                matches.push(result::match_row(strategy::settle(0, played)));
            }
            Err(failed) if failed.is_fatal() => return Err(failed),
            Err(failed) => {
                decisions.push(Decision::Undecided);
                error = error.or(Some(failed.to_string()));
            }
        }
    }
    let counted = if protocol.orders == Orders::Both { 2 } else { 1 };
    Ok(CaseRow {
        rrm: result::VERSION,
        id: case.item.id.clone(),
        pair: case.pair,
        subset: case.subset.clone(),
        label: case.label,
        official: protocol.count(case.label, &decisions[..counted.min(decisions.len())], judge.kind()),
        strict: (decisions.len() == 2).then(|| decisions.iter().all(|decision| *decision == case.label.into())),
        bytes: bytes(case),
        writers: writers(case),
        decisions,
        error,
        matches,
        flags,
    })
}

/// Returns the bytes of the two responses.
pub(super) fn bytes(case: &Case) -> (usize, usize) {
    let bytes = |response: usize| case.item.responses.get(response).map_or(0, |response| response.text.len());
    (bytes(case.pair.0), bytes(case.pair.1))
}

/// Returns the writers of the two responses, from columns of RewardBench and MT-Bench, or from `model` beside each response.
pub(super) fn writers(case: &Case) -> Option<(String, String)> {
    const COLUMNS: [(&str, &str); 2] = [("chosen_model", "rejected_model"), ("model_a", "model_b")];
    let of_row = |(a, b)| Some((case.item.extra.get(a)?.as_str()?.to_owned(), case.item.extra.get(b)?.as_str()?.to_owned()));
    let of_response = |index: usize| Some(case.item.responses.get(index)?.extra.get("model")?.as_str()?.to_owned());
    let two = case.item.responses.len() == 2;
    let of_row = || COLUMNS.into_iter().find_map(of_row).filter(|_| two);
    let in_file = of_response(case.pair.0).zip(of_response(case.pair.1));
    in_file.or_else(|| of_row().map(|(a, b)| if case.pair == (0, 1) { (a, b) } else { (b, a) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_of_a_line_are_about_the_pair_whoever_was_shown_first() {
        let played = |first: usize, second: usize| {
            format!(
                r#"{{"round":0,"first":{first},"second":{second},"winner":3,"decided_by":"votes","decision":"{}"}}"#,
                if first == 3 { "first" } else { "second" }
            )
        };
        let case = r#"{"rrm":1,"id":"x","pair":[3,1],"subset":"s","label":"first","decisions":["first","first"],"official":1.0"#;
        let line = format!(r#"{case},"bytes":[1,2],"matches":[{},{}]}}"#, played(3, 1), played(1, 3));
        let row: CaseRow = serde_json::from_str(&line).unwrap();
        assert_eq!(row.matches.iter().map(|m| (m.a, m.order)).collect::<Vec<_>>(), [(3, Order::Given), (3, Order::Swapped)]);
        assert!(row.matches.iter().all(|m| m.decision == row.decisions.first().copied()));
        assert_eq!(serde_json::to_string(&row).unwrap(), line);
    }
}
