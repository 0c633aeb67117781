//! The results of all rows -> counts for people.

use std::collections::BTreeMap;

use super::{DropReason, UnusedReason, work::RowPairs};
use crate::result::Verdicts;

/// Totals of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PairTotals {
    /// Rows read.
    pub rows: u64,
    /// Questions that gave at least one pair.
    pub questions: u64,
    /// Pairs written.
    pub pairs: u64,
    /// Of these, pairs whose right response is the longer one.
    pub longer: u64,
    /// Of these, pairs whose right response is shown first.
    pub first: u64,
    /// Rows, questions with pairs, and pairs of each category.
    pub categories: BTreeMap<String, [u64; 3]>,
    /// Rows and pairs dropped, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// Responses that were not used, by reason.
    pub unused: BTreeMap<UnusedReason, u64>,
    /// Counts of the base judge's votes.
    pub verdicts: Verdicts,
}

impl PairTotals {
    /// Adds one row.
    pub fn add(&mut self, done: &RowPairs) {
        let given = u64::from(!done.pairs.is_empty());
        let pairs = done.pairs.len() as u64;
        self.rows += 1;
        self.questions += given;
        self.pairs += pairs;
        self.longer += done.longer;
        self.verdicts.merge(&done.verdicts);
        self.first += done.pairs.iter().filter(|pair| pair.order == "chosen-first").count() as u64;
        let category = self.categories.entry(done.category.clone()).or_default();
        category.iter_mut().zip([1, given, pairs]).for_each(|(sum, more)| *sum += more);
        done.dropped.iter().for_each(|dropped| *self.dropped.entry(dropped.reason).or_default() += 1);
        done.unused.iter().for_each(|unused| *self.unused.entry(*unused).or_default() += 1);
    }
}
