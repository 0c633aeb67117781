//! What is asked to get to know a server -> counted where a run counts what it spends, as far as the run may spend it.

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

    /// The first try of a request that nobody else counts; what counts its others.
    ///
    /// # Errors
    /// Which limit forbids it.
    pub fn begin(&self, engine: &str) -> Result<Option<Probe<'_>>, EngineError> {
        let Some(Probes(probing)) = &self.probes else { return Ok(None) };
        let probe = Probe { probing: &**probing, limit: &self.limit };
        if probe.again() { Ok(Some(probe)) } else { self.allowed(engine).map(|()| None) }
    }

    /// What an uncounted request took, where its reply says so only to whoever asked.
    pub fn took(&self, usage: Usage) {
        self.probes.iter().for_each(|Probes(probing)| probing.took(usage, false));
    }

    /// Whether nothing was left out for a limit, so that what was found out may be relied on.
    ///
    /// # Errors
    /// Which limit it was.
    pub fn allowed(&self, engine: &str) -> Result<(), EngineError> {
        match self.limit.get() {
            None => Ok(()),
            Some(limit) => Err(EngineError::Limit { engine: engine.to_owned(), limit: limit.clone() }),
        }
    }
}

/// One request that is counted so.
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
