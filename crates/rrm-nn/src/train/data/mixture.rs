//! Step number -> the rows of its batch, and their files.
//!
//! Each draw picks a file by weight. Each file's rows come in a random order, epoch by epoch, so no row is repeated before all others of its file
//! were drawn.

use rrm::keyed::{KeyedRandom, shuffle};

/// Files of known sizes that are sampled by weight.
pub(super) struct Mixture {
    seed: u64,
    /// Cumulative share of draws up to each file; the last is 1.
    reach: Vec<f64>,
    /// Number of rows of each file; not 0.
    rows: Vec<usize>,
    batch_size: usize,
    /// Number of draws from each file before a step. A cache, so that they need not be counted from the beginning.
    before: (u64, Vec<u64>),
    /// The epoch of each file and the order of its rows. A cache, so that rows need not be shuffled again.
    orders: Vec<Option<(u64, Vec<usize>)>>,
}

/// One drawn row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Draw {
    /// Index of the file.
    pub file: usize,
    /// The epoch: how often all rows of the file were drawn before.
    pub epoch: u64,
    /// Index of the row in its file.
    pub row: usize,
}

impl Mixture {
    /// Makes a mixture of files with `(weight, rows)` each. Weights are finite and above 0, rows at least 1.
    pub fn new(seed: u64, files: &[(f64, usize)], batch_size: usize) -> Self {
        let total: f64 = files.iter().map(|(weight, _)| weight).sum();
        let mut sum = 0.0;
        let reach = files.iter().map(|(weight, _)| {
            sum += weight;
            sum / total
        });
        Mixture {
            seed,
            reach: reach.collect(),
            rows: files.iter().map(|(_, rows)| *rows).collect(),
            batch_size,
            before: (0, vec![0; files.len()]),
            orders: vec![None; files.len()],
        }
    }

    /// Returns the rows of a step.
    pub fn batch(&mut self, step: u64) -> Vec<Draw> {
        if self.before.0 > step {
            self.before = (0, vec![0; self.rows.len()]);
        }
        while self.before.0 < step {
            for file in self.files(self.before.0) {
                self.before.1[file] += 1;
            }
            self.before.0 += 1;
        }
        let mut drawn = self.before.1.clone();
        let files = self.files(step);
        let draw = |file: usize| {
            let (epoch, at) = (drawn[file] / self.rows[file] as u64, drawn[file] % self.rows[file] as u64);
            drawn[file] += 1;
            Draw { file, epoch, row: self.order(file, epoch)[at as usize] }
        };
        files.into_iter().map(draw).collect()
    }

    /// Returns the file of each draw of a step.
    fn files(&self, step: u64) -> Vec<usize> {
        if let [_] = self.rows[..] {
            return vec![0; self.batch_size];
        }
        let mut keyed = KeyedRandom::new(self.seed, "", "mixture", &[step]);
        let last = self.rows.len() - 1;
        (0..self.batch_size)
            .map(|_| keyed.f64())
            .map(|at| self.reach.iter().position(|reach| at < *reach).unwrap_or(last))
            .collect()
    }

    /// Returns the order of a file's rows in an epoch.
    fn order(&mut self, file: usize, epoch: u64) -> &[usize] {
        let kept = self.orders[file].take().filter(|(of, _)| *of == epoch);
        let fresh = || (epoch, shuffle(self.rows[file], self.seed, &format!("file {file}"), &format!("epoch {epoch}")));
        &self.orders[file].insert(kept.unwrap_or_else(fresh)).1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_row_of_a_file_comes_once_an_epoch(
            files in prop::collection::vec((1_u32..6, 1_usize..20), 1..4), batch_size in 1_usize..9, seed: u64
        ) {
            let files: Vec<(f64, usize)> = files.into_iter().map(|(weight, rows)| (f64::from(weight), rows)).collect();
            let mut mixture = Mixture::new(seed, &files, batch_size);
            let draws: Vec<Draw> = (0..40).flat_map(|step| mixture.batch(step)).collect();
            prop_assert_eq!(draws.len(), 40 * batch_size);
            let distinct: HashSet<Draw> = draws.iter().copied().collect();
            prop_assert_eq!(distinct.len(), draws.len());
            for (file, (_, rows)) in files.iter().enumerate() {
                let of_file: Vec<&Draw> = draws.iter().filter(|draw| draw.file == file).collect();
                for (number, draw) in of_file.iter().enumerate() {
                    prop_assert!(draw.row < *rows && draw.epoch == (number / rows) as u64);
                }
            }
        }

        #[test]
        fn a_step_does_not_depend_on_those_that_were_asked_for(steps in prop::collection::vec(0_u64..50, 1..10), seed: u64) {
            let files = [(5.0, 7), (1.0, 3), (1.0, 40)];
            let mut mixture = Mixture::new(seed, &files, 6);
            for step in steps {
                prop_assert_eq!(mixture.batch(step), Mixture::new(seed, &files, 6).batch(step));
            }
        }
    }

    #[test]
    fn files_are_drawn_by_their_weights() {
        let mut mixture = Mixture::new(1, &[(5.0, 1000), (1.0, 10), (1.0, 1), (1.0, 1000)], 64);
        let mut counts = [0f64; 4];
        (0..500).flat_map(|step| mixture.batch(step)).for_each(|draw| counts[draw.file] += 1.0 / 32_000.0);
        // Five standard errors of a share of 32,000 are below 0.014.
        assert!(
            counts.iter().zip([0.625, 0.125, 0.125, 0.125]).all(|(count, share)| (count - share).abs() < 0.014),
            "{counts:?}"
        );
    }

    #[test]
    fn epochs_and_files_have_orders_of_their_own() {
        let mut mixture = Mixture::new(1, &[(1.0, 50)], 50);
        let rows = |batch: Vec<Draw>| batch.into_iter().map(|draw| draw.row).collect::<Vec<_>>();
        assert_ne!(rows(mixture.batch(0)), rows(mixture.batch(1)));
        assert_ne!(mixture.order(0, 0).to_vec(), Mixture::new(1, &[(1.0, 50), (1.0, 50)], 1).order(1, 0));
        assert_ne!(mixture.order(0, 0).to_vec(), Mixture::new(2, &[(1.0, 50)], 1).order(0, 0));
    }
}
