//! The servers of an engine -> whether one of them could be asked now.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::engine::{
    EngineError,
    http::{
        failure::{self, TryFailure},
        replicas::Replica,
        server::ServerPool,
    },
};

/// So long what was seen of the servers holds.
const READY_FOR: Duration = Duration::from_millis(250);

/// So long a server may take to show that it is there.
const READY_WITHIN: Duration = Duration::from_secs(5);

impl ServerPool {
    /// Whether some replica answers and did not fail all of the last requests. Asked of the servers once in [`READY_FOR`] at most.
    ///
    /// # Errors
    /// What the last replica that was asked said.
    pub async fn ready(&self) -> Result<(), EngineError> {
        let mut seen = self.seen.lock().await;
        if let Some((_, result)) = seen.as_ref().filter(|(at, _)| at.elapsed() < READY_FOR) {
            return result.clone();
        }
        let mut result = Ok(());
        for replica in self.replicas() {
            result = self.well(replica).await;
            if result.is_ok() {
                break;
            }
        }
        *seen = Some((Instant::now(), result.clone()));
        result
    }

    async fn well(&self, replica: &Replica) -> Result<(), EngineError> {
        let answer = timeout(READY_WITHIN.min(self.time_limit), self.client.get(replica.base.url("v1/models")).send()).await;
        let failure = match answer {
            // A server at work may be slow to list its models: what counts is how the last requests went.
            Err(_) => None,
            Ok(Err(error)) => Some(failure::transport(error)),
            // Any other answer, also that the list is not for everybody, comes from a server that is there.
            Ok(Ok(response)) => matches!(response.status().as_u16(), 502..=504).then(|| {
                let detail = "it does not list its models".to_owned();
                TryFailure::Status { status: response.status().as_u16(), detail, wait: None }
            }),
        };
        let failing = || TryFailure::Broken("the last requests failed".to_owned());
        match failure.or_else(|| replica.is_benched().then(failing)) {
            Some(failure) => Err(failure.into_error(&self.name, READY_WITHIN, &self.secrets)),
            None => Ok(()),
        }
    }
}
