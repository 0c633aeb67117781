//! A Hugging Face folder -> a GGUF file that llama.cpp loads.
//!
//! The file makes llama.cpp compute the same model as this crate computes from the folder. Anything that GGUF cannot express is refused.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use crate::{
    checkpoint::{Checkpoint, CheckpointError},
    tokens::ModelTokenizer,
};
use encode::EncodingError;
use tensors::{TensorPlan, TensorSource};

mod encode;
mod file;
mod metadata;
mod pretokenizer;
mod tensors;
mod vocabulary;

/// The type in which matrices are written; norms and biases are always f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatrixType {
    /// Four bytes for each weight.
    F32,
    /// Two bytes for each weight, rounded to nearest even.
    F16,
    /// 34 bytes for each 32 weights of a row: ggml's `Q8_0`. Matrices whose row length is not a multiple of 32 are written as f16.
    Q8_0,
}

/// The number of tensors and bytes that an export wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportSummary {
    /// Number of tensors.
    pub tensors: usize,
    /// Bytes of the file.
    pub bytes: u64,
}

/// The reason why a folder was not converted. No partial file is left behind.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The folder cannot be read, or its model is not supported by this crate.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// llama.cpp would compute or tokenise differently.
    #[error("{}: cannot become a GGUF file: {what}", folder.display())]
    Unsupported {
        /// The folder.
        folder: PathBuf,
        /// The property that a GGUF file cannot express.
        what: String,
    },
    /// A value cannot be encoded in the chosen type.
    #[error("{}: {tensor} {what}", folder.display())]
    Number {
        /// The folder.
        folder: PathBuf,
        /// The tensor's name in the folder.
        tensor: String,
        /// The number, and why it does not fit.
        what: EncodingError,
    },
    /// The output path exists and is not a GGUF file.
    #[error("{}: is there already and no GGUF file, so it is not overwritten", file.display())]
    Occupied {
        /// The output path.
        file: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}

/// Writes the model of `folder` to `out`, under a temporary name that is renamed at the end. Only one tensor at a time is in memory. An existing GGUF
/// file is replaced.
///
/// # Errors
/// [`ExportError`] names the file, the tensor or the setting.
pub fn convert(folder: &Path, out: &Path, matrices: MatrixType) -> Result<ExportSummary, ExportError> {
    let checkpoint = Checkpoint::open(folder)?;
    let config = checkpoint.config();
    let tokenizer = ModelTokenizer::open(folder, config.vocab_size)?;
    let unsupported = |what| ExportError::Unsupported { folder: folder.to_owned(), what };
    let tensors = tensors::plan(config, matrices).map_err(unsupported)?;
    let mut values = metadata::values(config, &name_of(folder), matrices).map_err(unsupported)?;
    values.extend(vocabulary::values(folder, &tokenizer, config.vocab_size)?);
    if !is_free(out) {
        return Err(ExportError::Occupied { file: out.to_owned() });
    }
    let partial = TemporaryFile::beside(out);
    let written = |source| ExportError::Write { file: out.to_owned(), source };
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&partial.0).map_err(written)?);
    file.write_all(&file::header(&values, &tensors)).map_err(written)?;
    for tensor in &tensors {
        write_tensor(&checkpoint, tensor, out, &mut file)?;
    }
    let file = file.into_inner().map_err(|error| written(error.into_error()))?;
    file.sync_all().map_err(written)?;
    let bytes = file.metadata().map_err(written)?.len();
    fs::rename(&partial.0, out).map_err(written)?;
    Ok(ExportSummary { tensors: tensors.len(), bytes })
}

/// A file that is deleted on drop, unless it was renamed.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn beside(out: &Path) -> TemporaryFile {
        let mut name = out.as_os_str().to_owned();
        name.push(format!(".{}.partial", std::process::id()));
        TemporaryFile(name.into())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

/// Whether a path is free or holds a GGUF file, so that nothing else would be lost.
fn is_free(out: &Path) -> bool {
    let mut magic = Vec::new();
    match File::open(out) {
        Err(error) => error.kind() == io::ErrorKind::NotFound,
        Ok(file) => out.is_file() && file.take(4).read_to_end(&mut magic).is_ok() && magic == b"GGUF",
    }
}

fn name_of(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    whole.file_name().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn write_tensor(checkpoint: &Checkpoint, tensor: &TensorPlan, out: &Path, file: &mut impl Write) -> Result<(), ExportError> {
    let written = |source| ExportError::Write { file: out.to_owned(), source };
    let read;
    let (name, numbers) = match &tensor.source {
        TensorSource::Stored(name) => {
            read = checkpoint.tensor(name, &tensor.shape)?;
            (name.as_str(), &read)
        }
        TensorSource::Computed(numbers) => (tensor.name.as_str(), numbers),
    };
    let width = tensor.row_width();
    let mut bytes = Vec::new();
    for row in tensor.row_order() {
        bytes.clear();
        encode::row(&numbers[row * width..][..width], tensor.element_type, &mut bytes).map_err(|what| ExportError::Number {
            folder: checkpoint.folder().to_owned(),
            tensor: name.to_owned(),
            what,
        })?;
        file.write_all(&bytes).map_err(written)?;
    }
    let padding = tensor.bytes().next_multiple_of(file::ALIGNMENT) - tensor.bytes();
    file.write_all(&[0; file::ALIGNMENT][..padding]).map_err(written)
}
