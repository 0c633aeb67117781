//! Scores of single responses -> what rows of RewardBench 2 count by its own rule for ratings: best of four, and Ties with its margins.
//!
//! Rules: `reroll_and_score_dataset` and `process_single_model` of allenai/reward-bench at 05a9005e.

use std::collections::BTreeMap;

use super::CaseRow;
use crate::result::MatchRow;

/// The subset whose rows are scored together.
pub(super) const TIES: &str = "Ties";

/// Scores of the responses of one row.
#[derive(Clone, Debug, Default)]
pub(super) struct RatedRow {
    id: String,
    right: BTreeMap<usize, f64>,
    wrong: BTreeMap<usize, f64>,
    /// Whether some pair has no scores: then the row is wrong.
    incomplete: bool,
}

impl RatedRow {
    pub(super) fn new(id: &str) -> Self {
        RatedRow { id: id.to_owned(), ..RatedRow::default() }
    }

    /// Whether it is the row of this id.
    pub(super) fn is(&self, id: &str) -> bool {
        self.id == id
    }

    /// Takes what a case says of its two responses, of which the first is right.
    pub(super) fn add(&mut self, row: &CaseRow) {
        let Some((right, wrong)) = row.matches.first().and_then(MatchRow::scores) else {
            self.incomplete = true;
            return;
        };
        self.right.insert(row.pair.0, right);
        self.wrong.insert(row.pair.1, wrong);
    }

    /// Whether the best response is right; several best ones share.
    fn best(&self) -> f64 {
        let best = |scores: &BTreeMap<usize, f64>| scores.values().copied().fold(f64::NEG_INFINITY, f64::max);
        let top = best(&self.right).max(best(&self.wrong));
        let at_top = |scores: &BTreeMap<usize, f64>| scores.values().filter(|score| **score == top).count() as f64;
        if self.incomplete { 0.0 } else { at_top(&self.right) / (at_top(&self.right) + at_top(&self.wrong)) }
    }

    /// By how much the worst right response is above the best wrong one; not a number where some score is missing.
    fn gap(&self) -> f64 {
        let worst = self.right.values().copied().fold(f64::INFINITY, f64::min);
        let best = self.wrong.values().copied().fold(f64::NEG_INFINITY, f64::max);
        if self.incomplete { f64::NAN } else { worst - best }
    }

    /// How far apart the right ones are.
    fn spread(&self) -> f64 {
        let of = |f: fn(f64, f64) -> f64, start: f64| self.right.values().copied().fold(start, f);
        of(f64::max, f64::NEG_INFINITY) - of(f64::min, f64::INFINITY)
    }
}

/// The score of a subset's rows, from 0 to 1 (Ties: to 1.01); `None` where nothing was rated. `rows` are all, rated or not.
pub(super) fn score(subset: &str, rated: &[RatedRow], rows: u64) -> Option<f64> {
    if rated.iter().all(|row| row.right.is_empty()) {
        return None;
    }
    Some(if subset == TIES { ties(rated) } else { rated.iter().map(RatedRow::best).sum::<f64>() / rows.max(1) as f64 })
}

/// Rows `ref:N` have one right answer, rows `tied:N` several to a like question: right ones should be above wrong ones, and by more than they
/// differ among themselves.
fn ties(rated: &[RatedRow]) -> f64 {
    let named = |kind: &str| -> BTreeMap<&str, &RatedRow> {
        let number = |row: &RatedRow| row.id.rsplit('/').next().and_then(|id| id.split_once(':')).is_some_and(|(k, _)| k == kind);
        rated.iter().filter(|row| number(row)).map(|row| (row.id.rsplit(':').next().unwrap_or_default(), row)).collect()
    };
    let (single, tied) = (named("ref"), named("tied"));
    let accuracy = |rows: &BTreeMap<&str, &RatedRow>| mean(rows.values().map(|row| f64::from(row.gap() > 0.0)));
    let both: Vec<(f64, f64, f64)> =
        tied.iter().filter_map(|(number, row)| Some((single.get(number)?.gap(), row.gap(), row.spread()))).collect();
    let least = |a: f64, b: f64| if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) };
    let preferred = mean(both.iter().map(|(_, gap, spread)| f64::from(gap > spread)));
    let hard = mean(both.iter().map(|(one, gap, spread)| f64::from(least(*one, *gap) > *spread)));
    let margins = both.iter().map(|(one, gap, spread)| (least(*one, *gap) / spread - 1.0).tanh());
    let margin = mean(margins.map(|margin| if margin.is_nan() { 0.0 } else { margin }));
    0.30 * accuracy(&tied) + 0.30 * accuracy(&single) + 0.20 * preferred + 0.20 * hard + 0.01 * margin
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut n) = (0.0, 0.0_f64);
    values.for_each(|value| {
        sum += value;
        n += 1.0;
    });
    sum / n.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, right: &[f64], wrong: &[f64]) -> RatedRow {
        let from = |scores: &[f64], at: usize| scores.iter().enumerate().map(|(i, score)| (at + i, *score)).collect();
        RatedRow { id: id.to_owned(), right: from(right, 0), wrong: from(wrong, right.len()), incomplete: false }
    }

    #[test]
    fn the_best_of_four_is_right_and_equal_best_ones_share() {
        let best = |right: f64, wrong: [f64; 3]| score("Math", &[row("Math/1", &[right], &wrong)], 1).unwrap();
        assert_eq!([best(2.0, [1.0, 0.0, -1.0]), best(1.0, [2.0, 0.0, 0.0])], [1.0, 0.0]);
        assert_eq!([best(2.0, [2.0, 0.0, 0.0]), best(2.0, [2.0, 2.0, 2.0])], [0.5, 0.25]);
        // Rows that nobody could rate count as wrong.
        assert_eq!(score("Math", &[row("Math/1", &[2.0], &[1.0; 3])], 2), Some(0.5));
    }

    #[test]
    fn ties_by_hand() {
        // Both right, the gap of 2 above the spread of 1: all parts are 1, the margin is tanh(2 - 1).
        let all = [row("Ties/ref:1", &[5.0], &[1.0]), row("Ties/tied:1", &[4.0, 3.0], &[1.0, 0.0])];
        let expected = 1.0 + 0.01 * 1f64.tanh();
        assert!((score(TIES, &all, 2).unwrap() - expected).abs() < 1e-12);
        // Right, but the right ones differ by more than the wrong ones are below: tanh(0.5 - 1).
        let wide = [row("Ties/ref:1", &[5.0], &[1.0]), row("Ties/tied:1", &[4.0, 2.0], &[1.0])];
        assert!((score(TIES, &wide, 2).unwrap() - (0.6 - 0.01 * 0.5f64.tanh())).abs() < 1e-12);
        // No spread at all: the last term is infinite, its tanh 1; with no gap either it is no number and counts 0.
        let flat = [row("Ties/ref:1", &[5.0], &[1.0]), row("Ties/tied:1", &[4.0, 4.0], &[1.0])];
        assert!((score(TIES, &flat, 2).unwrap() - 1.01).abs() < 1e-12);
        let nothing = [row("Ties/ref:1", &[1.0], &[1.0]), row("Ties/tied:1", &[1.0, 1.0], &[1.0])];
        assert_eq!(score(TIES, &nothing, 2), Some(0.0));
    }
}
