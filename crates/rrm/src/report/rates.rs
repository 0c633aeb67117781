//! Cases in which something holds -> its share, with an interval over rows: both orders of a pair, and several pairs of one row, are not independent.

use serde::{Deserialize, Serialize};

use crate::{eval::Share, ranking::rating::Score};

/// The share of cases in which something held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HoldRate {
    /// Number of times that it held.
    pub held: u64,
    /// Number of times that it could have held.
    pub of: u64,
    /// Number of rows that these belong to.
    #[serde(default)]
    pub rows: u64,
    /// The share with its 95% interval, Wilson's for as many trials as there are rows; `None` if there was no case.
    pub share: Option<Score>,
    /// The row of the last case. Cases of a row come one after the other.
    #[serde(skip)]
    last: Option<u64>,
}

impl HoldRate {
    /// Counts one more case of this row.
    pub(super) fn add(&mut self, held: bool, row: u64) {
        self.held += u64::from(held);
        self.of += 1;
        self.rows += u64::from(self.last != Some(row));
        self.last = Some(row);
    }

    /// Returns the rate with its share.
    pub(super) fn done(self) -> Self {
        let share = (self.of > 0).then(|| Share { value: self.held as f64 / self.of as f64, rows: self.rows as f64 });
        HoldRate { share: share.and_then(Share::score), last: None, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_twice_makes_nothing_surer() {
        let rate = |times: u64| {
            let mut rate = HoldRate::default();
            (0..50).for_each(|row| (0..times).for_each(|_| rate.add(row % 5 == 0, row)));
            rate.done()
        };
        let (once, twice) = (rate(1), rate(2));
        assert_eq!((once.of, twice.of, twice.rows), (50, 100, 50));
        assert_eq!(once.share, twice.share);
    }
}
