//! Files of rows (JSONL, JSON, CSV, TSV, Parquet) -> [`Item`]s: a prompt and the responses to it, one row at a time.

mod beside;
mod cells;
mod chats;
mod check;
mod column_error;
mod column_words;
mod columns;
mod document;
mod error;
mod examples;
#[cfg(feature = "gzip")]
mod gzip;
mod item;
mod join;
mod label_values;
mod label_words;
mod labels;
mod lines;
mod markup_talk;
mod meaning;
mod mend;
mod messages;
mod named;
mod nearest;
#[cfg(feature = "parquet")]
mod parquet;
mod pictures;
mod placeholders;
mod problem;
mod python;
mod readings;
mod responses;
mod roles;
mod rows;
mod settle;
mod sides;
mod table;
mod transcripts;
mod unique;
#[cfg(not(all(feature = "gzip", feature = "parquet")))]
mod without;
mod worse_words;

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Map, Value};

#[cfg(feature = "pairs")]
pub(crate) use self::column_words::says_worse;
#[cfg(feature = "eval")]
pub(crate) use self::columns::find;
#[cfg(not(feature = "gzip"))]
use self::without::gzip;
#[cfg(not(feature = "parquet"))]
use self::without::parquet;
pub use self::{
    check::{Summary, TextTotals, check},
    column_error::ColumnError,
    columns::{ColumnNames, value},
    error::DatasetError,
    examples::{Example, read_examples},
    join::{JoinError, JoinedRows, join},
    messages::TurnsOrText,
    nearest::nearest,
    problem::{RowProblem, wrong_type},
    rows::DatasetRows,
};
use crate::{
    chat::{Message, Role, dialogue},
    comparison::Prompt,
};

/// One row of a dataset: a prompt and the responses to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Text of the `id` column, or `row-N` if there is none.
    pub id: String,
    /// Position of the row in its file, from 1: the line of a JSONL file, otherwise the index in the list or table.
    pub row: usize,
    /// The prompt that the responses answer.
    pub prompt: Arc<Prompt>,
    /// The responses in the order of the file; in a pair, the chosen one first.
    pub responses: Vec<Response>,
    /// All other columns, in the order of the file.
    pub extra: Map<String, Value>,
}

/// One response of an [`Item`].
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// Text to be judged; may be empty.
    pub text: Arc<str>,
    /// Known quality, higher is better: 1 and 0 for correct and wrong or for chosen and rejected, 0.5 for a tie, or a score. `None` if it is not
    /// known.
    pub label: Option<f64>,
    /// Final answer, if the file gives it. Responses with equal answers may be declared equal.
    pub team: Option<String>,
    /// Other fields of the response, in the order of the file.
    pub extra: Map<String, Value>,
}

/// Options for reading a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// Number of responses that a row must have; `None` if it may differ.
    pub exactly: Option<usize>,
    /// Fewest responses that a row may have.
    pub at_least: usize,
    /// Columns of the fields.
    pub columns: ColumnNames,
    /// Whether conversations of a row may differ in their last turn only, as a file for trainers needs: it holds one turn for each response.
    pub last_turns: bool,
    /// Name of the file in errors, if its path means nothing to a person, such as `standard input`.
    pub name: Option<String>,
    /// Whether rows that cannot be used are skipped and counted. Otherwise they are errors.
    pub skip_bad_rows: bool,
}

impl Default for ReadOptions {
    /// Two responses or more, in columns with their own names.
    fn default() -> Self {
        let columns = ColumnNames::default();
        ReadOptions { exactly: None, at_least: 2, columns, last_turns: false, name: None, skip_bad_rows: false }
    }
}

/// Reads `path` row by row. The first bytes of the file tell its kind, and whether it is gzipped.
///
/// After a row that cannot be used the iterator continues with the next one; after damage to the file itself it ends. Doubled ids are found by
/// [`check`], and here only if bad rows are skipped. The meaning of labels is inferred from the whole file, which is read once more for that.
///
/// # Errors
/// [`DatasetError`] if the file cannot be opened, is no file of rows, or has labels with two possible meanings.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Items, DatasetError> {
    let file = file_name(path, options);
    let rows = rows::open(path, &file)?;
    let (columns, note) = settled_of(&[(path, file.clone())], &options.columns)?;
    let rows = named::checked(rows, &columns, &file)?;
    let options = ReadOptions { columns, ..options.clone() };
    Ok(Items {
        file,
        rows,
        options,
        any: false,
        note,
        skipped: SkippedRows::default(),
        told: BTreeMap::new(),
        ids: HashSet::new(),
    })
}

