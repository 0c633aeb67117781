//! A file of any kind -> its rows as JSON objects, one at a time.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Map, Value};

use super::{
    document::{self, ParsedDocument},
    error::DatasetError,
    lines::{JsonLines, object},
    mend::{self, Changes},
    problem::RowProblem,
    table::{self, DelimitedTable, TableHead},
    unique,
};

/// A row with its position, counted from 1.
pub(super) type NumberedRow = Result<(usize, Map<String, Value>), DatasetError>;

/// The rows of a file with their positions, counted from 1.
pub struct DatasetRows {
    rows: Box<dyn Iterator<Item = NumberedRow> + Send>,
    /// Whether all values are texts, as in a CSV file.
    pub(super) cells: bool,
    noted: Arc<RepairCounts>,
}

impl DatasetRows {
    pub(super) fn new(rows: impl Iterator<Item = NumberedRow> + Send + 'static) -> Self {
        DatasetRows { rows: Box::new(rows), cells: false, noted: Arc::default() }
    }

    /// Returns the same rows, each changed by `change`. Rows whose texts were repaired are errors, for callers that pass no notes on.
    pub(super) fn strict(
        self,
        file: Arc<str>,
        mut change: impl FnMut(&mut Map<String, Value>) -> Result<(), RowProblem> + Send + 'static,
    ) -> Self {
        let (noted, mut before) = (self.noted.clone(), 0);
        let rows = self.rows.map(move |next| {
            let (row, mut columns) = next?;
            let halves = noted.halves.rows.load(Ordering::Relaxed);
            if std::mem::replace(&mut before, halves) < halves {
                return Err(DatasetError::Row { file: file.clone(), row, problem: RowProblem::Half });
            }
            change(&mut columns).map_err(|problem| DatasetError::Row { file: file.clone(), row, problem })?;
            Ok((row, columns))
        });
        DatasetRows { rows: Box::new(rows), ..self }
    }

    /// Returns the same rows behind `ahead`, which were read from them before.
    pub(super) fn behind(self, ahead: Vec<NumberedRow>) -> Self {
        DatasetRows { rows: Box::new(ahead.into_iter().chain(self.rows)), ..self }
    }

    /// Returns notes on the repairs in the rows so far, one sentence each.
    pub(super) fn notes(&self) -> Vec<String> {
        self.noted.said()
    }
}

impl Iterator for DatasetRows {
    type Item = NumberedRow;

    fn next(&mut self) -> Option<NumberedRow> {
        self.rows.next()
    }
}

/// Counts of the repairs that were made while rows were read.
#[derive(Debug, Default)]
pub(super) struct RepairCounts {
    halves: Count,
    numbers: Count,
}

/// Number of rows, and the first of them.
#[derive(Debug, Default)]
pub(super) struct Count {
    rows: AtomicUsize,
    first: AtomicUsize,
}

impl Count {
    pub(super) fn add(&self, row: usize) {
        if self.rows.fetch_add(1, Ordering::Relaxed) == 0 {
            self.first.store(row, Ordering::Relaxed);
        }
    }

    pub(super) fn said(&self, what: &str) -> Option<String> {
        let (rows, first) = (self.rows.load(Ordering::Relaxed), self.first.load(Ordering::Relaxed));
        let place = if first == 0 { String::new() } else { format!(", the first is row {first}") };
        (rows > 0).then(|| format!("{what} ({rows} {}{place})", if rows == 1 { "row" } else { "rows" }))
    }
}

impl RepairCounts {
    /// Counts the repairs of a row; `row` is 0 if they belong to no single row.
    pub(super) fn add(&self, row: usize, changes: Changes) {
        if changes.halves > 0 {
            self.halves.add(row);
        }
        if changes.numbers > 0 {
            self.numbers.add(row);
        }
    }

    fn said(&self) -> Vec<String> {
        let halves = self.halves.said("half of a character (a lone \\ud800 to \\udfff) is read as U+FFFD");
        let numbers = self.numbers.said("NaN, Infinity or a number too large is read as null, in columns that nobody asked for");
        halves.into_iter().chain(numbers).collect()
    }
}

