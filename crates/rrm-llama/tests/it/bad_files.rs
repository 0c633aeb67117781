//! Files that are no model: an error each time, and never the end of the process, which is what ggml would make of them.

use std::{fs, path::Path};

use rrm_llama::{LlamaConfig, LlamaEngine};

use crate::model;

fn refusal(path: &Path) -> String {
    match LlamaEngine::open(LlamaConfig::new(path)) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_no_gguf_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(refusal(&folder.path().join("absent.gguf")).contains("No such file"));
    assert!(refusal(folder.path()).contains("is a folder"));
    let text = folder.path().join("text.gguf");
    fs::write(&text, "GGU").unwrap();
    assert!(refusal(&text).contains("not a GGUF file"));
}

/// Writes `bytes` to a file and tells why it is refused.
fn refusal_of(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.gguf");
    fs::write(&path, bytes).unwrap();
    refusal(&path)
}

/// Replaces what begins `skip` bytes behind the beginning of the first `key`.
fn patch(bytes: &mut [u8], key: &str, skip: usize, new: &[u8]) {
    let at = bytes.windows(key.len()).position(|window| window == key.as_bytes()).unwrap() + skip;
    bytes[at..at + new.len()].copy_from_slice(new);
}

#[test]
fn damaged_models_are_refused() {
    let Some(path) = model() else { return };
    let whole = fs::read(&path).unwrap();
    assert!(refusal_of(&whole[..whole.len() - 1]).contains("passes the file's end"));
    assert!(refusal_of(&whole[..1000]).contains("damaged GGUF header"));
    // Each of these makes llama.cpp abort.
    for (key, value, reason) in [("llama.block_count", 0u32, "0 layers"), ("llama.block_count", 513, "513 layers")] {
        let mut bytes = whole.clone();
        // The value's type stands between key and value.
        patch(&mut bytes, key, key.len() + 4, &value.to_le_bytes());
        assert!(refusal_of(&bytes).contains(reason), "{key} {value}");
    }
    let mut doubled = whole.clone();
    patch(&mut doubled, "<gh_stars>", 0, b"<|im_end|>");
    assert!(refusal_of(&doubled).contains("of its vocabulary comes twice"));
    // And this one it refuses by itself.
    let mut incomplete = whole;
    patch(&mut incomplete, "output_norm.weight", 0, b"output_nurm.weight");
    assert!(refusal_of(&incomplete).contains("llama.cpp cannot load it"));
}
