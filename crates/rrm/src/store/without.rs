//! Stands in for the store without the feature `store`: types for signatures, of which no values exist.

use std::{convert::Infallible, path::Path};

use super::{FingerprintMismatch, Identity, Origin, StoreError};
use crate::{address::CompletionKey, engine::Completion};

/// Type without values: `Option<Store>` is always `None`.
#[derive(Clone, Debug)]
pub struct Store(Infallible);

impl Store {
    /// Cannot be called.
    ///
    /// # Errors
    /// None.
    pub fn get(&self, _: CompletionKey) -> Result<Option<Completion>, StoreError> {
        match self.0 {}
    }

    /// Cannot be called.
    pub fn trouble(&self) -> Option<StoreError> {
        match self.0 {}
    }

    /// Cannot be called.
    pub fn paid_before(&self, _: &Origin) -> Option<FingerprintMismatch> {
        match self.0 {}
    }

    /// Cannot be called.
    ///
    /// # Errors
    /// None.
    pub async fn put(&self, _: CompletionKey, _: Origin, _: Completion) -> Result<Completion, StoreError> {
        match self.0 {}
    }
}

/// Type without values: no identities are remembered.
#[derive(Clone, Debug)]
pub struct Identities(Infallible);

impl Identities {
    /// Cannot be called.
    pub fn path(&self) -> &Path {
        match self.0 {}
    }

    /// Cannot be called.
    ///
    /// # Errors
    /// None.
    pub fn asked_with(&self, _: &str) -> Result<Vec<Identity>, StoreError> {
        match self.0 {}
    }

    /// Cannot be called.
    ///
    /// # Errors
    /// None.
    pub fn all(&self) -> Result<Vec<Identity>, StoreError> {
        match self.0 {}
    }

    /// Cannot be called.
    ///
    /// # Errors
    /// None.
    pub fn stored(&self, _: &str) -> Result<Vec<(String, u64)>, StoreError> {
        match self.0 {}
    }

    /// Cannot be called.
    ///
    /// # Errors
    /// None.
    pub fn remember(&self, _: &Identity) -> Result<(), StoreError> {
        match self.0 {}
    }

    /// Cannot be called.
    ///
    /// # Errors
    /// None.
    pub fn forget(&self, _: &Identity) -> Result<(), StoreError> {
        match self.0 {}
    }
}
