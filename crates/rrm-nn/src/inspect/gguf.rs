//! Header of a GGUF file -> a report.

use std::{collections::BTreeMap, path::Path};

use rrm::gguf::{GgufHeader, GgufTensor, read_header};

use super::{InspectError, ModelReport, WeightBytes};

/// Reads the header of a file.
pub(super) fn report(path: &Path, file_bytes: u64) -> Result<ModelReport, InspectError> {
    let header = read_header(path)?;
    let architecture = header.text("general.architecture").map(|name| name.chars().take(100).collect::<String>());
    let number = |name: &str| header.number(&format!("{}.{name}", architecture.as_deref().unwrap_or_default()));
    let heads = number("attention.head_count");
    let (mut memory, mut stored) = (WeightBytes::default(), BTreeMap::new());
    for tensor in &header.tensors {
        let rows = (tensor.shape.len() > 1).then(|| tensor.shape[1..].iter().product());
        memory.add(elements(tensor), rows);
        *stored.entry(type_name(tensor.element_type)).or_insert(0u64) += elements(tensor);
    }
    let problem = problem(&header);
    Ok(ModelReport {
        format: "gguf",
        parameters: header.tensors.iter().filter(|tensor| tensor.name != "rope_freqs.weight").map(elements).sum(),
        layers: number("block_count"),
        heads,
        kv_heads: number("attention.head_count_kv").or(heads),
        width: number("embedding_length"),
        context: number("context_length"),
        vocabulary: header.array("tokenizer.ggml.tokens").map(|tokens| tokens.len),
        stored,
        file_bytes,
        memory,
        chat_template: header.text("tokenizer.chat_template").is_some(),
        engine: problem.is_none().then(|| format!("gguf:{}", path.display())),
        problem,
        architecture,
    })
}

/// Returns the reason why llama.cpp cannot run the file, as far as the header shows.
fn problem(header: &GgufHeader) -> Option<String> {
    let kind = header.text("general.type").unwrap_or("model");
    if kind != "model" {
        return Some(format!("it holds a {kind:?}, not a whole model"));
    }
    if header.number("split.count").is_some_and(|count| count > 1) {
        return Some("it is one part of a split model; llama.cpp's `llama-gguf-split --merge` joins them".to_owned());
    }
    if header.tensors.is_empty() {
        return Some("it holds no weights".to_owned());
    }
    let tokens = header.array("tokenizer.ggml.tokens");
    tokens.is_none().then(|| "it holds no vocabulary".to_owned())
}

/// The number of elements of a tensor. The check of the header keeps the product within 64 bits.
fn elements(tensor: &GgufTensor) -> u64 {
    tensor.shape.iter().product()
}

/// Returns ggml's name of a common element type.
fn type_name(element_type: u32) -> String {
    let name = match element_type {
        0 => "f32",
        1 => "f16",
        2 => "q4_0",
        3 => "q4_1",
        6 => "q5_0",
        7 => "q5_1",
        8 => "q8_0",
        10 => "q2_k",
        11 => "q3_k",
        12 => "q4_k",
        13 => "q5_k",
        14 => "q6_k",
        20 => "iq4_nl",
        23 => "iq4_xs",
        30 => "bf16",
        39 => "mxfp4",
        other => return format!("type {other}"),
    };
    name.to_owned()
}
