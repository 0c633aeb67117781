//! Errors of reading a model folder: the file, the tensor, and what is wrong.

use std::{io, path::PathBuf};

use safetensors::Dtype;

use super::HeaderError;
use crate::config::ModelConfigError;

/// The reason why a model folder cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file cannot be read.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// `config.json` does not describe a supported decoder.
    #[error("{}: {source}", file.display())]
    Config {
        /// The file.
        file: PathBuf,
        /// The field, and what is wrong with it.
        source: ModelConfigError,
    },
    /// The folder has no safetensors files.
    #[error("{}: holds neither model.safetensors nor model.safetensors.index.json", folder.display())]
    NoWeights {
        /// The folder.
        folder: PathBuf,
    },
    /// A header contradicts the format or the size of its file.
    #[error("{}: {source}", file.display())]
    Header {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: HeaderError,
    },
    /// A JSON file of the folder is malformed.
    #[error("{}: {what}", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A tensor of the configuration is in none of the files.
    #[error("{}: holds no tensor {tensor}", folder.display())]
    NoTensor {
        /// The folder.
        folder: PathBuf,
        /// The tensor's name.
        tensor: String,
    },
    /// A tensor has another shape than the configuration says.
    #[error("{}: {tensor} has the shape {found:?}, but config.json makes it {wanted:?}", file.display())]
    Shape {
        /// The file.
        file: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that follows from the configuration.
        wanted: Vec<usize>,
    },
    /// A tensor is stored in another type than f32, f16 or bf16.
    #[error("{}: {tensor} is stored as {found}, only F32, F16 and BF16 are supported", file.display())]
    Type {
        /// The file.
        file: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// Its type.
        found: Dtype,
    },
}
