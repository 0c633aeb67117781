//! An error of SQLite -> an error that names the file and the remedy.

use std::{fs, io::ErrorKind, path::Path};

use rusqlite::ErrorCode;

use super::StoreError;

/// Turns an error of SQLite into one that names the file.
pub(super) fn explain(path: &Path, error: &rusqlite::Error) -> StoreError {
    let (path, detail) = (path.to_owned(), detail(error));
    match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            StoreError::CannotOpen { detail: in_the_way(&path).map_or(detail, str::to_owned), path }
        }
        Some(ErrorCode::NotADatabase) => StoreError::NotAStore { path, detail: "not an SQLite database".into() },
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly { path },
        Some(ErrorCode::DiskFull) => StoreError::Full { path },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { path },
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Corrupt { path, detail },
        _ => StoreError::Failed { path, detail },
    }
}

/// Returns the usual reasons why a file cannot be opened; SQLite does not state them.
fn in_the_way(path: &Path) -> Option<&'static str> {
    // The parent of a bare file name is the empty path, which stands for the working directory.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() {
        return Some("it is a directory");
    }
    if !directory.is_dir() {
        return Some("its directory does not exist");
    }
    let refused = fs::OpenOptions::new().append(true).open(path).err()?.kind();
    matches!(refused, ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::NotFound)
        .then_some("it or its directory may not be written to")
}

/// Returns SQLite's own message.
fn detail(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(words)) => words.clone(),
        other => other.to_string(),
    }
}
