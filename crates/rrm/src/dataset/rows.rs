//! A file of any kind -> its rows as JSON objects, one at a time.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::Path,
    sync::Arc,
    vec,
};

use flate2::bufread::MultiGzDecoder;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::error::{DatasetError, RowProblem, describe};

/// Rows with their positions, counted from 1.
pub type Rows = Box<dyn Iterator<Item = Result<(usize, Map<String, Value>), DatasetError>> + Send>;

type Reader = Box<dyn BufRead + Send>;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// How many bytes are looked at to tell the kind of a file: the first value of a row begins well within them.
const HEAD: u64 = 4096;

/// Beginnings of files that people hand over by mistake.
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

/// Opens `path`, whose kind is told by its first bytes, and by its name only where they do not tell.
pub(super) fn open(path: &Path, name: &Arc<str>) -> Result<Rows, DatasetError> {
    let failed = |detail: io::Error| match detail.kind() {
        io::ErrorKind::NotFound => DatasetError::Missing { file: name.clone() },
        _ => DatasetError::Io { file: name.clone(), detail },
    };
    if path.metadata().map_err(failed)?.is_dir() {
        return Err(DatasetError::Folder { file: name.clone() });
    }
    let (head, reader) = peek(Box::new(BufReader::new(File::open(path).map_err(failed)?))).map_err(failed)?;
    if head.starts_with(b"PAR1") {
        return super::parquet::rows(File::open(path).map_err(failed)?, name);
    }
    if head.starts_with(b"\x1f\x8b") {
        let (head, reader) =
            peek(Box::new(BufReader::new(MultiGzDecoder::new(reader)))).map_err(|error| cut_off(name, 1, &error))?;
        return text_rows(path, name, &head, reader);
    }
    text_rows(path, name, &head, reader)
}

/// The first bytes, and a reader that still gives them, and the error that came after them.
fn peek(mut reader: Reader) -> io::Result<(Vec<u8>, Reader)> {
    let mut head = Vec::new();
    match reader.by_ref().take(HEAD).read_to_end(&mut head) {
        Err(error) if head.is_empty() => return Err(error),
        Err(error) => reader = Box::new(BufReader::new(Failing(Some(error)))),
        Ok(_) => {}
    }
    Ok((head.clone(), Box::new(Cursor::new(head).chain(reader))))
}

/// Gives an error, then nothing.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

fn text_rows(path: &Path, name: &Arc<str>, head: &[u8], mut reader: Reader) -> Result<Rows, DatasetError> {
    let foreign = |found| Err(DatasetError::Kind { file: name.clone(), found });
    if let Some((_, found)) = FOREIGN.into_iter().find(|(magic, _)| head.starts_with(magic)) {
        return foreign(found);
    }
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return foreign("UTF-16 text; save it as UTF-8");
    }
    match head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start().first() {
        Some(b'[') => {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map_err(|error| cut_off(name, 1, &error))?;
            Ok(Box::new(list_rows(name, &bytes)))
        }
        Some(b'{') if is_spread(head) => {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map_err(|error| cut_off(name, 1, &error))?;
            Ok(lists_by_name(name, bytes))
        }
        None | Some(b'{') => Ok(Box::new(Lines { name: name.clone(), reader, line: Vec::new(), row: 0 })),
        Some(_) => match path.extension().and_then(|extension| extension.to_str()) {
            Some("parquet") => foreign("not Parquet, though its name says so"),
            Some("csv" | "tsv") => foreign("a table of comma- or tab-separated values"),
            _ => Ok(Box::new(Lines { name: name.clone(), reader, line: Vec::new(), row: 0 })),
        },
    }
}

/// A JSONL file; blank lines are no rows, but count.
struct Lines {
    name: Arc<str>,
    reader: Reader,
    line: Vec<u8>,
    row: usize,
}

impl Iterator for Lines {
    type Item = Result<(usize, Map<String, Value>), DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.line.clear();
            self.row += 1;
            match self.reader.read_until(b'\n', &mut self.line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => {
                    self.reader = Box::new(io::empty());
                    return Some(Err(cut_off(&self.name, self.row, &error)));
                }
            }
            let line = if self.row == 1 { self.line.strip_prefix(BOM).unwrap_or(&self.line) } else { &self.line };
            let line = line.trim_ascii_end();
            if !line.is_empty() {
                let row = |problem| DatasetError::Row { file: self.name.clone(), row: self.row, problem };
                return Some(line_row(line).map(|columns| (self.row, columns)).map_err(row));
            }
        }
    }
}

