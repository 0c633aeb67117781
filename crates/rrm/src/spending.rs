//! What a run spends: counters that every paid call passes through, and the limits that stop it.

use std::{
    ops::AddAssign,
    sync::{
        Arc,
        atomic::{
            AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
};

use serde::{Deserialize, Serialize};

use crate::engine::{Meter, Probing, Usage};

mod watch;

pub use watch::{ReportSink, SpendingReport};

use watch::SpendingWatch;

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

/// Limits on what a run may spend; `None` means no limit. Calls in flight when a cost limit is met still end and are paid.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SpendingLimits {
    /// Requests sent to the engine: calls, each time that one of them was sent again after a failure, and what was asked to get to know it.
    pub max_calls: Option<u64>,
    /// Money, by `price`.
    pub max_cost: Option<f64>,
    /// What tokens cost.
    pub price: Price,
}

/// A limit that stopped a call before it was made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LimitHit {
    /// As many calls as allowed were made.
    #[error("stopped by --max-calls {0}")]
    Calls(u64),
    /// As much money as allowed was spent.
    #[error("stopped by --max-cost {0}")]
    Cost(f64),
}

/// Counters of one run, or of a part of one.
#[derive(Debug, Default)]
pub struct Spending {
    limits: SpendingLimits,
    /// What everything counts for as well, and whose limits hold.
    whole: Option<Arc<Spending>>,
    watch: Option<SpendingWatch>,
    sent: AtomicU64,
    probes: AtomicU64,
    again: AtomicU64,
    finished: AtomicU64,
    prompt_tokens: AtomicU64,
    completion_tokens: AtomicU64,
    estimated_prompt_tokens: AtomicU64,
    estimated_completion_tokens: AtomicU64,
    reused: AtomicU64,
    reused_tokens: AtomicU64,
}

/// The totals of what a run has spent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpendingTotals {
    /// Calls that were begun.
    pub calls: u64,
    /// Requests besides these that found out who judges and what that one can do, each time that one was sent.
    #[serde(default)]
    pub probes: u64,
    /// How often one of them was sent again after a failure.
    #[serde(default)]
    pub again: u64,
    /// Calls that gave no completion: cancelled or failed.
    pub unfinished: u64,
    /// Completions that the store already held.
    pub reused: u64,
    /// Tokens that were not written again because of the store.
    pub reused_completion_tokens: u64,
    /// Tokens of the requests, as far as the engine told them.
    pub prompt_tokens: u64,
    /// Tokens written, as far as the engine told them.
    pub completion_tokens: u64,
    /// Tokens of requests that may be billed and that nobody counted (no answer came in time, or one without usage): a quarter of the bytes.
    #[serde(default)]
    pub estimated_prompt_tokens: u64,
    /// Written tokens that nobody counted: a quarter of the bytes.
    #[serde(default)]
    pub estimated_completion_tokens: u64,
    /// Money, where a price is known; what was estimated is in it.
    pub cost: f64,
}

/// A call that has begun and has not finished.
pub struct PaidCall<'a>(&'a Spending);

impl Spending {
    /// Counters at zero.
    pub fn new(limits: SpendingLimits) -> Self {
        Spending { limits, ..Spending::default() }
    }

    /// The same, where `tell` hears of every request before it is sent, at times of a few ahead, and soon of everything that came of it: whoever
    /// writes that down knows what a run has spent at most even if it is killed.
    pub fn told(limits: SpendingLimits, tell: ReportSink) -> Self {
        Spending { limits, watch: Some(SpendingWatch::new(tell)), ..Spending::default() }
    }

    /// Says that nothing follows: the account is exact.
    pub fn end(&self) {
        if let Some(watch) = &self.watch {
            watch.ends(&self.sent, || self.spent());
        }
    }

    /// Counters of a part of a run: what it spends counts for `whole` too, and the limits are those of the whole.
    pub fn part(whole: Arc<Spending>) -> Self {
        let limits = SpendingLimits { price: whole.limits.price, ..SpendingLimits::default() };
        Spending { limits, whole: Some(whole), ..Spending::default() }
    }

