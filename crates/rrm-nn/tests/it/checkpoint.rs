//! Folders of weights: what is stored is read back, and damaged or hostile files are errors that say which file.

use std::{fs, path::Path};

use half::{bf16, f16};
use proptest::prelude::*;
use rrm_nn::checkpoint::{Checkpoint, Dtype, HeaderError, read_header};
use serde_json::{Value, json};
use tempfile::TempDir;

const CONFIG: &str = r#"{"model_type": "llama", "vocab_size": 3, "hidden_size": 4, "intermediate_size": 6, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 1, "tie_word_embeddings": true}"#;

/// Tensors of [`CONFIG`] with their shapes.
const TENSORS: [(&str, &[usize]); 11] = [
    ("model.embed_tokens.weight", &[3, 4]),
    ("model.norm.weight", &[4]),
    ("model.layers.0.input_layernorm.weight", &[4]),
    ("model.layers.0.self_attn.q_proj.weight", &[4, 4]),
    ("model.layers.0.self_attn.k_proj.weight", &[2, 4]),
    ("model.layers.0.self_attn.v_proj.weight", &[2, 4]),
    ("model.layers.0.self_attn.o_proj.weight", &[4, 4]),
    ("model.layers.0.post_attention_layernorm.weight", &[4]),
    ("model.layers.0.mlp.gate_proj.weight", &[6, 4]),
    ("model.layers.0.mlp.up_proj.weight", &[6, 4]),
    ("model.layers.0.mlp.down_proj.weight", &[4, 6]),
];

/// Names and contents of files.
type Files<'a> = &'a [(&'a str, &'a [u8])];

/// A safetensors file: the length of the header, the header, the data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// A valid file of some tensors; number i of each is i / 4, which all three types hold exactly.
fn weights(tensors: &[(&str, &[usize])], dtype: Dtype) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    header.insert("__metadata__".to_owned(), json!({ "format": "pt" }));
    for (name, shape) in tensors {
        let from = data.len();
        for number in (0..shape.iter().product()).map(|i: usize| i as f32 / 4.0) {
            match dtype {
                Dtype::F16 => data.extend(f16::from_f32(number).to_le_bytes()),
                Dtype::BF16 => data.extend(bf16::from_f32(number).to_le_bytes()),
                _ => data.extend(number.to_le_bytes()),
            }
        }
        header.insert(
            (*name).to_owned(),
            json!({ "dtype": dtype.to_string(), "shape": shape, "data_offsets": [from, data.len()] }),
        );
    }
    file(&Value::Object(header).to_string(), &data)
}

fn folder(files: Files<'_>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), CONFIG).unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn refusal(folder: &Path) -> String {
    Checkpoint::open(folder).map_or_else(|error| error.to_string(), |_| "accepted".to_owned())
}

/// An index that puts the first four tensors into `a` and the others into `b`.
fn split_index(a: &str, b: &str) -> String {
    let map: serde_json::Map<String, Value> =
        TENSORS.iter().enumerate().map(|(i, (name, _))| ((*name).to_owned(), json!(if i < 4 { a } else { b }))).collect();
    json!({ "metadata": { "total_size": 1 }, "weight_map": map }).to_string()
}

#[test]
fn numbers_of_all_three_types_are_read_exactly() {
    for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16] {
        let folder = folder(&[("model.safetensors", &weights(&TENSORS, dtype))]);
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        for (name, shape) in TENSORS {
            let expected: Vec<f32> = (0..shape.iter().product()).map(|i: usize| i as f32 / 4.0).collect();
            assert_eq!(checkpoint.tensor(name, shape).unwrap(), expected, "{name}");
            assert_eq!(checkpoint.stored_as(name), Some(dtype));
        }
        let bytes: u64 = checkpoint.tensors().map(|(_, stored)| stored.bytes).sum();
        assert_eq!(bytes, checkpoint.config().parameters() * dtype.bitsize() as u64 / 8);
        assert_eq!(checkpoint.stored_as("lm_head.weight"), None);
    }
}

