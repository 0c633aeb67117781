//! The files that a run reads -> a hash of each, so that a resumed run reads the same files or names those that changed.

use std::{collections::BTreeMap, fs::File, path::Path};

use rrm::format::Format;

use super::{
    TrainRunError,
    config::{ModelSource, TrainConfig},
};
use crate::checkpoint::Checkpoint;

/// Path as in the configuration -> blake3 hash. The hash of a model's folder covers everything that affects a text.
pub type Inputs = BTreeMap<String, String>;

/// Hashes all files that affect the steps of a run, except its configuration.
///
/// # Errors
/// [`TrainRunError::File`] or [`TrainRunError::Checkpoint`] names what cannot be read.
pub(super) fn hashes(config: &TrainConfig) -> Result<Inputs, TrainRunError> {
    let mut inputs = Inputs::new();
    let mut file = |path: &Path| {
        let hash = hash(path)?;
        inputs.insert(path.display().to_string(), hash);
        Ok::<(), TrainRunError>(())
    };
    for source in &config.data.sources {
        file(&source.path)?;
        source.filter.as_deref().map_or(Ok(()), &mut file)?;
    }
    config.evaluation.as_ref().map_or(Ok(()), |evaluation| file(&evaluation.path))?;
    if Format::shipped(&config.data.format).is_err() {
        file(Path::new(&config.data.format))?;
    }
    match &config.model {
        ModelSource::Folder(folder) => {
            let hash = Checkpoint::open(folder)?.fingerprint()?;
            inputs.insert(folder.display().to_string(), hash.to_hex().to_string());
        }
        ModelSource::Fresh(fresh) => {
            file(&fresh.config)?;
            file(&fresh.tokenizer.join("tokenizer.json"))?;
        }
    }
    Ok(inputs)
}

/// Returns the paths whose hashes have changed.
pub(super) fn changed(was: &Inputs, is: &Inputs) -> Vec<String> {
    was.iter().filter(|(path, hash)| is.get(*path) != Some(hash)).map(|(path, _)| path.clone()).collect()
}

fn hash(path: &Path) -> Result<String, TrainRunError> {
    let hashed = File::open(path).and_then(|file| {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file)?;
        Ok(hasher.finalize().to_hex().to_string())
    });
    hashed.map_err(|source| TrainRunError::File { file: path.to_owned(), source })
}
