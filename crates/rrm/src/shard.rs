//! `i/n` and a number of rows -> the contiguous part of the rows for one of several machines.

use std::{fmt, ops::Range, str::FromStr};

use serde::{Deserialize, Serialize};

/// A part of the rows: the i-th of n, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    index: u64,
    of: u64,
}

/// The error of a text that is no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no shard: expected I/N with I from 1 to N, such as 2/8")]
pub struct ShardError(String);

impl Shard {
    /// Returns the rows of this shard among `rows`, counted from 0. The parts of all shards follow one another without gaps, and their lengths differ
    /// by at most one.
    pub fn range(self, rows: u64) -> Range<u64> {
        // The product of two large numbers must not overflow.
        let start = |index: u64| (u128::from(rows) * u128::from(index) / u128::from(self.of)) as u64;
        start(self.index - 1)..start(self.index)
    }

    /// Returns the items of this shard among `items`, of which there are `rows`; all of them without a shard.
    pub fn of<T>(shard: Option<Shard>, rows: u64, items: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        let range = shard.map_or(0..rows, |shard| shard.range(rows));
        let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        items.skip(size(range.start)).take(size(range.end - range.start))
    }

    /// Returns the number of this shard's rows among `rows`; all of them without a shard.
    pub fn rows(shard: Option<Shard>, rows: u64) -> u64 {
        shard.map_or(rows, |shard| {
            let range = shard.range(rows);
            range.end - range.start
        })
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let parts = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        let parts: Option<(u64, u64)> = parts.filter(|(index, of)| (1..=*of).contains(index));
        parts.map(|(index, of)| Shard { index, of }).ok_or_else(|| ShardError(text.to_owned()))
    }
}

impl TryFrom<String> for Shard {
    type Error = ShardError;

    fn try_from(text: String) -> Result<Self, ShardError> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> String {
        shard.to_string()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shards_are_counted_from_one() {
        assert_eq!("2/8".parse::<Shard>().unwrap().to_string(), "2/8");
        for wrong in ["0/8", "9/8", "1/0", "1", "1/", "/2", "-1/2", "a/b", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
        let last = Shard { index: u64::MAX, of: u64::MAX };
        assert_eq!(last.range(u64::MAX), u64::MAX - 1..u64::MAX);
    }

    proptest! {
        #[test]
        fn parts_follow_one_another_and_are_equally_long(rows in 0_u64..1000, of in 1_u64..40) {
            let parts: Vec<Vec<u64>> = (1..=of).map(|index| Shard::of(Some(Shard { index, of }), rows, 0..rows).collect()).collect();
            prop_assert_eq!(parts.concat(), (0..rows).collect::<Vec<_>>());
            let lengths = || parts.iter().map(Vec::len);
            prop_assert!(lengths().max().unwrap() - lengths().min().unwrap() <= 1);
            let counted: Vec<u64> = (1..=of).map(|index| Shard::rows(Some(Shard { index, of }), rows)).collect();
            prop_assert_eq!(counted, lengths().map(|n| n as u64).collect::<Vec<_>>());
        }
    }
}
