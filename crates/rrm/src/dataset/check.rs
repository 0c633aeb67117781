//! A whole file -> what judging it will take, or the first of its mistakes: one pass before anything is spent.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use super::{
    Item, ReadOptions,
    error::{DatasetError, RowProblem},
    file_name, read,
};

/// After this many bad rows the rest is not looked at.
const SHOWN: usize = 5;

/// What a file holds, for predicting calls and tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows and their texts, by the number of responses in a row. Never empty.
    pub by_responses: BTreeMap<usize, Tally>,
    /// Bytes of all rubrics.
    pub rubric_bytes: u64,
    /// Bytes of all reference answers.
    pub reference_bytes: u64,
}

/// Rows and the bytes of their texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many rows.
    pub rows: u64,
    /// Bytes of all prompts, all turns of conversations included.
    pub prompt_bytes: u64,
    /// Bytes of all responses.
    pub response_bytes: u64,
}

impl Summary {
    /// Rows and bytes of the whole file.
    pub fn total(&self) -> Tally {
        self.by_responses.values().fold(Tally::default(), |sum, tally| Tally {
            rows: sum.rows + tally.rows,
            prompt_bytes: sum.prompt_bytes + tally.prompt_bytes,
            response_bytes: sum.response_bytes + tally.response_bytes,
        })
    }
}

/// Reads all of `path` without keeping it, and finds doubled ids. Takes 40 to 70 bytes of memory a row.
///
/// # Errors
/// The first bad rows in the order of the file, at most five; or the one reason why the file cannot be read.
pub fn check(path: &Path, options: &ReadOptions) -> Result<Summary, Vec<DatasetError>> {
    let file = file_name(path, options);
    let mut summary = Summary::default();
    let mut seen = HashMap::new();
    let mut bad = Vec::new();
    for item in read(path, options).map_err(|error| vec![error])? {
        let checked = item.and_then(|item| match doubled(&item, &mut seen) {
            Some(problem) => Err(DatasetError::Row { file: file.clone(), row: item.row, problem }),
            None => Ok(item),
        });
        match checked {
            Ok(item) => add(&mut summary, &item),
            Err(error) => bad.push(error),
        }
        if bad.len() == SHOWN {
            break;
        }
    }
    if bad.is_empty() { Ok(summary) } else { Err(bad) }
}

/// Notes the item's id, kept as the first 128 bits of its hash.
fn doubled(item: &Item, seen: &mut HashMap<[u8; 16], u32>) -> Option<RowProblem> {
    let mut key = [0; 16];
    key.copy_from_slice(&blake3::hash(item.id.as_bytes()).as_bytes()[..16]);
    let row = u32::try_from(item.row).unwrap_or(u32::MAX);
    let first = *seen.entry(key).or_insert(row);
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
