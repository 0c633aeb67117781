//! Errors of a file of rows, as sentences with the file and the row.

use std::{borrow::Cow, io, sync::Arc};

use super::problem::RowProblem;

/// The reason why a file, or one row of it, cannot be used. The message is complete; no source follows it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// There is no such file.
    #[error("{file}: there is no such file")]
    Missing {
        /// The file.
        file: Arc<str>,
    },
    /// The path is a folder.
    #[error("{file}: this is a folder; name a file in it")]
    Folder {
        /// The folder.
        file: Arc<str>,
    },
    /// The operating system refuses to open or read the file.
    #[error("{file}: it cannot be read: {detail}")]
    Io {
        /// The file.
        file: Arc<str>,
        /// The I/O error.
        detail: io::Error,
    },
    /// The file has no bytes, only blank lines, an empty list, or a table without rows.
    #[error("{file}: it holds no rows")]
    Empty {
        /// The file.
        file: Arc<str>,
    },
    /// The file is of a kind that rrm does not read.
    #[error("{file}: this is {found}; rows are read from JSONL, JSON, CSV, TSV (all also as .gz) and Parquet")]
    Kind {
        /// The file.
        file: Arc<str>,
        /// Kind of the file, with an article.
        found: &'static str,
    },
    /// The file is of a kind that rrm reads only with a cargo feature.
    #[error("{file}: this is {found}, which rrm reads only when it is built with the cargo feature `{feature}`")]
    NotBuiltIn {
        /// The file.
        file: Arc<str>,
        /// Kind of the file, with an article.
        found: &'static str,
        /// Feature that reads it.
        feature: &'static str,
    },
    /// The header line names a column twice.
    #[error("{file}: the header has the name `{column}` twice")]
    Header {
        /// The file.
        file: Arc<str>,
        /// Name of the column.
        column: String,
    },
    /// Compressed or columnar data cannot be decoded; no row after this one can be read.
    #[error("{file} row {row}: the {what} is cut off or damaged here: {detail}")]
    Damaged {
        /// The file.
        file: Arc<str>,
        /// The first row that cannot be read, counted from 1.
        row: usize,
        /// `gzip stream` or `Parquet data`.
        what: &'static str,
        /// Message of the decoder.
        detail: String,
    },
    /// The labels have two possible meanings, because data sets use them in different ways.
    #[error("{file}: {found}, which can mean two things: {}; {}", reading(&readings[0]), reading(&readings[1]))]
    Labels {
        /// The file.
        file: Arc<str>,
        /// Content of the label columns.
        found: String,
        /// For each meaning: the column spec that selects it, and its description.
        readings: Box<[(String, String); 2]>,
    },
    /// Further rows, beyond those that were named, cannot be used.
    #[error("{file}: {rows} more {} cannot be used", if *rows == 1 { "row" } else { "rows" })]
    More {
        /// The file.
        file: Arc<str>,
        /// Number of further rows.
        rows: u64,
    },
    /// No row of the file can be used, while bad rows are skipped.
    #[error("{file}: none of its {rows} rows can be used: {first}")]
    NothingLeft {
        /// The file.
        file: Arc<str>,
        /// Number of rows.
        rows: u64,
        /// Error of the first row.
        first: String,
    },
    /// One row cannot be used; others may be usable.
    #[error("{file} row {row}: {problem}")]
    Row {
        /// The file.
        file: Arc<str>,
        /// Position of the row, from 1.
        row: usize,
        /// Error of the row.
        problem: RowProblem,
    },
}

fn reading((spec, says): &(String, String)) -> String {
    format!("--column {} if {says}", quoted(spec))
}

/// Returns a word as a shell reads it: in quotes where it has spaces or signs that mean something else there.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "_-.,:=+/@%".contains(c);
    if word.chars().all(plain) { Cow::Borrowed(word) } else { Cow::Owned(format!("'{}'", word.replace('\'', r"'\''"))) }
}
