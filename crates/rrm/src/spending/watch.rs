//! Requests before they are sent, and answers -> reports for a caller that stores them, rarely, but never later than a request.
//!
//! Each request is reported before it is sent. If many follow one another, a block of them is reported in advance, so that most are sent without a
//! report.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use super::SpendingTotals;

/// Most requests that are reported in advance, and most answers before a report.
const BLOCK: u64 = 16;

/// After this time without a report, everything is reported at once and nothing in advance, so that the account is exact.
const QUIET: Duration = Duration::from_millis(20);

/// A report of what a run has spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpendingReport {
    /// Totals of the run.
    pub spent: SpendingTotals,
    /// Number of further requests that may be sent before the next report.
    pub ahead: u64,
    /// Whether no request follows.
    pub ended: bool,
}

/// The function that receives spending reports.
pub type ReportSink = Box<dyn Fn(SpendingReport) + Send + Sync>;

/// The receiver of spending reports, and the time when the next one is due.
pub(super) struct SpendingWatch {
    tell: ReportSink,
    began: Instant,
    /// Time of the last report, in nanoseconds since the beginning.
    last: AtomicU64,
    /// Number of requests that are reported.
    until: AtomicU64,
    /// Number of answers that are not reported.
    untold: AtomicU64,
    /// Held during a report, so that a later report never comes before an earlier one.
    telling: Mutex<()>,
}

impl SpendingWatch {
    pub fn new(tell: ReportSink) -> Self {
        let (last, until, untold) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        SpendingWatch { tell, began: Instant::now(), last, until, untold, telling: Mutex::default() }
    }

    /// Reports the `nth` request, which is about to be sent and is counted in `sent`.
    pub fn sends(&self, nth: u64, sent: &AtomicU64, most: u64, spent: impl Fn() -> SpendingTotals) {
        if nth > self.until.load(SeqCst) {
            let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
            // Another thread may have reported it in the meantime.
            if nth > self.until.load(SeqCst) {
                self.say(sent, most, spent, self.is_quiet());
            }
        }
    }

    /// Reports a request that is no call, which is about to be sent and is counted. It is reported as its kind, and nothing in advance.
    pub fn sends_another(&self, sent: &AtomicU64, most: u64, spent: impl Fn() -> SpendingTotals) {
        let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        self.say(sent, most, spent, true);
    }

    /// Notes that a request has ended.
    pub fn comes(&self, sent: &AtomicU64, most: u64, spent: impl Fn() -> SpendingTotals) {
        if self.untold.fetch_add(1, SeqCst) + 1 >= BLOCK || self.is_quiet() {
            let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
            self.say(sent, most, spent, self.is_quiet());
        }
    }

    /// Reports that no request follows.
    pub fn ends(&self, sent: &AtomicU64, spent: impl Fn() -> SpendingTotals) {
        let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        self.until.store(sent.load(SeqCst), SeqCst);
        (self.tell)(SpendingReport { spent: spent(), ahead: 0, ended: true });
    }

    fn is_quiet(&self) -> bool {
        self.began.elapsed().saturating_sub(Duration::from_nanos(self.last.load(SeqCst))) >= QUIET
    }

    /// Sends a report; if it is `exactly`, with nothing in advance. The caller must hold `telling`.
    fn say(&self, sent: &AtomicU64, most: u64, spent: impl Fn() -> SpendingTotals, exactly: bool) {
        if exactly {
            // Reports in advance are cancelled: a caller that counts a request from here on waits for this report.
            self.until.store(0, SeqCst);
        }
        self.untold.store(0, SeqCst);
        let now = sent.load(SeqCst);
        let ahead = if exactly { 0 } else { BLOCK.min(most.saturating_sub(now)) };
        (self.tell)(SpendingReport { spent: spent(), ahead, ended: false });
        self.until.store(now + ahead, SeqCst);
        self.last.store(u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX), SeqCst);
    }
}

