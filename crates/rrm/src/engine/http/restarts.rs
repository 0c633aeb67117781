//! A server that went away and came back in the middle of a run -> whether it is still who it was.
//!
//! Tries that found nobody, or that a gateway answered for a server that is not there, are counted. Where there were any since the server was last
//! made sure of, it is asked the request that tells weights apart once more, before anything that it answered is taken. It is asked the less often the
//! more often it went away, and once more at the end. A restart that no request noticed is not noticed here either.

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

/// The time after a check in which there is no other; twice as long after each.
const FIRST_WAIT: Duration = Duration::from_secs(5);

/// The longest such time.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// The times at which a server was away.
pub(super) struct RestartHistory {
    config: HttpConfig,
    memory: Option<IdentityMemory>,
    /// How often it had been away when it was last made sure of.
    seen: AtomicU64,
    /// When it was last asked, and how often.
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

    /// That it was somebody else once is true for good.
    pub fn refused(&self) -> Result<(), EngineError> {
        self.refused.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// It was made sure of just now.
    pub fn is_sure(&self, server: &ServerPool) {
        self.seen.store(server.counters.away(), SeqCst);
    }

    /// Makes sure that it is who it was, where it was away since that was last made sure of. That it cannot be asked is no error.
    ///
    /// # Errors
    /// [`EngineError::OtherWeights`] where it is somebody else.
    pub async fn same(&self, engine: &HttpEngine, at_the_end: bool) -> Result<(), EngineError> {
        self.refused()?;
        // Weights that somebody named are taken for what they are called.
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

/// What is answered at once, and where that differs from what is known, also what is answered one after the other, and then beside longer requests: a
/// server at work may answer otherwise, and may have been at work when it was first asked.
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
