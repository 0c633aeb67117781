//! Counts of stored votes -> the decisions of n of them, over all ways to take them.

/// Counts of votes: right, wrong in one way, wrong in the other, no verdict.
type Votes = [u32; 4];

/// Binomial coefficients up to a number of votes.
pub(super) struct Binomials(Vec<Vec<f64>>);

impl Binomials {
    /// Returns the coefficients for up to `most` votes.
    pub fn new(most: u32) -> Self {
        let mut rows = vec![vec![1.0]];
        for n in 1..=most as usize {
            let above = &rows[n - 1];
            let row = (0..=n).map(|k| above.get(k).unwrap_or(&0.0) + if k > 0 { above[k - 1] } else { 0.0 }).collect();
            rows.push(row);
        }
        Binomials(rows)
    }

    fn ways(&self, n: u32, k: u32) -> f64 {
        self.0.get(n as usize).and_then(|row| row.get(k as usize)).copied().unwrap_or(0.0)
    }

    /// Returns every outcome of taking n votes without replacement, with its probability. If there are fewer votes, the only outcome has no votes.
    fn outcomes(&self, votes: Votes, n: u32) -> Vec<(Votes, f64)> {
        if votes.iter().sum::<u32>() < n {
            return vec![([0; 4], 1.0)];
        }
        let all = self.ways(votes.iter().sum(), n);
        let mut outcomes = Vec::new();
        for a in 0..=votes[0].min(n) {
            for b in 0..=votes[1].min(n - a) {
                for c in 0..=votes[2].min(n - a - b) {
                    let d = n - a - b - c;
                    if d <= votes[3] {
                        let taken = [a, b, c, d];
                        let ways: f64 = votes.iter().zip(taken).map(|(have, take)| self.ways(*have, take)).product();
                        outcomes.push((taken, ways / all));
                    }
                }
            }
        }
        outcomes
    }

    /// Returns the probabilities that n votes of one order are right, and that they are undecided.
    pub fn of_one(&self, votes: Votes, n: u32) -> (f64, f64) {
        worth(self.outcomes(votes, n).into_iter())
    }

    /// Returns the probabilities that n votes of each of two orders together are right, and that they are undecided.
    pub fn of_two(&self, given: Votes, swapped: Votes, n: u32) -> (f64, f64) {
        let others = self.outcomes(swapped, n);
        let given = self.outcomes(given, n);
        let sum = |a: Votes, b: Votes| [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]];
        worth(given.iter().flat_map(|(a, p)| others.iter().map(move |(b, q)| (sum(*a, *b), p * q))))
    }
}

/// Returns the probabilities that the right verdict has more votes than each other one, and that no verdict has.
fn worth(outcomes: impl Iterator<Item = (Votes, f64)>) -> (f64, f64) {
    outcomes.fold((0.0, 0.0), |(right, undecided), ([a, b, c, _], p)| {
        let lead = a.max(b).max(c);
        let leaders = [a, b, c].iter().filter(|n| **n == lead).count();
        match (lead, leaders) {
            (0, _) | (_, 2..) => (right, undecided + p),
            _ if a == lead => (right + p, undecided),
            _ => (right, undecided),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taking_all_votes_is_what_they_decide_and_taking_one_is_their_share() {
        let draws = Binomials::new(8);
        let close = |(a, b): (f64, f64), (c, d): (f64, f64)| (a - c).abs() < 1e-12 && (b - d).abs() < 1e-12;
        assert!(close(draws.of_one([5, 3, 0, 0], 8), (1.0, 0.0)));
        assert!(close(draws.of_one([4, 4, 0, 0], 8), (0.0, 1.0)));
        assert!(close(draws.of_one([6, 1, 0, 1], 1), (0.75, 0.125)));
        // Three of five, of which three are right: at least two right ones are among them in 7 of 10 ways.
        assert!(close(draws.of_one([3, 2, 0, 0], 3), (0.7, 0.0)));
        assert!(close(draws.of_one([2, 0, 0, 0], 3), (0.0, 1.0)), "fewer votes than are asked for decide nothing");
        // One vote of each order: right together if both are, undecided if they differ.
        assert!(close(draws.of_two([2, 2, 0, 0], [4, 0, 0, 0], 1), (0.5, 0.5)));
    }

    #[test]
    fn the_mean_over_all_subsets_is_that_of_counting_them() {
        let votes = [true, true, false, true, false, false, true];
        let (right, wrong) = (votes.iter().filter(|v| **v).count() as u32, votes.iter().filter(|v| !**v).count() as u32);
        for n in 1..=votes.len() as u32 {
            let subsets: Vec<u32> = (0u32..1 << votes.len()).filter(|set| set.count_ones() == n).collect();
            let good = subsets.iter().filter(|set| {
                let chosen = (0..votes.len()).filter(|i| *set & (1 << i) != 0);
                2 * chosen.filter(|i| votes[*i]).count() as u32 > n
            });
            let expected = good.count() as f64 / subsets.len() as f64;
            assert!((Binomials::new(7).of_one([right, wrong, 0, 0], n).0 - expected).abs() < 1e-12, "{n}");
        }
    }
}
