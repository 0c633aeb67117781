//! Judgments of labelled pairs at the largest setting -> accuracy and cost of every smaller setting, and the cheapest that is good enough.
//!
//! The votes of a pair are exchangeable, because each has its own seed. So the accuracy of n votes is computed from K stored ones without drawing: it
//! is the mean over all ways to take n of them. A thinking budget changes the completions and needs another run.

mod draws;
mod resampled;

use serde::{Deserialize, Serialize};

use self::{draws::Binomials, resampled::Bootstrap};
use crate::{
    eval::CaseRow,
    ranking::rating::Score,
    vote::{Choice, Decision, VoteCounts},
};

/// A setting for judging a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Tokens of thinking before a verdict is elicited; `None` lets the model finish.
    pub max_thinking_tokens: Option<u32>,
    /// Whether half of the votes see the responses in the other order.
    pub both_orders: bool,
    /// Number of votes in both orders together.
    pub votes: u32,
}

/// A setting with its measured accuracy and cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasuredSetting {
    /// The setting.
    pub setting: Setting,
    /// Share of pairs that are decided as labelled, with a 95% interval over pairs. A pair without a decision is wrong.
    pub accuracy: Score,
    /// Share of pairs without a decision.
    pub undecided: f64,
    /// Mean number of tokens of a pair, written and read.
    pub tokens: f64,
    /// Tokens for each pair that is decided as labelled; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_right: Option<f64>,
}

/// Measurements of the judgments under one thinking budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Behaviour {
    /// The thinking budget.
    pub max_thinking_tokens: Option<u32>,
    /// Share of votes that are abstentions.
    pub abstained: f64,
    /// Share of pairs whose decisions in the two orders name different responses, of those where both name one.
    pub flipped: f64,
    /// Share of pairs whose judgment failed; they count as wrong.
    pub failed: f64,
}

/// The answer to whether a judge reaches a target accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum TargetAnswer {
    /// Yes: the interval of the chosen setting lies above the target. The interval is not corrected for the other settings that were compared.
    Yes,
    /// No: the interval of the best setting lies below the target.
    No,
    /// Undecided: the target lies inside the interval.
    Undecided {
        /// Number of labelled pairs that would decide it at the measured accuracy; absent if that is equal to the target.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pairs_needed: Option<u64>,
    },
}

/// The results of tuning on labelled pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TuneReport {
    /// Number of labelled pairs.
    pub pairs: usize,
    /// Measurements of each budget.
    pub behaviour: Vec<Behaviour>,
    /// All settings, cheapest first.
    pub settings: Vec<MeasuredSetting>,
    /// Index of the most accurate setting.
    pub best: usize,
    /// Index of the cheapest setting whose interval lies above the target. If there is none, or no target, that of the cheapest setting whose
    /// accuracy is within one standard error of the difference to the best.
    pub chosen: usize,
    /// Accuracy of the best setting minus that of the chosen one, with a 95% interval over pairs, which are the same for both.
    pub behind: Score,
    /// Accuracy on pairs that were not used for the choice, of settings that are chosen in this way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_elsewhere: Option<f64>,
    /// Whether the judge reaches the target, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enough: Option<TargetAnswer>,
}

/// Compares settings by the judgments of one or several budgets, which are all about the same pairs, with the same number of votes in both orders.
///
/// `None` if there are no pairs or no votes.
pub fn tune(runs: &[(Option<u32>, Vec<CaseRow>)], target: Option<f64>, seed: u64) -> Option<TuneReport> {
    let pairs = runs.first()?.1.len();
    let mut found: Vec<(MeasuredSetting, Vec<f64>)> = Vec::new();
    for (budget, rows) in runs {
        let votes = rows.iter().flat_map(|row| &row.matches).map(|played| played.votes.len() as u32).max()?;
        let asked: Vec<PairVotes> = rows.iter().map(PairVotes::of).collect();
        let tokens = rows.iter().flat_map(|row| &row.matches).flat_map(|played| &played.votes);
        let (count, sum) = tokens.fold((0u64, 0u64), |(n, sum), vote| (n + 1, sum + vote.prompt_tokens + vote.completion_tokens));
        let each = sum as f64 / count.max(1) as f64;
        let draws = Binomials::new(votes);
        for (both_orders, votes) in settings(votes) {
            let worth: Vec<(f64, f64)> = asked.iter().map(|asked| asked.worth(&draws, both_orders, votes)).collect();
            let undecided = worth.iter().map(|(_, undecided)| undecided).sum::<f64>() / pairs as f64;
            let right: Vec<f64> = worth.into_iter().map(|(right, _)| right).collect();
            let setting = Setting { max_thinking_tokens: *budget, both_orders, votes };
            let accuracy = Score { value: right.iter().sum::<f64>() / pairs as f64, low: None, high: None };
            let tokens = each * f64::from(votes);
            found.push((MeasuredSetting { setting, accuracy, undecided, tokens, tokens_per_right: None }, right));
        }
    }
    // Cheapest first; if nothing has a cost, fewest votes first.
    found.sort_by(|(a, _), (b, _)| a.tokens.total_cmp(&b.tokens).then(a.setting.votes.cmp(&b.setting.votes)));
    let (found, worth): (Vec<MeasuredSetting>, Vec<Vec<f64>>) = found.into_iter().unzip();
    let resampled = Bootstrap::new(worth.iter().map(Vec::as_slice).collect(), seed);
    let (best, chosen, reached) = resampled.pick(target);
    let settings = found.into_iter().enumerate().map(|(at, mut measured)| {
        (measured.accuracy.low, measured.accuracy.high) = resampled.interval(at);
        measured.tokens_per_right = (measured.accuracy.value > 0.0).then(|| measured.tokens / measured.accuracy.value);
        measured
    });
    let settings: Vec<MeasuredSetting> = settings.collect();
    let enough = target.map(|target| match reached {
        true => TargetAnswer::Yes,
        false => enough(settings[best].accuracy, target, pairs),
    });
    let behaviour = runs.iter().map(|(budget, rows)| behaviour(*budget, rows)).collect();
    let (behind, chosen_elsewhere) = (resampled.difference(best, chosen), resampled.elsewhere(target));
    Some(TuneReport { pairs, behaviour, settings, best, chosen, behind, chosen_elsewhere, enough })
}

