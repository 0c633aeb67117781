//! Rows of cases, one by one -> counts of each subset: all that scores are computed from.

use serde::{Deserialize, Serialize};

use super::CaseRow;
use crate::{engine::Usage, verdict::Abstain, vote::Decision};

/// How often each label met each first decision: rows are labels (first, second, tie), columns decisions (the same, then undecided).
pub type Confusion = [[u64; 4]; 3];

/// Counts of a run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Subsets in the order in which they came.
    pub(super) subsets: Vec<Subset>,
    pub(super) confusion: Confusion,
}

/// Counts of a subset.
#[derive(Clone, Debug)]
pub(super) struct Subset {
    pub(super) name: String,
    pub(super) counts: Counts,
    /// Sum of what its cases count.
    pub(super) official: f64,
    pub(super) strict: u64,
    /// Rows that its cases are of; several cases of one row are not independent.
    pub(super) rows: u64,
    /// The row of its last case: the cases of a row come together.
    last: Option<String>,
}

/// What a score rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Pairs that were asked about.
    pub cases: u64,
    /// Pairs that were asked about in both orders.
    pub both_orders: u64,
    /// Of these, pairs with the same verdict in both.
    pub consistent: u64,
    /// Of these, pairs with two different verdicts.
    pub flipped: u64,
    /// Judgments without a decision: no verdict at all, or equal votes.
    pub undecided: u64,
    /// Pairs with an error in place of a judgment.
    pub failed: u64,
    /// Votes that count.
    pub votes: u64,
    /// Of these, votes without a verdict.
    pub abstained: u64,
    /// Of these, votes that a token limit cut.
    pub truncated: u64,
    /// Tokens of all requests that counted votes answer.
    pub prompt_tokens: u64,
    /// Tokens written in counted votes.
    pub completion_tokens: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.cases += other.cases;
        self.both_orders += other.both_orders;
        self.consistent += other.consistent;
        self.flipped += other.flipped;
        self.undecided += other.undecided;
        self.failed += other.failed;
        self.votes += other.votes;
        self.abstained += other.abstained;
        self.truncated += other.truncated;
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
    }
}

impl Tally {
    /// Counts one more row.
    pub fn add(&mut self, row: &CaseRow) {
        let place = self.subsets.iter().position(|subset| subset.name == row.subset).unwrap_or_else(|| {
            let (name, counts) = (row.subset.clone(), Counts::default());
            self.subsets.push(Subset { name, counts, official: 0.0, strict: 0, rows: 0, last: None });
            self.subsets.len() - 1
        });
        let subset = &mut self.subsets[place];
        if subset.last.as_ref() != Some(&row.id) {
            subset.last = Some(row.id.clone());
            subset.rows += 1;
        }
        subset.counts += counts(row);
        subset.official += row.official;
        subset.strict += u64::from(row.strict == Some(true));
        if let Some(decision) = row.decisions.first() {
            self.confusion[column(row.label.into())][column(*decision)] += 1;
        }
    }
}

fn counts(row: &CaseRow) -> Counts {
    let mut counts = Counts { cases: 1, failed: u64::from(row.error.is_some()), ..Counts::default() };
    counts.undecided = row.decisions.iter().filter(|decision| **decision == Decision::Undecided).count() as u64;
    if let [one, other] = row.decisions.as_slice() {
        let decided = counts.undecided == 0;
        counts.both_orders = 1;
        counts.consistent = u64::from(decided && one == other);
        counts.flipped = u64::from(decided && one != other);
    }
    let mut usage = Usage::default();
    for vote in row.matches.iter().flat_map(|m| &m.votes) {
        counts.votes += 1;
        counts.abstained += u64::from(vote.abstain.is_some());
        counts.truncated += u64::from(vote.abstain == Some(Abstain::Truncated));
        usage += Usage { prompt_tokens: vote.prompt_tokens, completion_tokens: vote.completion_tokens };
    }
    Counts { prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens, ..counts }
}

fn column(decision: Decision) -> usize {
    match decision {
        Decision::First => 0,
        Decision::Second => 1,
        Decision::Tie => 2,
        Decision::Undecided => 3,
    }
}