    /// Allows one call, or says which limit forbids it.
    ///
    /// # Errors
    /// [`LimitHit`]; nothing was counted then.
    pub fn begin(&self) -> Result<PaidCall<'_>, LimitHit> {
        self.send(None)?;
        Ok(PaidCall(self))
    }

    /// Counts one request, unless a limit forbids it; `kind` counts it, too, where it is not the first of a call.
    fn send(&self, kind: Option<fn(&Spending) -> &AtomicU64>) -> Result<(), LimitHit> {
        if let Some(whole) = &self.whole {
            whole.send(kind)?;
        }
        if let Some(max) = self.limits.max_cost
            && self.spent().cost >= max
        {
            return Err(LimitHit::Cost(max));
        }
        let limit = self.limits.max_calls.unwrap_or(u64::MAX);
        // Counted as its kind before it is counted at all, so that nobody takes it for a call.
        kind.iter().for_each(|kind| _ = kind(self).fetch_add(1, Relaxed));
        let more = |sent: u64| (sent < limit).then_some(sent + 1);
        let before = self.sent.fetch_update(SeqCst, SeqCst, more).map_err(|_| {
            kind.iter().for_each(|kind| _ = kind(self).fetch_sub(1, Relaxed));
            LimitHit::Calls(limit)
        })?;
        if let Some(watch) = &self.watch {
            match kind {
                None => watch.sends(before + 1, &self.sent, limit, || self.spent()),
                // What is told ahead is told of calls.
                Some(_) => watch.sends_another(&self.sent, limit, || self.spent()),
            }
        }
        Ok(())
    }

    /// The limit that forbids every further request, where one was met.
    pub fn exhausted(&self) -> Option<LimitHit> {
        let calls = self.limits.max_calls.filter(|max| self.sent.load(SeqCst) >= *max).map(LimitHit::Calls);
        let cost = || self.limits.max_cost.filter(|max| self.spent().cost >= *max).map(LimitHit::Cost);
        calls.or_else(cost).or_else(|| self.whole.as_ref()?.exhausted())
    }

    /// Something came of a request.
    fn came(&self) {
        if let Some(watch) = &self.watch {
            watch.comes(&self.sent, self.limits.max_calls.unwrap_or(u64::MAX), || self.spent());
        }
    }

    /// Counts what a request took.
    fn count(&self, usage: Usage, estimated: bool) {
        for spending in self.all() {
            let (prompt, completion) = match estimated {
                true => (&spending.estimated_prompt_tokens, &spending.estimated_completion_tokens),
                false => (&spending.prompt_tokens, &spending.completion_tokens),
            };
            prompt.fetch_add(usage.prompt_tokens, Relaxed);
            completion.fetch_add(usage.completion_tokens, Relaxed);
            spending.came();
        }
    }

    /// These counters and those of the whole.
    fn all(&self) -> impl Iterator<Item = &Spending> {
        std::iter::successors(Some(self), |spending| spending.whole.as_deref())
    }

    /// Counts a completion that the store held.
    pub fn reused(&self, usage: Usage) {
        if let Some(whole) = &self.whole {
            whole.reused(usage);
        }
        self.reused.fetch_add(1, Relaxed);
        self.reused_tokens.fetch_add(usage.completion_tokens, Relaxed);
    }

    /// The counters now.
    pub fn spent(&self) -> SpendingTotals {
        let usage =
            Usage { prompt_tokens: self.prompt_tokens.load(Relaxed), completion_tokens: self.completion_tokens.load(Relaxed) };
        let estimated = Usage {
            prompt_tokens: self.estimated_prompt_tokens.load(Relaxed),
            completion_tokens: self.estimated_completion_tokens.load(Relaxed),
        };
        let mut billed = usage;
        billed += estimated;
        // What is counted last is read first, and what is counted first is read last.
        let (finished, sent) = (self.finished.load(Relaxed), self.sent.load(SeqCst));
        let (again, probes) = (self.again.load(Relaxed), self.probes.load(Relaxed));
        let begun = sent.saturating_sub(again + probes);
        SpendingTotals {
            calls: begun,
            probes,
            again,
            unfinished: begun.saturating_sub(finished),
            reused: self.reused.load(Relaxed),
            reused_completion_tokens: self.reused_tokens.load(Relaxed),
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            estimated_prompt_tokens: estimated.prompt_tokens,
            estimated_completion_tokens: estimated.completion_tokens,
            cost: self.limits.price.of(billed),
        }
    }
}

impl PaidCall<'_> {
    /// Counts what the call took.
    pub fn finish(self, usage: Usage) {
        self.0.all().for_each(|spending| _ = spending.finished.fetch_add(1, Relaxed));
        self.besides(usage, false);
    }
}