/// Returns the settings that can be computed from K votes in each order.
fn settings(votes: u32) -> Vec<(bool, u32)> {
    let one = [1, 3, 5, 9, 17, 33].into_iter().filter(|n| *n < votes).chain([votes]).map(|n| (false, n));
    let both = [1, 2, 4, 8, 16, 32].into_iter().filter(|n| *n < votes).chain([votes]).map(|n| (true, 2 * n));
    one.chain(both).collect()
}

/// Counts of the votes about one pair by its label: right, wrong in one way, wrong in the other, no verdict; for each order.
struct PairVotes([Option<[u32; 4]>; 2]);

impl PairVotes {
    fn of(row: &CaseRow) -> Self {
        let mut orders = row.matches.iter().map(|played| {
            let counts = played.counts?;
            let VoteCounts { for_a, for_b, tie, abstain } = counts;
            Some(match row.label {
                Choice::A => [for_a, for_b, tie, abstain],
                Choice::B => [for_b, for_a, tie, abstain],
                Choice::Tie => [tie, for_a, for_b, abstain],
            })
        });
        PairVotes([orders.next().flatten(), orders.next().flatten()])
    }

    /// Returns the probability that n of the votes decide as labelled, and the probability that they decide nothing.
    fn worth(&self, draws: &Binomials, both_orders: bool, votes: u32) -> (f64, f64) {
        let none = (0.0, 1.0);
        if both_orders {
            return match self.0 {
                [Some(given), Some(swapped)] => draws.of_two(given, swapped, votes / 2),
                _ => none,
            };
        }
        // The order that a judge sees is drawn, so both count half.
        let orders = self.0.map(|counts| counts.map_or(none, |counts| draws.of_one(counts, votes)));
        ((orders[0].0 + orders[1].0) / 2.0, (orders[0].1 + orders[1].1) / 2.0)
    }
}

fn behaviour(max_thinking_tokens: Option<u32>, rows: &[CaseRow]) -> Behaviour {
    let share = |n: usize, of: usize| if of == 0 { 0.0 } else { n as f64 / of as f64 };
    let votes: Vec<bool> =
        rows.iter().flat_map(|row| &row.matches).flat_map(|played| &played.votes).map(|vote| vote.choice.is_none()).collect();
    let decided: Vec<bool> = rows
        .iter()
        .filter_map(|row| match row.decisions.as_slice() {
            [a @ (Decision::A | Decision::B), b @ (Decision::A | Decision::B)] => Some(a != b),
            _ => None,
        })
        .collect();
    Behaviour {
        max_thinking_tokens,
        abstained: share(votes.iter().filter(|none| **none).count(), votes.len()),
        flipped: share(decided.iter().filter(|flipped| **flipped).count(), decided.len()),
        failed: share(rows.iter().filter(|row| row.error.is_some()).count(), rows.len()),
    }
}

fn enough(accuracy: Score, target: f64, pairs: usize) -> TargetAnswer {
    let (Some(low), Some(high)) = (accuracy.low, accuracy.high) else { return TargetAnswer::Undecided { pairs_needed: None } };
    if low >= target {
        return TargetAnswer::Yes;
    }
    if high < target {
        return TargetAnswer::No;
    }
    let off = (accuracy.value - target).abs();
    let half = (high - low) / 2.0;
    let needed = (pairs as f64 * (half / off).powi(2)).ceil();
    TargetAnswer::Undecided { pairs_needed: (needed.is_finite() && needed < 1e9).then(|| (needed as u64).max(pairs as u64 + 1)) }
}
