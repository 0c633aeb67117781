//! Rankings and judgments -> result rows: versioned JSON, one line for each input row.

mod agreement;
mod matches;
mod verdicts;

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

pub use self::{
    agreement::{ResultAgreement, RowAgreement},
    matches::{MatchRow, VoteRow, match_row},
    verdicts::Verdicts,
};
use crate::{
    dataset::Item,
    ranking::{
        Ranking,
        rating::Score,
        strategy::{self, DecidedBy, Match, PairJudgment},
    },
    vote::{Choice, Decision, Order},
};

/// Version of the row layout; see docs/formats.md.
pub const VERSION: u32 = 1;

/// One result row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Layout version.
    pub rrm: u32,
    /// The input row's id.
    pub id: String,
    /// The error that stopped this row. A row with an error has no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The result.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub result: Option<RowResult>,
    /// The other columns of the input row.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// The result of one input row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowResult {
    /// Of `rrm judge` only: the decision, `a` and `b` in the order of the input row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Decision>,
    /// Of `rrm judge` only: the response that the input labels better, if it has labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Choice>,
    /// Indices of the responses, best first; `null` if some response has no place because no verdict says which it is.
    pub order: Option<Vec<usize>>,
    /// Of `rrm rank` only, and only if `order` is null: the place of each response by its index, the best is 1; `null` if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranks: Option<Vec<Option<usize>>>,
    /// Score of each response, by its index.
    pub scores: Vec<Option<Score>>,
    /// Whether a penalty kept Bradley-Terry ratings finite.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub penalised: bool,
    /// Whether the matches leave groups of responses that cannot be compared with one another.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disconnected: bool,
    /// Every match with its votes; `a` is the earlier response of the row.
    pub matches: Vec<MatchRow>,
    /// Matches whose votes have no majority.
    pub undecided: u32,
    /// Matches decided by a coin.
    pub coins: u32,
    /// Judged texts that hold prompt markup, or that differ from the text of the row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// Votes and tokens that were counted.
    pub usage: RowUsage,
}

impl RowResult {
    /// Returns the place of each response by its index, if it is known. The best is 1, and equal scores share the better place; so do responses
    /// without a score in an order, which are equal texts that nobody was asked about.
    pub fn places(&self) -> Vec<Option<usize>> {
        if let Some(ranks) = &self.ranks {
            return ranks.clone();
        }
        let score = |index: usize| self.scores.get(index).copied().flatten().map(|score| score.value);
        let mut places = vec![None; self.scores.len()];
        let mut before: Option<(usize, usize)> = None;
        for (place, index) in self.order.iter().flatten().copied().enumerate() {
            let shared = before.filter(|(above, _)| score(*above) == score(index));
            let place = shared.map_or(place + 1, |(_, shared)| shared);
            if let Some(slot) = places.get_mut(index) {
                *slot = Some(place);
            }
            before = Some((index, place));
        }
        places
    }

    /// Returns the indices of the responses in the best place. Empty if the best is not known; of a judged pair, a tie gives both.
    pub fn best(&self) -> Vec<usize> {
        match self.verdict {
            Some(Decision::A) => vec![0],
            Some(Decision::B) => vec![1],
            Some(Decision::Tie) => vec![0, 1],
            Some(Decision::Undecided) => Vec::new(),
            None => self.places().iter().enumerate().filter(|(_, place)| **place == Some(1)).map(|(index, _)| index).collect(),
        }
    }
}

/// A judged text that holds prompt markup, or that differs from the text of the row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flag {
    /// Index of the response; absent for the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<usize>,
    /// The markup found.
    pub markup: Vec<String>,
    /// Parts that were removed before the text was judged: tokens at its ends, as they were written, and `thinking` for thinking before the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken_off: Vec<String>,
}

/// The votes and tokens of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RowUsage {
    /// Counted votes.
    pub votes: u64,
    /// Of these, the abstentions.
    pub abstained: u64,
    /// Tokens of their requests.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
}

/// Returns the row of a ranking.
pub fn of_ranking(item: &Item, ranking: Ranking, flags: Vec<Flag>) -> Row {
    let usage = RowUsage {
        votes: u64::from(ranking.tally.votes),
        abstained: u64::from(ranking.tally.abstained),
        prompt_tokens: ranking.tally.usage.prompt_tokens,
        completion_tokens: ranking.tally.usage.completion_tokens,
    };
    let result = RowResult {
        verdict: None,
        label: None,
        ranks: ranking.order.is_none().then_some(ranking.ranks),
        order: ranking.order,
        scores: ranking.scores,
        penalised: ranking.penalised,
        disconnected: !ranking.connected,
        matches: ranking.matches.into_iter().map(match_row).collect(),
        undecided: ranking.tally.undecided,
        coins: ranking.tally.coins,
        flags,
        usage,
    };
    row(item, Some(result), None)
}

/// Returns the row of one judged pair. The score of a response is its share of the verdicts, without an interval.
pub fn of_judgment(item: &Item, played: PairJudgment, flags: Vec<Flag>) -> Row {
    let (decision, counts, tokens) = (played.judgment.decision, played.judgment.counts, played.judgment.usage);
    let usage = RowUsage {
        votes: u64::from(counts.verdicts() + counts.abstain),
        abstained: u64::from(counts.abstain),
        prompt_tokens: tokens.prompt_tokens,
        completion_tokens: tokens.completion_tokens,
    };
    let played = match_row(strategy::settle(0, played));
    let share = played.share_a();
    let score = |value| Score { value, low: None, high: None };
    let result = RowResult {
        verdict: Some(decision),
        label: label(item, (0, 1)),
        order: played.winner.map(|winner| vec![winner, 1 - winner]),
        ranks: None,
        scores: vec![share.map(score), share.map(|s| score(1.0 - s))],
        penalised: false,
        disconnected: false,
        matches: vec![played],
        undecided: u32::from(decision == Decision::Undecided),
        coins: 0,
        flags,
        usage,
    };
    row(item, Some(result), None)
}

/// Returns the row of a pair with the same text twice: a tie, without a request.
pub fn of_twins(item: &Item, flags: Vec<Flag>) -> Row {
    let (round, a, b, order) = (0, 0, 1, Order::Given);
    let played = Match { round, a, b, order, winner: None, decided_by: DecidedBy::Team, judgment: None };
    let half = Some(Score { value: 0.5, low: None, high: None });
    let result = RowResult {
        verdict: Some(Decision::Tie),
        label: label(item, (0, 1)),
        order: None,
        ranks: None,
        scores: vec![half, half],
        penalised: false,
        disconnected: false,
        matches: vec![match_row(played)],
        undecided: 0,
        coins: 0,
        flags,
        usage: RowUsage::default(),
    };
    row(item, Some(result), None)
}

/// Returns the row of an item that could not be judged.
pub fn of_error(item: &Item, error: String) -> Row {
    row(item, None, Some(error))
}

/// Returns the response of a pair with the higher label, or a tie for equal labels; `None` if a label is missing.
pub fn label(item: &Item, (a, b): (usize, usize)) -> Option<Choice> {
    let order = item.responses.get(a)?.label?.partial_cmp(&item.responses.get(b)?.label?)?;
    Some(match order {
        Ordering::Greater => Choice::A,
        Ordering::Less => Choice::B,
        Ordering::Equal => Choice::Tie,
    })
}

fn row(item: &Item, result: Option<RowResult>, error: Option<String>) -> Row {
    Row { rrm: VERSION, id: item.id.clone(), error, result, extra: item.extra.clone() }
}