#[test]
fn split_weights_are_found_where_the_index_says() {
    // The second file holds the first tensor too, in another type: the index decides.
    let second: Vec<_> = TENSORS[4..].iter().chain(&TENSORS[..1]).copied().collect();
    let index = split_index("a.safetensors", "b.safetensors");
    let files: [(&str, &[u8]); 3] = [
        ("a.safetensors", &weights(&TENSORS[..4], Dtype::F32)),
        ("b.safetensors", &weights(&second, Dtype::BF16)),
        ("model.safetensors.index.json", index.as_bytes()),
    ];
    let folder = folder(&files);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    assert_eq!(checkpoint.stored_as(TENSORS[0].0), Some(Dtype::F32));
    assert_eq!(checkpoint.stored_as(TENSORS[4].0), Some(Dtype::BF16));
    assert_eq!(checkpoint.tensor(TENSORS[10].0, &[4, 6]).unwrap()[23], 5.75);
}

#[test]
fn the_fingerprint_follows_every_file_that_a_text_depends_on() {
    let folder = folder(&[("model.safetensors", &weights(&TENSORS, Dtype::F32)), ("README.md", b"a")]);
    let fingerprint = || Checkpoint::open(folder.path()).unwrap().fingerprint().unwrap();
    let mut seen = vec![fingerprint()];
    fs::write(folder.path().join("README.md"), "b").unwrap();
    assert_eq!(fingerprint(), seen[0]);
    for (name, text) in [
        ("tokenizer.json", "{}"),
        ("chat_template.jinja", "{}"),
        ("tokenizer_config.json", "{}"),
        ("generation_config.json", "{}"),
        ("config.json", &CONFIG.replace("true", "true ")),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
        seen.push(fingerprint());
    }
    let mut other = weights(&TENSORS, Dtype::F32);
    *other.last_mut().unwrap() ^= 1;
    fs::write(folder.path().join("model.safetensors"), other).unwrap();
    seen.push(fingerprint());
    let distinct: std::collections::HashSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len());
}

