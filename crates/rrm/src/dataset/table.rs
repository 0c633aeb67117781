//! A table of comma- or tab-separated values with a header line -> its rows. Cells are texts; empty ones are null.
//!
//! Quotes are read strictly by RFC 4180: text between a closing quote and the next delimiter, and a quote that is never closed, are errors. A lenient
//! reader would silently put several rows into one cell.

use std::{
    io::{self, BufRead},
    sync::Arc,
};

use serde_json::{Map, Value};

use super::{
    error::DatasetError,
    problem::RowProblem,
    rows::{BOM, BoxedReader, cut_off},
};

/// A CSV or TSV table that is being read.
pub(super) struct DelimitedTable {
    name: Arc<str>,
    reader: BoxedReader,
    end: u8,
    delimiter: u8,
    header: Vec<String>,
    row: usize,
}

/// The kind of table, by the beginning of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableHead {
    /// A header line with this delimiter; `behind_sep` says that a line `sep=` comes before it.
    Header { delimiter: u8, behind_sep: bool },
    /// A table of another kind, such as one in Markdown, or a file that begins with a comment.
    Foreign(&'static str),
    /// No table.
    Other,
}

/// Finds the header line at the beginning of a file, and its delimiter. `sure` says that the file's name is that of a table.
pub(super) fn head(head: &[u8], end: u8, sure: bool) -> TableHead {
    let head = head.strip_prefix(BOM).unwrap_or(head);
    let line = head.split(|byte| *byte == end).next().unwrap_or_default().trim_ascii_end();
    let Ok(line) = std::str::from_utf8(line) else { return TableHead::Other };
    // A line that Excel writes.
    if let Some(delimiter) = separator(line) {
        return TableHead::Header { delimiter, behind_sep: true };
    }
    if line.starts_with('|') && line.trim_end().ends_with('|') && line.len() > 2 {
        return TableHead::Foreign("a table in Markdown; save it as CSV");
    }
    let comment = line.strip_prefix('#').is_some_and(|rest| rest.starts_with([' ', '#', '!']));
    if comment && (sure || line.len() > 2) {
        return TableHead::Foreign("a file that begins with a comment line (`#`); take such lines out");
    }
    match delimiter(line, sure) {
        Some(delimiter) => TableHead::Header { delimiter, behind_sep: false },
        None => TableHead::Other,
    }
}

/// Returns the delimiter of a line such as `sep=;`.
fn separator(line: &str) -> Option<u8> {
    let line = line.strip_prefix('"').map_or(line, |line| line.strip_suffix('"').unwrap_or(line));
    let rest = line.get(..4).filter(|name| name.eq_ignore_ascii_case("sep=")).map(|_| &line[4..])?;
    match rest.as_bytes() {
        [] if line.len() == 4 => Some(b'\t'),
        [byte] if byte.is_ascii_punctuation() && *byte != b'"' => Some(*byte),
        _ if rest.eq_ignore_ascii_case("\\t") => Some(b'\t'),
        _ => None,
    }
}

fn delimiter(line: &str, sure: bool) -> Option<u8> {
    let names = |delimiter: u8| split(line, delimiter).unwrap_or_default();
    let most = [b',', b'\t', b';', b'|'].into_iter().map(|delimiter| (names(delimiter).len(), delimiter));
    let (count, delimiter) = most.rev().max_by_key(|(count, _)| *count)?;
    let is_name = |name: &String| {
        let name = name.trim();
        name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | ':' | '/' | '(' | ')' | '#'))
            && name.len() <= 100
    };
    let named = count >= 2 && names(delimiter).iter().all(is_name) && names(delimiter).iter().any(|name| !name.trim().is_empty());
    (sure || named).then_some(delimiter)
}

impl DelimitedTable {
    /// Reads the header, and before it a line `sep=` if there is one.
    pub(super) fn open(
        name: &Arc<str>,
        reader: BoxedReader,
        end: u8,
        (delimiter, behind_sep): (u8, bool),
    ) -> Result<Self, DatasetError> {
        let mut table = DelimitedTable { name: name.clone(), reader, end, delimiter, header: Vec::new(), row: 0 };
        if behind_sep {
            table.record()?;
        }
        let header = table.record()?.unwrap_or_default();
        let header = table.cells(&header, 0)?;
        for (place, column) in header.iter().enumerate() {
            if header[..place].iter().any(|other| other.trim() == column.trim()) {
                let column = column.trim().to_owned();
                return Err(DatasetError::Header { file: name.clone(), column });
            }
        }
        table.header = header.into_iter().map(|column| column.trim().to_owned()).collect();
        Ok(table)
    }

