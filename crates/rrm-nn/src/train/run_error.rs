//! Why `rrm train` cannot begin, or had to stop.

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
    /// The configuration.
    #[error(transparent)]
    Config(#[from] TrainConfigError),
    /// The model's files.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The model's shape.
    #[error("{}: {source}", file.display())]
    Model {
        /// The `config.json`.
        file: PathBuf,
        /// The field, and what is wrong with it.
        source: ModelError,
    },
    /// The model's vocabulary or chat template.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A judge format that is not there.
    #[error("`data.format` is '{name}': neither shipped nor a file that can be read: {source}")]
    NoFormat {
        /// As it was given.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// The judge format.
    #[error(transparent)]
    Format(#[from] rrm::format::FormatError),
    /// The weights, or the adapters' settings.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Data, rollouts, evaluation.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A forward or backward pass.
    #[error(transparent)]
    Pass(#[from] PassError),
    /// A file of the run.
    #[error("{}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the run does not say what it has to.
    #[error("{}: {what}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Another process trains into the same folder.
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
    /// A run was begun here with another configuration.
    #[error("{}: the run here was begun with another configuration: {}", folder.display(), changes.iter().map(said).collect::<Vec<_>>().join("; "))]
    Changed {
        /// The run folder.
        folder: PathBuf,
        /// What differs and matters.
        changes: Vec<Change>,
    },
    /// Files that the run reads are not those that it began with.
    #[error("{}: the run here was begun with other files: what has changed is {}", folder.display(), changed.join(", "))]
    OtherInputs {
        /// The run folder.
        folder: PathBuf,
        /// The files, and the model's folder.
        changed: Vec<String>,
    },
    /// The numbers left the ground.
    #[error("step {step}: {what}; {}", last.as_ref().map_or("no checkpoint was saved before".to_owned(), |last| format!("the last good checkpoint is {}", last.display())))]
    Diverged {
        /// The step.
        step: u64,
        /// Which number.
        what: String,
        /// The last checkpoint.
        last: Option<PathBuf>,
    },
}

/// Such as `grpo.beta is 0.1 and was 0.0`.
fn said(change: &Change) -> String {
    let absent = || "absent".to_owned();
    let (is, was) = (change.is.clone().unwrap_or_else(absent), change.was.clone().unwrap_or_else(absent));
    format!("{} is {is} and was {was}", change.key)
}
