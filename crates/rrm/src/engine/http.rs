//! An OpenAI-compatible server, or several replicas of one, turned into an [`Engine`].
//!
//! [`connect`] asks what is there and tries it out: the models of each replica, three short greedy requests (24 tokens each,
//! none with a `revision`), two with the same seed (48 tokens), the second beside three longer ones, one with log-probabilities (1), a few
//! tokens more for each way to continue a text, until one works, and the rendered prompt, or else one more greedy request (160), for who opens
//! the thinking. Everything after that goes through `server`, which keeps limits, routes, retries and
//! counts.

pub(super) mod base;
pub(super) mod body;
mod bounded;
mod budget;
mod client;
mod config;
pub(super) mod continuation;
mod echo;
mod failure;
mod fields;
pub(super) mod fingerprint;
mod limits;
mod metered;
mod offline;
pub(super) mod opening;
mod probes;
mod prompt_size;
mod ready;
mod refusal;
mod replicas;
pub(super) mod reply;
mod secrets;
pub(super) mod server;
mod stats;
mod stream;
mod whole;

use futures::future::BoxFuture;

pub use config::{Continuation, HttpConfig};
pub use fields::Fields;
pub(crate) use offline::{ChatBody, chat_body, read_chat, revision_fingerprint};
pub use secrets::shown_address;
pub(super) use secrets::visible;
pub use stats::HttpStats;

use self::{
    body::{Body, Input, Terms},
    continuation::{CHAT, Found, send},
    refusal::Remedy,
    server::Server,
};
use crate::engine::{Completion, Engine, EngineError, EngineInfo, Meter, Opening, Request};

/// A model behind one or more OpenAI-compatible servers.
pub struct HttpEngine {
    info: EngineInfo,
    pub(super) model: String,
    way: Option<Found>,
    notes: Vec<String>,
    defaults: Option<&'static str>,
    opening: Opening,
    /// Whether greedy answers differ, so that weights cannot be told apart.
    pub(super) drifts: bool,
    pub(super) server: Server,
}

/// Connects to the servers of `config` and finds out which model answers and what it can do.
///
/// # Errors
/// [`EngineError::Unreachable`] when no replica answers, [`EngineError::Unauthorized`] when the key is refused, otherwise what
/// the server said to the first request, or what is wrong with the configuration.
pub async fn connect(config: HttpConfig) -> Result<HttpEngine, EngineError> {
    connected(&config).await.map_err(|error| refusal::advised(error, config.stream))
}

async fn connected(config: &HttpConfig) -> Result<HttpEngine, EngineError> {
    let mut server = Server::new(config)?;
    let lists = fingerprint::list(&server).await;
    let listing = lists.iter().flatten().any(|models| !models.is_empty());
    let mut notes: Vec<String> = fingerprint::unlisted(&server.name, config.model.as_deref(), &lists).into_iter().collect();
    let listed = fingerprint::choose(&server.name, config, lists)?;
    server.name = format!("{} at {}", visible(&listed.id), server.name);
    let Probed { fingerprint, note, seeds } = probed(&mut server, config, &listed, !listing, &mut notes).await?;
    let drifts = note.is_some();
    notes.extend(note);
    notes.extend(server.fields.notes().into_iter().map(|note| format!("{}: {note}", server.name)));
    let (model, defaults) = (listed.id, listed.owner.as_deref().and_then(sampling_defaults));
    let logprobs = probes::logprobs(&server, &model).await?;
    // Without a limit of tokens nothing can be cut.
    let ways = if server.fields.leaves_out("max_tokens") { Continuation::None } else { config.continuation };
    let way = continuation::find(&server, &model, ways).await?;
    let info = EngineInfo {
        name: server.name.clone(),
        fingerprint: fingerprint::with_fields(fingerprint, &server.fields),
        seeds: seeds && !server.fields.leaves_out("seed"),
        logprobs,
        budget: way.is_some(),
        paid: true,
    };
    let opening = opening::find(&server, &model).await;
    notes.extend((opening == Opening::Template).then(|| format!("{}: {OPENED}", server.name)));
    Ok(HttpEngine { info, model, way, notes, defaults, opening, drifts, server })
}

