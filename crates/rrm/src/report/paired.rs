//! Two judges' decisions about the same cases -> the difference of their scores, its uncertainty, and their agreement.

use serde::{Deserialize, Serialize};

use super::cases::Record;
use crate::{ranking::rating::Score, vote::Decision};

/// Comparison of two judges on the cases that both were asked about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pairing {
    /// Index of one run in the report.
    pub a: usize,
    /// Index of the other run.
    pub b: usize,
    /// Number of common cases.
    pub cases: u64,
    /// Official score of `a` minus that of `b`, where every pair has the same weight. The 95% interval is normal, from differences summed by row.
    pub difference: Score,
    /// Number of rows with a higher score for `a`, summed over their pairs.
    pub a_better: u64,
    /// Number of rows with a higher score for `b`.
    pub b_better: u64,
    /// p value of the exact two-sided sign test: the probability of a split of these rows at least as uneven if both judges were equally good. If
    /// rows are single pairs that count 0 or 1, it is McNemar's test. Rows are counted, because pairs of one row are not independent.
    pub p: f64,
    /// Cohen's kappa of their first decisions about the same pairs; `None` if chance alone would make them agree.
    pub kappa: Option<f64>,
    /// Differences by subset, if there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subsets: Vec<SubsetDifference>,
}

/// Comparison of two judges on the common cases of a subset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubsetDifference {
    /// Name of the subset.
    pub name: String,
    /// Number of common cases.
    pub cases: u64,
    /// Official score of `a` minus that of `b`, as in [`Pairing::difference`].
    pub difference: Score,
    /// p value of the sign test, without correction.
    pub p: f64,
    /// p value with Holm's correction for all subsets of this pairing.
    pub holm: f64,
}

/// Compares two runs, whose records are sorted by key; `subsets` are the names of the subsets of `a`. `None` without common cases.
pub(super) fn compare((a, of_a): (usize, &[Record]), (b, of_b): (usize, &[Record]), subsets: &[String]) -> Option<Pairing> {
    let (mut i, mut j) = (0, 0);
    let (mut all, mut table) = (Vec::new(), [[0_u64; 3]; 3]);
    let mut by_subset: Vec<Vec<(u64, f64)>> = vec![Vec::new(); subsets.len()];
    while let (Some(x), Some(y)) = (of_a.get(i), of_b.get(j)) {
        match x.key.cmp(&y.key) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                let difference = (x.row, x.official - y.official);
                all.push(difference);
                if let Some(subset) = by_subset.get_mut(x.subset as usize) {
                    subset.push(difference);
                }
                if let (Some(x), Some(y)) = (category(x.decision), category(y.decision)) {
                    table[x][y] += 1;
                }
                (i, j) = (i + 1, j + 1);
            }
        }
    }
    let (cases, (a_better, b_better)) = (all.len() as u64, split(&mut all));
    let difference = mean_by_row(all)?;
    let subsets = if subsets.len() > 1 { by_subsets(subsets, by_subset) } else { Vec::new() };
    let p = exact_p(a_better, b_better);
    Some(Pairing { a, b, cases, difference, a_better, b_better, p, kappa: kappa(&table), subsets })
}

/// Returns the number of rows whose differences have a positive sum, and of those with a negative sum.
fn split(pairs: &mut [(u64, f64)]) -> (u64, u64) {
    pairs.sort_unstable_by_key(|(row, _)| *row);
    let (mut more, mut less) = (0, 0);
    for row in pairs.chunk_by(|one, other| one.0 == other.0) {
        // Official scores are simple fractions; sums this small are rounding errors.
        let sum: f64 = row.iter().map(|(_, value)| value).sum();
        more += u64::from(sum > 1e-9);
        less += u64::from(sum < -1e-9);
    }
    (more, less)
}

