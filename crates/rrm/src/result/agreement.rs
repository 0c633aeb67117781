//! Two results of the same rows -> how far they agree: the same best response, and rank correlation.

use super::RowResult;
use crate::ranking::rating::{Score, wilson};

/// The agreement of two results about one row.
#[derive(Clone, Debug, PartialEq)]
pub struct RowAgreement {
    /// Indices of the responses in the best place, in each result; empty if the best is not known.
    pub best: [Vec<usize>; 2],
    /// Kendall's tau-b between the places of the two results, from -1 to 1, over the responses that have a place in both. `None` if either result
    /// gives all of them the same place, or fewer than two have one.
    pub tau: Option<f64>,
}

/// The agreement of two results over many rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultAgreement {
    /// Rows with a known best in both results.
    pub compared: u64,
    /// Of these, the rows with the same best response or responses.
    pub same: u64,
    /// Rows of which either result knows no best.
    pub unknown: u64,
    /// Sum of tau-b over the rows that have one.
    tau: f64,
    /// Rows that have a tau-b.
    pub correlated: u64,
}

impl RowAgreement {
    /// Compares two results of one row. Returns `None` if they are about different numbers of responses.
    pub fn of(a: &RowResult, b: &RowResult) -> Option<Self> {
        let tau = (a.scores.len() == b.scores.len()).then(|| tau_b(&a.places(), &b.places()))?;
        Some(RowAgreement { best: [a.best(), b.best()], tau })
    }

    /// Returns whether both results have the same best; `None` if either knows none.
    pub fn same_best(&self) -> Option<bool> {
        let [a, b] = &self.best;
        (!a.is_empty() && !b.is_empty()).then(|| a == b)
    }
}

impl ResultAgreement {
    /// Counts one more row.
    pub fn add(&mut self, row: &RowAgreement) {
        match row.same_best() {
            Some(same) => {
                self.compared += 1;
                self.same += u64::from(same);
            }
            None => self.unknown += 1,
        }
        if let Some(tau) = row.tau {
            self.tau += tau;
            self.correlated += 1;
        }
    }

    /// Returns the share of compared rows with the same best, with Wilson's 95% interval; `None` without such rows.
    pub fn share(&self) -> Option<Score> {
        wilson(self.same as f64, self.compared as f64)
    }

    /// Returns the mean of tau-b over the rows that have one.
    pub fn mean_tau(&self) -> Option<f64> {
        (self.correlated > 0).then(|| self.tau / self.correlated as f64)
    }
}

/// Kendall's tau-b: concordant minus discordant pairs, over the geometric mean of the pairs that are not tied in each list.
fn tau_b(a: &[Option<usize>], b: &[Option<usize>]) -> Option<f64> {
    let both: Vec<(usize, usize)> = a.iter().zip(b).filter_map(|(a, b)| a.zip(*b)).collect();
    let (mut difference, mut untied_a, mut untied_b) = (0_i64, 0_u64, 0_u64);
    for (i, x) in both.iter().enumerate() {
        for y in &both[..i] {
            let (in_a, in_b) = (x.0.cmp(&y.0) as i64, x.1.cmp(&y.1) as i64);
            difference += in_a * in_b;
            untied_a += u64::from(in_a != 0);
            untied_b += u64::from(in_b != 0);
        }
    }
    let scale = (untied_a as f64 * untied_b as f64).sqrt();
    (scale > 0.0).then(|| difference as f64 / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tau_b_is_that_of_scipy() {
        // scipy.stats.kendalltau([1, 2, 3, 4], [1, 3, 2, 4]) and ([1, 2, 2, 4], [1, 2, 3, 4]), SciPy 1.15.
        let some = |places: &[usize]| places.iter().map(|place| Some(*place)).collect::<Vec<_>>();
        assert!((tau_b(&some(&[1, 2, 3, 4]), &some(&[1, 3, 2, 4])).unwrap() - 0.666_666_666_666_666_7).abs() < 1e-12);
        assert!((tau_b(&some(&[1, 2, 2, 4]), &some(&[1, 2, 3, 4])).unwrap() - 0.912_870_929_175_277).abs() < 1e-12);
        assert_eq!(tau_b(&some(&[1, 2, 3]), &some(&[3, 2, 1])), Some(-1.0));
        assert_eq!(tau_b(&some(&[1, 1]), &some(&[1, 2])), None, "one result tells nothing apart");
        assert_eq!(tau_b(&[Some(1), None], &some(&[1, 2])), None, "one response has a place in both");
    }
}
