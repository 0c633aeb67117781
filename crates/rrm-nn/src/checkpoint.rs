//! Hugging Face folder -> its configuration and its weights, read as f32 one tensor at a time.
//!
//! Every claim of a file is checked against the size of the file before it is used. Files are not mapped into memory.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

pub use error::CheckpointError;
pub(crate) use files::{read_small, stored_tensors};
use half::{bf16, f16};
pub use header::{HeaderError, StoredTensor, read_header};
pub use safetensors::Dtype;

use crate::config::ModelConfig;

mod error;
mod files;
mod header;

/// Bytes that are converted at a time.
const CHUNK: usize = 1 << 20;

/// A model folder with a supported configuration and all tensors of that configuration in the right shapes.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    folder: PathBuf,
    config: ModelConfig,
    /// Name -> index into `files`, and position in that file.
    tensors: BTreeMap<String, (usize, StoredTensor)>,
    /// Files of weights.
    files: Vec<PathBuf>,
}

impl Checkpoint {
    /// Reads `config.json` and the headers of `model.safetensors`, or else of all files of `model.safetensors.index.json`.
    ///
    /// # Errors
    /// [`CheckpointError`] names the file, and the tensor that is missing, has another shape or is not stored as floats.
    pub fn open(folder: &Path) -> Result<Checkpoint, CheckpointError> {
        let file = folder.join("config.json");
        let json = files::read_small(&file)?;
        let config = ModelConfig::parse(&json).map_err(|source| CheckpointError::Config { file, source })?;
        let (files, tensors) = files::index(folder)?;
        let checkpoint = Checkpoint { folder: folder.to_owned(), config, tensors, files };
        for (name, shape) in checkpoint.config.tensors() {
            checkpoint.find(&name, &shape)?;
        }
        Ok(checkpoint)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The configuration from `config.json`.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Reads the values of one tensor, stored as f32, f16 or bf16, as f32 in C order.
    ///
    /// # Errors
    /// When there is no tensor of this name and shape, or the file cannot be read.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let (file, stored) = self.find(name, shape)?;
        let path = &self.files[file];
        let io = |source| CheckpointError::Io { file: path.clone(), source };
        let mut reader = File::open(path).map_err(io)?;
        reader.seek(SeekFrom::Start(stored.offset)).map_err(io)?;
        let mut left = stored.bytes as usize;
        let mut buffer = vec![0; CHUNK.min(left)];
        let mut numbers = Vec::with_capacity(left * 8 / stored.dtype.bitsize());
        while left > 0 {
            let part = &mut buffer[..CHUNK.min(left)];
            reader.read_exact(part).map_err(io)?;
            left -= part.len();
            convert(stored.dtype, part, &mut numbers);
        }
        Ok(numbers)
    }

    /// The type in which a tensor is stored; `None` if there is no such tensor.
    pub fn stored_as(&self, name: &str) -> Option<Dtype> {
        self.tensors.get(name).map(|(_, stored)| stored.dtype)
    }

    /// All tensors of the folder with their names, including those that the decoder does not read.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &StoredTensor)> {
        self.tensors.iter().map(|(name, (_, stored))| (name.as_str(), stored))
    }

    /// Returns a hash of all files that affect a text: configuration, weights, vocabulary, chat template, end tokens.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn fingerprint(&self) -> Result<blake3::Hash, CheckpointError> {
        files::hash(&self.folder, &self.files)
    }

    fn find(&self, name: &str, shape: &[usize]) -> Result<(usize, &StoredTensor), CheckpointError> {
        let Some((file, stored)) = self.tensors.get(name) else {
            return Err(CheckpointError::NoTensor { folder: self.folder.clone(), tensor: name.to_owned() });
        };
        let (path, tensor) = (self.files[*file].clone(), name.to_owned());
        if stored.shape != shape {
            let (found, wanted) = (stored.shape.clone(), shape.to_vec());
            return Err(CheckpointError::Shape { file: path, tensor, found, wanted });
        }
        if !matches!(stored.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
            return Err(CheckpointError::Type { file: path, tensor, found: stored.dtype });
        }
        Ok((*file, stored))
    }
}

/// Converts little-endian numbers of one of the three float types to f32 and appends them.
pub(crate) fn convert(dtype: Dtype, bytes: &[u8], numbers: &mut Vec<f32>) {
    let (pairs, _) = bytes.as_chunks::<2>();
    match dtype {
        Dtype::F16 => numbers.extend(pairs.iter().map(|pair| f16::from_le_bytes(*pair).to_f32())),
        Dtype::BF16 => numbers.extend(pairs.iter().map(|pair| bf16::from_le_bytes(*pair).to_f32())),
        _ => numbers.extend(bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four))),
    }
}