fn line_row(line: &[u8]) -> Result<Map<String, Value>, RowProblem> {
    let text = std::str::from_utf8(line)
        .map_err(|error| RowProblem::NotUtf8 { place: format!("byte {} of the line", error.valid_up_to() + 1) })?;
    let value = serde_json::from_str(text).map_err(|error| {
        let whole = if error.is_eof() { "; in JSONL each line holds one whole row" } else { "" };
        RowProblem::BrokenJson { place: format!("column {}", error.column()), detail: format!("{}{whole}", words(&error)) }
    })?;
    object(value)
}

fn object(value: Value) -> Result<Map<String, Value>, RowProblem> {
    match value {
        Value::Object(columns) => Ok(columns),
        other => Err(RowProblem::NotAnObject { found: describe(&other) }),
    }
}

/// Whether the first line is only the beginning of an object, as no row of JSONL is.
fn is_spread(head: &[u8]) -> bool {
    let head = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.trim_ascii_end() == b"{" && line.len() < head.len()
}

/// The rows of an object whose values are lists of rows, one list after the other; anything else is read, and refused, as JSONL.
fn lists_by_name(name: &Arc<str>, bytes: Vec<u8>) -> Rows {
    let text = bytes.strip_prefix(BOM).unwrap_or(&bytes);
    let lists: Option<Vec<Vec<Value>>> = serde_json::from_slice(text).ok().and_then(|lists: Map<String, Value>| {
        let list = |value| if let Value::Array(rows) = value { Some(rows) } else { None };
        lists.into_iter().map(|(_, value)| list(value)).collect()
    });
    let Some(lists) = lists else {
        return Box::new(Lines { name: name.clone(), reader: Box::new(Cursor::new(bytes)), line: Vec::new(), row: 0 });
    };
    let name = name.clone();
    let bad = move |row, problem| DatasetError::Row { file: name.clone(), row, problem };
    let rows = lists.into_iter().flatten().enumerate();
    Box::new(rows.map(move |(i, value)| object(value).map(|columns| (i + 1, columns)).map_err(|problem| bad(i + 1, problem))))
}

/// What a parser says, without the place that it appends.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

/// The elements of one JSON list, and what broke it after them.
fn list_rows(name: &Arc<str>, bytes: &[u8]) -> impl Iterator<Item = Result<(usize, Map<String, Value>), DatasetError>> + use<> {
    let mut rows: Vec<Value> = Vec::new();
    let broken = parse_list(bytes, &mut rows).err();
    let name = name.clone();
    let bad = move |row, problem| DatasetError::Row { file: name.clone(), row, problem };
    let broken = broken.map(|problem| Err(bad(rows.len() + 1, problem)));
    let rows: vec::IntoIter<Value> = rows.into_iter();
    rows.enumerate()
        .map(move |(i, value)| object(value).map(|columns| (i + 1, columns)).map_err(|problem| bad(i + 1, problem)))
        .chain(broken)
}

fn parse_list(bytes: &[u8], rows: &mut Vec<Value>) -> Result<(), RowProblem> {
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let (text, bad) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, false),
        // What is before the bad byte is parsed to know in which row it stands.
        Err(error) => (std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(), true),
    };
    let mut parser = serde_json::Deserializer::from_str(text);
    let parsed = Elements { rows }.deserialize(&mut parser).and_then(|()| parser.end());
    match parsed {
        _ if bad => Err(RowProblem::NotUtf8 { place: format!("byte {} of the file", text.len() + 1) }),
        Ok(()) => Ok(()),
        Err(error) => {
            let place = format!("line {} column {}", error.line(), error.column());
            Err(RowProblem::BrokenJson { place, detail: words(&error) })
        }
    }
}

/// Collects a list's elements, so that those before an error are known.
struct Elements<'a> {
    rows: &'a mut Vec<Value>,
}

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element()? {
            self.rows.push(element);
        }
        Ok(())
    }
}

/// An error while reading: the system gives it a number, the gzip decoder does not.
fn cut_off(name: &Arc<str>, row: usize, error: &io::Error) -> DatasetError {
    let file = name.clone();
    match error.raw_os_error() {
        Some(number) => DatasetError::Io { file, detail: io::Error::from_raw_os_error(number) },
        None => DatasetError::Damaged { file, row, what: "gzip stream", detail: error.to_string() },
    }
}
