//! Rows -> a refusal of the first that would take more votes than one row may, before anything is asked.

use rrm::{
    dataset::{DatasetError, Item},
    plan::{self, TooManyVotes},
    run::Task,
};

use crate::{failure::Failure, options::Options};

/// Refuses a file with a row that would take more votes than --max-row-votes. `responses` are those of its largest row: where these could
/// not take too many, the rows are not read again.
pub fn check<I: Iterator<Item = Result<Item, DatasetError>>>(
    task: &Task,
    responses: usize,
    options: &Options,
    rows: impl FnOnce() -> Result<I, DatasetError>,
) -> Result<(), Failure> {
    let votes = u64::from(options.judge().votes);
    if plan::most_matches(responses, task).saturating_mul(votes) <= options.row_votes() {
        return Ok(());
    }
    for item in rows()? {
        one(&item?, task, options)?;
    }
    Ok(())
}

/// Refuses a question of which the first `largest` responses would take more votes than --max-row-votes.
pub fn check_first(item: &Item, largest: usize, task: &Task, options: &Options) -> Result<(), Failure> {
    let votes = u64::from(options.judge().votes);
    let n = item.responses.len().min(largest);
    if plan::most_matches(n, task).saturating_mul(votes) <= options.row_votes() {
        return Ok(());
    }
    one(&Item { responses: item.responses[..n].to_vec(), ..item.clone() }, task, options)
}

fn one(item: &Item, task: &Task, options: &Options) -> Result<(), Failure> {
    let checked = plan::check_votes(item, task, options.judge().votes, options.row_votes());
    checked.map_err(|refused| {
        let hint = hint(&refused);
        Failure::user(anyhow::anyhow!("row {} ({}): {refused} (--max-row-votes)", item.row, item.id)).with_hint(hint)
    })
}

/// What would take fewer votes, or allow more.
pub fn hint(refused: &TooManyVotes) -> String {
    format!("{}; or raise --max-row-votes, which takes memory and money in proportion", refused.hint())
}
