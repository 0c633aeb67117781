//! GGUF headers: what a valid file says is read back, and no bytes whatever make the reader panic or grow.

use std::{io::Cursor, path::Path};

use proptest::prelude::*;
use rrm::gguf::{GgufError, GgufHeader, GgufValue, read_header, read_header_from};

/// A small valid file: every value type, an array of each kind, two tensors.
fn valid_file() -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3u32.to_le_bytes());
    bytes.extend(2u64.to_le_bytes());
    let values: Vec<(&str, u32, Vec<u8>)> = vec![
        ("general.architecture", 8, text("llama")),
        ("general.alignment", 4, 32u32.to_le_bytes().to_vec()),
        ("a.u8", 0, vec![7]),
        ("a.i8", 1, vec![0xff]),
        ("a.u16", 2, 512u16.to_le_bytes().to_vec()),
        ("a.i16", 3, (-2i16).to_le_bytes().to_vec()),
        ("a.i32", 5, (-3i32).to_le_bytes().to_vec()),
        ("a.f32", 6, 0.5f32.to_le_bytes().to_vec()),
        ("a.bool", 7, vec![1]),
        ("a.u64", 10, u64::MAX.to_le_bytes().to_vec()),
        ("a.i64", 11, i64::MIN.to_le_bytes().to_vec()),
        ("a.f64", 12, 0.25f64.to_le_bytes().to_vec()),
        ("a.floats", 9, [6u32.to_le_bytes().to_vec(), 3u64.to_le_bytes().to_vec(), vec![0; 12]].concat()),
        ("a.texts", 9, [8u32.to_le_bytes().to_vec(), 2u64.to_le_bytes().to_vec(), text("one"), text("two")].concat()),
    ];
    bytes.extend((values.len() as u64).to_le_bytes());
    for (key, kind, value) in values {
        bytes.extend(text(key));
        bytes.extend(kind.to_le_bytes());
        bytes.extend(value);
    }
    // Q8_0: 64 elements are 68 bytes, padded to 96; F32: 2 x 3 elements are 24 bytes.
    for (name, shape, kind, offset) in [("token_embd.weight", vec![32u64, 2], 8u32, 0u64), ("output.weight", vec![2, 3], 0, 96)] {
        bytes.extend(text(name));
        bytes.extend((shape.len() as u32).to_le_bytes());
        shape.iter().for_each(|extent| bytes.extend(extent.to_le_bytes()));
        bytes.extend(kind.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(32) + 96 + 24, 0);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [(text.len() as u64).to_le_bytes().to_vec(), text.as_bytes().to_vec()].concat()
}

fn read(bytes: &[u8]) -> Result<GgufHeader, GgufError> {
    read_header_from(Path::new("test.gguf"), Cursor::new(bytes))
}

/// The valid file with the first `from` replaced by `to`, of the same length.
fn altered(from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = valid_file();
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

#[test]
fn a_valid_file_is_read_back() {
    let header = read(&valid_file()).unwrap();
    assert_eq!(header.version, 3);
    assert_eq!(header.text("general.architecture"), Some("llama"));
    assert_eq!(header.number("a.u64"), Some(u64::MAX));
    assert_eq!(header.number("a.i8"), None, "a negative number is no count");
    assert_eq!(header.metadata["a.i16"], GgufValue::Signed(-2));
    assert_eq!(header.metadata["a.f64"], GgufValue::Float(0.25));
    assert_eq!(header.metadata["a.bool"], GgufValue::Bool(true));
    assert_eq!(header.array("a.texts").unwrap().len, 2);
    let places: Vec<_> = header.tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.offset, tensor.size)).collect();
    assert_eq!(places, [("token_embd.weight", 0, 68), ("output.weight", 96, 24)]);
    assert_eq!(header.data_offset % 32, 0);
}

#[test]
fn texts_of_an_array_can_be_visited() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gguf");
    std::fs::write(&path, valid_file()).unwrap();
    let header = read_header(&path).unwrap();
    let mut seen = Vec::new();
    rrm::gguf::visit_texts(&path, header.array("a.texts").unwrap(), |index, bytes| seen.push((index, bytes.to_vec()))).unwrap();
    assert_eq!(seen, [(0, b"one".to_vec()), (1, b"two".to_vec())]);
    assert!(rrm::gguf::visit_texts(&path, header.array("a.floats").unwrap(), |_, _| ()).is_err());
}

