//! A stream of items -> result rows in input order, with many rows at once.

use std::{borrow::Cow, future::ready, sync::Arc};

use futures::{StreamExt, stream};

use crate::{
    dataset::{DatasetError, Item},
    judge::{Judge, JudgeError},
    markup::find_markup,
    ranking::rank::{self, RankSettings, TeamRule},
    result::{self, Flag, Row, Verdicts},
    transcript::{self, JudgedText},
};

/// The work on each row: judging or ranking.
#[derive(Clone, Debug)]
pub enum Task {
    /// Judge the two responses of the row.
    Judge,
    /// Rank all responses of the row.
    Rank(RankSettings),
}

/// Counts of the rows of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Number of rows written.
    pub rows: u64,
    /// Of these, rows with an error instead of a result.
    pub failed: u64,
    /// Counts of the votes of all rows.
    pub verdicts: Verdicts,
}

/// The reason why a run stopped before its last row.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A row could not be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// An error that every further row would meet.
    #[error("row {id}: {source}")]
    Judge {
        /// The row's id.
        id: String,
        /// Error of the judge.
        source: JudgeError,
    },
    /// The row could not be written.
    #[error("cannot write results: {0}")]
    Write(#[from] std::io::Error),
}

impl RunError {
    fn ended() -> Self {
        RunError::Judge { id: String::new(), source: JudgeError::Ended }
    }
}

/// Processes the items, `window` of them at once, and hands each row to `emit` in input order.
///
/// Rows that fail alone become rows with an `error`. Memory holds the texts and results of `window` rows, and the prompts of the requests that may be
/// prepared at once ([`Places::ahead`](crate::judge::Places::ahead)), for an input of any length.
///
/// # Errors
/// [`RunError`] at the first row that cannot be read or written, or with an error that every further row would meet. Then no more requests are sent,
/// and those in flight have [`Judge::patience`] to end, so that what they paid for is stored.
pub async fn run(
    judge: &Judge,
    task: &Task,
    items: impl Iterator<Item = Result<Item, DatasetError>>,
    window: usize,
    mut emit: impl FnMut(Item, Row) -> Result<(), std::io::Error>,
) -> Result<RowCounts, RunError> {
    let mut counted = RowCounts::default();
    let judge = &judge.for_run();
    let work = |item: Result<Item, DatasetError>| async {
        let item = item?;
        let row = one(judge, task, &item).await;
        Ok::<_, RunError>((item, row))
    };
    let begun = stream::iter(items).take_while(|_| ready(!judge.has_ended()));
    let check = |done: Result<(Item, Result<Row, JudgeError>), RunError>| match done? {
        (item, Err(source)) if source.is_fatal() => Err(RunError::Judge { id: item.id, source }),
        done => Ok(done),
    };
    let hand_on = |(item, row): (Item, Result<Row, JudgeError>)| {
        let row = row.unwrap_or_else(|error| {
            counted.failed += 1;
            result::of_error(&item, error.to_string())
        });
        counted.rows += 1;
        row.result.iter().for_each(|result| counted.verdicts.add_row(result));
        Ok(emit(item, row)?)
    };
    let of_ended = |error: &RunError| matches!(error, RunError::Judge { source, .. } if source.is_of_ended());
    match judge.through(begun.map(work).buffered(window.max(1)), check, hand_on, of_ended).await {
        Ok(()) => Ok(counted),
        Err(Some(error)) if !of_ended(&error) => Err(error),
        Err(_) => Err(judge.end().map_or_else(RunError::ended, |(id, source)| RunError::Judge { id, source })),
    }
}

/// Judges or ranks one row.
///
/// # Errors
/// [`JudgeError`] if any vote that is needed could not be had.
pub async fn one(judge: &Judge, task: &Task, item: &Item) -> Result<Row, JudgeError> {
    let (item, flags) = judged(item, &judge.format.markup);
    let item = &*item;
    Ok(match task {
        // Equal texts are not judged: a judge could only guess.
        Task::Judge if rank::twins(&item.responses, TeamRule::Text) == [0, 0] => result::of_twins(item, flags),
        Task::Judge => result::of_judgment(item, rank::play(judge, item, (0, 1)).await?, flags),
        Task::Rank(settings) => result::of_ranking(item, rank::rank(judge, item, settings).await?, flags),
    })
}

/// Returns the row as it is judged, without leading thinking of responses and tokens at their ends, and the flags of its texts.
pub fn judged<'a>(item: &'a Item, markup: &[String]) -> (Cow<'a, Item>, Vec<Flag>) {
    let mut judged = Cow::Borrowed(item);
    let mut flags = Vec::new();
    for (i, response) in item.responses.iter().enumerate() {
        let JudgedText { text, taken_off, ending: _ } = transcript::bare(&response.text);
        flags.push(Flag { response: Some(i), markup: find_markup(&text, markup), taken_off });
        if *text != *response.text {
            judged.to_mut().responses[i].text = Arc::from(&*text);
        }
    }
    let turns = item.prompt.messages.iter().map(|turn| find_markup(&turn.content, markup));
    flags.extend(turns.map(|markup| Flag { response: None, markup, taken_off: Vec::new() }));
    flags.retain(|flag| !(flag.markup.is_empty() && flag.taken_off.is_empty()));
    (judged, flags)
}
