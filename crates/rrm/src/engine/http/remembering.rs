//! Who somebody is -> a row of the store, at the time when that may be written.

use std::sync::OnceLock;

use crate::{
    engine::http::Memory,
    store::{Identities, Identity, StoreError},
};

/// What is remembered of an engine once something is paid for, or a run ends well: a run that is refused leaves nothing behind.
pub(crate) struct Remembering {
    identities: Identities,
    identity: Identity,
    /// Who is part of it from now on.
    part: Vec<Identity>,
    done: OnceLock<()>,
}

impl Remembering {
    pub fn new(memory: &Memory, identity: &Identity, part: Option<Vec<Identity>>) -> Self {
        let (identities, identity) = (memory.identities.clone(), identity.clone());
        Remembering { identities, identity, part: part.unwrap_or_default(), done: OnceLock::new() }
    }

    /// Whether nothing can be remembered there.
    pub fn is_read_only(&self) -> bool {
        matches!(self.identities.remember(&self.identity), Err(StoreError::ReadOnly { .. } | StoreError::CannotOpen { .. }))
    }

    /// Remembers it, once.
    pub fn remember(&self) -> Result<(), StoreError> {
        if self.done.get().is_none() {
            self.part.iter().try_for_each(|other| self.identities.forget(other))?;
            self.identities.remember(&self.identity)?;
            self.done.set(()).ok();
        }
        Ok(())
    }
}
