//! Rows as they end -> the end of a run whose judge gives no verdicts, before all rows are paid for.

use std::{fmt, io};

use rrm::result::{Row, Verdicts};

use crate::failure::Failure;

/// Fewest rows after which a run ends early.
const FEWEST_ROWS: u64 = 50;

/// The share of votes without a verdict above which a run ends, unless the user names another one.
pub const MOST_ABSTAINED: f64 = 0.5;

/// The votes of the rows so far, in the order of the input, so that the end does not depend on which answers come first.
pub struct AbstentionLimit {
    most: f64,
    rows: u64,
    verdicts: Verdicts,
}

/// The error that ends a run: too many of the votes had no verdict.
#[derive(Debug)]
pub struct TooManyAbstentions {
    most: f64,
    rows: u64,
    verdicts: Verdicts,
}

impl AbstentionLimit {
    /// Makes a limit for one run; `most` is a share of the votes from 0 to 1.
    pub fn new(most: f64) -> Self {
        AbstentionLimit { most, rows: 0, verdicts: Verdicts::default() }
    }

    /// Counts a row.
    ///
    /// # Errors
    /// An error that holds [`TooManyAbstentions`] if, after at least 50 rows, more than the allowed share of the votes has no verdict.
    pub fn row(&mut self, row: &Row) -> io::Result<()> {
        self.rows += 1;
        row.result.iter().for_each(|result| self.verdicts.add_row(result));
        let abstained: u64 = self.verdicts.abstained.values().sum();
        if self.rows < FEWEST_ROWS || abstained as f64 <= self.most * self.verdicts.votes as f64 {
            return Ok(());
        }
        let AbstentionLimit { most, rows, ref verdicts } = *self;
        Err(io::Error::other(TooManyAbstentions { most, rows, verdicts: verdicts.clone() }))
    }
}

impl TooManyAbstentions {
    /// Returns the failure that tells the user why the run ended, with what to do.
    pub fn failure(&self) -> Failure {
        let hint = format!("{}; --max-abstained 1 goes on all the same", crate::verdicts::remedy(&self.verdicts));
        Failure::user(anyhow::anyhow!("{self}")).with_hint(hint)
    }
}

impl fmt::Display for TooManyAbstentions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooManyAbstentions { most, rows, verdicts } = self;
        write!(f, "{} in the first {rows} rows, and --max-abstained is {most}: the run ended early", verdicts.abstentions())
    }
}

impl std::error::Error for TooManyAbstentions {}
