//! A whole file -> the totals that predict calls and tokens, or its first errors, in one pass before anything is spent.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use super::{Item, ReadOptions, SkippedRows, error::DatasetError, file_name, problem::RowProblem, read};

/// Most bad rows that are reported one by one; the others are counted.
pub(super) const SHOWN: usize = 5;

/// Totals of a file, for predicting calls and tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Totals of rows with the same number of responses. Never empty.
    pub by_responses: BTreeMap<usize, TextTotals>,
    /// Bytes of all rubrics.
    pub rubric_bytes: u64,
    /// Bytes of all reference answers.
    pub reference_bytes: u64,
    /// Notes on the reading, one sentence each.
    pub notes: Vec<String>,
    /// Rows that were skipped.
    pub skipped: SkippedRows,
}

/// Totals of rows and of the bytes of their texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextTotals {
    /// Number of rows.
    pub rows: u64,
    /// Bytes of all prompts, with all turns of conversations.
    pub prompt_bytes: u64,
    /// Bytes of all responses.
    pub response_bytes: u64,
}

impl Summary {
    /// Returns the rows and bytes of the whole file.
    pub fn total(&self) -> TextTotals {
        self.by_responses.values().fold(TextTotals::default(), |sum, tally| TextTotals {
            rows: sum.rows + tally.rows,
            prompt_bytes: sum.prompt_bytes + tally.prompt_bytes,
            response_bytes: sum.response_bytes + tally.response_bytes,
        })
    }
}

/// Reads all of `path` without keeping it, and finds doubled ids. Takes 40 to 70 bytes of memory for each row.
///
/// # Errors
/// The first five bad rows in the order of the file, and the number of further ones; or the one reason why the file cannot be read.
pub fn check(path: &Path, options: &ReadOptions) -> Result<Summary, Vec<DatasetError>> {
    let file = file_name(path, options);
    let mut summary = Summary::default();
    let mut seen = HashMap::new();
    let mut bad = Vec::new();
    let mut more = 0;
    let mut items = read(path, options).map_err(|error| vec![error])?;
    for item in items.by_ref() {
        let checked = item.and_then(|item| match doubled(&item, &mut seen) {
            Some(problem) => Err(DatasetError::Row { file: file.clone(), row: item.row, problem }),
            None => Ok(item),
        });
        match checked {
            Ok(item) => add(&mut summary, &item),
            Err(error) if bad.len() < SHOWN => bad.push(error),
            Err(_) => more += 1,
        }
    }
    summary.notes = items.notes();
    summary.skipped = items.skipped().clone();
    if bad.is_empty() && summary.by_responses.is_empty() {
        bad.push(DatasetError::NothingLeft {
            file: file.clone(),
            rows: summary.skipped.rows,
            first: summary.skipped.first.join("; "),
        });
    }
    if more > 0 {
        bad.push(DatasetError::More { file, rows: more });
    }
    if bad.is_empty() { Ok(summary) } else { Err(bad) }
}

/// Returns the first 128 bits of an id's hash.
pub(super) fn id_key(id: &str) -> [u8; 16] {
    let mut key = [0; 16];
    key.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..16]);
    key
}

/// Records the item's id. Returns an error if an earlier row has the same one.
fn doubled(item: &Item, seen: &mut HashMap<[u8; 16], u32>) -> Option<RowProblem> {
    let row = u32::try_from(item.row).unwrap_or(u32::MAX);
    let first = *seen.entry(id_key(&item.id)).or_insert(row);
    (first != row).then(|| RowProblem::DoubledId { id: item.id.clone(), first: first as usize })
}

fn add(summary: &mut Summary, item: &Item) {
    let bytes = |text: &Option<String>| text.as_ref().map_or(0, |text| text.len() as u64);
    summary.rubric_bytes += bytes(&item.prompt.rubric);
    summary.reference_bytes += bytes(&item.prompt.reference);
    let tally = summary.by_responses.entry(item.responses.len()).or_default();
    tally.rows += 1;
    tally.prompt_bytes += item.prompt.messages.iter().map(|message| message.content.len() as u64).sum::<u64>();
    tally.response_bytes += item.responses.iter().map(|response| response.text.len() as u64).sum::<u64>();
}