/// A boxed, buffered reader.
pub(super) type BoxedReader = Box<dyn BufRead + Send>;

pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// Number of bytes that are read to tell the kind of a file. The first value of a row begins well within them.
const HEAD: u64 = 4096;

/// First bytes of file kinds that are often passed by mistake.
const FOREIGN: [(&[u8], &str); 8] = [
    (b"PAR1", "Parquet inside gzip; decompress it"),
    (b"\x1f\x8b", "a gzip file inside a gzip file; decompress it once"),
    (b"\x28\xb5\x2f\xfd", "a zstd file; decompress it"),
    (b"\xfd7zXZ", "an xz file; decompress it"),
    (b"BZh", "a bzip2 file; decompress it"),
    (b"PK\x03\x04", "a zip or spreadsheet file; unpack it"),
    (b"ARROW1", "an Arrow file; save it as Parquet"),
    (b"\xff\xff\xff\xff", "an Arrow stream; save it as Parquet"),
];

/// Opens `path`. Its first bytes tell its kind; its name counts only if they do not.
pub(super) fn open(path: &Path, name: &Arc<str>) -> Result<DatasetRows, DatasetError> {
    let failed = |detail: io::Error| match detail.kind() {
        io::ErrorKind::NotFound => DatasetError::Missing { file: name.clone() },
        _ => DatasetError::Io { file: name.clone(), detail },
    };
    if path.metadata().map_err(failed)?.is_dir() {
        return Err(DatasetError::Folder { file: name.clone() });
    }
    let (head, reader) = peek(Box::new(BufReader::new(File::open(path).map_err(failed)?))).map_err(failed)?;
    if head.starts_with(b"PAR1") {
        return Ok(DatasetRows::new(super::parquet::rows(File::open(path).map_err(failed)?, name)?));
    }
    if head.starts_with(b"\x1f\x8b") {
        let (head, reader) = peek(super::gzip::unpacked(reader, name)?).map_err(|error| cut_off(name, 1, &error))?;
        return text_rows(path, name, &head, reader);
    }
    text_rows(path, name, &head, reader)
}

/// Returns the first bytes and a reader that still returns them, with the error that came after them, if any.
fn peek(mut reader: BoxedReader) -> io::Result<(Vec<u8>, BoxedReader)> {
    let mut head = Vec::new();
    match reader.by_ref().take(HEAD).read_to_end(&mut head) {
        Err(error) if head.is_empty() => return Err(error),
        Err(error) => reader = Box::new(BufReader::new(FailingReader(Some(error)))),
        Ok(_) => {}
    }
    Ok((head.clone(), Box::new(Cursor::new(head).chain(reader))))
}

/// A reader that returns one error and then ends.
struct FailingReader(Option<io::Error>);

impl Read for FailingReader {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

fn text_rows(path: &Path, name: &Arc<str>, head: &[u8], reader: BoxedReader) -> Result<DatasetRows, DatasetError> {
    let foreign = |found| Err(DatasetError::Kind { file: name.clone(), found });
    if let Some((_, found)) = FOREIGN.into_iter().find(|(magic, _)| head.starts_with(magic)) {
        return foreign(found);
    }
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return foreign("UTF-16 text; save it as UTF-8");
    }
    let end = line_end(head);
    match head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start().first() {
        Some(b'[') => Ok(of_document(name, document::list(&whole(name, reader)?))),
        None => Ok(lines(name, reader, end)),
        Some(b'{') => of_object(name, reader, end),
        Some(_) => {
            let ending = |wanted: &str| ending(path).is_some_and(|ending| ending == wanted);
            if ending("parquet") {
                return foreign("not Parquet, though its name says so");
            }
            match table::head(head, end, ending("csv") || ending("tsv")) {
                TableHead::Header { delimiter, behind_sep } => Ok(DatasetRows {
                    cells: true,
                    ..DatasetRows::new(DelimitedTable::open(name, reader, end, (delimiter, behind_sep))?)
                }),
                TableHead::Foreign(found) => foreign(found),
                TableHead::Other => Ok(lines(name, reader, end)),
            }
        }
    }
}