/// What this kind of server takes from elsewhere where a request does not set it. It is said and not overridden: what was stored before was
/// drawn so, and services refuse fields that they do not know.
fn sampling_defaults(owner: &str) -> Option<&'static str> {
    match owner {
        "vllm" => Some(
            "vLLM takes top_k, min_p and repetition_penalty from the model's generation_config.json where they are not set: --top-k 0 --min-p 0 \
             sets the first two, `vllm serve --generation-config vllm` ignores the file",
        ),
        "sglang" => Some(
            "SGLang takes top_k, min_p and repetition_penalty from the model's generation_config.json where they are not set: \
             `--sampling-defaults openai` ignores the file",
        ),
        "llamacpp" => Some(
            "llama.cpp draws with its own top_k (40) and min_p (0.05), or those it was started with, where they are not set: --top-k 0 --min-p 0 \
             sets them",
        ),
        _ => None,
    }
}

/// What the first requests tell.
struct Probed {
    fingerprint: String,
    note: Option<String>,
    seeds: bool,
}

/// Makes the first requests. Where the server refuses how they are sent, and another way changes no text, they are sent that way from now on, which
/// goes into `notes`. With `elsewhere`, other candidates of an address are tried where nothing is found at the first.
async fn probed(
    server: &mut Server,
    config: &HttpConfig,
    listed: &fingerprint::Listed,
    elsewhere: bool,
    notes: &mut Vec<String>,
) -> Result<Probed, EngineError> {
    let mut not_found = None;
    loop {
        let error = match probe(server, config, listed).await {
            Ok(probed) => return Ok(probed),
            Err(error) => error,
        };
        if let Some(remedy) = Remedy::of(&error, &server.fields, server.streams) {
            server.mend(remedy);
            notes.push(format!("{}: {}", server.name, remedy.note()));
            continue;
        }
        if !matches!(error, EngineError::Status { status: 404 | 405, .. }) {
            return Err(error);
        }
        let next = elsewhere && server.replicas().iter().any(|replica| replica.base.choose(replica.base.chosen() + 1));
        let first = not_found.get_or_insert(error);
        if !next {
            return Err(first.clone());
        }
    }
}

async fn probe(server: &Server, config: &HttpConfig, listed: &fingerprint::Listed) -> Result<Probed, EngineError> {
    let (fingerprint, note) = fingerprint::fingerprint(server, config, listed).await?;
    let seeds = probes::seeds_repeat(server, &listed.id).await?;
    Ok(Probed { fingerprint, note, seeds })
}

impl HttpEngine {
    /// What whoever runs this should know, one sentence each: what could not be found out, what is sent otherwise than usual, that the template
    /// opens the thinking.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Which settings of drawing the server takes from elsewhere unless they are set, in a sentence; `None` where that is not known.
    pub fn sampling_defaults(&self) -> Option<&'static str> {
        self.defaults
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
        self.way.map(Found::describe)
    }

    async fn answer(&self, request: Request, meter: Option<&dyn Meter>) -> Result<Completion, EngineError> {
        let _permit = self.server.permit().await?;
        let watch = self.server.counters.watch();
        let result = match (&request.budget, self.way) {
            (Some(budget), Some(way)) => budget::complete(&self.server, &self.model, way, (&request, budget), meter).await,
            (Some(_), None) => Err(EngineError::Unsupported { engine: self.info.name.clone(), what: UNABLE.to_owned() }),
            (None, _) => {
                let mut body = Body::new(&self.model, Input::ask(&request.messages), &request.sampling, request.seed);
                body.terms = Terms { meter, ..Terms::default() };
                let reply = send(&self.server, CHAT, body, request.sink.as_ref(), self.server.max_retries).await;
                reply.map(budget::plain)
            }
        };
        watch.ended();
        result.map_err(|error| refusal::advised(error, self.server.streams))
    }
}

const UNABLE: &str = "a thinking budget is not possible here: the server goes on with neither a begun assistant message nor a \
    rendered prompt; vLLM, SGLang, llama.cpp and transformers do, and without a budget any server will do";

/// What is said of a model whose chat template opens its thinking.
const OPENED: &str = "the chat template opens the thinking, so a reply that does not close it has no verdict; \
    `thinking.opened_by_template = true` in the format says so without asking";

impl Engine for HttpEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn opening(&self) -> Opening {
        self.opening
    }

    /// Usage is what the server reports, and 0 where it reports none. With a budget, see [`Completion::elicited`], tokens
    /// are summed over both requests, since the prompt is sent, and billed, twice.
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
}
