//! A ranked row -> preference pairs with the votes that they rest on, or the reasons why there are none.

mod answers;
mod evidence;
mod layout;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(not(feature = "parquet"))]
#[path = "label/without.rs"]
mod parquet;

use serde::{Deserialize, Serialize};

pub use self::{
    answers::AnswerRows,
    evidence::PreferenceEvidence,
    layout::{ColumnType, OutputRow, PreferenceLayout, PreferenceSource},
    parquet::ParquetRows,
};
use crate::{
    dataset::Item,
    ranking::strategy::{DecidedBy, Matches, Strategy},
    result::{MatchRow, Row, RowResult},
    vote::Decision,
};

/// Settings that choose the preferences of a ranked row, with thresholds of their evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct LabelSettings {
    /// Pairs of a row that become preferences.
    pub pairs: Pairs,
    /// Least margin, from 0 to 1; see [`PreferenceEvidence::margin`].
    pub min_margin: f64,
    /// Least agreement, from 0 to 1; see [`PreferenceEvidence::agreement`].
    pub min_agreement: f64,
}

/// The pairs of a row that become preferences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pairs {
    /// The first and the last of the order.
    #[default]
    BestWorst,
    /// The winner and the loser of every match that votes decided.
    All,
}

/// One response preferred to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Preference {
    /// Index of the better response.
    pub chosen: usize,
    /// Index of the worse one.
    pub rejected: usize,
    /// The votes and margins that the preference rests on.
    pub evidence: PreferenceEvidence,
}

/// A pair without a preference, or a whole row without any.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DroppedPreference {
    /// The row's id.
    pub id: String,
    /// Indices of the two responses; absent if the whole row gave nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<(usize, usize)>,
    /// Reason why there is no preference.
    pub reason: NoPreference,
    /// Error of the row, if that is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The votes and margins, if there were votes.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<PreferenceEvidence>,
}

/// The reason why a pair is no preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoPreference {
    /// The row has an error and no result.
    Error,
    /// The two were declared equal, and nobody was asked.
    Equal,
    /// Most votes are for a tie.
    Tie,
    /// The votes have no majority, because they are equal or because there was no verdict; or the best and the worst of the row are not known,
    /// because places rest on such matches.
    Undecided,
    /// The two never met, and a coin decided a match that links them in the knockout.
    Coin,
    /// The ratings of the two are the same, or no matches link them.
    NoOrder,
    /// The margin is less than the threshold.
    Margin,
    /// The agreement is less than the threshold.
    Agreement,
}

/// The preferences of a row, and the pairs without one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowPreferences {
    /// Its preferences, in the order of its matches.
    pub preferences: Vec<Preference>,
    /// Pairs that gave no preference.
    pub dropped: Vec<DroppedPreference>,
}

/// Returns the preferences of a row that was ranked by `strategy`.
pub fn label(item: &Item, row: &Row, strategy: Strategy, settings: &LabelSettings) -> RowPreferences {
    let mut labelled = RowPreferences::default();
    let Some(result) = &row.result else {
        let error = row.error.clone();
        labelled.dropped.push(DroppedPreference {
            id: item.id.clone(),
            pair: None,
            reason: NoPreference::Error,
            error,
            evidence: None,
        });
        return labelled;
    };
    let found: Vec<PairResult> = match settings.pairs {
        Pairs::BestWorst => vec![best_worst(result, strategy)],
        Pairs::All => result.matches.iter().map(of_match).collect(),
    };
    for PairResult { pair, outcome, evidence } in found {
        let weak = |evidence: &PreferenceEvidence| match evidence {
            e if e.margin < settings.min_margin => Some(NoPreference::Margin),
            e if e.agreement < settings.min_agreement => Some(NoPreference::Agreement),
            _ => None,
        };
        // Responses with the same text never meet, but their opponents may give them different ratings.
        let same = |(a, b): (usize, usize)| item.responses[a].text == item.responses[b].text;
        let equal = pair.filter(|pair| same(*pair)).map(|_| NoPreference::Equal);
        let drop = equal.or(outcome.err()).or_else(|| evidence.as_ref().and_then(weak));
        match (drop, pair, evidence) {
            (None, Some((chosen, rejected)), Some(evidence)) => {
                labelled.preferences.push(Preference { chosen, rejected, evidence });
            }
            (reason, pair, evidence) => {
                let reason = reason.unwrap_or(NoPreference::NoOrder);
                labelled.dropped.push(DroppedPreference { id: item.id.clone(), pair, reason, error: None, evidence });
            }
        }
    }
    labelled
}

/// The result of a pair: the better response first if it is known, and whether it is a preference.
struct PairResult {
    pair: Option<(usize, usize)>,
    outcome: Result<(), NoPreference>,
    evidence: Option<PreferenceEvidence>,
}

/// Returns winner and loser of one match, with its evidence.
fn of_match(played: &MatchRow) -> PairResult {
    let (chosen, rejected) = sides(played);
    PairResult { pair: Some((chosen, rejected)), outcome: decided(played), evidence: evidence::of_match(played, chosen) }
}

/// Returns winner and loser, or the two in the order shown if nobody won.
fn sides(played: &MatchRow) -> (usize, usize) {
    let won = played.winner.and_then(|winner| Some((winner, played.other(winner)?)));
    won.unwrap_or(played.shown())
}

/// Returns an error unless votes decided the match.
fn decided(played: &MatchRow) -> Result<(), NoPreference> {
    match (played.decided_by, played.decision) {
        (DecidedBy::Team, _) => Err(NoPreference::Equal),
        (_, Some(Decision::Tie)) => Err(NoPreference::Tie),
        (DecidedBy::Votes, Some(Decision::A | Decision::B)) => Ok(()),
        _ => Err(NoPreference::Undecided),
    }
}

/// Returns the first and the last of the order, with their evidence.
fn best_worst(result: &RowResult, strategy: Strategy) -> PairResult {
    let Some(order) = &result.order else {
        return PairResult { pair: None, outcome: Err(NoPreference::Undecided), evidence: None };
    };
    let ends = order.first().copied().zip(order.last().copied());
    let Some(pair) = ends.filter(|(best, worst)| best != worst) else {
        return PairResult { pair: None, outcome: Err(NoPreference::NoOrder), evidence: None };
    };
    if let Matches::Pairs { margin, .. } = strategy.rules().matches {
        let evidence = evidence::of_ratings(result, margin, pair);
        let apart = !result.disconnected && evidence.as_ref().is_some_and(|evidence| evidence.margin > 0.0);
        return PairResult { pair: Some(pair), outcome: if apart { Ok(()) } else { Err(NoPreference::NoOrder) }, evidence };
    }
    let links = evidence::links(&result.matches, pair);
    let outcome = match links.as_slice() {
        [] => Err(NoPreference::NoOrder),
        [only] => decided(only),
        // Equal texts in the chain of matches keep a preference valid; a coin does not.
        several => several.iter().try_for_each(|link| match decided(link) {
            Ok(()) | Err(NoPreference::Equal) => Ok(()),
            Err(_) => Err(NoPreference::Coin),
        }),
    };
    let equal = links.iter().all(|link| link.decided_by == DecidedBy::Team);
    let outcome = if equal && !links.is_empty() { Err(NoPreference::Equal) } else { outcome };
    PairResult { pair: Some(pair), outcome, evidence: evidence::of_links(&links) }
}
