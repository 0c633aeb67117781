//! Files of rows -> the batch of any step, as a function of seed and step. A resumed run needs only its step number.

mod filter;
mod mixture;
mod pairs;
mod sft;

use std::{num::NonZero, panic, path::Path, thread};

pub use filter::PairFilter;
pub(super) use pairs::items;
pub use pairs::{DataConfig, PairFile, PairSource, TrainingPair};
use serde::{Deserialize, Serialize};
pub use sft::{SftConfig, SftExample, SftFile, SftSource};

use super::TrainError;

/// Counts of the rows of one file: used, and left out by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCounts {
    /// The path of the file.
    pub path: String,
    /// The number of rows in the file.
    pub rows: usize,
    /// Rows that are too long. They are left out, never truncated.
    pub too_long: usize,
    /// Pairs whose labels declare a tie, from which nothing can be learnt.
    pub tied: usize,
    /// Pairs that the filter leaves out.
    pub filtered: usize,
    /// Rows that are used.
    pub kept: usize,
    /// Notes about reading the file, one sentence each: the meaning of labels, mended text. Not serialised.
    #[serde(skip)]
    pub notes: Vec<String>,
}

impl FileCounts {
    /// Returns the number of rows that are left out, and the reasons, such as `12 left out (10 too long, 2 tied)`.
    pub fn left_out(&self) -> String {
        let reasons = [(self.too_long, "too long"), (self.tied, "tied"), (self.filtered, "filtered")];
        let said: Vec<_> = reasons.iter().filter(|(rows, _)| *rows > 0).map(|(rows, why)| format!("{rows} {why}")).collect();
        match said.as_slice() {
            [] => "none left out".to_owned(),
            said => format!("{} left out ({})", self.rows - self.kept, said.join(", ")),
        }
    }
}

/// Applies `work` to each of `items` on all of the machine's threads. Returns the results in order.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let workers: Vec<_> =
            items.chunks(share).map(|chunk| scope.spawn(|| chunk.iter().map(&work).collect::<Vec<R>>())).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_else(|panic| panic::resume_unwind(panic))).collect()
    })
}

/// Refuses sources that cannot be sampled: none, or invalid weights.
fn check_sources<'a>(mut sources: impl ExactSizeIterator<Item = (&'a Path, f64)>, batch_size: usize) -> Result<(), TrainError> {
    let wrong = |option: &str, what: String| Err(TrainError::Option { option: option.to_owned(), what });
    if sources.len() == 0 {
        return wrong("sources", "names no file".to_owned());
    }
    if batch_size == 0 {
        return wrong("batch_size", "is 0".to_owned());
    }
    match sources.find(|(_, weight)| !(weight.is_finite() && *weight > 0.0)) {
        Some((path, weight)) => wrong("weight", format!("of {} is {weight}; it has to be above 0", path.display())),
        None => Ok(()),
    }
}

/// Refuses a file without any usable row.
fn something_left(counts: &FileCounts) -> Result<(), TrainError> {
    if counts.kept > 0 {
        return Ok(());
    }
    let FileCounts { path, rows, too_long, tied, filtered, .. } = counts;
    let what = format!("of the {rows} rows of {path} none is left: {too_long} are too long, {tied} tied, {filtered} filtered");
    Err(TrainError::Option { option: "sources".to_owned(), what })
}

/// The default weight of a file.
fn one() -> f64 {
    1.0
}
