//! Weights -> a Hugging Face folder that transformers (and PEFT, for adapters) can load as well as this crate.

use std::{
    borrow::Cow,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    TrainRunError,
    config::ModelSource,
    lora::LoraConfig,
    tensor_file::{self, Tensor},
    weights::TrainedWeights,
};
use crate::checkpoint::{CheckpointError, read_small};

/// Files of a vocabulary, which are copied if present.
const VOCABULARY: [&str; 9] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "generation_config.json",
    "chat_template.jinja",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
];

/// The files of a model other than its weights.
pub(super) struct ModelFiles {
    config: PathBuf,
    vocabulary: PathBuf,
    /// The base model's folder, which adapters refer to.
    base: String,
}

/// Returns the absolute path of the base model, with links resolved, so that adapters find it wherever they are loaded.
fn base(folder: &Path) -> String {
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned()).display().to_string()
}

impl ModelFiles {
    pub fn of(source: &ModelSource) -> Self {
        match source {
            ModelSource::Folder(folder) => {
                ModelFiles { config: folder.join("config.json"), vocabulary: folder.clone(), base: base(folder) }
            }
            ModelSource::Fresh(fresh) => {
                ModelFiles { config: fresh.config.clone(), vocabulary: fresh.tokenizer.clone(), base: String::new() }
            }
        }
    }

    /// Writes all files except the weights to a folder.
    fn copy(&self, folder: &Path) -> Result<(), TrainRunError> {
        let malformed = |what: String| CheckpointError::Malformed { file: self.config.clone(), what };
        let config = serde_json::from_slice(&read_small(&self.config)?).map_err(|error| malformed(error.to_string()))?;
        let Value::Object(mut config) = config else { return Err(malformed("is no object".to_owned()).into()) };
        // transformers loads weights in the type that is named here, whatever their stored type.
        config.remove("torch_dtype");
        config.insert("dtype".to_owned(), json!("float32"));
        write_json(&folder.join("config.json"), &Value::Object(config))?;
        for name in VOCABULARY {
            let (from, to) = (self.vocabulary.join(name), folder.join(name));
            if from.exists() {
                let copied = fs::copy(&from, &to).and_then(|_| File::open(&to)?.sync_all());
                copied.map_err(|source| TrainRunError::File { file: from, source })?;
            }
        }
        Ok(())
    }
}

/// Writes the trained weights: the whole model as `model.safetensors`, or adapters in PEFT's files.
pub(super) fn write(folder: &Path, files: &ModelFiles, weights: &TrainedWeights) -> Result<(), TrainRunError> {
    files.copy(folder)?;
    let Some(lora) = weights.lora() else { return write_model(folder, weights) };
    write_json(&folder.join("adapter_config.json"), &adapter_config(lora, &files.base))?;
    write_trained(&trained_file(folder, weights), weights, &[("", weights.trainable())])
}

/// Writes the whole model with adapters merged in.
pub(super) fn write_merged(folder: &Path, files: &ModelFiles, weights: &TrainedWeights) -> Result<(), TrainRunError> {
    files.copy(folder)?;
    write_model(folder, weights)
}

fn write_model(folder: &Path, weights: &TrainedWeights) -> Result<(), TrainRunError> {
    let tensor = |(name, shape): (String, Vec<usize>)| {
        let of = name.clone();
        Tensor { name, shape, values: Box::new(move || weights.merged(&of)) }
    };
    let tensors: Vec<_> = weights.config().tensors().into_iter().map(tensor).collect();
    let file = folder.join("model.safetensors");
    tensor_file::write(&file, &tensors).map_err(|source| TrainRunError::File { file, source })
}

/// Writes values in the layout of the trained weights. Each kind has a suffix behind the tensors' names.
pub(super) fn write_trained(file: &Path, weights: &TrainedWeights, kinds: &[(&str, &[f32])]) -> Result<(), TrainRunError> {
    let tensors = kinds.iter().flat_map(|(suffix, numbers)| {
        weights.views().iter().map(move |view| Tensor {
            name: format!("{}{suffix}", view.name),
            shape: view.shape.clone(),
            values: Box::new(|| Cow::Borrowed(&numbers[view.range.clone()])),
        })
    });
    let written = tensor_file::write(file, &tensors.collect::<Vec<_>>());
    written.map_err(|source| TrainRunError::File { file: file.to_owned(), source })
}

/// Reads values that [`write_trained`] or [`write`] wrote.
pub(super) fn read_trained(
    file: &Path,
    weights: &TrainedWeights,
    suffix: &str,
    numbers: &mut [f32],
) -> Result<(), TrainRunError> {
    let mut rest = numbers;
    // Views are adjacent.
    let wanted = weights.views().iter().map(|view| {
        let (values, after) = std::mem::take(&mut rest).split_at_mut(view.range.len());
        rest = after;
        (format!("{}{suffix}", view.name), view.shape.as_slice(), values)
    });
    tensor_file::read(file, wanted).map_err(|source| TrainRunError::File { file: file.to_owned(), source })
}

/// Returns the file of a checkpoint with the trained weights.
pub(super) fn trained_file(folder: &Path, weights: &TrainedWeights) -> PathBuf {
    folder.join(if weights.lora().is_some() { "adapter_model.safetensors" } else { "model.safetensors" })
}

/// Returns the adapter configuration for PEFT; absent fields have its defaults.
fn adapter_config(lora: &LoraConfig, base: &str) -> Value {
    // PEFT's own files have an integer here.
    let alpha = if lora.lora_alpha.fract() == 0.0 { json!(lora.lora_alpha as i64) } else { json!(lora.lora_alpha) };
    json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": lora.r,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "target_modules": lora.target_modules,
        "bias": "none",
        "fan_in_fan_out": false,
        "init_lora_weights": true,
        "inference_mode": true,
    })
}

fn write_json(file: &Path, value: &Value) -> Result<(), TrainRunError> {
    let written = File::create(file).and_then(|mut out| {
        out.write_all(format!("{value:#}\n").as_bytes())?;
        out.sync_all()
    });
    written.map_err(|source| TrainRunError::File { file: file.to_owned(), source })
}
