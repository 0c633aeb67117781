//! Files of rows (JSONL, JSON, Parquet) -> [`Item`]s: a prompt and the responses to it, one row at a time.

mod check;
mod columns;
mod error;
mod examples;
mod item;
mod messages;
mod parquet;
mod responses;
mod rows;

use std::{path::Path, sync::Arc};

use serde_json::{Map, Value};

pub(crate) use self::columns::find;
pub use self::{
    check::{Summary, Tally, check},
    columns::{ColumnError, ColumnNames, value},
    error::{DatasetError, RowProblem, wrong_type},
    examples::{Example, read_examples},
    messages::Said,
    rows::Rows,
};
use crate::comparison::Prompt;

/// One row: a prompt and the responses to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The `id` column as text, or `row-N` where there is none.
    pub id: String,
    /// Where the row stands in its file, from 1: the line of a JSONL file, else the position in the list or table.
    pub row: usize,
    /// What the responses answer.
    pub prompt: Arc<Prompt>,
    /// In the order of the file; of a pair, the chosen one first.
    pub responses: Vec<Response>,
    /// All other columns, in the order of the file.
    pub extra: Map<String, Value>,
}

/// One response of an [`Item`].
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The text to be judged; may be empty.
    pub text: Arc<str>,
    /// How good it is known to be, higher is better: 1 and 0 for correct and wrong or chosen and rejected, 0.5 for a tie, or a score.
    pub label: Option<f64>,
    /// The final answer. Responses with equal ones may be teamed.
    pub team: Option<String>,
    /// What else the file says about it, in the order of the file.
    pub extra: Map<String, Value>,
}

/// How to read a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// A row must have exactly this many responses.
    pub exactly: Option<usize>,
    /// A row must have at least this many responses.
    pub at_least: usize,
    /// Which columns hold what.
    pub columns: ColumnNames,
    /// What errors call the file, where its path says nothing to a person, such as `standard input`.
    pub name: Option<String>,
}

impl Default for ReadOptions {
    /// Two responses or more, in columns with their own names.
    fn default() -> Self {
        ReadOptions { exactly: None, at_least: 2, columns: ColumnNames::default(), name: None }
    }
}

/// Reads `path` row by row. Whether a file is JSONL, a JSON list or Parquet, and whether it is gzipped, is told by its first bytes.
///
/// After a row that cannot be used the iterator goes on with the next one; after damage to the file itself it ends.
/// Doubled ids are found by [`check`] only.
///
/// # Errors
/// [`DatasetError`] when the file cannot be opened or is no file of rows.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Items, DatasetError> {
    let file = file_name(path, options);
    let rows = rows::open(path, &file)?;
    Ok(Items { file, rows, options: options.clone(), any: false })
}

/// The names of the columns that the first row of `path` has, in their order: what tells files of one kind from those of another.
///
/// # Errors
/// [`DatasetError`] when the file cannot be opened, holds no rows, or its first row is none.
pub fn first_columns(path: &Path) -> Result<Vec<String>, DatasetError> {
    let file = file_name(path, &ReadOptions::default());
    let first = rows::open(path, &file)?.next().ok_or(DatasetError::Empty { file })?;
    Ok(first?.1.into_iter().map(|(name, _)| name).collect())
}

/// What a value says: a text, a number or a boolean as it is written, the text of a list of parts, or the turns of a list of messages.
///
/// # Errors
/// [`RowProblem`] for anything else, which names `place` and what was `expected`.
pub fn said(value: &Value, place: &str, expected: &'static str) -> Result<Said, RowProblem> {
    messages::said(value, place, expected)
}

/// The rows of a file as they are, with their places, counted from 1; errors call the file by `name`.
///
/// # Errors
/// [`DatasetError`] when the file cannot be opened; the iterator gives it for rows that are no JSON objects.
pub fn raw(path: &Path, name: &str) -> Result<Rows, DatasetError> {
    rows::open(path, &name.into())
}

/// The rows of a file, from [`read`].
pub struct Items {
    file: Arc<str>,
    rows: rows::Rows,
    options: ReadOptions,
    any: bool,
}

impl Iterator for Items {
    type Item = Result<Item, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.rows.next();
        let first = !std::mem::replace(&mut self.any, true);
        match next {
            None => first.then(|| Err(DatasetError::Empty { file: self.file.clone() })),
            Some(Err(error)) => Some(Err(error)),
            Some(Ok((row, columns))) => {
                let item = item::item(row, columns, &self.options);
                Some(item.map_err(|problem| DatasetError::Row { file: self.file.clone(), row, problem }))
            }
        }
    }
}

fn file_name(path: &Path, options: &ReadOptions) -> Arc<str> {
    options.name.clone().unwrap_or_else(|| path.display().to_string()).into()
}
