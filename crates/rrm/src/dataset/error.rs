//! What is wrong with a file of rows, in sentences that name the file and the row.

use std::{io, sync::Arc};

use super::problem::RowProblem;

/// The reason why a file, or one row of it, cannot be used. The message says everything; there is no source to be printed after it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// Nothing is there.
    #[error("{file}: there is no such file")]
    Missing {
        /// The file.
        file: Arc<str>,
    },
    /// A folder is there.
    #[error("{file}: this is a folder; name a file in it")]
    Folder {
        /// The folder.
        file: Arc<str>,
    },
    /// The system refuses to open or read it.
    #[error("{file}: it cannot be read: {detail}")]
    Io {
        /// The file.
        file: Arc<str>,
        /// The system's words.
        detail: io::Error,
    },
    /// No bytes, only blank lines, an empty list, or a table without rows.
    #[error("{file}: it holds no rows")]
    Empty {
        /// The file.
        file: Arc<str>,
    },
    /// The file is of a kind that is not read.
    #[error("{file}: this is {found}; rows are read from JSONL, JSON, CSV, TSV (all also as .gz) and Parquet")]
    Kind {
        /// The file.
        file: Arc<str>,
        /// What it is, with an article.
        found: &'static str,
    },
    /// The file is of a kind that is read only where a cargo feature is on.
    #[error("{file}: this is {found}, which rrm reads only when it is built with the cargo feature `{feature}`")]
    NotBuiltIn {
        /// The file.
        file: Arc<str>,
        /// What it is.
        found: &'static str,
        /// The feature that reads it.
        feature: &'static str,
    },
    /// A header line that names a column twice.
    #[error("{file}: the header has the name `{column}` twice")]
    Header {
        /// The file.
        file: Arc<str>,
        /// The name.
        column: String,
    },
    /// Compressed or columnar data that cannot be decoded; no row after this one can be had.
    #[error("{file} row {row}: the {what} is cut off or damaged here: {detail}")]
    Damaged {
        /// The file.
        file: Arc<str>,
        /// The first row that cannot be had, from 1.
        row: usize,
        /// `gzip stream` or `Parquet data`.
        what: &'static str,
        /// The decoder's words.
        detail: String,
    },
    /// Labels that mean one thing in one data set and another in the next.
    #[error("{file}: {found}, which can mean two things: {}; {}", reading(&readings[0]), reading(&readings[1]))]
    Labels {
        /// The file.
        file: Arc<str>,
        /// What the label columns hold.
        found: String,
        /// For each reading the spec to write, and what it says.
        readings: Box<[(String, String); 2]>,
    },
    /// Rows that cannot be used, beyond those that are named.
    #[error("{file}: {rows} more {} cannot be used", if *rows == 1 { "row" } else { "rows" })]
    More {
        /// The file.
        file: Arc<str>,
        /// How many.
        rows: u64,
    },
    /// Nothing is left where bad rows are left out.
    #[error("{file}: none of its {rows} rows can be used: {first}")]
    NothingLeft {
        /// The file.
        file: Arc<str>,
        /// How many there are.
        rows: u64,
        /// What is wrong with the first of them.
        first: String,
    },
    /// One row cannot be used; others may be.
    #[error("{file} row {row}: {problem}")]
    Row {
        /// The file.
        file: Arc<str>,
        /// The row, from 1.
        row: usize,
        /// What is wrong with it.
        problem: RowProblem,
    },
}

fn reading((spec, says): &(String, String)) -> String {
    format!("--column {spec} if {says}")
}
