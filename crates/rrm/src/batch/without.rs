//! Stands in for `batch` without the features `http` and `store`: a writer of batches that nobody can make.

use std::io;

use crate::{address::CompletionKey, engine::Request, store::Origin};

/// Type without values.
pub enum BatchWriter {}

impl BatchWriter {
    /// Cannot be called.
    ///
    /// # Errors
    /// None.
    pub fn write(&self, _: CompletionKey, _: Origin, _: &Request) -> io::Result<()> {
        match *self {}
    }
}