impl fmt::Debug for SpendingWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use super::*;
    use crate::{
        engine::{Meter, Probing, Usage},
        spending::{Spending, SpendingLimits},
    };

    type Heard = Arc<Mutex<Vec<(u64, u64, u64)>>>;

    /// Every report: requests of all kinds, requests in advance, and written tokens.
    fn heard(limits: SpendingLimits) -> (Heard, Spending) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let hears = told.clone();
        let tell = Box::new(move |told: SpendingReport| {
            let SpendingTotals { calls, probes, again, completion_tokens, .. } = told.spent;
            hears.lock().unwrap().push((calls + probes + again, told.ahead, completion_tokens));
        });
        (told, Spending::told(limits, tell))
    }

    #[test]
    fn every_request_is_told_before_it_is_sent() {
        let (told, spending) = heard(SpendingLimits { max_calls: Some(2), ..SpendingLimits::default() });
        let covers = |requests: u64| {
            let (sent, ahead, _) = *told.lock().unwrap().last().unwrap();
            assert!((sent..=sent + ahead).contains(&requests), "{sent} and {ahead} ahead, of {requests}");
            assert!(sent + ahead <= 2, "no more is told than may be sent: {sent} and {ahead}");
        };
        spending.probe().unwrap();
        covers(1);
        let call = spending.begin().unwrap();
        covers(2);
        call.finish(Usage { prompt_tokens: 1, completion_tokens: 5 });
        assert!(spending.begin().is_err() && spending.probe().is_err());
        spending.end();
        assert_eq!(*told.lock().unwrap().last().unwrap(), (2, 0, 5));
        assert_eq!((spending.spent().calls, spending.spent().probes), (1, 1));
    }

    #[test]
    fn requests_that_are_no_calls_are_told_as_what_they_are() {
        let told = Arc::new(Mutex::new(None));
        let hears = told.clone();
        let spending = Spending::told(SpendingLimits::default(), Box::new(move |told| *hears.lock().unwrap() = Some(told)));
        let last = || {
            let SpendingReport { spent, ahead, .. } = told.lock().unwrap().unwrap();
            (spent.calls, spent.probes, spent.again, ahead)
        };
        for probes in 1..=20 {
            spending.probe().unwrap();
            assert_eq!(last(), (0, probes, 0, 0));
            spending.took(Usage::default(), false);
        }
        let calls: Vec<_> = (0..5).map(|_| spending.begin().unwrap()).collect();
        assert!(last().0 + last().3 >= 5, "{:?}", last());
        assert!(calls[0].again());
        assert_eq!(last(), (5, 20, 1, 0));
        spending.probe().unwrap();
        assert_eq!(last(), (5, 21, 1, 0));
    }

    #[test]
    fn many_requests_are_told_in_blocks_and_single_ones_exactly() {
        let (told, spending) = heard(SpendingLimits::default());
        for _ in 0..400 {
            let call = spending.begin().unwrap();
            let (sent, ahead, _) = *told.lock().unwrap().last().unwrap();
            assert!(sent + ahead >= spending.spent().calls, "sent and not told");
            call.finish(Usage { prompt_tokens: 0, completion_tokens: 1 });
            let written = told.lock().unwrap().last().unwrap().2;
            assert!(spending.spent().completion_tokens - written < 16, "{written}");
        }
        let many = told.lock().unwrap().len();
        assert!(many < 200, "800 events were told {many} times");
        thread::sleep(std::time::Duration::from_millis(30));
        let call = spending.begin().unwrap();
        thread::sleep(std::time::Duration::from_millis(30));
        call.finish(Usage { prompt_tokens: 0, completion_tokens: 1 });
        assert_eq!(*told.lock().unwrap().last().unwrap(), (401, 0, 401));
    }

    #[test]
    fn nothing_is_sent_that_was_not_told_whoever_else_sends() {
        let most = Arc::new(AtomicU64::new(0));
        let tells = most.clone();
        let tell = Box::new(move |told: SpendingReport| tells.store(told.spent.calls + told.ahead, SeqCst));
        let (spending, sent) = (Spending::told(SpendingLimits::default(), tell), AtomicU64::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for i in 0..2000 {
                        let call = spending.begin().unwrap();
                        // The reported number is never below the number that was sent before it was read.
                        let before = sent.fetch_add(1, SeqCst) + 1;
                        assert!(most.load(SeqCst) >= before, "{before} were sent");
                        call.finish(Usage::default());
                        if i % 500 == 0 {
                            thread::sleep(std::time::Duration::from_millis(25));
                        }
                    }
                });
            }
        });
        assert_eq!(spending.spent().calls, 8000);
    }
}
