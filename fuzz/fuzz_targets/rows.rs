//! Any bytes as a file of rows (JSONL, JSON, CSV, TSV) -> no row is judged whose texts are not in the file; never a panic.
//!
//! `cargo +nightly fuzz run rows fuzz/corpus/rows fuzz/seeds/rows` (make the corpus folder first; `RUSTC_BOOTSTRAP=1` where there is no nightly).
//! The seeds are files of rows of all kinds.
#![no_main]

#[path = "../../crates/rrm/tests/it/dataset/in_file.rs"]
mod in_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // The length chooses how the file is read, so that a file of rows is an input as it is.
    in_file::rows(bytes, bytes.len());
});
