//! What a run spends: counters that every paid call passes through, and the limits that stop it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

use crate::engine::Usage;

/// Money for a million tokens, in any one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// For a million tokens of requests.
    pub prompt: f64,
    /// For a million written tokens.
    pub completion: f64,
}

impl Price {
    /// What these tokens cost.
    pub fn of(self, usage: Usage) -> f64 {
        (usage.prompt_tokens as f64 * self.prompt + usage.completion_tokens as f64 * self.completion) / 1e6
    }
}

/// How much a run may spend; `None` is without limit. Calls in flight when a cost limit is met still end and are paid.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Calls to the engine.
    pub max_calls: Option<u64>,
    /// Money, by `price`.
    pub max_cost: Option<f64>,
    /// What tokens cost.
    pub price: Price,
}

/// A limit that stopped a call before it was made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LimitReached {
    /// As many calls as allowed were made.
    #[error("stopped by --max-calls {0}")]
    Calls(u64),
    /// As much money as allowed was spent.
    #[error("stopped by --max-cost {0}")]
    Cost(f64),
}

/// Counters of one run.
#[derive(Debug, Default)]
pub struct Spending {
    limits: Limits,
    begun: AtomicU64,
    finished: AtomicU64,
    prompt_tokens: AtomicU64,
    completion_tokens: AtomicU64,
    reused: AtomicU64,
    reused_tokens: AtomicU64,
}

/// What a run has spent so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Calls that were begun.
    pub calls: u64,
    /// Calls that gave no completion: cancelled or failed.
    pub unfinished: u64,
    /// Completions that the store already held.
    pub reused: u64,
    /// Tokens that were not written again because of the store.
    pub reused_completion_tokens: u64,
    /// Tokens of the requests of finished calls.
    pub prompt_tokens: u64,
    /// Tokens written by finished calls.
    pub completion_tokens: u64,
    /// Money, where a price is known.
    pub cost: f64,
}

/// One call that was begun and has not finished.
pub struct Call<'a>(&'a Spending);

impl Spending {
    /// Counters at zero.
    pub fn new(limits: Limits) -> Self {
        Spending { limits, ..Spending::default() }
    }

    /// Allows one call, or says which limit forbids it.
    ///
    /// # Errors
    /// [`LimitReached`]; nothing was counted then.
    pub fn begin(&self) -> Result<Call<'_>, LimitReached> {
        if let Some(max) = self.limits.max_cost
            && self.spent().cost >= max
        {
            return Err(LimitReached::Cost(max));
        }
        let limit = self.limits.max_calls.unwrap_or(u64::MAX);
        let more = |begun: u64| (begun < limit).then_some(begun + 1);
        self.begun.fetch_update(Relaxed, Relaxed, more).map_err(|_| LimitReached::Calls(limit))?;
        Ok(Call(self))
    }

    /// Counts a completion that the store held.
    pub fn reused(&self, usage: Usage) {
        self.reused.fetch_add(1, Relaxed);
        self.reused_tokens.fetch_add(usage.completion_tokens, Relaxed);
    }

    /// The counters now.
    pub fn spent(&self) -> Spent {
        let usage = Usage {
            prompt_tokens: self.prompt_tokens.load(Relaxed),
            completion_tokens: self.completion_tokens.load(Relaxed),
        };
        let (begun, finished) = (self.begun.load(Relaxed), self.finished.load(Relaxed));
        Spent {
            calls: begun,
            unfinished: begun.saturating_sub(finished),
            reused: self.reused.load(Relaxed),
            reused_completion_tokens: self.reused_tokens.load(Relaxed),
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            cost: self.limits.price.of(usage),
        }
    }
}

impl Call<'_> {
    /// Counts what the call took.
    pub fn finish(self, usage: Usage) {
        self.0.finished.fetch_add(1, Relaxed);
        self.0.prompt_tokens.fetch_add(usage.prompt_tokens, Relaxed);
        self.0.completion_tokens.fetch_add(usage.completion_tokens, Relaxed);
    }
}
