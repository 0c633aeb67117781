//! Rows of cases, one by one -> counts of each subset, from which all scores are computed.

use serde::{Deserialize, Serialize};

use super::{
    Benchmark, CaseRow, Orders, ScoreUnit,
    rated::{self, RatedRow},
};
use crate::{engine::Usage, judge::JudgeKind, verdict::Abstain, vote::Decision};

/// Counts of labels and first decisions: rows are labels (first, second, tie), columns are decisions (the same, then undecided).
pub type Confusion = [[u64; 4]; 3];

/// Totals over the cases of a run.
#[derive(Clone, Debug, Default)]
pub struct CaseTotals {
    /// Subsets in the order of their first cases.
    pub(super) subsets: Vec<Subset>,
    pub(super) confusion: Confusion,
    unit: ScoreUnit,
    /// Orders in which cases count officially; `None` counts both.
    orders: Option<Orders>,
}

/// Counts of a subset.
#[derive(Clone, Debug)]
pub(super) struct Subset {
    pub(super) name: String,
    pub(super) counts: ScoreCounts,
    /// Number of its units: its cases or its rows.
    pub(super) units: u64,
    /// Sum of the official scores of the units.
    pub(super) official: f64,
    pub(super) strict: u64,
    /// Whether some case has a verdict in the official orders.
    pub(super) heard: bool,
    /// Number of rows of its cases. Several cases of one row are not independent.
    pub(super) rows: u64,
    /// Id of the row of its last case. Cases of a row come one after the other.
    last: Option<String>,
    /// Official and strict score of its last unit so far.
    so_far: (f64, bool),
    /// Scores of responses, in benchmarks that count rows, if the judge gives them.
    rated: Vec<RatedRow>,
}

impl Subset {
    fn new(name: String) -> Self {
        let counts = ScoreCounts::default();
        let (so_far, rated) = ((0.0, false), Vec::new());
        Subset { name, counts, units: 0, official: 0.0, strict: 0, heard: false, rows: 0, last: None, so_far, rated }
    }

    fn add(&mut self, row: &CaseRow, (unit, orders): (ScoreUnit, Orders)) {
        let new_row = self.last.as_ref() != Some(&row.id);
        if new_row {
            self.last = Some(row.id.clone());
            self.rows += 1;
        }
        if unit == ScoreUnit::Row && (row.kind() == JudgeKind::Scores || row.error.is_some()) {
            self.rate(row);
        }
        let case = (row.official, row.strict == Some(true));
        let (before, now) = if new_row || unit == ScoreUnit::Pair {
            self.units += 1;
            ((0.0, false), case)
        } else {
            (self.so_far, (self.so_far.0.min(case.0), self.so_far.1 && case.1))
        };
        self.counts += counts(row);
        self.heard |= heard(row, orders);
        self.official += now.0 - before.0;
        self.strict = self.strict + u64::from(now.1) - u64::from(before.1);
        self.so_far = now;
    }

    fn rate(&mut self, row: &CaseRow) {
        if !self.rated.last().is_some_and(|rated| rated.is(&row.id)) {
            self.rated.push(RatedRow::new(&row.id));
        }
        if let Some(rated) = self.rated.last_mut() {
            rated.add(row);
        }
    }

    /// Returns the mean official score of a unit.
    pub(super) fn official(&self) -> f64 {
        let of_units = || self.official / self.units as f64;
        rated::score(&self.name, &self.rated, self.rows).unwrap_or_else(of_units)
    }
}

/// The counts that a score rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreCounts {
    /// Number of pairs that were asked about.
    pub cases: u64,
    /// Number of pairs that were asked about in both orders.
    pub both_orders: u64,
    /// Of these, pairs with the same verdict in both.
    pub consistent: u64,
    /// Of these, pairs with two different verdicts.
    pub flipped: u64,
    /// Judgments without a decision: no verdict, or equal votes.
    pub undecided: u64,
    /// Pairs with an error in place of a judgment.
    pub failed: u64,
    /// Counted votes.
    pub votes: u64,
    /// Of these, the abstentions.
    pub abstained: u64,
    /// Of these, votes that a token limit cut.
    pub truncated: u64,
    /// Tokens of the requests of all counted votes.
    pub prompt_tokens: u64,
    /// Tokens written in counted votes.
    pub completion_tokens: u64,
}

impl ScoreCounts {
    /// Returns the number of votes with a verdict.
    pub fn verdicts(&self) -> u64 {
        self.votes.saturating_sub(self.abstained)
    }
}

impl std::ops::AddAssign for ScoreCounts {
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

impl CaseTotals {
    /// Returns empty totals for a benchmark.
    pub fn new(benchmark: Benchmark) -> Self {
        let protocol = benchmark.protocol();
        CaseTotals { unit: protocol.unit, orders: Some(protocol.orders), ..CaseTotals::default() }
    }

    /// Counts one more row.
    pub fn add(&mut self, row: &CaseRow) {
        let place = self.subsets.iter().position(|subset| subset.name == row.subset).unwrap_or_else(|| {
            self.subsets.push(Subset::new(row.subset.clone()));
            self.subsets.len() - 1
        });
        self.subsets[place].add(row, (self.unit, self.orders.unwrap_or(Orders::Both)));
        if let Some(decision) = row.decisions.first() {
            self.confusion[column(row.label.into())][column(*decision)] += 1;
        }
    }
}

/// Returns whether a case has a verdict in the official orders, even if only its decisions are known and not its votes. Of two orders the first is
/// official; if it has no judgment, the only match is of the other order.
fn heard(row: &CaseRow, orders: Orders) -> bool {
    let failed = row.error.is_some() && row.matches.len() < row.decisions.len();
    let lost = failed && row.decisions.first() == Some(&Decision::Undecided);
    let (decisions, matches) = match orders {
        Orders::Both => (row.decisions.len(), row.matches.len()),
        Orders::Drawn | Orders::Given => (1, usize::from(!lost)),
    };
    let mut votes = row.matches.iter().take(matches).flat_map(|played| &played.votes);
    row.decisions.iter().take(decisions).any(|decision| *decision != Decision::Undecided)
        || votes.any(|vote| vote.abstain.is_none())
}

fn counts(row: &CaseRow) -> ScoreCounts {
    let mut counts = ScoreCounts { cases: 1, failed: u64::from(row.error.is_some()), ..ScoreCounts::default() };
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
    ScoreCounts { prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens, ..counts }
}

fn column(decision: Decision) -> usize {
    match decision {
        Decision::A => 0,
        Decision::B => 1,
        Decision::Tie => 2,
        Decision::Undecided => 3,
    }
}
