//! In place of `batch` where the features `http` and `store` are not both there: a writer of batches that nobody can make.

use std::io;

use crate::{address::CompletionKey, engine::Request, store::Origin};

/// There is none.
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
