//! An OpenAI-compatible server, or several replicas of one -> an [`Engine`].
//!
//! [`connect`] lists the models of each replica and sends probes: five short greedy requests (24 tokens each, none with a `revision`), two with the
//! same seed (48 tokens), the second beside three longer ones, one with log-probabilities (1 token), a few tokens more for each way to continue a
//! text until one works, and the rendered prompt, or else one more greedy request (160 tokens), to find the writer of the opening mark of thinking.
//! [`connect_remembered`] sends nothing if a store remembers all this; then the first completion is preceded by a check. All other requests go
//! through `server`, which applies limits, routes, retries and counts.

pub(super) mod base;
pub(super) mod body;
mod bounded;
mod budget;
mod client;
mod config;
mod connecting;
pub(super) mod continuation;
mod echo;
mod failure;
mod fields;
pub(super) mod fingerprint;
pub(super) mod identity;
mod limits;
pub(super) mod listing;
mod metered;
#[cfg(feature = "store")]
mod offline;
pub(super) mod opening;
mod pinned;
mod probes;
mod probing;
mod prompt_size;
mod ready;
mod refusal;
mod remembering;
mod replicas;
pub(super) mod reply;
mod restarts;
mod secrets;
pub(super) mod server;
mod stats;
mod stream;
mod whole;

use futures::future::BoxFuture;

pub use super::HttpStats;
pub use config::{Continuation, HttpConfig, Probes};
pub use fields::RequestFields;
pub use identity::{IdentityMemory, MismatchPolicy};
#[cfg(feature = "store")]
pub(crate) use offline::{ChatBody, chat_body, read_chat, revision_fingerprint};
pub use secrets::shown_address;
pub(super) use secrets::visible;

use tokio::sync::OnceCell;

use self::{
    body::{AnswerTerms, Body, BodyInput},
    connecting::{connected, sampling_defaults},
    continuation::{CHAT, WorkingMethod, send},
    identity::ServerTraits,
    pinned::IdentityCheck,
    remembering::PendingIdentity,
    restarts::RestartHistory,
    server::ServerPool,
};
use crate::{
    engine::{Completion, Engine, EngineError, EngineInfo, Meter, Opening, Request},
    store::Identity,
};

/// A model behind one or more OpenAI-compatible servers.
pub struct HttpEngine {
    info: EngineInfo,
    pub(super) model: String,
    way: OnceCell<Option<WorkingMethod>>,
    notes: Vec<String>,
    defaults: Option<&'static str>,
    opening: Opening,
    /// Identity of the server.
    pub(super) identity: Identity,
    /// Check that is due before the first completion, if nothing was asked when connecting.
    pinned: Option<IdentityCheck>,
    confirmed: OnceCell<Result<(), EngineError>>,
    /// Identity that the store remembers once something is paid for.
    remembering: Option<PendingIdentity>,
    restarts: RestartHistory,
    pub(super) server: ServerPool,
}

/// Connects to the servers of `config`, and probes which model is served and what it supports.
///
/// # Errors
/// [`EngineError::Unreachable`] if no replica answers, [`EngineError::Unauthorized`] if the key is refused, otherwise the server's answer to the
/// first request, or the error in the configuration.
pub async fn connect(config: HttpConfig) -> Result<HttpEngine, EngineError> {
    connected(&config, None).await.map_err(|error| refusal::advised(error, config.stream))
}

/// Connects like [`connect`], with a memory: an engine that is remembered under its name gets no request before its first completion. Without
/// [`HttpConfig::model`], the server is asked for its models.
///
/// # Errors
/// As [`connect`]; [`EngineError::OtherWeights`] if the server is not the remembered one, which the first completion may also find;
/// [`EngineError::Failed`] if the memory cannot be read or written.
pub async fn connect_remembered(config: HttpConfig, memory: IdentityMemory) -> Result<HttpEngine, EngineError> {
    connected(&config, Some(&memory)).await.map_err(|error| refusal::advised(error, config.stream))
}

impl HttpEngine {
    /// Returns an engine with this identity and these traits.
    fn of(server: ServerPool, identity: Identity, learned: &ServerTraits, restarts: RestartHistory) -> HttpEngine {
        let mut notes: Vec<String> = learned.remedies.iter().map(|remedy| remedy.note().to_owned()).collect();
        if identity.known.answers.is_empty() && identity.known.revision.is_none() {
            notes.push(identity::DRIFTS.to_owned());
        }
        notes.extend(server.fields().notes());
        let opening = learned.opening.unwrap_or(Opening::Unknown);
        notes.extend((opening == Opening::Template).then(|| OPENED.to_owned()));
        let info = EngineInfo {
            name: server.name.clone(),
            fingerprint: identity.fingerprint.clone(),
            seeds: learned.seeds && !server.fields().leaves_out("seed"),
            logprobs: learned.logprobs,
            budget: learned.budget.unwrap_or(false),
            paid: true,
        };
        HttpEngine {
            notes: notes.into_iter().map(|note| format!("{}: {note}", server.name)).collect(),
            model: identity.model.clone(),
            way: OnceCell::new(),
            defaults: learned.owner.as_deref().and_then(sampling_defaults),
            opening,
            identity,
            pinned: None,
            confirmed: OnceCell::new(),
            remembering: None,
            restarts,
            info,
            server,
        }
    }

