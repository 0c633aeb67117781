//! Parquet -> rows as JSON objects, through the row reader of the `parquet` crate, row group by row group.

use std::{
    fmt::Write,
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use parquet::{
    errors::ParquetError,
    file::reader::SerializedFileReader,
    record::{Field, reader::RowIter},
};
use serde_json::{Map, Number, Value};

use super::{error::DatasetError, rows::NumberedRow};

/// Opens a Parquet file. Returns an iterator over its rows.
pub(super) fn rows(file: File, name: &Arc<str>) -> Result<impl Iterator<Item = NumberedRow> + Send + use<>, DatasetError> {
    let opened = guarded(|| SerializedFileReader::new(file).map(|reader| RowIter::from_file_into(Box::new(reader))));
    let mut table = Some(opened.map_err(|detail| damaged(name, 1, detail))?);
    let name = name.clone();
    let mut row = 0;
    Ok(std::iter::from_fn(move || {
        let rows = table.as_mut()?;
        row += 1;
        let next = guarded(|| rows.next().transpose().map(|next| next.map(|next| columns(next.into_columns())))).transpose()?;
        if next.is_err() {
            // The reader would return the same error without end.
            table = None;
        }
        Some(next.map(|columns| (row, columns)).map_err(|detail| damaged(&name, row, detail)))
    }))
}

/// Runs `read` and turns its panics into errors. The crate asserts on schemas and values that it does not know; a user's file must not end the
/// process.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
            (Some(text), _) => text.clone(),
            (None, Some(text)) => (*text).to_owned(),
            (None, None) => "a value or schema of an unknown kind".to_owned(),
        }),
    }
}

fn damaged(name: &Arc<str>, row: usize, detail: String) -> DatasetError {
    DatasetError::Damaged { file: name.clone(), row, what: "Parquet data", detail }
}

fn columns(fields: Vec<(String, Field)>) -> Map<String, Value> {
    fields.into_iter().map(|(name, field)| (name, value(field))).collect()
}

/// Converts a value to JSON. Bytes become text if they are UTF-8 (old writers do not mark text), otherwise hexadecimal; dates and times become the
/// integers of the file; decimals become text; numbers that are not finite become null.
fn value(field: Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => value.into(),
        Field::Byte(n) => n.into(),
        Field::Short(n) => n.into(),
        Field::Int(n) | Field::Date(n) | Field::TimeMillis(n) => n.into(),
        Field::Long(n) | Field::TimeMicros(n) | Field::TimestampMillis(n) | Field::TimestampMicros(n) => n.into(),
        Field::UByte(n) => n.into(),
        Field::UShort(n) => n.into(),
        Field::UInt(n) => n.into(),
        Field::ULong(n) => n.into(),
        Field::Float16(n) => float(f64::from(n)),
        Field::Float(n) => float(f64::from(n)),
        Field::Double(n) => float(n),
        Field::Decimal(_) => field.to_string().into(),
        Field::Str(text) => text.into(),
        Field::Bytes(bytes) => std::str::from_utf8(bytes.data()).map_or_else(|_| hex(bytes.data()), str::to_owned).into(),
        Field::Group(row) => columns(row.into_columns()).into(),
        Field::ListInternal(list) => list.elements().iter().cloned().map(value).collect(),
        Field::MapInternal(map) => {
            Value::Object(map.entries().iter().cloned().map(|(key, field)| (key_text(key), value(field))).collect())
        }
    }
}

fn key_text(key: Field) -> String {
    match value(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn float(n: f64) -> Value {
    Number::from_f64(n).map_or(Value::Null, Value::Number)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