/// Returns `columns` with one meaning of labels for several files that belong together, inferred from the labels of all of them. Also returns a
/// sentence about that meaning if another one might be expected.
///
/// # Errors
/// [`DatasetError::Labels`] for labels with two possible meanings; it names the first file.
pub fn settled(files: &[PathBuf], columns: &ColumnNames) -> Result<(ColumnNames, Option<String>), DatasetError> {
    let named: Vec<(&Path, Arc<str>)> = files.iter().map(|path| (path.as_path(), path.display().to_string().into())).collect();
    settled_of(&named, columns)
}

fn settled_of(files: &[(&Path, Arc<str>)], columns: &ColumnNames) -> Result<(ColumnNames, Option<String>), DatasetError> {
    meaning::settled(files, columns).map_err(|readings::AmbiguousLabels { found, readings }| DatasetError::Labels {
        file: files.first().map_or_else(|| "".into(), |(_, name)| name.clone()),
        found,
        readings: Box::new(readings),
    })
}

/// Returns the column names of the first row of `path`, in their order. They tell files of different layouts apart.
///
/// # Errors
/// [`DatasetError`] when the file cannot be opened, holds no rows, or its first row is none.
pub fn first_columns(path: &Path) -> Result<Vec<String>, DatasetError> {
    let file = file_name(path, &ReadOptions::default());
    let first = rows::open(path, &file)?.next().ok_or(DatasetError::Empty { file })?;
    Ok(first?.1.into_iter().map(|(name, _)| name).collect())
}

/// Checks that a prompt can be judged: it must ask something, and must not show a picture. `place` names it in the error.
///
/// # Errors
/// [`RowProblem`] as for a row of a file.
pub fn check_prompt(messages: &[Message], place: &str) -> Result<(), RowProblem> {
    settle::spoken(messages, place)?;
    let users = messages.iter().filter(|message| message.role == Role::User).map(|message| message.content.as_str());
    let said = messages.iter().map(|message| message.content.as_str());
    pictures::unseen(&Map::new(), users, said, std::iter::empty()).map_or(Ok(()), Err)
}

/// Checks that no object of a JSON text has a name twice, at any depth: the last one would win unnoticed. Says nothing about other errors.
///
/// # Errors
/// The name, the object that has it twice, and the place in the text, in words.
pub fn check_names(json: &[u8]) -> Result<(), String> {
    unique::problem(json).filter(unique::is_doubled).map_or(Ok(()), |error| Err(error.to_string()))
}

/// Reads a prompt and the responses to it like those of a row: conversations are cut to the turns that they do not share, transcripts are recognised,
/// and responses to another prompt are refused. Returns the turns of the prompt and the text of each response.
///
/// # Errors
/// [`RowProblem`] as for a row of a file; places are `prompt` and `responses[0]`.
pub fn answers(prompt: TurnsOrText, responses: Vec<TurnsOrText>) -> Result<(Vec<Message>, Vec<String>), RowProblem> {
    let mut raw: Vec<responses::RawResponse> =
        responses.into_iter().enumerate().map(|(i, said)| responses::RawResponse::new(format!("responses[{i}]"), said)).collect();
    let no_prompt = || RowProblem::EmptyPrompt { place: "prompt".to_owned() };
    let messages = settle::settle(Some(prompt), "prompt", &mut raw, false, no_prompt)?;
    check_prompt(&messages, "prompt")?;
    let texts = raw.into_iter().map(|raw| match raw.said {
        TurnsOrText::Text(text) => text,
        TurnsOrText::Turns(turns) => dialogue(&turns),
    });
    Ok((messages, texts.collect()))
}

/// Checks a response that is a whole conversation: it must be about this prompt, and the user must not go on after the prompt.
///
/// # Errors
/// [`RowProblem::OtherPrompt`], which shows both beginnings, and [`RowProblem::GoesOn`].
pub fn check_response(prompt: &[Message], turns: &[Message], place: &str) -> Result<(), RowProblem> {
    let last = turns.iter().rposition(|turn| turn.role == Role::Assistant).unwrap_or(turns.len());
    let raw = responses::RawResponse::new(place.to_owned(), TurnsOrText::Turns(Vec::new()));
    let chat = settle::continued(prompt, turns[..last].to_vec(), &raw)?;
    let asked = |turns: &[Message]| turns.iter().filter(|turn| turn.role == Role::User).count();
    if asked(&chat) > asked(prompt) { Err(RowProblem::GoesOn { place: raw.place }) } else { Ok(()) }
}

