//! Rows -> a refusal of the first row that would take too many votes, before anything is asked.

use rrm::{
    dataset::{DatasetError, Item},
    plan::{self, TooManyVotes},
    run::Task,
};

use crate::failure::Failure;

/// The limit of votes for one row, with what the number of votes depends on.
pub struct RowVotes<'a> {
    /// The task for each row.
    pub task: &'a Task,
    /// The seed of the run, which determines the matches.
    pub seed: u64,
    /// Votes of each match.
    pub votes: u32,
    /// Most votes of one row.
    pub most: u64,
}

impl RowVotes<'_> {
    /// Refuses a file with a row that would take too many votes. `responses` is the number in its largest row; if even that cannot take too many, the
    /// rows are not read again.
    pub fn check<I: Iterator<Item = Result<Item, DatasetError>>>(
        &self,
        responses: usize,
        rows: impl FnOnce() -> Result<I, DatasetError>,
    ) -> Result<(), Failure> {
        if self.allow(responses) {
            return Ok(());
        }
        for item in rows()? {
            self.one(&item?)?;
        }
        Ok(())
    }

    /// Refuses a question whose first `largest` responses would take too many votes.
    pub fn check_first(&self, item: &Item, largest: usize) -> Result<(), Failure> {
        let n = item.responses.len().min(largest);
        if self.allow(n) {
            return Ok(());
        }
        self.one(&Item { responses: item.responses[..n].to_vec(), ..item.clone() })
    }

    /// Whether no row with this many responses can take too many votes.
    fn allow(&self, responses: usize) -> bool {
        plan::most_matches(responses, self.task).saturating_mul(u64::from(self.votes)) <= self.most
    }

    fn one(&self, item: &Item) -> Result<(), Failure> {
        let checked = plan::check_votes(item, self.task, self.seed, (self.votes, self.most));
        checked.map_err(|refused| {
            let hint = hint(&refused);
            Failure::user(anyhow::anyhow!("row {} ({}): {refused} (--max-row-votes)", item.row, item.id)).with_hint(hint)
        })
    }
}

/// Returns a hint for taking fewer votes or allowing more.
pub fn hint(refused: &TooManyVotes) -> String {
    format!("{}; or raise --max-row-votes, which takes memory and money in proportion", refused.hint())
}
