//! Parquet files, written here with the `parquet` crate's own writer.

use std::{path::Path, sync::Arc};

use parquet::{
    basic::Compression,
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type},
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use rrm::dataset::{DatasetError, ReadOptions, read};

use super::{columns, file, items};

/// Two rows in two row groups, with nested lists of structs as TRL and pandas write them.
const SCHEMA: &str = "message row {
    optional int64 id;
    required group prompt (LIST) { repeated group list { optional group element {
        optional binary role (UTF8); optional binary content (UTF8); } } }
    required group responses (LIST) { repeated group list { optional group element {
        optional binary text (UTF8); optional boolean correct; optional double temperature; } } }
    optional group tags (LIST) { repeated group list { optional binary element (UTF8); } }
    optional binary raw;
}";

const TWIN: &str = concat!(
    r#"{"id":1,"prompt":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Yes?"},{"role":"user","content":"P"}],"#,
    r#""responses":[{"text":"a","correct":true,"temperature":0.5},{"text":"b","correct":false,"temperature":null}],"#,
    r#""tags":["x","y"],"raw":"text"}"#,
    "\n",
    r#"{"id":2,"prompt":[{"role":"user","content":"Q"}],"#,
    r#""responses":[{"text":"","correct":null,"temperature":null},{"text":"é","correct":true,"temperature":1.5}],"#,
    r#""tags":null,"raw":"ff00"}"#,
    "\n"
);

type Levels = (&'static [i16], &'static [i16]);

fn texts(group: &mut SerializedRowGroupWriter<'_, std::fs::File>, values: &[&[u8]], (defined, repeated): Levels) {
    let values: Vec<ByteArray> = values.iter().map(|&value| value.to_vec().into()).collect();
    let mut column = group.next_column().unwrap().unwrap();
    let repeated = (!repeated.is_empty()).then_some(repeated);
    column.typed::<ByteArrayType>().write_batch(&values, Some(defined), repeated).unwrap();
    column.close().unwrap();
}

fn write_twin(path: &Path) {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let mut writer = SerializedFileWriter::new(std::fs::File::create(path).unwrap(), schema, Arc::new(properties)).unwrap();
    for row in 0..2 {
        let mut group = writer.next_row_group().unwrap();
        let mut id = group.next_column().unwrap().unwrap();
        id.typed::<Int64Type>().write_batch(&[row + 1], Some(&[1]), None).unwrap();
        id.close().unwrap();
        let first = row == 0;
        let turns: Levels = if first { (&[3, 3, 3], &[0, 1, 1]) } else { (&[3], &[0]) };
        texts(&mut group, if first { &[b"user", b"assistant", b"user"] } else { &[b"user"] }, turns);
        texts(&mut group, if first { &[b"Hi", b"Yes?", b"P"] } else { &[b"Q"] }, turns);
        texts(&mut group, if first { &[b"a", b"b"] } else { &[b"", b"\xc3\xa9"] }, (&[3, 3], &[0, 1]));
        let mut correct = group.next_column().unwrap().unwrap();
        let (values, defined): (&[bool], &[i16]) = if first { (&[true, false], &[3, 3]) } else { (&[true], &[2, 3]) };
        correct.typed::<BoolType>().write_batch(values, Some(defined), Some(&[0, 1])).unwrap();
        correct.close().unwrap();
        let mut temperature = group.next_column().unwrap().unwrap();
        let (values, defined): (&[f64], &[i16]) = if first { (&[0.5], &[3, 2]) } else { (&[1.5], &[2, 3]) };
        temperature.typed::<DoubleType>().write_batch(values, Some(defined), Some(&[0, 1])).unwrap();
        temperature.close().unwrap();
        texts(&mut group, if first { &[b"x", b"y"] } else { &[] }, if first { (&[3, 3], &[0, 1]) } else { (&[0], &[0]) });
        texts(&mut group, if first { &[b"text"] } else { &[b"\xff\x00"] }, (&[1], &[]));
        group.close().unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn a_parquet_file_reads_like_its_jsonl_twin() {
    let twin = file("twin.jsonl", TWIN);
    let table = twin.folder.path().join("twin.parquet");
    write_twin(&table);
    let expected = items(&twin.path, &ReadOptions::default());
    assert_eq!(items(&table, &ReadOptions::default()), expected);
    assert_eq!(expected[1].extra["raw"], "ff00");
    // The name does not matter.
    let renamed = twin.folder.path().join("twin.jsonl.gz");
    std::fs::rename(&table, &renamed).unwrap();
    assert_eq!(items(&renamed, &ReadOptions::default()), expected);
}

#[test]
fn a_missing_column_is_named_as_in_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("t.parquet");
    write_twin(&table);
    let options = ReadOptions { name: Some("t.parquet".to_owned()), ..columns(&["reference=tag"]) };
    let error = read(&table, &options).unwrap().next().unwrap().unwrap_err();
    insta::assert_snapshot!(error, @"t.parquet row 1: no column `tag` (for `reference`); nearest: `tags`; the row has: id, prompt, responses, tags, raw");
}

#[test]
fn a_table_without_rows_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("t.parquet");
    let schema = Arc::new(parse_message_type("message row { required binary prompt (UTF8); }").unwrap());
    SerializedFileWriter::new(std::fs::File::create(&table).unwrap(), schema, Arc::default()).unwrap().close().unwrap();
    let first = read(&table, &ReadOptions::default()).unwrap().next().unwrap();
    assert!(matches!(first, Err(DatasetError::Empty { .. })), "{first:?}");
}

#[test]
fn damaged_bytes_end_in_an_error_or_rows_and_never_in_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("t.parquet");
    write_twin(&table);
    let bytes = std::fs::read(&table).unwrap();
    let mut failed = 0;
    let places = (4..bytes.len()).step_by(11);
    for at in places.clone() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        std::fs::write(&table, damaged).unwrap();
        let rows: Vec<_> = read(&table, &ReadOptions::default()).into_iter().flatten().take(100).collect();
        failed += usize::from(rows.iter().any(Result::is_err) || rows.is_empty());
        assert!(rows.len() < 100, "byte {at}");
    }
    assert!(failed > places.len() / 10, "{failed} of {}", places.len());
    for length in places {
        std::fs::write(&table, &bytes[..length]).unwrap();
        assert!(read(&table, &ReadOptions::default()).is_err(), "cut to {length}");
    }
}
