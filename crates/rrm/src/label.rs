//! A ranked row -> preference pairs with the votes they rest on, or the reasons why there are none.

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

/// Settings that choose the preferences of a ranked row, and how sure they must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct LabelSettings {
    /// Which pairs of a row become preferences.
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
    /// What it rests on.
    pub evidence: PreferenceEvidence,
}

/// A pair, or a whole row, that gave no preference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DroppedPreference {
    /// The row's id.
    pub id: String,
    /// The two responses by their indices; absent where the row as a whole gave nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<(usize, usize)>,
    /// Why.
    pub reason: NoPreference,
    /// The error, where that is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the votes said, where there were any.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<PreferenceEvidence>,
}

/// The reason why a pair is no preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoPreference {
    /// The row has no result: its error says why.
    Error,
    /// The two were declared equal, and nobody was asked.
    Equal,
    /// Most votes called it a tie.
    Tie,
    /// The votes named nobody, be it that they were equal or that there was no verdict; or the best and the worst of the row are not known, since
    /// places rest on such matches.
    Undecided,
    /// The two never met, and what links them in the knockout was decided by a coin.
    Coin,
    /// The ratings of the two are the same, or no matches link them.
    NoOrder,
    /// The margin is less than what was asked for.
    Margin,
    /// The agreement is less than what was asked for.
    Agreement,
}

/// The preferences of a row, and the pairs without one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowPreferences {
    /// Its preferences, in the order of its matches.
    pub preferences: Vec<Preference>,
    /// What gave none.
    pub dropped: Vec<DroppedPreference>,
}

/// The preferences of a row that was ranked by `strategy`.
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
        // Responses of one text never meet, and may yet be rated apart by those that they met.
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

/// The result of a pair: the better response first where that is known, and whether it is a preference.
struct PairResult {
    pair: Option<(usize, usize)>,
    outcome: Result<(), NoPreference>,
    evidence: Option<PreferenceEvidence>,
}

/// Winner and loser of one match.
fn of_match(played: &MatchRow) -> PairResult {
    let (chosen, rejected) = sides(played);
    PairResult { pair: Some((chosen, rejected)), outcome: decided(played), evidence: evidence::of_match(played, chosen) }
}

/// Winner and loser, or the two as they were shown.
fn sides(played: &MatchRow) -> (usize, usize) {
    let won = played.winner.and_then(|winner| Some((winner, played.other(winner)?)));
    won.unwrap_or(played.shown())
}

/// Whether votes decided a match.
fn decided(played: &MatchRow) -> Result<(), NoPreference> {
    match (played.decided_by, played.decision) {
        (DecidedBy::Team, _) => Err(NoPreference::Equal),
        (_, Some(Decision::Tie)) => Err(NoPreference::Tie),
        (DecidedBy::Votes, Some(Decision::A | Decision::B)) => Ok(()),
        _ => Err(NoPreference::Undecided),
    }
}

/// First and last of the order.
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
        // Equal texts on the way carry a preference on; a coin does not.
        several => several.iter().try_for_each(|link| match decided(link) {
            Ok(()) | Err(NoPreference::Equal) => Ok(()),
            Err(_) => Err(NoPreference::Coin),
        }),
    };
    let equal = links.iter().all(|link| link.decided_by == DecidedBy::Team);
    let outcome = if equal && !links.is_empty() { Err(NoPreference::Equal) } else { outcome };
    PairResult { pair: Some(pair), outcome, evidence: evidence::of_links(&links) }
}
