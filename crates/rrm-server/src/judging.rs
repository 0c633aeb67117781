//! Work for the judge -> tasks of its own, on the runtime in which the server was made, which may differ from that of connections.
//!
//! Ranking many responses takes processor time, for which connections must not wait.

use tokio::task::JoinHandle;

use crate::{AppState, error::ApiError};

/// The error for waiters when judging panicked.
pub(crate) fn panicked() -> ApiError {
    ApiError::Judge("it panicked, which is a bug; the server's log says where".to_owned())
}

impl AppState {
    /// Runs work in a task apart from connections. The task is aborted when the caller stops waiting.
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
