//! Hugging Face folder -> a report, even if the decoder does not support the model.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;

use super::{ModelReport, WeightBytes};
use crate::{
    checkpoint::{Checkpoint, CheckpointError, StoredTensor, read_small, stored_tensors},
    config::ModelConfig,
    text::{ChatTokenizer, TextError},
};

/// Reads `config.json`, the headers of all weights files, and the vocabulary.
pub(super) fn report(folder: &Path) -> Result<ModelReport, CheckpointError> {
    let file = folder.join("config.json");
    let json = read_small(&file)?;
    let malformed = |what: String| CheckpointError::Malformed { file: file.clone(), what };
    let fields: Value = serde_json::from_slice(&json).map_err(|error| malformed(error.to_string()))?;
    let (files, tensors) = stored_tensors(folder)?;
    let number = |name: &str| fields[name].as_u64();
    let heads = number("num_attention_heads");
    let mut report = ModelReport {
        format: "safetensors",
        architecture: fields["model_type"].as_str().map(|name| name.chars().take(100).collect()),
        parameters: tensors.iter().map(|(_, tensor)| elements(tensor)).sum(),
        layers: number("num_hidden_layers"),
        heads,
        kv_heads: number("num_key_value_heads").or(heads),
        width: number("hidden_size"),
        context: number("max_position_embeddings"),
        vocabulary: number("vocab_size"),
        stored: BTreeMap::new(),
        file_bytes: files,
        memory: WeightBytes::default(),
        chat_template: has_template(folder)?,
        engine: None,
        problem: None,
    };
    for (_, tensor) in &tensors {
        *report.stored.entry(format!("{:?}", tensor.dtype).to_lowercase()).or_default() += elements(tensor);
    }
    match ModelConfig::parse(&json) {
        Ok(config) => supported(&mut report, &config),
        Err(_) => tensors.iter().for_each(|(_, tensor)| report.memory.add(elements(tensor), rows(&tensor.shape))),
    }
    match Checkpoint::open(folder).map_err(TextError::from).and_then(|checkpoint| ChatTokenizer::open(&checkpoint)) {
        Ok(_) => report.engine = Some(format!("local:{}", folder.display())),
        Err(problem) => report.problem = Some(problem.to_string()),
    }
    Ok(report)
}

/// Completes the report of a supported model with the defaults of the configuration and the tensors that the decoder uses.
fn supported(report: &mut ModelReport, config: &ModelConfig) {
    report.parameters = config.parameters();
    report.layers = Some(config.num_hidden_layers as u64);
    report.heads = Some(config.num_attention_heads as u64);
    report.kv_heads = Some(config.num_key_value_heads as u64);
    report.width = Some(config.hidden_size as u64);
    report.context = Some(config.max_position_embeddings as u64);
    report.vocabulary = Some(config.vocab_size as u64);
    for (_, shape) in config.tensors() {
        report.memory.add(shape.iter().map(|extent| *extent as u64).product(), rows(&shape));
    }
}

fn has_template(folder: &Path) -> Result<bool, CheckpointError> {
    if folder.join("chat_template.jinja").exists() {
        return Ok(true);
    }
    let file = folder.join("tokenizer_config.json");
    if !file.exists() {
        return Ok(false);
    }
    let settings: Value = serde_json::from_slice(&read_small(&file)?)
        .map_err(|error| CheckpointError::Malformed { file, what: error.to_string() })?;
    Ok(!settings["chat_template"].is_null())
}

fn rows(shape: &[usize]) -> Option<u64> {
    shape.split_last().filter(|(_, rows)| !rows.is_empty()).map(|(_, rows)| rows.iter().map(|extent| *extent as u64).product())
}

/// The number of elements of a tensor. The check of the header keeps the product within 64 bits.
fn elements(tensor: &StoredTensor) -> u64 {
    tensor.bytes * 8 / tensor.dtype.bitsize() as u64
}
