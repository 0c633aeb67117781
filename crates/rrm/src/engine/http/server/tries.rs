//! The tries of one request, until it is answered or failed for good: the choice of the replica, the waits, and the end.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::Ordering,
    time::Duration,
};

use futures::future::BoxFuture;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::ServerPool;
use crate::engine::{
    EngineError, Meter,
    http::{
        failure::TryFailure,
        metered::SentRequest,
        replicas::{Lease, Replica, doubled},
    },
};

/// Retry whose wait is the interval for a server that is away.
const AWAY_STEP: u32 = 2;

/// The options for the tries of one request.
#[derive(Clone, Copy)]
pub(super) struct TryOptions<'a> {
    pub retries: u32,
    /// Tokens that it takes from a limit for a minute.
    pub tokens: f64,
    /// Estimate of its prompt tokens.
    pub prompt: u64,
    pub meter: Option<&'a dyn Meter>,
}

/// Most tries that end in a time-out: a request that takes longer than the limit is likely to do so again.
const TIME_OUTS: u32 = 2;

impl ServerPool {
    /// Makes tries until one is answered, with at most `retries` retries, as long as the meter allows. A replica that cannot be connected to counts
    /// as no retry if there is another one that was not tried, so that the server is not reported as unreachable although one replica is up.
    pub(super) async fn tried<'a, T>(
        &'a self,
        tries: TryOptions<'_>,
        attempt: impl Fn(&'a Replica) -> BoxFuture<'a, Result<T, TryFailure>>,
    ) -> Result<T, EngineError> {
        let (mut made, mut timed_out, mut away) = (0, 0, None);
        // The last failure of each replica in this request.
        let mut failures: Vec<Option<TryFailure>> = Vec::new();
        loop {
            self.start(tries.tokens).await;
            let Some(lease) = self.lease(&failures).await else {
                return Err(self.given_up(failures));
            };
            self.counters.requests.fetch_add(1, Ordering::Relaxed);
            let sent = SentRequest::new(tries.meter, tries.prompt);
            let result = timeout(self.time_limit, attempt(lease.replica)).await.unwrap_or(Err(TryFailure::TimedOut));
            sent.came_back(result.as_ref().err());
            let failure = match result {
                Ok(value) => {
                    lease.answered();
                    return Ok(value);
                }
                Err(failure) => failure,
            };
            self.note(&lease, &failure, tries.tokens);
            let error = || self.error(failure.clone());
            tracing::debug!(engine = self.name, replica = lease.index, retry = made, error = %error(), "a try failed");
            if !failure.may_pass() {
                return Err(self.error(failure));
            }
            failures.resize(self.replicas.list().len(), None);
            let refused = matches!(failure, TryFailure::Refused(_));
            timed_out += u32::from(failure == TryFailure::TimedOut);
            failures[lease.index] = Some(failure);
            drop(lease);
            if timed_out == TIME_OUTS {
                return Err(self.error(TryFailure::TimedOut));
            }
            let waits = !(refused && failures.contains(&None));
            let since: Instant = *away.get_or_insert_with(Instant::now);
            let is_away = refused && since.elapsed() < self.away;
            // A request without a connection was not sent.
            if (waits && !is_away && made == tries.retries) || !(refused || tries.meter.is_none_or(Meter::again)) {
                return Err(self.given_up(failures));
            }
            if waits && is_away {
                sleep(self.backoff(AWAY_STEP)).await;
            } else if waits {
                sleep(self.backoff(made)).await;
                made += 1;
            }
            self.counters.retries.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns a place at the best replica, once one may be asked; `None` if all of them asked for a longer wait than a try may take.
    async fn lease(&self, failures: &[Option<TryFailure>]) -> Option<Lease<'_>> {
        loop {
            match self.replicas.pick(|index| failures.get(index).is_some_and(Option::is_some)) {
                Ok(lease) => return Some(lease),
                Err(until) if until - Instant::now() > self.time_limit => return None,
                Err(until) => sleep_until(until).await,
            }
        }
    }

    /// Waits for the limits for a minute.
    async fn start(&self, tokens: f64) {
        if let Some(bucket) = &self.requests {
            bucket.take(1.0).await;
        }
        if let Some(bucket) = self.tokens.as_ref().filter(|_| tokens > 0.0) {
            bucket.take(tokens).await;
        }
    }

    /// Notes the failure at the replica, and gives back the tokens that were not used.
    fn note(&self, lease: &Lease<'_>, failure: &TryFailure, tokens: f64) {
        self.counters.failed(failure);
        if let Some(bucket) = self.tokens.as_ref().filter(|_| tokens > 0.0) {
            bucket.give_back(tokens);
        }
        match failure {
            TryFailure::Status { wait: Some(wait), .. } if failure.may_pass() => lease.asked_to_wait(*wait),
            failure if failure.blames_replica() => lease.failed(),
            _ => lease.answered(),
        }
    }

    /// Returns the error after the last retry. It says that nothing can be reached only if no replica was.
    fn given_up(&self, failures: Vec<Option<TryFailure>>) -> EngineError {
        let mut failures: Vec<TryFailure> = failures.into_iter().flatten().collect();
        failures.sort_by_key(|failure| !matches!(failure, TryFailure::Refused(_)));
        match failures.pop() {
            Some(failure) => self.error(failure),
            // Other requests were told to wait too long before this one was sent.
            None => {
                let detail = format!("the server asked to be left alone for longer than {:?}", self.time_limit);
                EngineError::Status { engine: self.name.clone(), status: 429, detail }
            }
        }
    }

    /// Returns the wait after `made` retries, shortened by up to a half at random, so that requests that failed together do not come back together.
    pub(super) fn backoff(&self, made: u32) -> Duration {
        let random = RandomState::new().hash_one(made) as f64 / u64::MAX as f64;
        doubled(self.first_wait, made).mul_f64(1.0 - random / 2.0)
    }
}