    /// Returns the notes for the user, one sentence each: facts that could not be found, changes to the usual requests, and that the template opens
    /// the thinking.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns a sentence about the sampling settings that the server takes from elsewhere unless they are set; `None` if that is not known.
    pub fn sampling_defaults(&self) -> Option<&'static str> {
        self.defaults
    }

    /// Returns the counts of requests and tokens since [`connect`].
    pub fn stats(&self) -> HttpStats {
        self.server.counters.read()
    }

    /// Returns the model's name on the server.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Returns a description of how a completion is continued after its thinking was cut; `None` if that is impossible.
    pub fn continues_by(&self) -> Option<&'static str> {
        self.way().map(WorkingMethod::describe)
    }

    /// Returns the date on which the identity was last confirmed, if the server has not been asked since the engine was opened.
    pub fn unasked(&self) -> Option<String> {
        let silent = self.pinned.is_some() && !self.confirmed.initialized() && self.identity.known.revision.is_none();
        silent.then(|| identity::date(self.identity.last_seen))
    }

    fn way(&self) -> Option<WorkingMethod> {
        self.way.get().copied().flatten()
    }

    /// Confirms the identity of the server, and has it remembered.
    async fn confirmed(&self) -> Result<(), EngineError> {
        let confirm = || async {
            if let Some(pinned) = &self.pinned {
                pinned.confirmed(self).await?;
                self.restarts.is_sure(&self.server);
            }
            self.remember()
        };
        self.confirmed.get_or_init(confirm).await.clone()?;
        self.restarts.refused()
    }

    fn remember(&self) -> Result<(), EngineError> {
        let remembered = self.remembering.as_ref().map(PendingIdentity::remember).transpose();
        remembered.map(drop).map_err(|error| self.server.failed(&error))
    }

    async fn answer(&self, request: Request, meter: Option<&dyn Meter>) -> Result<Completion, EngineError> {
        self.confirmed().await?;
        let completion = self.asked(request, meter).await?;
        // If the server was away meanwhile, the completion may be another server's.
        self.restarts.same(self, false).await?;
        Ok(completion)
    }

    async fn asked(&self, request: Request, meter: Option<&dyn Meter>) -> Result<Completion, EngineError> {
        let _permit = self.server.permit().await?;
        let watch = self.server.counters.watch();
        let result = match (&request.budget, self.way()) {
            (Some(budget), Some(way)) => budget::complete(&self.server, &self.model, way, (&request, budget), meter).await,
            (Some(_), None) => {
                meter.iter().for_each(|meter| meter.unsent());
                Err(EngineError::Unsupported { engine: self.info.name.clone(), what: UNABLE.to_owned() })
            }
            (None, _) => {
                let mut body = Body::new(&self.model, BodyInput::ask(&request.messages), &request.sampling, request.seed);
                body.terms = AnswerTerms { meter, ..AnswerTerms::default() };
                let reply = send(&self.server, CHAT, body, request.sink.as_ref(), self.server.max_retries).await;
                reply.map(budget::plain)
            }
        };
        watch.ended();
        result.map_err(|error| refusal::advised(error, self.server.streams()))
    }
}

const UNABLE: &str = "a thinking budget is not possible here: the server goes on with neither a begun assistant message nor a \
    rendered prompt; vLLM, SGLang, llama.cpp and transformers do, and without a budget any server will do";

/// Note on a model whose chat template opens its thinking.
const OPENED: &str = "the chat template opens the thinking, so a reply that does not close it has no verdict; \
    `thinking.opened_by_template = true` in the format says so without asking";

impl Engine for HttpEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn opening(&self) -> Opening {
        self.opening
    }

    fn also(&self) -> &[String] {
        &self.identity.known.also
    }

    fn changes(&self) -> Option<&str> {
        Some(&self.identity.changes)
    }

    fn confirming(&self) -> Option<BoxFuture<'_, Result<(), EngineError>>> {
        let done = self.confirmed.get().is_some_and(Result::is_ok) && self.restarts.refused().is_ok();
        (!done).then(|| -> BoxFuture<'_, _> { Box::pin(self.confirmed()) })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(async {
            self.restarts.same(self, true).await?;
            match self.remember() {
                // Nothing was paid for if the store is read-only.
                Err(_) if self.remembering.as_ref().is_some_and(PendingIdentity::is_read_only) => Ok(()),
                remembered => remembered,
            }
        })
    }

    /// The usage is the server's, and 0 if it reports none. With a budget, see [`Completion::elicited`], the tokens of both requests are added,
    /// because the prompt is sent, and billed, twice.
    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        Box::pin(self.answer(request, None))
    }

    fn complete_metered<'a>(&'a self, request: Request, meter: &'a dyn Meter) -> BoxFuture<'a, Result<Completion, EngineError>> {
        Box::pin(self.answer(request, Some(meter)))
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(self.server.ready())
    }

    fn stats(&self) -> Option<HttpStats> {
        Some(HttpEngine::stats(self))
    }

    fn unasked(&self) -> Option<String> {
        HttpEngine::unasked(self)
    }
}