impl Meter for PaidCall<'_> {
    fn again(&self) -> bool {
        self.0.send(Some(|spending| &spending.again)).is_ok()
    }

    fn besides(&self, usage: Usage, estimated: bool) {
        self.0.count(usage, estimated);
    }

    fn unsent(&self) {
        self.0.all().for_each(|spending| _ = spending.sent.fetch_sub(1, SeqCst));
    }
}

/// What is asked to get to know an engine counts like what is asked of it.
impl Probing for Spending {
    fn probe(&self) -> Result<(), String> {
        self.send(Some(|spending| &spending.probes)).map_err(|limit| limit.to_string())
    }

    fn took(&self, usage: Usage, estimated: bool) {
        self.count(usage, estimated);
    }
}

impl AddAssign for SpendingTotals {
    fn add_assign(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.probes = self.probes.saturating_add(other.probes);
        self.again = self.again.saturating_add(other.again);
        self.unfinished = self.unfinished.saturating_add(other.unfinished);
        self.reused = self.reused.saturating_add(other.reused);
        self.reused_completion_tokens = self.reused_completion_tokens.saturating_add(other.reused_completion_tokens);
        self.prompt_tokens = self.prompt_tokens.saturating_add(other.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(other.completion_tokens);
        self.estimated_prompt_tokens = self.estimated_prompt_tokens.saturating_add(other.estimated_prompt_tokens);
        self.estimated_completion_tokens = self.estimated_completion_tokens.saturating_add(other.estimated_completion_tokens);
        self.cost += other.cost;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_are_sent_again_count_against_the_limit_and_the_cost() {
        let price = Price { prompt: 1e6, completion: 2e6 };
        let spending = Spending::new(SpendingLimits { max_calls: Some(3), max_cost: None, price });
        let tokens = |prompt_tokens, completion_tokens| Usage { prompt_tokens, completion_tokens };
        let first = spending.begin().unwrap();
        assert!(first.again());
        first.besides(tokens(5, 0), true);
        first.finish(tokens(7, 1));
        let second = spending.begin().unwrap();
        assert!(!second.again(), "three were sent");
        second.besides(tokens(0, 4), false);
        assert_eq!(spending.begin().err(), Some(LimitHit::Calls(3)));
        let spent = spending.spent();
        assert_eq!((spent.calls, spent.again, spent.unfinished), (2, 1, 1));
        assert_eq!((spent.prompt_tokens, spent.completion_tokens), (7, 5));
        assert_eq!((spent.estimated_prompt_tokens, spent.estimated_completion_tokens), (5, 0));
        assert_eq!(spent.cost, 12.0 + 10.0);
    }

    #[test]
    fn a_call_for_which_nothing_was_sent_counts_nowhere() {
        let whole = Arc::new(Spending::new(SpendingLimits { max_calls: Some(1), ..SpendingLimits::default() }));
        let part = Spending::part(whole.clone());
        let call = part.begin().unwrap();
        call.unsent();
        drop(call);
        assert_eq!((part.spent(), whole.spent()), (SpendingTotals::default(), SpendingTotals::default()));
        assert!(part.begin().is_ok(), "the one call that is allowed is still there");
    }

    #[test]
    fn a_part_counts_for_the_whole_whose_limits_hold() {
        let price = Price { prompt: 1e6, completion: 0.0 };
        let whole = Arc::new(Spending::new(SpendingLimits { max_calls: Some(3), max_cost: None, price }));
        let (one, other) = (Spending::part(whole.clone()), Spending::part(whole.clone()));
        let tokens = Usage { prompt_tokens: 2, completion_tokens: 1 };
        one.begin().unwrap().finish(tokens);
        let call = other.begin().unwrap();
        assert!(call.again());
        call.besides(tokens, true);
        other.reused(tokens);
        assert!(!call.again() && one.begin().is_err(), "three were sent");
        let (one, other, whole) = (one.spent(), other.spent(), whole.spent());
        assert_eq!((one.calls, one.again, one.cost), (1, 0, 2.0));
        assert_eq!((other.calls, other.again, other.unfinished, other.reused, other.cost), (1, 1, 1, 1, 2.0));
        let mut both = one;
        both += other;
        assert_eq!(both, whole);
    }
}
