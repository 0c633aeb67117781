//! Model folder -> the index of its tensors, its small files, and the hash of all files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use serde::Deserialize;

use super::{
    CheckpointError, StoredTensor,
    header::{PREFIX, header_len, read_header},
};

/// Largest JSON or template file that is read, in bytes; the largest real vocabularies take about 40 MB.
const MAX_SMALL: u64 = 256 << 20;
/// The weights file of a model in one file.
const WHOLE: &str = "model.safetensors";
/// The index of a model in several files: which file holds which tensor.
const MAP: &str = "model.safetensors.index.json";
/// Files other than weights that affect a text.
const HASHED: [&str; 5] =
    ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];

/// `model.safetensors.index.json`.
#[derive(Deserialize)]
struct Index {
    /// Tensor -> file.
    weight_map: BTreeMap<String, String>,
}

/// Tensors by name: index of the file, and position in it.
type Tensors = BTreeMap<String, (usize, StoredTensor)>;

/// Reads the names of the weights files and the index of their tensors.
pub(super) fn index(folder: &Path) -> Result<(Vec<PathBuf>, Tensors), CheckpointError> {
    let (whole, map) = (folder.join(WHOLE), folder.join(MAP));
    if whole.exists() {
        let tensors = tensors_of(&whole)?.into_iter().map(|(name, stored)| (name, (0, stored))).collect();
        return Ok((vec![whole], tensors));
    }
    if !map.exists() {
        return Err(CheckpointError::NoWeights { folder: folder.to_owned() });
    }
    let malformed = |what: String| CheckpointError::Malformed { file: map.clone(), what };
    let index: Index = serde_json::from_slice(&read_small(&map)?).map_err(|error| malformed(error.to_string()))?;
    let names: BTreeSet<&str> = index.weight_map.values().map(String::as_str).collect();
    let (mut files, mut tensors) = (Vec::new(), BTreeMap::new());
    for name in names {
        if !is_plain(name) {
            return Err(malformed(format!("{name:?} is no name of a file in the same folder")));
        }
        let path = folder.join(name);
        // A tensor counts only in the file that the index names for it.
        let here = |tensor: &String| index.weight_map.get(tensor).map(String::as_str) == Some(name);
        tensors.extend(tensors_of(&path)?.into_iter().filter(|(name, _)| here(name)).map(|(name, at)| (name, (files.len(), at))));
        files.push(path);
    }
    match index.weight_map.into_iter().find(|(tensor, _)| !tensors.contains_key(tensor)) {
        Some((tensor, file)) => Err(malformed(format!("{tensor} is not in {file}"))),
        None => Ok((files, tensors)),
    }
}

/// Returns the bytes of all weights files, and all tensors in them, whatever the configuration says.
///
/// # Errors
/// As [`super::Checkpoint::open`], except for the checks against the configuration.
pub(crate) fn stored_tensors(folder: &Path) -> Result<(u64, Vec<(String, StoredTensor)>), CheckpointError> {
    let (files, tensors) = index(folder)?;
    let mut bytes = 0;
    for file in files {
        let about = std::fs::metadata(&file).map_err(|source| CheckpointError::Io { file, source })?;
        bytes += about.len();
    }
    Ok((bytes, tensors.into_iter().map(|(name, (_, stored))| (name, stored)).collect()))
}

/// Reads a file other than weights.
///
/// # Errors
/// When the file cannot be read or is larger than the limit.
pub(crate) fn read_small(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    let io = |source| CheckpointError::Io { file: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_SMALL + 1).read_to_end(&mut bytes)).map_err(io)?;
    if bytes.len() as u64 > MAX_SMALL {
        return Err(CheckpointError::Malformed { file: path.to_owned(), what: format!("is larger than {MAX_SMALL} bytes") });
    }
    Ok(bytes)
}

/// Returns a hash of all files with their names and lengths.
pub(super) fn hash(folder: &Path, weights: &[PathBuf]) -> Result<blake3::Hash, CheckpointError> {
    let mut hasher = blake3::Hasher::new_derive_key("rrm checkpoint 1");
    // A weights file for the whole model takes precedence over the index.
    let map = if folder.join(WHOLE).exists() { None } else { Some(MAP) };
    let others = HASHED.into_iter().chain(map).map(|name| folder.join(name));
    for path in weights.iter().cloned().chain(others.filter(|path| path.exists())) {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let hashed = File::open(&path).and_then(|file| {
            hasher.update(&(name.len() as u64).to_le_bytes()).update(name).update(&file.metadata()?.len().to_le_bytes());
            hasher.update_reader(file).map(|_| ())
        });
        hashed.map_err(|source| CheckpointError::Io { file: path, source })?;
    }
    Ok(hasher.finalize())
}

fn tensors_of(path: &Path) -> Result<Vec<(String, StoredTensor)>, CheckpointError> {
    let io = |source| CheckpointError::Io { file: path.to_owned(), source };
    let header = |source| CheckpointError::Header { file: path.to_owned(), source };
    let mut file = File::open(path).map_err(io)?;
    let len = file.metadata().map_err(io)?.len();
    let mut start = read_at_most(&mut file, PREFIX).map_err(io)?;
    let wanted = header_len(&start, len).map_err(header)?;
    start.extend(read_at_most(&mut file, wanted).map_err(io)?);
    read_header(&start, len).map_err(header)
}

/// Reads the next `len` bytes, or the rest if there are fewer.
fn read_at_most(file: &mut File, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len);
    file.take(len as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a name refers to a file directly in the folder.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
}
