//! A JSONL file -> its rows, one for each line.

use std::{
    io::{self, BufRead},
    sync::Arc,
};

use serde_json::{Map, Value};

use super::{
    error::DatasetError,
    mend,
    problem::{RowProblem, describe},
    rows::{BOM, BoxedReader, RepairCounts, cut_off},
    unique,
};

/// Reader of a JSONL file. Blank lines are no rows, but they count as lines.
pub(super) struct JsonLines {
    name: Arc<str>,
    reader: BoxedReader,
    /// Byte that ends a line.
    end: u8,
    line: Vec<u8>,
    row: usize,
    noted: Arc<RepairCounts>,
}

impl JsonLines {
    pub(super) fn new(name: &Arc<str>, reader: BoxedReader, end: u8, noted: &Arc<RepairCounts>) -> Self {
        JsonLines { name: name.clone(), reader, end, line: Vec::new(), row: 0, noted: noted.clone() }
    }
}

impl Iterator for JsonLines {
    type Item = Result<(usize, Map<String, Value>), DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.line.clear();
            self.row += 1;
            match self.reader.read_until(self.end, &mut self.line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => {
                    self.reader = Box::new(io::empty());
                    return Some(Err(cut_off(&self.name, self.row, &error)));
                }
            }
            // Files that were concatenated may have a byte order mark at the beginning of each part.
            let line = self.line.strip_prefix(BOM).unwrap_or(&self.line).trim_ascii_end();
            if !line.is_empty() {
                let row = |problem| DatasetError::Row { file: self.name.clone(), row: self.row, problem };
                return Some(line_row(line, self.row, &self.noted).map(|columns| (self.row, columns)).map_err(row));
            }
        }
    }
}

fn line_row(line: &[u8], row: usize, noted: &RepairCounts) -> Result<Map<String, Value>, RowProblem> {
    let text = std::str::from_utf8(line)
        .map_err(|error| RowProblem::NotUtf8 { place: format!("byte {} of the line", error.valid_up_to() + 1) })?;
    let (value, changes) = mend::parse(text, unique::object).map_err(|broken| {
        let whole = if broken.cut { "; in JSONL each line holds one whole row" } else { "" };
        RowProblem::BrokenJson { place: format!("column {}", broken.column), detail: format!("{}{whole}", broken.detail) }
    })?;
    noted.add(row, changes);
    object(value)
}

/// Returns the columns of a row, or an error if it is no object.
pub(super) fn object(value: Value) -> Result<Map<String, Value>, RowProblem> {
    match value {
        Value::Object(columns) => Ok(columns),
        other => Err(RowProblem::NotAnObject { found: describe(&other) }),
    }
}
