//! The servers of an engine -> whether one of them could answer now.

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

/// Time for which an observation of the servers counts.
const READY_FOR: Duration = Duration::from_millis(250);

/// Time limit for a server to show that it is up.
const READY_WITHIN: Duration = Duration::from_secs(5);

impl ServerPool {
    /// Checks that some replica answers and did not fail all of the last requests. Asks the servers at most once in [`READY_FOR`].
    ///
    /// # Errors
    /// The error of the last replica that was asked.
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
            // A busy server may be slow to list its models; the last requests decide then.
            Err(_) => None,
            Ok(Err(error)) => Some(failure::transport(error)),
            // Any other answer, also a refusal of the list, comes from a server that is up.
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
