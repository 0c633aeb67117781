//! Errors of `rrm train`: a run cannot begin, or had to stop.

use std::{io, path::PathBuf};

use super::{
    TrainError,
    config::{Change, TrainConfigError},
    trainee::PassError,
    weights::WeightsError,
};
use crate::{checkpoint::CheckpointError, config::ModelConfigError as ModelError, text::TextError};

/// The reason why a run cannot begin, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum TrainRunError {
    /// The configuration is invalid.
    #[error(transparent)]
    Config(#[from] TrainConfigError),
    /// The model's files cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The model's shape is not supported.
    #[error("{}: {source}", file.display())]
    Model {
        /// The `config.json`.
        file: PathBuf,
        /// The field, and what is wrong with it.
        source: ModelError,
    },
    /// The model's vocabulary or chat template cannot be used.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The judge format is neither shipped nor a readable file.
    #[error("`data.format` is '{name}': neither shipped nor a file that can be read: {source}")]
    NoFormat {
        /// The format as given.
        name: String,
        /// The operating system's error.
        source: io::Error,
    },
    /// The judge format is invalid.
    #[error(transparent)]
    Format(#[from] rrm::format::FormatError),
    /// The weights or the adapters' settings cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Data, rollouts or evaluation failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A forward or backward pass failed.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// A file of the run cannot be read or written.
    #[error("{}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file of the run is damaged.
    #[error("{}: {what}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Another process trains in the same folder.
    #[error("{}: another process is training here", folder.display())]
    InUse {
        /// The run folder.
        folder: PathBuf,
    },
    /// The folder has files, but no run.
    #[error("{}: is not empty and holds no run", folder.display())]
    NoRun {
        /// The folder.
        folder: PathBuf,
    },
    /// The run here was begun with another configuration.
    #[error("{}: the run here was begun with another configuration: {}", folder.display(), changes.iter().map(said).collect::<Vec<_>>().join("; "))]
    Changed {
        /// The run folder.
        folder: PathBuf,
        /// The changes that affect steps.
        changes: Vec<Change>,
    },
    /// Files that the run reads have changed since it began.
    #[error("{}: the run here was begun with other files: what has changed is {}", folder.display(), changed.join(", "))]
    OtherInputs {
        /// The run folder.
        folder: PathBuf,
        /// The changed files, and the model's folder if it changed.
        changed: Vec<String>,
    },
    /// The run diverged.
    #[error("step {step}: {what}; {}", last.as_ref().map_or("no checkpoint was saved before".to_owned(), |last| format!("the last good checkpoint is {}", last.display())))]
    Diverged {
        /// The step.
        step: u64,
        /// The number that is out of range.
        what: String,
        /// The last checkpoint.
        last: Option<PathBuf>,
    },
}

/// Describes a change, such as `grpo.beta is 0.1 and was 0.0`.
fn said(change: &Change) -> String {
    let absent = || "absent".to_owned();
    let (is, was) = (change.is.clone().unwrap_or_else(absent), change.was.clone().unwrap_or_else(absent));
    format!("{} is {is} and was {was}", change.key)
}