fn by_subsets(names: &[String], pairs: Vec<Vec<(u64, f64)>>) -> Vec<SubsetDifference> {
    let one = |(name, mut pairs): (&String, Vec<(u64, f64)>)| {
        let (cases, (more, less)) = (pairs.len() as u64, split(&mut pairs));
        let difference = mean_by_row(pairs)?;
        Some(SubsetDifference { name: name.clone(), cases, difference, p: exact_p(more, less), holm: 1.0 })
    };
    let mut all: Vec<SubsetDifference> = names.iter().zip(pairs).filter_map(one).collect();
    let corrected = holm(&all.iter().map(|subset| subset.p).collect::<Vec<_>>());
    all.iter_mut().zip(corrected).for_each(|(subset, holm)| subset.holm = holm);
    all
}

/// Applies Holm's step-down correction: the smallest of m p values is multiplied by m, the next by m - 1, and none becomes less than the one before.
fn holm(ps: &[f64]) -> Vec<f64> {
    let mut places: Vec<usize> = (0..ps.len()).collect();
    places.sort_by(|a, b| ps[*a].total_cmp(&ps[*b]));
    let (mut corrected, mut least) = (vec![1.0; ps.len()], 0.0_f64);
    for (rank, place) in places.into_iter().enumerate() {
        least = least.max(((ps.len() - rank) as f64 * ps[place]).min(1.0));
        corrected[place] = least;
    }
    corrected
}

/// Returns Krippendorff's alpha for nominal values of the first decisions of several judges, over the cases that at least two of them decided. `None`
/// if all decisions are the same.
pub(super) fn alpha(judges: &[&[Record]]) -> Option<f64> {
    let mut all: Vec<(u128, usize)> = judges
        .iter()
        .flat_map(|records| records.iter())
        .filter_map(|record| Some((record.key, category(record.decision)?)))
        .collect();
    all.sort_unstable();
    let (mut totals, mut agreeing) = ([0.0; 3], 0.0);
    for unit in all.chunk_by(|one, other| one.0 == other.0).filter(|unit| unit.len() > 1) {
        let mut counts = [0.0; 3];
        unit.iter().for_each(|(_, category)| counts[*category] += 1.0);
        let pairs: f64 = counts.iter().map(|n| n * (n - 1.0)).sum();
        agreeing += pairs / (unit.len() as f64 - 1.0);
        totals.iter_mut().zip(counts).for_each(|(total, n)| *total += n);
    }
    let n: f64 = totals.iter().sum();
    let expected = (n * n - totals.iter().map(|total| total * total).sum::<f64>()) / (n - 1.0);
    (n > 1.0 && expected > 0.0).then(|| 1.0 - (n - agreeing) / expected)
}

fn category(decision: Decision) -> Option<usize> {
    match decision {
        Decision::A => Some(0),
        Decision::B => Some(1),
        Decision::Tie => Some(2),
        Decision::Undecided => None,
    }
}

/// Returns the mean over pairs with a normal interval that takes rows, not pairs, as independent; `None` without pairs. One row, or rows with equal
/// values, give no interval.
pub(super) fn mean_by_row(mut pairs: Vec<(u64, f64)>) -> Option<Score> {
    if pairs.is_empty() {
        return None;
    }
    let n = pairs.len() as f64;
    let mean = pairs.iter().map(|(_, value)| value).sum::<f64>() / n;
    pairs.sort_unstable_by_key(|(row, _)| *row);
    let rows = pairs.chunk_by(|one, other| one.0 == other.0);
    let (mut count, mut squares) = (0.0, 0.0);
    for row in rows {
        count += 1.0;
        squares += row.iter().map(|(_, value)| value - mean).sum::<f64>().powi(2);
    }
    // Sums of equal numbers may differ in their last digits.
    if count < 2.0 || squares < 1e-18 {
        return Some(Score { value: mean, low: None, high: None });
    }
    let spread = 1.959_963_984_540_054 * (squares * count / (count - 1.0)).sqrt() / n;
    Some(Score { value: mean, low: Some((mean - spread).max(-1.0)), high: Some((mean + spread).min(1.0)) })
}

