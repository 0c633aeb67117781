//! An identity -> a row of the store, at the time when it may be written.

use std::sync::OnceLock;

use crate::{
    engine::http::IdentityMemory,
    store::{Identities, Identity, StoreError},
};

/// An identity that is stored once something is paid for, or when a run ends well. A refused run stores nothing.
pub(crate) struct PendingIdentity {
    identities: Identities,
    identity: Identity,
    /// The identities that are part of it from now on.
    part: Vec<Identity>,
    done: OnceLock<()>,
}

impl PendingIdentity {
    pub fn new(memory: &IdentityMemory, identity: &Identity, part: Option<Vec<Identity>>) -> Self {
        let (identities, identity) = (memory.identities.clone(), identity.clone());
        PendingIdentity { identities, identity, part: part.unwrap_or_default(), done: OnceLock::new() }
    }

    /// Returns whether the store cannot be written.
    pub fn is_read_only(&self) -> bool {
        matches!(self.identities.remember(&self.identity), Err(StoreError::ReadOnly { .. } | StoreError::CannotOpen { .. }))
    }

    /// Stores the identity, once.
    pub fn remember(&self) -> Result<(), StoreError> {
        if self.done.get().is_none() {
            self.part.iter().try_for_each(|other| self.identities.forget(other))?;
            self.identities.remember(&self.identity)?;
            self.done.set(()).ok();
        }
        Ok(())
    }
}
