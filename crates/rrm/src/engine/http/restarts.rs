//! A server that was away in the middle of a run -> whether its identity is still the same.
//!
//! Tries that reached no server, or only a gateway without one, are counted. If there were any since the identity was last confirmed, the request
//! that tells weights apart is sent once more before any answer is accepted. The more often the server was away, the less often this happens, and it
//! happens once more at the end. A restart that no request noticed is not noticed here either.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{sync::Mutex, time::Instant};

use crate::{
    engine::{
        EngineError,
        http::{
            HttpConfig, HttpEngine, IdentityMemory,
            fingerprint::{self, GreedyAnswers},
            identity::{self, ServerView},
            listing::{self, ModelEntry},
            probes,
            server::ServerPool,
        },
    },
    store::Identity,
};

/// Time after a check without another one; it doubles with each check.
const FIRST_WAIT: Duration = Duration::from_secs(5);

/// The longest such time.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// The absences of a server and the checks after them.
pub(super) struct RestartHistory {
    config: HttpConfig,
    memory: Option<IdentityMemory>,
    /// Number of absences when the identity was last confirmed.
    seen: AtomicU64,
    /// Time and number of the last check.
    last: Mutex<(Option<Instant>, u32)>,
    refused: OnceLock<EngineError>,
}

impl RestartHistory {
    pub fn new(config: &HttpConfig, memory: Option<&IdentityMemory>, server: &ServerPool) -> Self {
        RestartHistory {
            config: config.clone(),
            memory: memory.cloned(),
            seen: AtomicU64::new(server.counters.away()),
            last: Mutex::default(),
            refused: OnceLock::new(),
        }
    }

    /// Returns the error if the server was another one at any time.
    pub fn refused(&self) -> Result<(), EngineError> {
        self.refused.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Notes that the identity was confirmed just now.
    pub fn is_sure(&self, server: &ServerPool) {
        self.seen.store(server.counters.away(), SeqCst);
    }

    /// Checks that the server is the same if it was away since the last check. If it cannot be asked, that is no error.
    ///
    /// # Errors
    /// [`EngineError::OtherWeights`] if it is another one.
    pub async fn same(&self, engine: &HttpEngine, at_the_end: bool) -> Result<(), EngineError> {
        self.refused()?;
        // Weights with a declared revision are not checked.
        let named = engine.identity.known.revision.is_some();
        let is_sure = || engine.server.counters.away() == self.seen.load(SeqCst);
        if named || is_sure() {
            return Ok(());
        }
        let mut last = self.last.lock().await;
        self.refused()?;
        let wait = FIRST_WAIT.saturating_mul(1 << last.1.saturating_sub(1).min(16)).min(LONGEST_WAIT);
        if is_sure() || (!at_the_end && last.0.is_some_and(|at| at.elapsed() < wait)) {
            return Ok(());
        }
        let away = engine.server.counters.away();
        let asked = self.asked(engine).await;
        *last = (Some(Instant::now()), last.1 + 1);
        match asked {
            Ok(()) => {
                self.seen.store(away, SeqCst);
                Ok(())
            }
            Err(error @ EngineError::OtherWeights { .. }) => Err(self.refused.get_or_init(|| error).clone()),
            Err(_) => Ok(()),
        }
    }

    async fn asked(&self, engine: &HttpEngine) -> Result<(), EngineError> {
        let (server, identity) = (&engine.server, &engine.identity);
        let mut answers = GreedyAnswers::default();
        if !identity.known.answers.is_empty() {
            answers = fingerprint::answers(server, &engine.model, true).await?;
        }
        let config = HttpConfig { model: Some(engine.model.clone()), ..self.config.clone() };
        let listed = listing::choose(&server.name, &config, listing::list(server).await)?;
        let places = self.config.places();
        let answers = asked_again((server, &engine.model), identity, &listed, (answers, &places)).await?;
        let shown = ServerView { listed: &listed, answers: &answers, places: &places };
        let Some(why) = identity::differs(identity, &shown) else { return Ok(()) };
        let before = match &self.memory {
            Some(memory) => memory.otherwise(identity, &shown, &[identity]),
            None => format!("it answered otherwise when this run began: {why}"),
        };
        let detail = format!(
            "it was away in the middle of this run and came back as another: {before}. Its answers since the last check may come from either model"
        );
        Err(EngineError::OtherWeights { engine: server.name.clone(), detail })
    }
}

/// Returns the answers to simultaneous requests. If they differ from the known ones, also those to requests one after the other, and then beside
/// longer requests: a busy server may answer differently, and may have been busy when it was first asked.
pub(super) async fn asked_again(
    (server, model): (&ServerPool, &str),
    identity: &Identity,
    listed: &ModelEntry,
    (mut answers, places): (GreedyAnswers, &[String]),
) -> Result<GreedyAnswers, EngineError> {
    let differs = |answers: &GreedyAnswers| identity::differs(identity, &ServerView { listed, answers, places }).is_some();
    if !identity.known.answers.is_empty() && places.len() == 1 && differs(&answers) {
        let later = fingerprint::answers(server, model, false).await?;
        answers.repeat &= later.repeat;
        answers.add(later.texts);
        if differs(&answers) {
            answers.add([probes::story_beside(server, model).await?]);
        }
    }
    Ok(answers)
}