/// Returns the two-sided exact probability of a split of fair coins at least as uneven as `a` to `b`.
fn exact_p(a: u64, b: u64) -> f64 {
    let (n, less) = (a + b, a.min(b));
    // The logarithm of (n over k) / 2^n, beginning at k = 0.
    let mut log = -(n as f64) * std::f64::consts::LN_2;
    let mut tail = log.exp();
    for k in 1..=less {
        log += ((n - k + 1) as f64 / k as f64).ln();
        tail += log.exp();
    }
    (2.0 * tail).min(1.0)
}

fn kappa(table: &[[u64; 3]; 3]) -> Option<f64> {
    let sum = |values: &mut dyn Iterator<Item = u64>| values.sum::<u64>() as f64;
    let n = sum(&mut table.iter().flatten().copied());
    let agreed = sum(&mut (0..3).map(|i| table[i][i])) / n;
    let chance: f64 = (0..3).map(|i| sum(&mut table[i].iter().copied()) * sum(&mut table.iter().map(|row| row[i]))).sum();
    let chance = chance / (n * n);
    (n > 0.0 && chance < 1.0).then(|| (agreed - chance) / (1.0 - chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mcnemar_is_exact() {
        // By hand: 2 (1 + 10) / 2^10, and 1 where both have as many.
        assert!((exact_p(1, 9) - 22.0 / 1024.0).abs() < 1e-12);
        assert_eq!(exact_p(5, 5), 1.0);
        assert_eq!(exact_p(0, 0), 1.0);
        assert!(exact_p(400_000, 401_000) > 0.2 && exact_p(400_000, 410_000) < 1e-20);
    }

    #[test]
    fn kappa_is_what_the_book_says() {
        // Agreement 35 of 50, by chance one half: kappa 0.4.
        let kappa = kappa(&[[20, 5, 0], [10, 15, 0], [0, 0, 0]]).unwrap();
        assert!((kappa - 0.4).abs() < 1e-12);
        assert_eq!(super::kappa(&[[9, 0, 0], [0; 3], [0; 3]]), None);
    }

    #[test]
    fn alpha_of_krippendorffs_own_binary_example() {
        // Krippendorff 2011, section A: two observers, ten units, alpha 0.095.
        let a = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0];
        let b = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0];
        let records = |values: [u8; 10]| -> Vec<Record> {
            let decide = |value| if value == 0 { Decision::A } else { Decision::B };
            let (second, label, subset) = (None, crate::vote::Choice::A, 0);
            let record = |(key, value)| Record {
                key: key as u128,
                row: key as u64,
                official: 0.0,
                decision: decide(value),
                second,
                label,
                subset,
            };
            values.into_iter().enumerate().map(record).collect()
        };
        let alpha = alpha(&[&records(a), &records(b)]).unwrap();
        assert!((alpha - 0.095).abs() < 5e-4, "{alpha}");
    }

    #[test]
    fn holm_by_hand() {
        assert_eq!(holm(&[0.01, 0.04, 0.03, 0.5]), [0.04, 0.09, 0.09, 0.5]);
        assert_eq!((holm(&[0.4, 0.9]), holm(&[])), (vec![0.8, 0.9], vec![]));
    }

    #[test]
    fn pairs_of_one_row_are_one_piece_of_evidence() {
        // Nine pairs of each of two rows, all better with one judge: two rows, not eighteen.
        let mut pairs: Vec<(u64, f64)> = (0..18).map(|i| (i % 2, 1.0)).collect();
        assert_eq!(split(&mut pairs), (2, 0));
        assert_eq!(split(&mut [(1, 0.5), (1, -0.5), (2, -1.0)]), (0, 1));
    }

    #[test]
    fn a_difference_rests_on_rows() {
        let pairs =
            |copies: u64| (0..100).flat_map(move |row| (0..copies).map(move |_| (row, f64::from(row % 4 == 0)))).collect();
        let (one, three) = (mean_by_row(pairs(1)).unwrap(), mean_by_row(pairs(3)).unwrap());
        assert!((one.value - 0.25).abs() < 1e-12);
        assert!((one.low.unwrap() - three.low.unwrap()).abs() < 1e-12);
        assert_eq!(mean_by_row(Vec::new()), None);
    }
}
