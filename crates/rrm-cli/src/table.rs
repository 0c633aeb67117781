//! Rows of columns -> lines of JSON, CSV or Parquet, by the name of the file.

use std::{
    io::{self, Write},
    path::Path,
};

use rrm::label::{ColumnType, OutputRow, ParquetRows};
use serde_json::Value;

use crate::{failure::ensure, output::Output};

/// The writer of rows with the same columns.
pub struct TableWriter {
    to: TableSink,
}

/// The output of a table.
enum TableSink {
    Lines(Output),
    Csv(Output, Vec<&'static str>),
    // A Parquet file is written through the output that makes it appear.
    Parquet(Box<ParquetRows<Output>>),
}

/// The kind of a file of rows, by its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// One JSON object on each line; also for stdout and devices.
    Lines,
    /// Comma-separated values below a line with the names of columns (RFC 4180).
    Csv,
    /// Parquet.
    Parquet,
}

impl TableKind {
    /// Determines the kind from the name of the output.
    ///
    /// # Errors
    /// For a file with another extension.
    pub fn of(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(TableKind::Lines) };
        let device = std::fs::metadata(path).is_ok_and(|about| !about.is_file());
        let end = path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase());
        let kind = match end.as_deref() {
            _ if device => TableKind::Lines,
            Some("jsonl" | "ndjson") => TableKind::Lines,
            Some("csv") => TableKind::Csv,
            Some("parquet") => TableKind::Parquet,
            _ => {
                ensure!(false, "{}: -o takes a name that ends in .jsonl, .csv or .parquet here", path.display());
                TableKind::Lines
            }
        };
        Ok(kind)
    }
}

impl TableWriter {
    /// Begins a table with these columns.
    pub fn new(mut output: Output, kind: TableKind, schema: &[(&'static str, ColumnType)]) -> anyhow::Result<Self> {
        let to = match kind {
            TableKind::Lines => TableSink::Lines(output),
            TableKind::Parquet => TableSink::Parquet(Box::new(ParquetRows::new(output, schema.to_vec())?)),
            TableKind::Csv => {
                let names: Vec<&'static str> = schema.iter().map(|(name, _)| *name).collect();
                output.text(&(names.join(",") + "\r\n"))?;
                TableSink::Csv(output, names)
            }
        };
        Ok(TableWriter { to })
    }

    /// Writes one row, or shows it on the terminal.
    pub fn row(&mut self, row: OutputRow, show: impl FnOnce(&OutputRow) -> io::Result<()>) -> io::Result<()> {
        match &mut self.to {
            TableSink::Lines(output) => output.row(&row, || show(&row)),
            TableSink::Parquet(rows) => rows.row(row).map_err(io::Error::other),
            TableSink::Csv(output, names) => {
                let cells: Vec<String> = names.iter().map(|name| cell(row.get(*name).unwrap_or(&Value::Null))).collect();
                output.text(&(cells.join(",") + "\r\n"))
            }
        }
    }

    /// Finishes writing. The returned output can then appear.
    pub fn finish(self) -> anyhow::Result<Output> {
        Ok(match self.to {
            TableSink::Lines(output) | TableSink::Csv(output, _) => output,
            TableSink::Parquet(rows) => rows.finish()?,
        })
    }
}

/// Shows a row as a line of JSON.
pub fn show_line(row: &OutputRow) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer(&mut stdout, row)?;
    stdout.write_all(b"\n")
}

/// Returns a cell of CSV: empty for null, JSON for lists and objects.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    // An empty text is quoted, because null is an empty cell.
    if text.is_empty() || text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
