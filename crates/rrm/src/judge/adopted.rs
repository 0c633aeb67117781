//! A completion that is missing under the present fingerprint -> the one that the same weights wrote under an earlier fingerprint.

use std::sync::Arc;

use super::{Judge, JudgeError};
use crate::{
    address::{CompletionKey, KeyParts, completion_key},
    engine::{Completion, Request},
    store::Origin,
};

impl Judge {
    /// Looks for the completion under the earlier fingerprints of the same weights. If there is one, it is also stored under `key`, where the next
    /// lookup finds it.
    pub(super) async fn adopted(
        &self,
        key: Option<CompletionKey>,
        origin: impl Fn() -> Origin,
        request: &Request,
    ) -> Result<Option<Completion>, JudgeError> {
        let Some((store, key)) = self.store.as_ref().zip(key) else { return Ok(None) };
        for fingerprint in self.engine.also() {
            let origin = origin();
            let other = completion_key(&KeyParts { fingerprint, format_hash: &origin.format_hash, request, vote: origin.vote });
            if let Some(completion) = store.get(other).map_err(Arc::new)? {
                let completion = store.put(key, origin, completion).await.map_err(Arc::new)?;
                self.spending.reused(completion.usage);
                return Ok(Some(completion));
            }
        }
        Ok(None)
    }
}
