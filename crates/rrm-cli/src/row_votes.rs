//! Rows -> a refusal of the first that would take more votes than one row may, before anything is asked.

use rrm::{
    dataset::{DatasetError, Item},
    plan::{self, TooManyVotes},
    run::Task,
};

use crate::failure::Failure;

/// The task of a row, and the number of votes that it may take.
pub struct RowVotes<'a> {
    /// What is done with each row.
    pub task: &'a Task,
    /// Of the run: who meets whom depends on it.
    pub seed: u64,
    /// Votes of each match.
    pub votes: u32,
    /// Votes that one row may take.
    pub most: u64,
}

impl RowVotes<'_> {
    /// Refuses a file with a row that would take too many. `responses` are those of its largest row: where these could not take too many, the
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

    /// Refuses a question of which the first `largest` responses would take too many.
    pub fn check_first(&self, item: &Item, largest: usize) -> Result<(), Failure> {
        let n = item.responses.len().min(largest);
        if self.allow(n) {
            return Ok(());
        }
        self.one(&Item { responses: item.responses[..n].to_vec(), ..item.clone() })
    }

    /// Whether no row of so many responses takes too many.
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

/// What would take fewer votes, or allow more.
pub fn hint(refused: &TooManyVotes) -> String {
    format!("{}; or raise --max-row-votes, which takes memory and money in proportion", refused.hint())
}