/// Returns the last extension of a file's name, without `.gz`.
fn ending(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map(|(_, ending)| ending.to_owned())
}

/// Returns the byte that ends lines: a line feed, or a carriage return alone, as in files of very old programs.
fn line_end(head: &[u8]) -> u8 {
    if head.contains(&b'\r') && !head.contains(&b'\n') { b'\r' } else { b'\n' }
}

fn lines(name: &Arc<str>, reader: BoxedReader, end: u8) -> DatasetRows {
    let noted = Arc::default();
    DatasetRows { rows: Box::new(JsonLines::new(name, reader, end, &noted)), cells: false, noted }
}

/// Reads a file that begins with an object: JSONL, unless its first line is the whole file or only the beginning of a value.
fn of_object(name: &Arc<str>, mut reader: BoxedReader, end: u8) -> Result<DatasetRows, DatasetError> {
    let mut first = Vec::new();
    if let Err(error) = reader.read_until(end, &mut first) {
        return Ok(lines(name, again(first, Box::new(BufReader::new(FailingReader(Some(error))))), end));
    }
    let text = std::str::from_utf8(first.strip_prefix(BOM).unwrap_or(&first)).unwrap_or_default().trim();
    match mend::parse(text, unique::object) {
        // A file of one line may hold many rows.
        Ok((Value::Object(columns), changes)) => {
            let (more, reader) =
                peek(reader).unwrap_or_else(|error| (vec![b'?'], Box::new(BufReader::new(FailingReader(Some(error))))));
            if more.trim_ascii().is_empty()
                && more.len() < HEAD as usize
                && let Some(rows) = document::held(&columns)
            {
                return Ok(of_document(name, ParsedDocument { rows, changes, broken: None }));
            }
            Ok(lines(name, again(first, reader), end))
        }
        Err(broken) if broken.cut => {
            let mut bytes = first;
            reader.read_to_end(&mut bytes).map_err(|error| cut_off(name, 1, &error))?;
            Ok(match document::objects(&bytes) {
                Some(document) => of_document(name, document),
                None => lines(name, Box::new(Cursor::new(bytes)), end),
            })
        }
        _ => Ok(lines(name, again(first, reader), end)),
    }
}

/// Returns a reader that returns these bytes first.
fn again(bytes: Vec<u8>, reader: BoxedReader) -> BoxedReader {
    Box::new(Cursor::new(bytes).chain(reader))
}

fn whole(name: &Arc<str>, mut reader: BoxedReader) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|error| cut_off(name, 1, &error))?;
    Ok(bytes)
}

/// Returns the rows of a file that was read whole, and the error after them, if any.
fn of_document(name: &Arc<str>, document: ParsedDocument) -> DatasetRows {
    let ParsedDocument { rows, changes, broken } = document;
    let noted: Arc<RepairCounts> = Arc::default();
    noted.add(0, changes);
    let name = name.clone();
    let bad = move |row, problem| DatasetError::Row { file: name.clone(), row, problem };
    let broken = broken.map(|problem| Err(bad(rows.len() + 1, problem)));
    let rows = rows.into_iter().enumerate();
    let rows = rows.map(move |(i, value)| object(value).map(|columns| (i + 1, columns)).map_err(|problem| bad(i + 1, problem)));
    DatasetRows { rows: Box::new(rows.chain(broken)), cells: false, noted }
}

/// Returns the error of a failed read. Errors of the operating system have a number, those of the gzip decoder do not.
pub(super) fn cut_off(name: &Arc<str>, row: usize, error: &io::Error) -> DatasetError {
    let file = name.clone();
    match error.raw_os_error() {
        Some(number) => DatasetError::Io { file, detail: io::Error::from_raw_os_error(number) },
        None => DatasetError::Damaged { file, row, what: "gzip stream", detail: error.to_string() },
    }
}
