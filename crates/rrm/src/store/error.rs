//! What SQLite says went wrong -> an error that names the file and the way out.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

/// Why a store could not be opened, read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such file, and the call does not create one.
    #[error("{path}: there is no such store")]
    Missing {
        /// The file that was asked for.
        path: PathBuf,
    },
    /// The file cannot be opened or created: a missing or closed directory, a directory in its place.
    #[error("{path}: cannot be opened or created: {detail}")]
    CannotOpen {
        /// The store.
        path: PathBuf,
        /// What is in the way.
        detail: String,
    },
    /// The file is something else; it was not touched.
    #[error("{path}: is not a store ({detail}): name another file")]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        detail: String,
    },
    /// The file was written by a later version; it was not touched.
    #[error("{path}: is a store of layout {found}, this version knows up to {known}: use a newer rrm, or name another file")]
    Newer {
        /// The store.
        path: PathBuf,
        /// Its layout.
        found: i64,
        /// The latest layout that this version knows.
        known: i64,
    },
    /// The file or its file system cannot be written to.
    #[error(
        "{path}: is read-only, so that no answer can be kept and nothing is asked: make it writable with its folder, or copy it to a place that is"
    )]
    ReadOnly {
        /// The store.
        path: PathBuf,
    },
    /// The disk is full. Nothing that was acknowledged is lost, and the store works again once there is room.
    #[error("{path}: the disk is full: free some space and run again, nothing that was stored is lost")]
    Full {
        /// The store.
        path: PathBuf,
    },
    /// Another process held the file for longer than a minute.
    #[error("{path}: another process keeps it locked: wait until its `gc` or `merge` is through")]
    Busy {
        /// The store.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error("{path}: is damaged ({detail}): move it away, and `merge` what can still be read into a new store")]
    Corrupt {
        /// The store.
        path: PathBuf,
        /// What SQLite or the reader found.
        detail: String,
    },
    /// Input or output failed otherwise.
    #[error("{path}: {detail}")]
    Failed {
        /// The store.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
    /// The store was closed before.
    #[error("{path}: the store is closed")]
    Closed {
        /// The store.
        path: PathBuf,
    },
}

impl StoreError {
    /// Whether what there is may be read although it cannot be written.
    pub(super) fn may_be_read(&self) -> bool {
        matches!(self, StoreError::ReadOnly { .. } | StoreError::CannotOpen { .. })
    }

    /// Whether the program itself is at fault, or what it wrote: nothing about its input, its options or its surroundings would mend it.
    pub fn is_ours(&self) -> bool {
        matches!(self, StoreError::Corrupt { .. } | StoreError::Closed { .. })
    }
}

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

/// SQLite only says that it cannot open a file; this looks for the usual reasons.
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

/// SQLite's own words.
fn detail(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(words)) => words.clone(),
        other => other.to_string(),
    }
}
