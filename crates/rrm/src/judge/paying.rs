//! What has to hold before a call is made: that its answer can be kept, that it is known who answers, and that the run may pay for it.

use std::sync::Arc;

use super::{Judge, JudgeError};
use crate::{spending::PaidCall, store::Store};

impl Judge {
    /// Begins a call. Nothing is counted where that fails.
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
