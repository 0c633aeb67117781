//! An engine that a store remembers: ready at once, and checked before its first completion.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    chat::Message,
    engine::{
        EngineError, Sampling,
        http::{
            Continuation, HttpConfig, HttpEngine,
            connecting::{ProbeOptions, first_requests},
            continuation,
            fingerprint::{self, GreedyAnswers},
            identity::{self, IdentityMemory, ServerTraits, ServerView},
            listing::{self, ModelEntry},
            refusal,
            restarts::{self, RestartHistory},
            secrets::visible,
            server::ServerPool,
        },
    },
    store::Identity,
};

/// Interval of checks for a server that is not up yet.
const BETWEEN: Duration = Duration::from_millis(500);

/// Configuration and memory for the check of an engine's identity.
pub(super) struct IdentityCheck {
    config: HttpConfig,
    memory: IdentityMemory,
}

/// Returns an engine with the remembered identity, without a request.
pub(super) fn engine(mut server: ServerPool, config: &HttpConfig, memory: IdentityMemory, identity: Identity) -> HttpEngine {
    let learned = ServerTraits::of(&identity);
    server.name = format!("{} at {}", visible(&identity.model), server.name);
    learned.remedies.iter().for_each(|remedy| server.mend(*remedy));
    let possible = server.ways(config) != Continuation::None;
    let config = HttpConfig { model: Some(identity.model.clone()), ..config.clone() };
    let restarts = RestartHistory::new(&config, Some(&memory), &server);
    let mut engine = HttpEngine::of(server, identity, &learned, restarts);
    engine.pinned = Some(IdentityCheck { config, memory });
    engine.info.budget = possible && learned.budget.unwrap_or(true);
    engine
}

impl IdentityCheck {
    /// Checks the identity of the engine, and tests how its texts are continued. After an error nothing is asked.
    pub async fn confirmed(&self, engine: &HttpEngine) -> Result<(), EngineError> {
        let streams = engine.server.streams();
        self.asked(engine).await.map_err(|error| match refusal::advised(error, streams) {
            error if error.is_fatal() || matches!(error, EngineError::Limit { .. }) => error,
            // The text already has the engine's name.
            other => {
                let text = other.to_string();
                let detail = text.strip_prefix(&format!("{}: ", engine.info.name)).unwrap_or(&text).to_owned();
                EngineError::Unconfirmed { engine: engine.info.name.clone(), detail }
            }
        })
    }

    async fn asked(&self, engine: &HttpEngine) -> Result<(), EngineError> {
        let (server, config) = (&engine.server, &self.config);
        let lists = self.lists(server).await;
        let elsewhere = !lists.iter().flatten().any(|models| !models.is_empty());
        let listed = listing::choose(&server.name, config, lists)?;
        let mut identity = engine.identity.clone();
        let mut learned = ServerTraits::of(&identity);
        let asking = ProbeOptions { remedies: &mut learned.remedies, elsewhere, fixed: true };
        if identity.known.answers.is_empty() {
            // The answer says nothing about the identity; but the right candidate of the address may have to be found.
            if elsewhere && server.replicas().iter().any(|replica| replica.base.count() > 1) {
                first_requests(server, asking, || Box::pin(word(server, &engine.model))).await?;
            }
            self.compared(engine, &mut identity, &listed, &GreedyAnswers::default())?;
        } else {
            let answers = first_requests(server, asking, || Box::pin(fingerprint::answers(server, &engine.model, true))).await?;
            let listed = listing::loaded(server, config, &listed).await;
            self.recognised(engine, &mut identity, &listed, answers).await?;
        }
        let way = continuation::find(server, &engine.model, server.ways(config)).await?;
        if config.continuation != Continuation::None {
            learned.budget = Some(way.is_some());
        }
        engine.way.set(way).ok();
        identity.known.learned = learned.text();
        server.counted.allowed(&server.name)?;
        self.memory.identities.remember(&identity).map_err(|error| server.failed(&error))
    }

    /// Compares the answers to simultaneous requests, and if they differ, those to requests one after the other.
    async fn recognised(
        &self,
        engine: &HttpEngine,
        identity: &mut Identity,
        listed: &ModelEntry,
        answers: GreedyAnswers,
    ) -> Result<(), EngineError> {
        let places = self.config.places();
        let answers = restarts::asked_again((&engine.server, &engine.model), identity, listed, (answers, &places)).await?;
        self.compared(engine, identity, listed, &answers)
    }

    fn compared(
        &self,
        engine: &HttpEngine,
        identity: &mut Identity,
        listed: &ModelEntry,
        answers: &GreedyAnswers,
    ) -> Result<(), EngineError> {
        let places = self.config.places();
        let shown = ServerView { listed, answers, places: &places };
        if identity.known.revision.is_none() && identity::differs(identity, &shown).is_some() {
            return Err(self.memory.refused(&engine.info.name, identity, &shown, &[&*identity]));
        }
        identity::absorb(identity, &shown);
        Ok(())
    }

    /// Returns the lists of the replicas, once one of them answers or the time to come back has passed.
    async fn lists(&self, server: &ServerPool) -> Vec<Result<Vec<ModelEntry>, EngineError>> {
        let (started, patience) = (Instant::now(), Duration::try_from_secs_f64(self.config.away).unwrap_or_default());
        loop {
            let lists = listing::list(server).await;
            let gone = |list: &Result<_, EngineError>| {
                matches!(list, Err(EngineError::Unreachable { .. } | EngineError::Status { status: 502..=504, .. }))
            };
            if !lists.iter().all(gone) || started.elapsed() >= patience {
                return lists;
            }
            sleep(BETWEEN.min(patience)).await;
        }
    }
}

/// Sends the shortest request.
async fn word(server: &ServerPool, model: &str) -> Result<(), EngineError> {
    let sampling = Sampling { temperature: 0.0, max_tokens: 1, ..Sampling::default() };
    fingerprint::probe(server, model, &[Message::user("Say yes.")], &sampling, 0).await.map(|_| ())
}
