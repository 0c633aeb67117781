//! Errors of training.

use std::{io, path::PathBuf};

use rrm::{dataset::DatasetError, engine::EngineError};

use super::{trainee::PassError, weights::WeightsError};
use crate::{checkpoint::CheckpointError, cpu::CpuError};

/// The reason why training cannot begin or continue.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The weights cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The weights or adapters cannot be loaded.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A forward or backward pass failed.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// The decoder cannot be made: no memory, no threads.
    #[error(transparent)]
    Decoder(#[from] CpuError),
    /// No completions could be generated.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file of rows cannot be read.
    #[error(transparent)]
    Dataset(Box<DatasetError>),
    /// A row is not usable.
    #[error("{file} row {row}: {what}")]
    Row {
        /// The file.
        file: String,
        /// The row, from 1.
        row: usize,
        /// The field and what is wrong with it: a template that fails, a text without tokens.
        what: String,
    },
    /// No data is left to train on, or options contradict each other.
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
        /// The operating system's error.
        source: io::Error,
    },
}

impl From<DatasetError> for TrainError {
    fn from(error: DatasetError) -> Self {
        TrainError::Dataset(Box::new(error))
    }
}
