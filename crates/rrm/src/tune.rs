//! Judgments of labelled pairs at the largest setting -> how good every smaller setting is, and the cheapest that is good enough.
//!
//! The votes of a pair are exchangeable: each has a seed of its own. So the accuracy of n votes is read from K stored ones without drawing: it is the
//! mean over all ways of taking n of them. A thinking budget changes what is written, and is another run.

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
    /// Votes in all.
    pub votes: u32,
}

/// A setting with its measured accuracy and cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasuredSetting {
    /// The setting.
    pub setting: Setting,
    /// Share of pairs that are decided as labelled; a pair without decision is wrong. With a 95% interval over pairs.
    pub accuracy: Score,
    /// Share of pairs without a decision.
    pub undecided: f64,
    /// Tokens of a pair, written and read.
    pub tokens: f64,
    /// Tokens for each pair that is decided as labelled; absent where none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_right: Option<f64>,
}

/// The judgments under one thinking budget in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Behaviour {
    /// The budget.
    pub max_thinking_tokens: Option<u32>,
    /// Share of votes without a verdict.
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
    /// The interval of the chosen setting lies above the target. It is that setting's own: no correction is made for the other settings that were
    /// looked at.
    Yes,
    /// The interval of the best setting lies below.
    No,
    /// The target is inside of it.
    Undecided {
        /// Labelled pairs that would tell, if the accuracy is what it seems; absent where it seems to be the target.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pairs_needed: Option<u64>,
    },
}

/// The results of tuning on labelled pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TuneReport {
    /// Labelled pairs.
    pub pairs: usize,
    /// Each budget's behaviour.
    pub behaviour: Vec<Behaviour>,
    /// All settings, cheapest first.
    pub settings: Vec<MeasuredSetting>,
    /// Place of the most accurate one.
    pub best: usize,
    /// Place of the cheapest whose interval lies above the target; where there is none, or no target, of the cheapest whose accuracy lies within
    /// one standard error of the difference to the best.
    pub chosen: usize,
    /// How much more often the best is right than the chosen, with a 95% interval over pairs, which are the same for both.
    pub behind: Score,
    /// Accuracy of settings chosen in this way on pairs that they were not chosen on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_elsewhere: Option<f64>,
    /// Whether the judge reaches the target, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enough: Option<TargetAnswer>,
}

/// Reads settings from the judgments of one or several budgets, all about the same pairs, each with the same number of votes in both orders.
///
/// `None` where there are no pairs or no votes.
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
    // Cheapest first; where nothing costs anything, by votes.
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

/// The settings that K votes in each order tell about.
fn settings(votes: u32) -> Vec<(bool, u32)> {
    let one = [1, 3, 5, 9, 17, 33].into_iter().filter(|n| *n < votes).chain([votes]).map(|n| (false, n));
    let both = [1, 2, 4, 8, 16, 32].into_iter().filter(|n| *n < votes).chain([votes]).map(|n| (true, 2 * n));
    one.chain(both).collect()
}

/// The votes about one pair, in the terms of its label: right, wrong in one way, wrong in the other, no verdict; for each order.
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

    /// The probability that n of the votes decide as labelled, and that they decide nothing.
    fn worth(&self, draws: &Binomials, both_orders: bool, votes: u32) -> (f64, f64) {
        let none = (0.0, 1.0);
        if both_orders {
            return match self.0 {
                [Some(given), Some(swapped)] => draws.of_two(given, swapped, votes / 2),
                _ => none,
            };
        }
        // Which of the two orders a judge sees is drawn.
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