/// Returns the key of an object or a message that holds a picture, a film or a sound, if there is one.
pub fn picture(keys: &Map<String, Value>) -> Option<&str> {
    pictures::attached(keys)
}

/// Returns the text or the turns of a value: a text, a number or a boolean as it is written, the text of a list of parts, or the turns of a list of
/// messages.
///
/// # Errors
/// [`RowProblem`] for any other value, with `place` and the `expected` type.
pub fn said(value: &Value, place: &str, expected: &'static str) -> Result<TurnsOrText, RowProblem> {
    messages::said(value, place, expected)
}

/// Reads the rows of a file as JSON objects with their positions, counted from 1. Errors call the file `name`.
///
/// # Errors
/// [`DatasetError`] if the file cannot be opened. The iterator returns it for rows that are no JSON objects, and for texts with a lone surrogate.
pub fn raw(path: &Path, name: &str) -> Result<DatasetRows, DatasetError> {
    let file: Arc<str> = name.into();
    let rows = rows::open(path, &file)?;
    let cells = rows.cells;
    Ok(rows.strict(file, move |row| {
        if cells {
            cells::parse_plain(row)?;
        }
        row.values_mut().for_each(mend::cleared);
        Ok(())
    }))
}

/// Iterator over the rows of a file, from [`read`].
pub struct Items {
    file: Arc<str>,
    rows: DatasetRows,
    options: ReadOptions,
    any: bool,
    note: Option<String>,
    skipped: SkippedRows,
    /// Notes about rows, with the rows that each is about.
    told: BTreeMap<String, rows::Count>,
    /// Hashes of the ids so far, if bad rows are skipped.
    ids: HashSet<[u8; 16]>,
}

/// Rows that were skipped because they cannot be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkippedRows {
    /// Number of skipped rows.
    pub rows: u64,
    /// Errors of the first of them.
    pub first: Vec<String>,
}

impl Items {
    /// Returns notes on the rows so far, one sentence each: the meaning of labels, and repairs.
    pub fn notes(&self) -> Vec<String> {
        let told = self.told.iter().filter_map(|(sentence, count)| count.said(sentence));
        self.note.iter().cloned().chain(self.rows.notes()).chain(told).collect()
    }

    /// Returns the rows that were skipped so far.
    pub fn skipped(&self) -> &SkippedRows {
        &self.skipped
    }

    fn item(&mut self, row: usize, mut columns: Map<String, Value>) -> Result<Item, DatasetError> {
        let parsed = if self.rows.cells { cells::parse(&mut columns, &self.options.columns) } else { Ok(()) };
        let item = parsed.and_then(|()| item::item(row, columns, &self.options)).and_then(|(item, told)| {
            if self.options.skip_bad_rows && !self.ids.insert(check::id_key(&item.id)) {
                return Err(RowProblem::UsedId { id: item.id });
            }
            for sentence in told {
                self.told.entry(sentence).or_default().add(row);
            }
            Ok(item)
        });
        item.map_err(|problem| DatasetError::Row { file: self.file.clone(), row, problem })
    }
}

impl Iterator for Items {
    type Item = Result<Item, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let next = self.rows.next();
            let first = !std::mem::replace(&mut self.any, true);
            let item = match next {
                None => return first.then(|| Err(DatasetError::Empty { file: self.file.clone() })),
                Some(Err(error)) => Err(error),
                Some(Ok((row, columns))) => self.item(row, columns),
            };
            match item {
                Err(error @ DatasetError::Row { .. }) if self.options.skip_bad_rows => {
                    self.skipped.rows += 1;
                    if self.skipped.first.len() < check::SHOWN {
                        self.skipped.first.push(error.to_string());
                    }
                }
                item => return Some(item),
            }
        }
    }
}

fn file_name(path: &Path, options: &ReadOptions) -> Arc<str> {
    options.name.clone().unwrap_or_else(|| path.display().to_string()).into()
}
