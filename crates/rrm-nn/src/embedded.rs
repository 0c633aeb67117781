//! Model files embedded in the program -> an engine.

use std::{path::PathBuf, sync::Arc};

use rrm::engine::{EngineError, EngineInfo};
use safetensors::{Dtype, SafeTensors};

use crate::{
    checkpoint::{CheckpointError, convert},
    config::ModelConfig,
    cpu::{CpuDecoder, CpuOptions, Storage},
    engine::{LocalEngine, SchedulerConfig},
    text::ChatTokenizer,
    tokens::ModelTokenizer,
};

/// A model that is embedded in the program.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedModel {
    /// Its name, for reports and errors.
    pub name: &'static str,
    /// Name and content of each file: `config.json`, `model.safetensors`, `tokenizer.json` and others of the folder.
    pub files: &'static [(&'static str, &'static [u8])],
}

impl LocalEngine {
    /// Loads an embedded model without writing files. `threads` as in [`LocalConfig`](crate::local::LocalConfig).
    ///
    /// # Errors
    /// [`EngineError::Failed`] when the files are not a model, or memory or threads are not available.
    pub fn embedded(model: EmbeddedModel, threads: Option<usize>, scheduler: &SchedulerConfig) -> Result<Self, EngineError> {
        let failed = |detail: String| EngineError::Failed { engine: model.name.to_owned(), detail };
        let must = |name: &str| model.find(name).ok_or_else(|| failed(format!("has no {name}")));
        let config = ModelConfig::parse(must("config.json")?).map_err(|error| failed(error.to_string()))?;
        let weights = SafeTensors::deserialize(must("model.safetensors")?).map_err(|error| failed(error.to_string()))?;
        let file = |name: &str| Ok(model.find(name).map(|bytes| (PathBuf::from(name), bytes.to_vec())));
        let tokenizer = ModelTokenizer::read(&file, config.vocab_size).map_err(|error| failed(error.to_string()))?;
        let text = ChatTokenizer::new(tokenizer).map_err(|error| failed(error.to_string()))?;
        let options = CpuOptions { storage: Storage::F32, threads };
        let decoder = CpuDecoder::new(&config, options, &mut |name, shape| tensor(&weights, name, shape));
        let decoder = decoder.map_err(|error| failed(error.to_string()))?;
        let fingerprint = format!("embedded-{}", model.hash().to_hex());
        let info =
            EngineInfo { name: model.name.to_owned(), fingerprint, seeds: true, logprobs: true, budget: true, paid: false };
        LocalEngine::start(info, Box::new(decoder), Arc::new(text), scheduler)
    }
}

impl EmbeddedModel {
    fn find(&self, name: &str) -> Option<&'static [u8]> {
        self.files.iter().find(|(file, _)| *file == name).map(|(_, bytes)| *bytes)
    }

    /// Returns a hash of all files with their names.
    fn hash(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_derive_key("rrm embedded model 1");
        for (name, bytes) in self.files {
            for part in [name.as_bytes(), bytes] {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
            }
        }
        hasher.finalize()
    }
}

/// Reads the values of one tensor of this shape.
fn tensor(weights: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
    let absent = || CheckpointError::NoTensor { folder: PathBuf::new(), tensor: name.to_owned() };
    let view = weights.tensor(name).map_err(|_| absent())?;
    if view.shape() != shape || !matches!(view.dtype(), Dtype::F32 | Dtype::F16 | Dtype::BF16) {
        return Err(absent());
    }
    let mut numbers = Vec::with_capacity(shape.iter().product());
    convert(view.dtype(), view.data(), &mut numbers);
    Ok(numbers)
}
