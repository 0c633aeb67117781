//! Files -> items, and the words for files that cannot be read.

mod any_bytes;
mod beside;
mod chats;
mod doubled;
mod examples;
mod forms;
mod in_file;
mod kinds;
mod labels;
mod marked;
mod markup_talk;
mod messages;
mod named;
mod names;
mod parquet;
mod real;
mod silent;
mod speed;
mod tables;
mod transcripts;
mod unseen;

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use rrm::{
    chat::Message,
    dataset::{ColumnNames, DatasetError, Item, ReadOptions, read},
};
use tempfile::TempDir;

/// A folder with one file in it.
struct Fixture {
    folder: TempDir,
    path: PathBuf,
}

fn file(name: &str, content: impl AsRef<[u8]>) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    Fixture { folder, path }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn columns(specs: &[&str]) -> ReadOptions {
    ReadOptions { columns: ColumnNames::parse(specs).unwrap(), ..ReadOptions::default() }
}

fn items(path: &Path, options: &ReadOptions) -> Vec<Item> {
    read(path, options).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Reads one row.
fn row(json: &str, specs: &[&str]) -> Result<Item, DatasetError> {
    let options = ReadOptions { name: Some("pairs.jsonl".to_owned()), at_least: 1, ..columns(specs) };
    read(&file("pairs.jsonl", json).path, &options)?.next().unwrap()
}

fn texts(item: &Item) -> Vec<&str> {
    item.responses.iter().map(|response| &*response.text).collect()
}

fn turns(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|message| format!("{}: {}", message.role.as_str(), message.content)).collect()
}
