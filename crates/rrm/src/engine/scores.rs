//! Scores of single responses, each asked for once: whoever wants one that is on its way waits for it.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use super::Completion;

/// What an engine that scores single responses keeps of them, by the addresses of their completions.
#[derive(Default)]
pub struct Scores {
    cells: Mutex<HashMap<[u8; 32], Arc<OnceCell<Completion>>>>,
}

impl Scores {
    /// The completion at this address, asked for if nobody did yet. Where the asking fails or is cancelled, the next who wants it asks again.
    ///
    /// # Errors
    /// Those of `ask`.
    pub async fn once<E, Fut>(&self, key: [u8; 32], ask: impl FnOnce() -> Fut) -> Result<Completion, E>
    where
        Fut: Future<Output = Result<Completion, E>>,
    {
        let cell = self.cells.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        cell.get_or_try_init(ask).await.cloned()
    }
}
