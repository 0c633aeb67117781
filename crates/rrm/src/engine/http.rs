//! An OpenAI-compatible server, or several replicas of one, turned into an [`Engine`].
//!
//! [`connect`] asks what is there and tries it out: `/v1/models` of each replica, three short greedy requests (24 tokens each,
//! none with a `revision`), two with the same seed (12), one with log-probabilities (1), and a few tokens more for each way
//! to continue a text, until one works. Everything after that goes through `server`, which keeps limits, routes, retries and
//! counts.

pub(super) mod body;
mod budget;
mod config;
pub(super) mod continuation;
mod failure;
pub(super) mod fingerprint;
mod limits;
mod offline;
mod replicas;
pub(super) mod reply;
pub(super) mod server;
mod stats;
mod stream;

use futures::future::BoxFuture;

pub(super) use config::without_password;
pub use config::{Continuation, HttpConfig};
pub(crate) use offline::{ChatBody, chat_body, read_chat, revision_fingerprint};
pub use stats::HttpStats;

use self::{
    body::{Body, Input},
    continuation::{CHAT, Way, send},
    server::Server,
};
use crate::engine::{Completion, Engine, EngineError, EngineInfo, Request};

/// A model behind one or more OpenAI-compatible servers.
pub struct HttpEngine {
    info: EngineInfo,
    pub(super) model: String,
    way: Option<Way>,
    notes: Vec<String>,
    pub(super) server: Server,
}

/// Connects to the servers of `config` and finds out which model answers and what it can do.
///
/// # Errors
/// [`EngineError::Unreachable`] when no replica answers, [`EngineError::Unauthorized`] when the key is refused, otherwise what
/// the server said to the first request, or what is wrong with the configuration.
pub async fn connect(config: HttpConfig) -> Result<HttpEngine, EngineError> {
    let mut server = Server::new(&config)?;
    let listed = fingerprint::choose(&server.name, &config, fingerprint::list(&server).await)?;
    server.name = format!("{} at {}", listed.id, server.name);
    let (fingerprint, note) = fingerprint::fingerprint(&server, &config, &listed).await?;
    let model = listed.id;
    let seeds = fingerprint::seeds_repeat(&server, &model).await?;
    let logprobs = fingerprint::logprobs(&server, &model).await?;
    let way = continuation::find(&server, &model, config.continuation).await?;
    let info = EngineInfo { name: server.name.clone(), fingerprint, seeds, logprobs, budget: way.is_some(), paid: true };
    Ok(HttpEngine { info, model, way, notes: note.into_iter().collect(), server })
}

impl HttpEngine {
    /// What whoever runs this should know, one sentence each: so far only that weights cannot be told apart here.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What was asked and what it took since [`connect`].
    pub fn stats(&self) -> HttpStats {
        self.server.counters.read()
    }

    /// The model's name on the server.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// How a completion is continued after its thinking was cut, in words; `None` where it cannot be.
    pub fn continues_by(&self) -> Option<&'static str> {
        self.way.map(Way::describe)
    }

    async fn answer(&self, request: Request) -> Result<Completion, EngineError> {
        let _permit = self.server.permit().await?;
        let watch = self.server.counters.watch();
        let result = match (&request.budget, self.way) {
            (Some(budget), Some(way)) => budget::complete(&self.server, &self.model, way, &request, budget).await,
            (Some(_), None) => Err(EngineError::Unsupported { engine: self.info.name.clone(), what: UNABLE.to_owned() }),
            (None, _) => {
                let body = Body::new(&self.model, Input::ask(&request.messages), &request.sampling, request.seed);
                let reply = send(&self.server, CHAT, body, request.sink.as_ref(), self.server.max_retries).await;
                reply.map(budget::plain)
            }
        };
        watch.ended();
        result
    }
}

const UNABLE: &str = "a thinking budget is not possible here: the server goes on with neither a begun assistant message nor a \
    rendered prompt; vLLM, SGLang, llama.cpp and transformers do, and without a budget any server will do";

impl Engine for HttpEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    /// Usage is what the server reports, and 0 where it reports none. With a budget, see [`Completion::elicited`], tokens
    /// are summed over both requests, since the prompt is sent, and billed, twice.
    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        Box::pin(self.answer(request))
    }
}