    /// Returns the bytes of the next record that is not blank, without its line end.
    fn record(&mut self) -> Result<Option<Vec<u8>>, DatasetError> {
        let mut record = Vec::new();
        let mut state = RecordState::Start;
        loop {
            let from = record.len();
            match self.reader.read_until(self.end, &mut record) {
                Ok(0) if record.is_empty() => return Ok(None),
                Ok(0) => return Ok(Some(record)),
                Ok(_) => {}
                Err(error) => {
                    self.reader = Box::new(io::empty());
                    return Err(cut_off(&self.name, self.row + 1, &error));
                }
            }
            if from == 0 && record.trim_ascii() == BOM || from == 0 && record.trim_ascii().is_empty() && !record.contains(&b'\t')
            {
                record.clear();
                continue;
            }
            for byte in &record[from..] {
                state = state.next(*byte, self.delimiter);
            }
            if state != RecordState::Quoted {
                let end = record.strip_suffix(&[self.end]).unwrap_or(&record);
                let end = end.strip_suffix(b"\r").unwrap_or(end).len();
                record.truncate(end);
                return Ok(Some(record));
            }
        }
    }

    /// Returns the cells of a record.
    fn cells(&self, record: &[u8], row: usize) -> Result<Vec<String>, DatasetError> {
        let bad = |problem| DatasetError::Row { file: self.name.clone(), row, problem };
        let record = if row == 0 { record.strip_prefix(BOM).unwrap_or(record) } else { record };
        let text = std::str::from_utf8(record)
            .map_err(|error| bad(RowProblem::NotUtf8 { place: format!("byte {} of the row", error.valid_up_to() + 1) }))?;
        let cells = split(text, self.delimiter).map_err(|detail| bad(RowProblem::Cells { detail }))?;
        // Most TSV is written without quoting. There, a quotation mark at the beginning of a cell is a letter, and quoting would join two rows.
        if self.delimiter == b'\t' && cells.iter().any(|cell| cell.contains('\t') && cell.contains('\n')) {
            let detail = "a cell that begins with a quotation mark goes on over a tab and a line end; double quotation marks that are letters";
            return Err(bad(RowProblem::Cells { detail: detail.to_owned() }));
        }
        Ok(cells)
    }
}

impl Iterator for DelimitedTable {
    type Item = Result<(usize, Map<String, Value>), DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = match self.record() {
            Ok(record) => record?,
            Err(error) => return Some(Err(error)),
        };
        self.row += 1;
        let cells = match self.cells(&record, self.row) {
            Ok(cells) => cells,
            Err(error) => return Some(Err(error)),
        };
        if cells.len() != self.header.len() {
            let detail = format!("{} cells where the header has {} names", cells.len(), self.header.len());
            return Some(Err(DatasetError::Row {
                file: self.name.clone(),
                row: self.row,
                problem: RowProblem::Cells { detail },
            }));
        }
        let value = |cell: String| if cell.is_empty() { Value::Null } else { Value::String(cell) };
        Some(Ok((self.row, self.header.iter().cloned().zip(cells.into_iter().map(value)).collect())))
    }
}

/// The state of the parser inside a record.
#[derive(Clone, Copy, PartialEq)]
enum RecordState {
    /// At the beginning of a cell.
    Start,
    /// In a cell without quotes.
    Plain,
    /// Between quotes.
    Quoted,
    /// After a quote that closes, or the first one of two.
    Closed,
}

impl RecordState {
    fn next(self, byte: u8, delimiter: u8) -> RecordState {
        match (self, byte) {
            (RecordState::Quoted, b'"') => RecordState::Closed,
            (RecordState::Quoted, _) => RecordState::Quoted,
            (RecordState::Start | RecordState::Closed, b'"') => RecordState::Quoted,
            (_, byte) if byte == delimiter => RecordState::Start,
            _ => RecordState::Plain,
        }
    }
}

/// Splits a record's text into its cells.
fn split(text: &str, delimiter: u8) -> Result<Vec<String>, String> {
    let delimiter = char::from(delimiter);
    let mut cells = Vec::new();
    let mut rest = text;
    loop {
        let number = cells.len() + 1;
        let Some(quoted) = rest.strip_prefix('"') else {
            let end = rest.find(delimiter).unwrap_or(rest.len());
            cells.push(rest[..end].to_owned());
            match rest.get(end + 1..) {
                Some(more) => rest = more,
                None => return Ok(cells),
            }
            continue;
        };
        let mut cell = String::new();
        let mut inside = quoted;
        loop {
            let Some(end) = inside.find('"') else { return Err(format!("the quotes of cell {number} are never closed")) };
            cell.push_str(&inside[..end]);
            inside = &inside[end + 1..];
            match inside.strip_prefix('"') {
                Some(more) => {
                    cell.push('"');
                    inside = more;
                }
                None => break,
            }
        }
        cells.push(cell);
        match inside.strip_prefix(delimiter) {
            Some(more) => rest = more,
            None if inside.is_empty() => return Ok(cells),
            None => {
                let there: String = inside.chars().take(20).collect();
                return Err(format!("cell {number} goes on behind its closing quote: `{there}`"));
            }
        }
    }
}
