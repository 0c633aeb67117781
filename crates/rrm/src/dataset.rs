//! Files of rows (JSONL, JSON, CSV, TSV, Parquet) -> [`Item`]s: a prompt and the responses to it, one row at a time.

mod beside;
mod cells;
mod chats;
mod check;
mod columns;
mod document;
mod error;
mod examples;
#[cfg(feature = "gzip")]
mod gzip;
mod item;
mod join;
mod label_words;
mod labels;
mod lines;
mod meaning;
mod mend;
mod messages;
mod nearest;
#[cfg(feature = "parquet")]
mod parquet;
mod pictures;
mod problem;
mod python;
mod responses;
mod roles;
mod rows;
mod settle;
mod sides;
mod table;
mod transcripts;
#[cfg(not(all(feature = "gzip", feature = "parquet")))]
mod without;

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Map, Value};

#[cfg(feature = "eval")]
pub(crate) use self::columns::find;
#[cfg(not(feature = "gzip"))]
use self::without::gzip;
#[cfg(not(feature = "parquet"))]
use self::without::parquet;
pub use self::{
    check::{Summary, TextTotals, check},
    columns::{ColumnError, ColumnNames, value},
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
    /// Conversations may differ in their last turn only: what is written for trainers holds one turn for each response.
    pub last_turns: bool,
    /// What errors call the file, where its path says nothing to a person, such as `standard input`.
    pub name: Option<String>,
    /// Whether rows that cannot be used are left out and counted; else they are errors.
    pub skip_bad_rows: bool,
}

impl Default for ReadOptions {
    /// Two responses or more, in columns with their own names.
    fn default() -> Self {
        let columns = ColumnNames::default();
        ReadOptions { exactly: None, at_least: 2, columns, last_turns: false, name: None, skip_bad_rows: false }
    }
}

/// Reads `path` row by row. Of what kind a file is, and whether it is gzipped, is told by its first bytes.
///
/// After a row that cannot be used the iterator goes on with the next one; after damage to the file itself it ends.
/// Doubled ids are found by [`check`], and where bad rows are left out. What labels mean is told by those of the whole file, which is read
/// once more for that.
///
/// # Errors
/// [`DatasetError`] when the file cannot be opened, is no file of rows, or has labels that mean two things.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Items, DatasetError> {
    let file = file_name(path, options);
    let rows = rows::open(path, &file)?;
    let (columns, note) = settled_of(&[(path, file.clone())], &options.columns)?;
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

/// `columns` for several files whose rows are one whole: what labels mean is told by those of all of them. Says which meaning was found where
/// somebody could think of another.
///
/// # Errors
/// [`DatasetError::Labels`] where they mean two things; the first file is named.
pub fn settled(files: &[PathBuf], columns: &ColumnNames) -> Result<(ColumnNames, Option<String>), DatasetError> {
    let named: Vec<(&Path, Arc<str>)> = files.iter().map(|path| (path.as_path(), path.display().to_string().into())).collect();
    settled_of(&named, columns)
}

fn settled_of(files: &[(&Path, Arc<str>)], columns: &ColumnNames) -> Result<(ColumnNames, Option<String>), DatasetError> {
    meaning::settled(files, columns).map_err(|meaning::AmbiguousLabels { found, readings }| DatasetError::Labels {
        file: files.first().map_or_else(|| "".into(), |(_, name)| name.clone()),
        found,
        readings: Box::new(readings),
    })
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

/// Refuses a prompt that cannot be judged: one in which nothing is asked, or that shows a picture. `place` names it in the error.
///
/// # Errors
/// [`RowProblem`] as for a row of a file.
pub fn check_prompt(messages: &[Message], place: &str) -> Result<(), RowProblem> {
    settle::spoken(messages, place)?;
    let users = messages.iter().filter(|message| message.role == Role::User).map(|message| message.content.as_str());
    let said = messages.iter().map(|message| message.content.as_str());
    pictures::unseen(&Map::new(), users, said).map_or(Ok(()), Err)
}

/// What a prompt and the responses to it say, read as those of a row: conversations are cut to what they do not share, and what is a transcript or
/// goes on from another prompt is read right or refused. Gives the prompt and the text of each response.
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

/// Refuses a whole conversation, given as a response, that is about another prompt, or in which the user goes on behind the prompt.
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

/// What of an object or a message is a picture, a film or a sound, if something is.
pub fn picture(keys: &Map<String, Value>) -> Option<&str> {
    pictures::attached(keys)
}

/// What a value says: a text, a number or a boolean as it is written, the text of a list of parts, or the turns of a list of messages.
///
/// # Errors
/// [`RowProblem`] for anything else, which names `place` and what was `expected`.
pub fn said(value: &Value, place: &str, expected: &'static str) -> Result<TurnsOrText, RowProblem> {
    messages::said(value, place, expected)
}

/// The rows of a file as they are, with their places, counted from 1; errors call the file by `name`.
///
/// # Errors
/// [`DatasetError`] when the file cannot be opened; the iterator gives it for rows that are no JSON objects, and for texts with half of a
/// character.
pub fn raw(path: &Path, name: &str) -> Result<DatasetRows, DatasetError> {
    let file: Arc<str> = name.into();
    let rows = rows::open(path, &file)?;
    let cells = rows.cells;
    Ok(rows.strict(file, move |row| {
        if cells {
            cells::parse_plain(row);
        }
        row.values_mut().for_each(mend::cleared);
    }))
}

/// The rows of a file, from [`read`].
pub struct Items {
    file: Arc<str>,
    rows: DatasetRows,
    options: ReadOptions,
    any: bool,
    note: Option<String>,
    skipped: SkippedRows,
    /// What is to be said about rows, and how many of them.
    told: BTreeMap<String, rows::Count>,
    /// Hashes of the ids so far, where bad rows are left out.
    ids: HashSet<[u8; 16]>,
}

/// Rows that were left out because they cannot be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkippedRows {
    /// How many.
    pub rows: u64,
    /// What is wrong with the first of them.
    pub first: Vec<String>,
}

impl Items {
    /// What should be said about the reading of the rows so far, a sentence each: what labels mean, what was mended.
    pub fn notes(&self) -> Vec<String> {
        let told = self.told.iter().filter_map(|(sentence, count)| count.said(sentence));
        self.note.iter().cloned().chain(self.rows.notes()).chain(told).collect()
    }

    /// Rows left out so far.
    pub fn skipped(&self) -> &SkippedRows {
        &self.skipped
    }

    fn item(&mut self, row: usize, mut columns: Map<String, Value>) -> Result<Item, DatasetError> {
        if self.rows.cells {
            cells::parse(&mut columns, &self.options.columns);
        }
        let item = item::item(row, columns, &self.options).and_then(|(item, told)| {
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