#[test]
fn every_way_of_being_wrong_is_refused() {
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        ("empty", "not a GGUF", vec![]),
        ("magic", "not a GGUF", altered(b"GGUF", b"GGML")),
        ("version 4", "version 4", altered(&[3, 0, 0, 0, 2], &[4, 0, 0, 0, 2])),
        ("big-endian", "version 50331648", altered(&[3, 0, 0, 0, 2], &[0, 0, 0, 3, 2])),
        ("tensor count", "more than can be there", altered(&[3, 0, 0, 0, 2], &[3, 0, 0, 0, 0xff])),
        ("alignment", "general.alignment", altered(&[4, 0, 0, 0, 32, 0, 0, 0], &[4, 0, 0, 0, 33, 0, 0, 0])),
        ("alignment 0", "general.alignment", altered(&[4, 0, 0, 0, 32, 0, 0, 0], &[4, 0, 0, 0, 0, 0, 0, 0])),
        ("doubled key", "comes twice", altered(b"a.i16", b"a.u16")),
        ("zero in a key", "bad key", altered(b"a.i16", b"a.\0\x31\x36")),
        ("truth value", "truth value", altered(&[7, 0, 0, 0, 1], &[7, 0, 0, 0, 2])),
        ("value type", "unknown value type", altered(&[7, 0, 0, 0, 1], &[13, 0, 0, 0, 1])),
        ("no UTF-8", "not UTF-8", altered(b"llama", b"ll\xff\xfea")),
        ("long array", "more than can be there", altered(&[6, 0, 0, 0, 3, 0, 0, 0, 0], &[6, 0, 0, 0, 3, 0, 0, 0, 0x7f])),
        ("nested array", "nested array", altered(&[6, 0, 0, 0, 3, 0, 0, 0, 0], &[9, 0, 0, 0, 3, 0, 0, 0, 0])),
        (
            "tensor type",
            "cannot have shape",
            altered(&[8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13], &[4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13]),
        ),
        ("tensor gap", "is not at", altered(&[96, 0, 0, 0], &[128, 0, 0, 0])),
        ("row of no whole block", "cannot have shape", altered(&[2, 0, 0, 0, 32, 0], &[2, 0, 0, 0, 33, 0])),
        ("extent 0", "cannot have shape", altered(&[2, 0, 0, 0, 32, 0], &[2, 0, 0, 0, 0, 0])),
        ("dimensions", "5 dimensions", altered(&[2, 0, 0, 0, 32, 0], &[5, 0, 0, 0, 32, 0])),
    ];
    for (name, expected, bytes) in cases {
        let error = read(&bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
    assert!(read_header(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_err().to_string().contains("is a folder"));
}

#[test]
fn every_truncation_is_refused() {
    let bytes = valid_file();
    for len in 0..bytes.len() {
        assert!(read(&bytes[..len]).is_err(), "{len} of {} bytes", bytes.len());
    }
}

#[test]
fn a_huge_text_is_refused_before_it_is_allocated() {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3u32.to_le_bytes());
    bytes.extend(0u64.to_le_bytes());
    bytes.extend(1u64.to_le_bytes());
    bytes.extend((1u64 << 60).to_le_bytes());
    bytes.resize(200, b'a');
    assert!(read(&bytes).unwrap_err().to_string().contains("more than can be there"));
}

#[test]
fn a_real_file_is_read() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/SmolLM2-135M-Instruct.Q4_1.gguf"));
    if !path.exists() {
        crate::skipping::skipped(&format!("{} is absent, scripts/fetch-smollm2.sh fetches it", path.display()));
        return;
    }
    let header = read_header(path).unwrap();
    assert_eq!(header.text("general.architecture"), Some("llama"));
    assert_eq!(header.number("llama.block_count"), Some(30));
    let last = header.tensors.last().unwrap();
    assert_eq!(header.data_offset + last.offset + last.size, std::fs::metadata(path).unwrap().len());
}

proptest! {
    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in any::<prop::sample::Index>()) {
        let mut bytes = valid_file();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(header) = read(&bytes) {
            let end = header.tensors.iter().map(|tensor| header.data_offset + tensor.offset + tensor.size).max();
            prop_assert!(end.is_none_or(|end| end <= bytes.len() as u64));
        }
        let _ = read(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn a_header_of_noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend(noise);
        let _ = read(&bytes);
    }
}
