//! Probes of a server -> counts in the ledger of a run, within its limits.

use std::sync::OnceLock;

use crate::engine::{EngineError, Meter, Probing, Usage, http::Probes};

/// The meter of probes, and the limit that was reached.
#[derive(Default)]
pub(crate) struct ProbeMeter {
    probes: Option<Probes>,
    limit: OnceLock<String>,
}

impl ProbeMeter {
    pub fn new(probes: Option<Probes>) -> Self {
        ProbeMeter { probes, limit: OnceLock::new() }
    }

    /// Begins the first try of a request that no other meter counts. Returns the meter of its retries.
    ///
    /// # Errors
    /// [`EngineError::Limit`] if a limit forbids it.
    pub fn begin(&self, engine: &str) -> Result<Option<Probe<'_>>, EngineError> {
        let Some(Probes(probing)) = &self.probes else { return Ok(None) };
        let probe = Probe { probing: &**probing, limit: &self.limit };
        if probe.again() { Ok(Some(probe)) } else { self.allowed(engine).map(|()| None) }
    }

    /// Adds the tokens of a probe whose reply only its caller reads.
    pub fn took(&self, usage: Usage) {
        self.probes.iter().for_each(|Probes(probing)| probing.took(usage, false));
    }

    /// Returns whether no probe was skipped because of a limit, so that the findings are complete.
    ///
    /// # Errors
    /// [`EngineError::Limit`] with the limit.
    pub fn allowed(&self, engine: &str) -> Result<(), EngineError> {
        match self.limit.get() {
            None => Ok(()),
            Some(limit) => Err(EngineError::Limit { engine: engine.to_owned(), limit: limit.clone() }),
        }
    }
}

/// One probe that is counted.
pub(crate) struct Probe<'a> {
    probing: &'a dyn Probing,
    limit: &'a OnceLock<String>,
}

impl Meter for Probe<'_> {
    fn again(&self) -> bool {
        self.probing.probe().map_err(|limit| self.limit.set(limit)).is_ok()
    }

    fn besides(&self, usage: Usage, estimated: bool) {
        self.probing.took(usage, estimated);
    }
}
