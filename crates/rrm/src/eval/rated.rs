//! Scores of single responses -> scores of RewardBench 2 by its own rule for ratings: best of four, and Ties with its margins.
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
    /// Whether scores of some pair are missing. Then the row is wrong.
    incomplete: bool,
}

impl RatedRow {
    pub(super) fn new(id: &str) -> Self {
        RatedRow { id: id.to_owned(), ..RatedRow::default() }
    }

    /// Returns whether this is the row with this id.
    pub(super) fn is(&self, id: &str) -> bool {
        self.id == id
    }

    /// Adds the scores of a case's two responses, of which the first is right.
    pub(super) fn add(&mut self, row: &CaseRow) {
        let Some((right, wrong)) = row.matches.first().and_then(MatchRow::scores) else {
            self.incomplete = true;
            return;
        };
        self.right.insert(row.pair.0, right);
        self.wrong.insert(row.pair.1, wrong);
    }

    /// Returns 1 if the best response is right, 0 if it is wrong, and the share of right ones among equally good ones.
    fn best(&self) -> f64 {
        let best = |scores: &BTreeMap<usize, f64>| scores.values().copied().fold(f64::NEG_INFINITY, f64::max);
        let top = best(&self.right).max(best(&self.wrong));
        let at_top = |scores: &BTreeMap<usize, f64>| scores.values().filter(|score| **score == top).count() as f64;
        if self.incomplete { 0.0 } else { at_top(&self.right) / (at_top(&self.right) + at_top(&self.wrong)) }
    }

    /// Returns the score of the worst right response minus that of the best wrong one; NaN if a score is missing.
    fn gap(&self) -> f64 {
        let worst = self.right.values().copied().fold(f64::INFINITY, f64::min);
        let best = self.wrong.values().copied().fold(f64::NEG_INFINITY, f64::max);
        if self.incomplete { f64::NAN } else { worst - best }
    }

    /// Returns the difference between the best and the worst right response.
    fn spread(&self) -> f64 {
        let of = |f: fn(f64, f64) -> f64, start: f64| self.right.values().copied().fold(start, f);
        of(f64::max, f64::NEG_INFINITY) - of(f64::min, f64::INFINITY)
    }
}

/// Returns the score of a subset's rows, from 0 to 1 (Ties: to 1.01); `None` if nothing was rated. `rows` counts all rows, rated or not.
pub(super) fn score(subset: &str, rated: &[RatedRow], rows: u64) -> Option<f64> {
    if rated.iter().all(|row| row.right.is_empty()) {
        return None;
    }
    Some(if subset == TIES { ties(rated) } else { rated.iter().map(RatedRow::best).sum::<f64>() / rows.max(1) as f64 })
}

/// Returns the score of Ties. Rows `ref:N` have one right answer, and rows `tied:N` have several to a similar question. Right ones should be above
/// wrong ones, by more than they differ among themselves.
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
        // Rows without scores count as wrong.
        assert_eq!(score("Math", &[row("Math/1", &[2.0], &[1.0; 3])], 2), Some(0.5));
    }

    #[test]
    fn ties_by_hand() {
        // Both right, the gap of 2 above the spread of 1: all parts are 1, the margin is tanh(2 - 1).
        let all = [row("Ties/ref:1", &[5.0], &[1.0]), row("Ties/tied:1", &[4.0, 3.0], &[1.0, 0.0])];
        let expected = 1.0 + 0.01 * 1f64.tanh();
        assert!((score(TIES, &all, 2).unwrap() - expected).abs() < 1e-12);
        // Right, but the right ones differ by more than the distance to the wrong ones: tanh(0.5 - 1).
        let wide = [row("Ties/ref:1", &[5.0], &[1.0]), row("Ties/tied:1", &[4.0, 2.0], &[1.0])];
        assert!((score(TIES, &wide, 2).unwrap() - (0.6 - 0.01 * 0.5f64.tanh())).abs() < 1e-12);
        // Without a spread the last term is infinite, and its tanh is 1; without a gap either it is NaN and counts 0.
        let flat = [row("Ties/ref:1", &[5.0], &[1.0]), row("Ties/tied:1", &[4.0, 4.0], &[1.0])];
        assert!((score(TIES, &flat, 2).unwrap() - 1.01).abs() < 1e-12);
        let nothing = [row("Ties/ref:1", &[1.0], &[1.0]), row("Ties/tied:1", &[1.0, 1.0], &[1.0])];
        assert_eq!(score(TIES, &nothing, 2), Some(0.0));
    }
}