#[test]
fn errors_name_the_file_and_the_tensor() {
    let good = weights(&TENSORS, Dtype::F32);
    let mut wrong_shape = TENSORS.to_vec();
    wrong_shape[3].1 = &[2, 8];
    let (index, outside) = (split_index("a.safetensors", "b.safetensors"), split_index("../a", "b"));
    let cases: [(Files<'_>, &[&str]); 11] = [
        (&[("model.safetensors", &good), ("config.json", b"{")], &["config.json", "no JSON"]),
        (&[("model.safetensors", &good), ("config.json", b"{\"model_type\": \"bert\"}")], &["config.json", "`model_type`"]),
        (&[], &["holds neither"]),
        (&[("model.safetensors", &weights(&TENSORS[1..], Dtype::F32))], &["no tensor model.embed_tokens.weight"]),
        (&[("model.safetensors", &weights(&wrong_shape, Dtype::F32))], &["model.safetensors", "q_proj", "[2, 8]", "[4, 4]"]),
        (&[("model.safetensors", &weights(&TENSORS, Dtype::I32))], &["model.safetensors", "I32"]),
        (&[("model.safetensors", &good[..good.len() - 1])], &["model.safetensors", "cut off or damaged"]),
        (&[("model.safetensors.index.json", b"[]")], &["model.safetensors.index.json"]),
        (&[("model.safetensors.index.json", index.as_bytes())], &["a.safetensors", "No such file"]),
        (&[("model.safetensors.index.json", outside.as_bytes())], &["index.json", "\"../a\" is no name"]),
        (
            &[("model.safetensors.index.json", index.as_bytes()), ("a.safetensors", &good), ("b.safetensors", &file("{}", b""))],
            &["index.json", "model.layers.0", "is not in b.safetensors"],
        ),
    ];
    for (files, expected) in cases {
        let folder = folder(files);
        let message = refusal(folder.path());
        assert!(expected.iter().all(|word| message.contains(word)), "{expected:?}: {message}");
    }
    let folder = folder(&[("model.safetensors", &good)]);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    assert!(checkpoint.tensor("model.norm.weight", &[5]).unwrap_err().to_string().contains("[5]"));
    fs::write(folder.path().join("model.safetensors"), &good[..good.len() - 8]).unwrap();
    assert!(checkpoint.tensor(TENSORS[10].0, &[4, 6]).unwrap_err().to_string().contains("model.safetensors"));
}

#[test]
fn damaged_headers_are_refused() {
    let read = |bytes: &[u8]| read_header(bytes, bytes.len() as u64).map(|tensors| tensors.len());
    let tensor = |body: &str, data: usize| read(&file(&format!("{{\"a\":{{{body}}}}}"), &vec![0; data]));
    assert_eq!(read(b""), Err(HeaderError::Short));
    assert_eq!(read(&7u64.to_le_bytes()[..7]), Err(HeaderError::Short));
    assert_eq!(read(&u64::MAX.to_le_bytes()), Err(HeaderError::Long(u64::MAX)));
    assert_eq!(read(&100u64.to_le_bytes()), Err(HeaderError::CutHeader { header: 100, file: 8 }));
    assert_eq!(read(&file("{}", b"")), Ok(0));
    assert_eq!(read(&file("{}", b"x")), Err(HeaderError::Length { end: 10, file: 11 }));
    assert_eq!(tensor(r#""dtype":"F32","shape":[2],"data_offsets":[0,8]"#, 8), Ok(1));
    assert_eq!(tensor(r#""dtype":"F32","shape":[0],"data_offsets":[0,0]"#, 0), Ok(1));
    let huge = u64::MAX;
    let damaged = [
        file("", b""),
        file("[]", b""),
        file("null", b""),
        file("{\"a\":1}", b""),
        file(&"[".repeat(100_000), b""),
        file("{\"__metadata__\":{\"a\":1}}", b""),
        [&2u64.to_le_bytes()[..], b"\xff\xfe"].concat(),
        // Of another type, shape or length than the offsets say.
        file(r#"{"a":{"dtype":"F9","shape":[2],"data_offsets":[0,8]}}"#, &[0; 8]),
        file(r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, &[0; 8]),
        file(r#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, &[0; 8]),
        file(r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, &[0; 8]),
        file(r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#, &[0; 8]),
        file(r#"{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}"#, &[0; 2]),
        // Products that overflow.
        file(&format!(r#"{{"a":{{"dtype":"F32","shape":[{huge},{huge}],"data_offsets":[0,8]}}}}"#), &[0; 8]),
        file(&format!(r#"{{"a":{{"dtype":"F32","shape":[{huge}],"data_offsets":[0,8]}}}}"#), &[0; 8]),
        // A hole, an overlap.
        file(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, &[0; 8]),
        file(
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            &[0; 8],
        ),
    ];
    for bytes in damaged {
        assert!(
            matches!(read(&bytes), Err(HeaderError::Damaged(_))),
            "{:?}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(90)])
        );
    }
    // As long as a file could be: the end of the data cannot be added up.
    let far = format!(r#"{{"a":{{"dtype":"U8","shape":[{huge}],"data_offsets":[0,{huge}]}}}}"#);
    assert!(read(&file(&far, b"")).is_err());
    let past = format!(r#"{{"a":{{"dtype":"U8","shape":[{0}],"data_offsets":[0,{0}]}}}}"#, u64::MAX / 8);
    assert!(matches!(read(&file(&past, b"")), Err(HeaderError::Length { .. })));
}

proptest! {
    /// Every tensor of an accepted header lies within the file.
    #[test]
    fn any_change_of_bytes_is_refused_or_stays_inside_the_file(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        keep in any::<bool>(),
    ) {
        let mut bytes = weights(&TENSORS[..3], Dtype::BF16);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if !keep {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(tensors) = read_header(&bytes, bytes.len() as u64) {
            for (_, tensor) in tensors {
                prop_assert!(tensor.offset.checked_add(tensor.bytes).unwrap() <= bytes.len() as u64);
                let elements: usize = tensor.shape.iter().product();
                prop_assert_eq!(elements * tensor.dtype.bitsize(), tensor.bytes as usize * 8);
            }
        }
    }

    #[test]
    fn any_bytes_and_any_length_are_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..64), len in any::<u64>()) {
        let _ = read_header(&bytes, len);
        let _ = read_header(&file(&String::from_utf8_lossy(&bytes), b""), len);
    }
}
