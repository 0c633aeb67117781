//! Why a training run cannot begin or go on.

use std::{io, path::PathBuf};

use rrm::{dataset::DatasetError, engine::EngineError};

use super::{trainee::PassError, weights::WeightsError};
use crate::{checkpoint::CheckpointError, cpu::CpuError};

/// The reason why a training run cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Weights cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Weights or adapters cannot be had.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A forward or backward pass cannot be made.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// A decoder cannot be had: no memory, no threads.
    #[error(transparent)]
    Decoder(#[from] CpuError),
    /// Completions cannot be had.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file of rows cannot be read.
    #[error(transparent)]
    Dataset(Box<DatasetError>),
    /// A row cannot be trained on.
    #[error("{file} row {row}: {what}")]
    Row {
        /// The file.
        file: String,
        /// The row, from 1.
        row: usize,
        /// Which field, and what is wrong with it: a template that fails, a text without tokens.
        what: String,
    },
    /// Data that leaves nothing to train on, or options that contradict each other.
    #[error("{option}: {what}")]
    Option {
        /// The option.
        option: String,
        /// What is wrong with it.
        what: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl From<DatasetError> for TrainError {
    fn from(error: DatasetError) -> Self {
        TrainError::Dataset(Box::new(error))
    }
}
