//! The ledger of a run: counters that every paid call passes through, and the limits that stop it.

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

/// Price of a million tokens, in any currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Price of a million tokens of requests.
    pub prompt: f64,
    /// Price of a million written tokens.
    pub completion: f64,
}

impl Price {
    /// Returns the cost of these tokens.
    pub fn of(self, usage: Usage) -> f64 {
        (usage.prompt_tokens as f64 * self.prompt + usage.completion_tokens as f64 * self.completion) / 1e6
    }
}

/// Limits of a run; `None` means no limit. Calls in flight when a cost limit is reached still end and are paid.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SpendingLimits {
    /// Most requests to the engine: calls, their retries, and probes.
    pub max_calls: Option<u64>,
    /// Most money, by `price`.
    pub max_cost: Option<f64>,
    /// Price of tokens.
    pub price: Price,
}

/// The limit that stopped a call before it was made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LimitHit {
    /// All allowed calls were made.
    #[error("stopped by --max-calls {0}")]
    Calls(u64),
    /// All allowed money was spent.
    #[error("stopped by --max-cost {0}")]
    Cost(f64),
}

/// Counters of one run, or of a part of one.
#[derive(Debug, Default)]
pub struct Spending {
    limits: SpendingLimits,
    /// The ledger of the whole run, which counts everything as well and whose limits hold.
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

/// Totals of a run so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpendingTotals {
    /// Number of calls that were begun.
    pub calls: u64,
    /// Number of further requests that found out who judges and what the server can do, with their retries.
    #[serde(default)]
    pub probes: u64,
    /// Number of retries of calls.
    #[serde(default)]
    pub again: u64,
    /// Number of calls that gave no completion: cancelled or failed.
    pub unfinished: u64,
    /// Number of completions that the store already held.
    pub reused: u64,
    /// Tokens that were not written again, because the store held them.
    pub reused_completion_tokens: u64,
    /// Tokens of the requests, as far as the engine counted them.
    pub prompt_tokens: u64,
    /// Tokens written, as far as the engine counted them.
    pub completion_tokens: u64,
    /// Estimated tokens of requests that may be billed and that no server counted (there was no answer in time, or one without usage): a quarter of
    /// the bytes.
    #[serde(default)]
    pub estimated_prompt_tokens: u64,
    /// Estimated written tokens that no server counted: a quarter of the bytes.
    #[serde(default)]
    pub estimated_completion_tokens: u64,
    /// Cost, if a price is known, with the estimated tokens.
    pub cost: f64,
}

/// A call that has begun and not finished.
pub struct PaidCall<'a>(&'a Spending);

impl Spending {
    /// Returns counters at zero.
    pub fn new(limits: SpendingLimits) -> Self {
        Spending { limits, ..Spending::default() }
    }

    /// Returns counters that report to `tell`: every request before it is sent, sometimes a few in advance, and soon the tokens of every answer. A
    /// caller that stores the reports knows the most that a run has spent, even if it is killed.
    pub fn told(limits: SpendingLimits, tell: ReportSink) -> Self {
        Spending { limits, watch: Some(SpendingWatch::new(tell)), ..Spending::default() }
    }

    /// Reports that no request follows, so that the account is exact.
    pub fn end(&self) {
        if let Some(watch) = &self.watch {
            watch.ends(&self.sent, || self.spent());
        }
    }

    /// Returns the ledger of a part of a run. What it spends also counts for `whole`, whose limits hold.
    pub fn part(whole: Arc<Spending>) -> Self {
        let limits = SpendingLimits { price: whole.limits.price, ..SpendingLimits::default() };
        Spending { limits, whole: Some(whole), ..Spending::default() }
    }

    /// Allows one call, unless a limit forbids it.
    ///
    /// # Errors
    /// [`LimitHit`] with the limit. Nothing was counted then.
    pub fn begin(&self) -> Result<PaidCall<'_>, LimitHit> {
        self.send(None)?;
        Ok(PaidCall(self))
    }

    /// Counts one request, unless a limit forbids it. If it is not the first one of a call, the counter of its `kind` counts it, too.
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
        // Its kind is counted first, so that it is never mistaken for a call.
        kind.iter().for_each(|kind| _ = kind(self).fetch_add(1, Relaxed));
        let more = |sent: u64| (sent < limit).then_some(sent + 1);
        let before = self.sent.fetch_update(SeqCst, SeqCst, more).map_err(|_| {
            kind.iter().for_each(|kind| _ = kind(self).fetch_sub(1, Relaxed));
            LimitHit::Calls(limit)
        })?;
        if let Some(watch) = &self.watch {
            match kind {
                None => watch.sends(before + 1, &self.sent, limit, || self.spent()),
                // Reports in advance are about calls.
                Some(_) => watch.sends_another(&self.sent, limit, || self.spent()),
            }
        }
        Ok(())
    }

    /// Returns the limit that forbids every further request, if one was reached.
    pub fn exhausted(&self) -> Option<LimitHit> {
        let calls = self.limits.max_calls.filter(|max| self.sent.load(SeqCst) >= *max).map(LimitHit::Calls);
        let cost = || self.limits.max_cost.filter(|max| self.spent().cost >= *max).map(LimitHit::Cost);
        calls.or_else(cost).or_else(|| self.whole.as_ref()?.exhausted())
    }

    /// Reports that a request has ended.
    fn came(&self) {
        if let Some(watch) = &self.watch {
            watch.comes(&self.sent, self.limits.max_calls.unwrap_or(u64::MAX), || self.spent());
        }
    }

    /// Counts the tokens of a request.
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

    /// Returns this ledger and those of the whole.
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

    /// Returns the present totals.
    pub fn spent(&self) -> SpendingTotals {
        let usage =
            Usage { prompt_tokens: self.prompt_tokens.load(Relaxed), completion_tokens: self.completion_tokens.load(Relaxed) };
        let estimated = Usage {
            prompt_tokens: self.estimated_prompt_tokens.load(Relaxed),
            completion_tokens: self.estimated_completion_tokens.load(Relaxed),
        };
        let mut billed = usage;
        billed += estimated;
        // Counters are read in the reverse order of counting.
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
    /// Ends the call and counts its tokens.
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

/// Probes count like other requests.
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
