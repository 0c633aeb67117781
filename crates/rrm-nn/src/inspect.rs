//! A folder or a GGUF file -> a description of its model, and whether rrm can run it. Reads headers, never weights.

use std::{collections::BTreeMap, fs, io, path::Path};

use rrm::gguf::GgufError;
use serde::Serialize;

use crate::checkpoint::CheckpointError;

mod folder;
mod gguf;

/// A description of a model. Properties that no file states are `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelReport {
    /// `safetensors` or `gguf`.
    pub format: &'static str,
    /// The architecture, such as `qwen2`.
    pub architecture: Option<String>,
    /// The number of weights and biases.
    pub parameters: u64,
    /// The number of layers.
    pub layers: Option<u64>,
    /// The number of query heads.
    pub heads: Option<u64>,
    /// The number of heads of keys and values.
    pub kv_heads: Option<u64>,
    /// The width of hidden states.
    pub width: Option<u64>,
    /// The number of positions that the model was trained for.
    pub context: Option<u64>,
    /// The number of tokens in the vocabulary.
    pub vocabulary: Option<u64>,
    /// The number of stored values by type.
    pub stored: BTreeMap<String, u64>,
    /// Bytes of all weights files.
    pub file_bytes: u64,
    /// Bytes of the weights in memory.
    pub memory: WeightBytes,
    /// Whether the model has a chat template.
    pub chat_template: bool,
    /// The engine that can run the model, such as `local:DIR`; `None` if there is none.
    pub engine: Option<String>,
    /// The reason why no engine can run it.
    pub problem: Option<String>,
}

/// Bytes of the weights in memory by type, without keys and values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WeightBytes {
    /// Four bytes for each weight.
    pub f32: u64,
    /// Two bytes for each weight of a matrix.
    pub bf16: u64,
    /// One byte for each weight of a matrix, and four for each row.
    pub int8: u64,
}

/// The reason why a path cannot be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It cannot be read.
    #[error("{file}: {source}")]
    Io {
        /// The path.
        file: String,
        /// The operating system's error.
        source: io::Error,
    },
    /// The folder is incomplete or damaged.
    #[error(transparent)]
    Folder(#[from] CheckpointError),
    /// The file is not a GGUF file, or is damaged.
    #[error(transparent)]
    Gguf(#[from] GgufError),
}

/// Inspects a folder of safetensors or a GGUF file.
///
/// # Errors
/// When the path cannot be read or is damaged. An intact model that rrm cannot run is not an error: [`ModelReport::problem`] gives the reason.
pub fn inspect(path: &Path) -> Result<ModelReport, InspectError> {
    let about = fs::metadata(path).map_err(|source| InspectError::Io { file: path.display().to_string(), source })?;
    if about.is_dir() { Ok(folder::report(path)?) } else { gguf::report(path, about.len()) }
}

impl WeightBytes {
    /// Adds a tensor of `elements` values in `rows` rows. Vectors have `None` and are never rounded.
    fn add(&mut self, elements: u64, rows: Option<u64>) {
        let plus = |sum: u64, bytes: u64, each: u64| sum.saturating_add(bytes.saturating_mul(each));
        self.f32 = plus(self.f32, elements, 4);
        self.bf16 = plus(self.bf16, elements, if rows.is_some() { 2 } else { 4 });
        self.int8 = plus(self.int8, elements, if rows.is_some() { 1 } else { 4 });
        self.int8 = plus(self.int8, rows.unwrap_or(0), 4);
    }
}
