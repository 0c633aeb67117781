//! What a server was asked and what it cost, counted for the stats file. Never part of results.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::engine::{
    HttpStats,
    http::{failure::Failure, reply::Reply},
};

/// The counters behind [`HttpStats`].
#[derive(Default)]
pub(crate) struct Counters {
    /// Tries that found nobody, or somebody who said that nobody is there.
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

/// Counts a request as cancelled unless it is told that it came to an end.
pub(crate) struct Watch<'a>(Option<&'a Counters>);

impl Counters {
    /// The counts now.
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
    pub fn answered(&self, reply: &Reply) {
        self.answered.fetch_add(1, Relaxed);
        self.prompt_tokens.fetch_add(reply.usage.prompt_tokens, Relaxed);
        self.completion_tokens.fetch_add(reply.usage.completion_tokens, Relaxed);
        self.cached_prompt_tokens.fetch_add(reply.cached_prompt_tokens, Relaxed);
    }

    /// How many tries found nobody.
    pub fn away(&self) -> u64 {
        self.away.load(Relaxed)
    }

    /// Counts a try that failed.
    pub fn failed(&self, failure: &Failure) {
        if matches!(failure, Failure::Refused(_) | Failure::Status { status: 502..=504, .. }) {
            self.away.fetch_add(1, Relaxed);
        }
        let counter = match failure {
            Failure::Refused(_) | Failure::Broken(_) => &self.disconnects,
            Failure::TimedOut => &self.timeouts,
            Failure::Unreadable(_) | Failure::NoAnswer { .. } | Failure::Endless(_) => &self.unreadable,
            Failure::Status { status: 429, .. } => &self.status_429,
            Failure::Status { status: 500.., .. } => &self.status_5xx,
            Failure::Unpaid { status: 429, .. } => &self.status_429,
            Failure::Status { .. }
            | Failure::TooLong { .. }
            | Failure::DoesNotFit(_)
            | Failure::Cut { .. }
            | Failure::Unpaid { .. }
            | Failure::Withheld { .. } => &self.status_other,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Watches one completion from now on.
    pub fn watch(&self) -> Watch<'_> {
        Watch(Some(self))
    }
}

impl Watch<'_> {
    /// The completion came to an end, good or bad.
    pub fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(counters) = self.0 {
            counters.cancelled.fetch_add(1, Relaxed);
        }
    }
}
