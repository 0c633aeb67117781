//! The conditions of a call: its answer can be stored, the identity of the server is known, and the run may still spend.

use std::sync::Arc;

use super::{Judge, JudgeError};
use crate::{spending::PaidCall, store::Store};

impl Judge {
    /// Begins a call that is paid for. Fails, and counts nothing, if the store cannot be written, if the identity of the server cannot be confirmed,
    /// or if a limit was reached.
    pub(super) async fn begun(&self) -> Result<PaidCall<'_>, JudgeError> {
        if let Some(trouble) = self.store.as_ref().and_then(Store::trouble) {
            return Err(Arc::new(trouble).into());
        }
        if let Some(confirming) = self.engine.confirming() {
            confirming.await?;
        }
        Ok(self.spending.begin()?)
    }
}
