//! Model folder -> an engine: the CPU decoder, the folder's vocabulary and its chat template, behind the scheduler.

use std::{path::PathBuf, sync::Arc};

use rrm::engine::{EngineError, EngineInfo};

use crate::{
    backend,
    batch::TokenBatch,
    checkpoint::{Checkpoint, CheckpointError},
    cpu::{CpuDecoder, CpuOptions, Storage, pool::Pool},
    engine::{LocalEngine, SchedulerConfig},
    text::ChatTokenizer,
};

/// The settings for opening a model folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalConfig {
    /// A Hugging Face folder: `config.json`, safetensors, `tokenizer.json`.
    pub folder: PathBuf,
    /// The type in which weights are kept; int8 changes texts.
    pub storage: Storage,
    /// Number of threads; `None` means all of the machine's. Changes no text.
    pub threads: Option<usize>,
    /// The way in which requests share the decoder, and the most tokens of a text.
    pub scheduler: SchedulerConfig,
}

impl LocalConfig {
    /// Settings for a folder with defaults for everything else.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        LocalConfig { folder: folder.into(), storage: Storage::AsStored, threads: None, scheduler: SchedulerConfig::default() }
    }
}

impl LocalEngine {
    /// Checks, fingerprints and loads a model. Blocks until done; the fingerprint reads all files.
    ///
    /// # Errors
    /// [`EngineError::Failed`] when the folder is incomplete, damaged or not supported, or does not fit into memory.
    pub fn open(config: LocalConfig) -> Result<Self, EngineError> {
        let name = format!("local:{}", config.folder.display());
        let failed = |detail: String| EngineError::Failed { engine: name.clone(), detail };
        let unreadable = |error: CheckpointError| failed(error.to_string());
        let checkpoint = Checkpoint::open(&config.folder).map_err(unreadable)?;
        let text = ChatTokenizer::open(&checkpoint).map_err(|error| failed(error.to_string()))?;
        let hash = checkpoint.fingerprint().map_err(unreadable)?;
        let options = CpuOptions { storage: config.storage, threads: config.threads };
        let decoder = CpuDecoder::open(&config.folder, options).map_err(|error| failed(error.to_string()))?;
        let fingerprint = format!("local-{}{}", hash.to_hex(), rounding(config.storage));
        let folder = config.folder.file_name().map_or_else(|| name.clone(), |folder| folder.to_string_lossy().into_owned());
        let name = format!("{folder} at {}", config.folder.display());
        let info = EngineInfo { name, fingerprint, seeds: true, logprobs: true, budget: true, paid: true };
        LocalEngine::start(info, Box::new(decoder), Arc::new(text), &config.scheduler)
    }
}

/// Returns the fingerprint's suffix for storage types that change texts. The stored type of a checkpoint is part of its hash.
fn rounding(storage: Storage) -> &'static str {
    match storage {
        Storage::AsStored | Storage::F32 => "",
        Storage::Bf16 => "-bf16",
        Storage::Int8 => "-int8",
    }
}

impl backend::Decoder for CpuDecoder {
    fn vocabulary(&self) -> usize {
        self.config().vocab_size
    }

    fn positions(&self) -> usize {
        self.config().max_position_embeddings
    }

    fn block_bytes(&self) -> usize {
        CpuDecoder::block_bytes(self)
    }

    fn allocate(&mut self, blocks: u32) -> Result<(), String> {
        CpuDecoder::allocate(self, blocks as usize).map_err(|error| error.to_string())
    }

    fn step(&mut self, batch: &TokenBatch) -> Result<(&[f32], Option<&mut Pool>), String> {
        let (logits, pool) = CpuDecoder::step(self, batch)?;
        Ok((logits, Some(pool)))
    }

    fn copy_block(&mut self, from: u32, to: u32) {
        CpuDecoder::copy_block(self, from, to);
    }
}
