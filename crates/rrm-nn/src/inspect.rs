//! A folder or a GGUF file -> what model it holds and whether rrm can run it. Reads headers, never weights.

use std::{collections::BTreeMap, fs, io, path::Path};

use rrm::gguf::GgufError;
use serde::Serialize;

use crate::checkpoint::CheckpointError;

mod folder;
mod gguf;

/// A description of a model. Counts that nothing states are absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelReport {
    /// `safetensors` or `gguf`.
    pub format: &'static str,
    /// Its kind, such as `qwen2`.
    pub architecture: Option<String>,
    /// Weights and biases.
    pub parameters: u64,
    /// Layers.
    pub layers: Option<u64>,
    /// Heads of queries.
    pub heads: Option<u64>,
    /// Heads of keys and values.
    pub kv_heads: Option<u64>,
    /// Width between layers.
    pub width: Option<u64>,
    /// Positions that it was trained for.
    pub context: Option<u64>,
    /// Tokens.
    pub vocabulary: Option<u64>,
    /// How many numbers are stored in each type.
    pub stored: BTreeMap<String, u64>,
    /// Bytes of all files of weights.
    pub file_bytes: u64,
    /// What its weights take in memory.
    pub memory: WeightBytes,
    /// Whether it brings a chat template.
    pub chat_template: bool,
    /// The engine that runs it, such as `local:DIR`, where one does.
    pub engine: Option<String>,
    /// Why none does.
    pub problem: Option<String>,
}

/// Bytes of weights, without keys and values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WeightBytes {
    /// Four bytes a weight.
    pub f32: u64,
    /// Two bytes a weight of a matrix.
    pub bf16: u64,
    /// One byte a weight of a matrix, and four for each row.
    pub int8: u64,
}

/// The reason why there is nothing to say about a path.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It cannot be read.
    #[error("{file}: {source}")]
    Io {
        /// The path.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// The folder is incomplete or damaged.
    #[error(transparent)]
    Folder(#[from] CheckpointError),
    /// The file is no GGUF file, or a damaged one.
    #[error(transparent)]
    Gguf(#[from] GgufError),
}

/// Looks into a folder of safetensors or a GGUF file.
///
/// # Errors
/// When it cannot be read or is damaged. A sound model that rrm cannot run is no error: [`ModelReport::problem`] says why.
pub fn inspect(path: &Path) -> Result<ModelReport, InspectError> {
    let about = fs::metadata(path).map_err(|source| InspectError::Io { file: path.display().to_string(), source })?;
    if about.is_dir() { Ok(folder::report(path)?) } else { gguf::report(path, about.len()) }
}

impl WeightBytes {
    /// Adds a tensor of `elements` numbers in `rows` rows; vectors, which are never rounded, have none.
    fn add(&mut self, elements: u64, rows: Option<u64>) {
        let plus = |sum: u64, bytes: u64, each: u64| sum.saturating_add(bytes.saturating_mul(each));
        self.f32 = plus(self.f32, elements, 4);
        self.bf16 = plus(self.bf16, elements, if rows.is_some() { 2 } else { 4 });
        self.int8 = plus(self.int8, elements, if rows.is_some() { 1 } else { 4 });
        self.int8 = plus(self.int8, rows.unwrap_or(0), 4);
    }
}
