//! Counters of the requests to a server and of their tokens, for the stats file. They are never part of results.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::engine::{
    HttpStats,
    http::{failure::TryFailure, reply::ServerReply},
};

/// The counters behind [`HttpStats`].
#[derive(Default)]
pub(crate) struct HttpCounters {
    /// Tries that reached no server, or a gateway without one.
    away: AtomicU64,
    pub requests: AtomicU64,
    pub retries: AtomicU64,
    answered: AtomicU64,
    cancelled: AtomicU64,
    status_429: AtomicU64,
    status_5xx: AtomicU64,
    status_other: AtomicU64,
    timeouts: AtomicU64,
    disconnects: AtomicU64,
    unreadable: AtomicU64,
    prompt_tokens: AtomicU64,
    cached_prompt_tokens: AtomicU64,
    completion_tokens: AtomicU64,
}

/// A guard that counts a request as cancelled unless it is told that the request ended.
pub(crate) struct CancelGuard<'a>(Option<&'a HttpCounters>);

impl HttpCounters {
    /// Returns the present counts.
    pub fn read(&self) -> HttpStats {
        HttpStats {
            requests: self.requests.load(Relaxed),
            retries: self.retries.load(Relaxed),
            answered: self.answered.load(Relaxed),
            cancelled: self.cancelled.load(Relaxed),
            status_429: self.status_429.load(Relaxed),
            status_5xx: self.status_5xx.load(Relaxed),
            status_other: self.status_other.load(Relaxed),
            timeouts: self.timeouts.load(Relaxed),
            disconnects: self.disconnects.load(Relaxed),
            unreadable: self.unreadable.load(Relaxed),
            prompt_tokens: self.prompt_tokens.load(Relaxed),
            cached_prompt_tokens: self.cached_prompt_tokens.load(Relaxed),
            completion_tokens: self.completion_tokens.load(Relaxed),
        }
    }

    /// Counts a whole answer.
    pub fn answered(&self, reply: &ServerReply) {
        self.answered.fetch_add(1, Relaxed);
        self.prompt_tokens.fetch_add(reply.usage.prompt_tokens, Relaxed);
        self.completion_tokens.fetch_add(reply.usage.completion_tokens, Relaxed);
        self.cached_prompt_tokens.fetch_add(reply.cached_prompt_tokens, Relaxed);
    }

    /// Returns the number of tries that reached no server.
    pub fn away(&self) -> u64 {
        self.away.load(Relaxed)
    }

    /// Counts a try that failed.
    pub fn failed(&self, failure: &TryFailure) {
        if matches!(failure, TryFailure::Refused(_) | TryFailure::Status { status: 502..=504, .. }) {
            self.away.fetch_add(1, Relaxed);
        }
        let counter = match failure {
            TryFailure::Refused(_) | TryFailure::Broken(_) => &self.disconnects,
            TryFailure::TimedOut => &self.timeouts,
            TryFailure::Unreadable(_) | TryFailure::NoAnswer { .. } | TryFailure::Endless(_) => &self.unreadable,
            TryFailure::Status { status: 429, .. } => &self.status_429,
            TryFailure::Status { status: 500.., .. } => &self.status_5xx,
            TryFailure::Unpaid { status: 429, .. } => &self.status_429,
            TryFailure::Status { .. }
            | TryFailure::TooLong { .. }
            | TryFailure::DoesNotFit(_)
            | TryFailure::Cut { .. }
            | TryFailure::Unpaid { .. }
            | TryFailure::Withheld { .. } => &self.status_other,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Watches one completion from now on.
    pub fn watch(&self) -> CancelGuard<'_> {
        CancelGuard(Some(self))
    }
}

impl CancelGuard<'_> {
    /// Notes that the completion has ended, with or without success.
    pub fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for CancelGuard<'_> {
    fn drop(&mut self) {
        if let Some(counters) = self.0 {
            counters.cancelled.fetch_add(1, Relaxed);
        }
    }
}
