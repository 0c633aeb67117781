//! Work for the judge -> tasks of its own, on other threads than connections where the server was made on others.
//!
//! Ranking many responses computes for a while, and connections must not wait for it.

use tokio::task::JoinHandle;

use crate::{AppState, error::ApiError};

/// What a waiter is told of work that panicked.
pub(crate) fn panicked() -> ApiError {
    ApiError::Judge("it panicked, which is a bug; the server's log says where".to_owned())
}

impl AppState {
    /// Does work apart from connections; it ends with whoever waits for it.
    pub(crate) async fn apart<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
    ) -> Result<T, ApiError> {
        let mut task = AbortOnDrop(self.judging.spawn(work));
        (&mut task.0).await.unwrap_or_else(|error| Err(if error.is_panic() { panicked() } else { ApiError::Closing }))
    }
}

/// A task that is aborted when this is dropped.
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
