//! Recent calls of the judge -> whether they failed, which `/ready` reports.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::{FutureExt, future::BoxFuture};
use rrm::engine::{Completion, Engine, EngineError, EngineInfo, HttpStats, Meter, Opening, Request, ScoreCache};

/// The time for which a failure counts against the next call.
const RECENT: Duration = Duration::from_secs(60);

/// Consecutive failures that may be due to single requests; more are attributed to the judge.
const CHANCE: u32 = 2;

/// The outcome of the most recent calls.
#[derive(Default)]
pub struct CallHistory(Mutex<Option<Failures>>);

/// Failures since the last successful call.
struct Failures {
    count: u32,
    /// Whether the last error would affect every call.
    of_all: bool,
    last: Instant,
    why: String,
}

impl CallHistory {
    fn saw(&self, answer: &Result<Completion, EngineError>, now: Instant) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *failures = match answer {
            Ok(_) => None,
            // No call was made.
            Err(EngineError::TooLong { .. }) => return,
            Err(error) => {
                let count = failures.as_ref().map_or(0, |failures| failures.count).saturating_add(1);
                Some(Failures { count, of_all: error.is_fatal(), last: now, why: error.to_string() })
            }
        };
    }

    /// Returns the reason why the judge is not ready: its last calls all failed, the latest within the last minute. After a minute without calls it
    /// counts as ready again.
    pub fn trouble(&self, now: Instant) -> Option<String> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = failures.as_ref().filter(|failures| now.duration_since(failures.last) < RECENT)?;
        (failures.of_all || failures.count > CHANCE).then(|| failures.why.clone())
    }
}

/// An engine that records the outcome of its calls.
pub(crate) struct WatchedEngine {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) calls: Arc<CallHistory>,
}

impl Engine for WatchedEngine {
    fn info(&self) -> &EngineInfo {
        self.engine.info()
    }

    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        let answer = self.engine.complete(request);
        answer.inspect(|answer| self.calls.saw(answer, Instant::now())).boxed()
    }

    fn complete_metered<'a>(&'a self, request: Request, meter: &'a dyn Meter) -> BoxFuture<'a, Result<Completion, EngineError>> {
        let answer = self.engine.complete_metered(request, meter);
        answer.inspect(|answer| self.calls.saw(answer, Instant::now())).boxed()
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        self.engine.ready()
    }

    fn opening(&self) -> Opening {
        self.engine.opening()
    }

    fn confirming(&self) -> Option<BoxFuture<'_, Result<(), EngineError>>> {
        let confirming = self.engine.confirming()?;
        let seen = |confirmed: &Result<(), EngineError>| {
            if let Err(error) = confirmed {
                self.calls.saw(&Err(error.clone()), Instant::now());
            }
        };
        Some(confirming.inspect(seen).boxed())
    }

    fn also(&self) -> &[String] {
        self.engine.also()
    }

    fn changes(&self) -> Option<&str> {
        self.engine.changes()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        self.engine.close()
    }

    fn scores(&self) -> Option<&ScoreCache> {
        self.engine.scores()
    }

    fn stats(&self) -> Option<HttpStats> {
        self.engine.stats()
    }

    fn unasked(&self) -> Option<String> {
        self.engine.unasked()
    }
}

#[cfg(test)]
mod tests {
    use rrm::engine::{Finish, Usage};

    use super::*;

    #[test]
    fn a_judge_is_in_trouble_while_its_last_calls_all_failed() {
        let (calls, now) = (CallHistory::default(), Instant::now());
        let engine = || "judge".to_owned();
        let answered = Ok(Completion {
            text: String::new(),
            reasoning: None,
            finish: Finish::Stop,
            elicited: false,
            usage: Usage::default(),
            label_logprobs: None,
        });
        let gone = Err(EngineError::Unreachable { engine: engine(), detail: "nobody listens".into() });
        let bad = Err(EngineError::BadReply { engine: engine(), detail: "no JSON".into() });
        let long = Err(EngineError::TooLong { engine: engine(), tokens: 9, limit: 8 });
        assert_eq!(calls.trouble(now), None, "nobody was called yet");
        calls.saw(&gone, now);
        assert!(calls.trouble(now).unwrap().contains("nobody listens"));
        calls.saw(&long, now);
        assert!(calls.trouble(now).is_some(), "a prompt that is too long was sent to nobody");
        assert_eq!(calls.trouble(now + RECENT), None, "somebody has to try");
        calls.saw(&answered, now);
        assert_eq!(calls.trouble(now), None);
        // One bad reply may be due to the request; several in a row are attributed to the judge.
        for expected in [false, false, true] {
            calls.saw(&bad, now);
            assert_eq!(calls.trouble(now).is_some(), expected);
        }
    }
}
