//! Rows with a schema -> Parquet, in row groups of some thousand rows.

use std::{io::Write, sync::Arc};

use parquet::{
    basic::{Compression, ZstdLevel},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use serde_json::Value;

use super::{ColumnType, OutputRow};

/// Rows of a group, which are in memory at the same time.
const GROUP: usize = 4096;

/// Writer of rows with one schema.
pub struct ParquetRows<W: Write + Send> {
    schema: Vec<(&'static str, ColumnType)>,
    writer: SerializedFileWriter<W>,
    waiting: Vec<OutputRow>,
}

impl<W: Write + Send> ParquetRows<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// The error of the file or of the Parquet writer.
    pub fn new(to: W, schema: Vec<(&'static str, ColumnType)>) -> Result<Self, ParquetError> {
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let message = Arc::new(parse_message_type(&message(&schema))?);
        Ok(ParquetRows { schema, writer: SerializedFileWriter::new(to, message, Arc::new(properties))?, waiting: Vec::new() })
    }

    /// Adds one row. Writes a row group when enough rows wait.
    ///
    /// # Errors
    /// The error of the file or of the Parquet writer.
    pub fn row(&mut self, row: OutputRow) -> Result<(), ParquetError> {
        self.waiting.push(row);
        if self.waiting.len() < GROUP { Ok(()) } else { self.group() }
    }

    /// Ends the file and returns the writer below it.
    ///
    /// # Errors
    /// The error of the file or of the Parquet writer.
    pub fn finish(mut self) -> Result<W, ParquetError> {
        if !self.waiting.is_empty() {
            self.group()?;
        }
        self.writer.into_inner()
    }

    fn group(&mut self) -> Result<(), ParquetError> {
        let rows = std::mem::take(&mut self.waiting);
        let mut group = self.writer.next_row_group()?;
        for (name, kind) in &self.schema {
            let values: Vec<&Value> = rows.iter().map(|row| row.get(*name).unwrap_or(&Value::Null)).collect();
            match kind {
                ColumnType::Text => plain::<ByteArrayType>(&mut group, values.iter().map(|value| text(value)).collect())?,
                ColumnType::Flag => {
                    plain::<BoolType>(&mut group, values.iter().map(|v| v.as_bool().unwrap_or_default()).collect())?
                }
                ColumnType::Count => {
                    plain::<Int64Type>(&mut group, values.iter().map(|v| v.as_i64().unwrap_or_default()).collect())?
                }
                ColumnType::Number => {
                    plain::<DoubleType>(&mut group, values.iter().map(|v| v.as_f64().unwrap_or_default()).collect())?
                }
                ColumnType::MaybeCount => optional::<Int64Type>(&mut group, values.iter().map(|v| v.as_i64()).collect())?,
                ColumnType::MaybeNumber => optional::<DoubleType>(&mut group, values.iter().map(|v| v.as_f64()).collect())?,
                ColumnType::Turn => {
                    for field in TURN {
                        plain::<ByteArrayType>(&mut group, values.iter().map(|value| text(&value[field])).collect())?;
                    }
                }
                ColumnType::Turns => {
                    for field in TURN {
                        turns(&mut group, &values, field)?;
                    }
                }
            }
        }
        group.close()?;
        Ok(())
    }
}

const TURN: [&str; 2] = ["role", "content"];

fn message(schema: &[(&'static str, ColumnType)]) -> String {
    let turn = "required binary role (UTF8); required binary content (UTF8);";
    let column = |(name, kind): &(&str, ColumnType)| match kind {
        ColumnType::Text => format!("required binary {name} (UTF8);"),
        ColumnType::Flag => format!("required boolean {name};"),
        ColumnType::Count => format!("required int64 {name};"),
        ColumnType::Number => format!("required double {name};"),
        ColumnType::MaybeCount => format!("optional int64 {name};"),
        ColumnType::MaybeNumber => format!("optional double {name};"),
        ColumnType::Turn => format!("required group {name} {{ {turn} }}"),
        ColumnType::Turns => {
            format!("required group {name} (LIST) {{ repeated group list {{ required group element {{ {turn} }} }} }}")
        }
    };
    format!("message row {{ {} }}", schema.iter().map(column).collect::<Vec<_>>().join(" "))
}

fn text(value: &Value) -> ByteArray {
    value.as_str().unwrap_or_default().as_bytes().to_vec().into()
}

/// Writes a column with a value in every row.
fn plain<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    values: Vec<T::T>,
) -> Result<(), ParquetError> {
    column::<T>(group, &values, None)
}

/// Writes a column with a value or a null in every row.
fn optional<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    rows: Vec<Option<T::T>>,
) -> Result<(), ParquetError> {
    let defined: Vec<i16> = rows.iter().map(|row| i16::from(row.is_some())).collect();
    let values: Vec<T::T> = rows.into_iter().flatten().collect();
    let mut column = next(group)?;
    column.typed::<T>().write_batch(&values, Some(&defined), None)?;
    column.close()
}

/// Writes one field of the messages of every row. A row without messages has an entry without a value.
fn turns(group: &mut SerializedRowGroupWriter<'_, impl Write + Send>, rows: &[&Value], field: &str) -> Result<(), ParquetError> {
    let (mut values, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let turns = row.as_array().map(Vec::as_slice).unwrap_or_default();
        if turns.is_empty() {
            defined.push(0);
            repeated.push(0);
        }
        for (place, turn) in turns.iter().enumerate() {
            values.push(text(&turn[field]));
            defined.push(1);
            repeated.push(i16::from(place > 0));
        }
    }
    column::<ByteArrayType>(group, &values, Some((&defined, &repeated)))
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    values: &[T::T],
    levels: Option<(&[i16], &[i16])>,
) -> Result<(), ParquetError> {
    let mut column = next(group)?;
    let (defined, repeated) = levels.unzip();
    column.typed::<T>().write_batch(values, defined, repeated)?;
    column.close()
}

fn next<'a, W: Write + Send>(group: &'a mut SerializedRowGroupWriter<'_, W>) -> Result<SerializedColumnWriter<'a>, ParquetError> {
    group.next_column()?.ok_or_else(|| ParquetError::General("fewer columns than the schema has".to_owned()))
}
