//! Errors of a store. Each names the file and the remedy.

use std::path::PathBuf;

/// The reason why a store could not be opened, read or written.
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
        /// The obstacle, or the message of SQLite.
        detail: String,
    },
    /// The file is something else; it was not touched.
    #[error("{path}: is not a store ({detail}): name another file")]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// Description of the file.
        detail: String,
    },
    /// The file was written by a later version; it was not touched.
    #[error("{path}: is a store of layout {found}, this version knows up to {known}: use a newer rrm, or name another file")]
    Newer {
        /// The store.
        path: PathBuf,
        /// Layout of the file.
        found: i64,
        /// The latest layout that this version knows.
        known: i64,
    },
    /// The file or its file system cannot be written to.
    #[error(
        "{path}: is read-only, and this needs a new call, whose answer could not be stored: make the file and its folder writable, or copy the store"
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
        /// Fault that SQLite or the reader found.
        detail: String,
    },
    /// Input or output failed otherwise.
    #[error("{path}: {detail}")]
    Failed {
        /// The store.
        path: PathBuf,
        /// Message of SQLite.
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
    /// Returns whether the store may still be read although it cannot be written.
    pub fn may_be_read(&self) -> bool {
        matches!(self, StoreError::ReadOnly { .. } | StoreError::CannotOpen { .. })
    }

    /// Returns whether the fault is in the program or in a file that it wrote, so that no change of input, options or surroundings would help.
    pub fn is_ours(&self) -> bool {
        matches!(self, StoreError::Corrupt { .. } | StoreError::Closed { .. })
    }
}
