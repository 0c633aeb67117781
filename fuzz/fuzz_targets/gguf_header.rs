//! Any bytes -> a GGUF header or an error, never a panic, and never a tensor outside the file.
//!
//! `cargo +nightly fuzz run gguf_header fuzz/corpus/gguf_header fuzz/seeds/gguf_header` (make the corpus folder first); the seed is the
//! file that `valid_file` in `crates/rrm/tests/it/gguf.rs` writes.
#![no_main]

use std::{io::Cursor, path::Path};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(header) = rrm::gguf::read_header_from(Path::new("fuzz.gguf"), Cursor::new(bytes)) {
        for tensor in &header.tensors {
            assert!(header.data_offset + tensor.offset + tensor.size <= bytes.len() as u64);
        }
    }
});
