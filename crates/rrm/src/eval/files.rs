//! Paths that the user names -> the files to read, and a record of each.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::load::{DataFile, EvalError};

/// Returns the files, and those below the folders.
pub(super) fn expanded(paths: &[PathBuf]) -> Result<Vec<PathBuf>, EvalError> {
    let mut files = Vec::new();
    for path in paths {
        match path.is_dir() {
            true => files.extend(listed(path)?),
            false => files.push(path.clone()),
        }
    }
    Ok(files)
}

/// Returns the record of a file that was read.
pub(super) fn hashed(path: &Path, rows: u64) -> Result<DataFile, EvalError> {
    let mut hasher = blake3::Hasher::new();
    let hashed = File::open(path).and_then(|file| hasher.update_reader(file).map(drop));
    hashed.map_err(|detail| EvalError::Io { path: path.to_owned(), detail })?;
    let blake3 = hasher.finalize().to_hex().to_string();
    Ok(DataFile { file: path.display().to_string(), rows, blake3 })
}

/// Returns the files below a folder whose extensions may belong to rows, in the order of their paths.
pub(super) fn listed(folder: &Path) -> Result<Vec<PathBuf>, EvalError> {
    const ENDINGS: [&str; 9] = [".json", ".jsonl", ".json.gz", ".jsonl.gz", ".parquet", ".csv", ".tsv", ".csv.gz", ".tsv.gz"];
    let failed = |detail| EvalError::Io { path: folder.to_owned(), detail };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.append(&mut listed(&path)?);
        } else if ENDINGS.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
            files.push(path);
        }
    }
    Ok(files)
}
