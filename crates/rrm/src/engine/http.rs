//! An OpenAI-compatible server, or several replicas of one, turned into an [`Engine`].
//!
//! [`connect`] asks what is there and tries it out: the models of each replica, five short greedy requests (24 tokens each,
//! none with a `revision`), two with the same seed (48 tokens), the second beside three longer ones, one with log-probabilities (1), a few
//! tokens more for each way to continue a text, until one works, and the rendered prompt, or else one more greedy request (160), for who opens
//! the thinking. [`connect_remembered`] asks nothing where a store remembers all this; then the first completion makes sure of it. Everything after
//! that goes through `server`, which keeps limits, routes, retries and counts.

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
pub(super) mod identity;
mod limits;
pub(super) mod listing;
mod metered;
#[cfg(feature = "store")]
mod offline;
pub(super) mod opening;
mod pinned;
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

pub use super::HttpStats;
pub use config::{Continuation, HttpConfig};
pub use fields::Fields;
pub use identity::{Memory, Otherwise};
#[cfg(feature = "store")]
pub(crate) use offline::{ChatBody, chat_body, read_chat, revision_fingerprint};
pub use secrets::shown_address;
pub(super) use secrets::visible;

use tokio::sync::OnceCell;

use self::{
    body::{Body, Input, Terms},
    continuation::{CHAT, Found, send},
    fingerprint::Answers,
    identity::{Learned, Shown},
    listing::Listed,
    pinned::Pinned,
    refusal::Remedy,
    server::Server,
};
use crate::{
    engine::{Completion, Engine, EngineError, EngineInfo, Meter, Opening, Request},
    store::Identity,
};

/// A model behind one or more OpenAI-compatible servers.
pub struct HttpEngine {
    info: EngineInfo,
    pub(super) model: String,
    way: OnceCell<Option<Found>>,
    notes: Vec<String>,
    defaults: Option<&'static str>,
    opening: Opening,
    /// Who this is.
    pub(super) identity: Identity,
    /// What has to be made sure of before the first completion, where nothing was asked yet.
    pinned: Option<Pinned>,
    confirmed: OnceCell<Result<(), EngineError>>,
    pub(super) server: Server,
}

/// Connects to the servers of `config` and finds out which model answers and what it can do.
///
/// # Errors
/// [`EngineError::Unreachable`] when no replica answers, [`EngineError::Unauthorized`] when the key is refused, otherwise what
/// the server said to the first request, or what is wrong with the configuration.
pub async fn connect(config: HttpConfig) -> Result<HttpEngine, EngineError> {
    connected(&config, None).await.map_err(|error| refusal::advised(error, config.stream))
}

/// The same with a memory: an engine that is remembered under its name is asked nothing before its first completion. Without
/// [`HttpConfig::model`] the server is asked for its models.
///
/// # Errors
/// As [`connect`]; [`EngineError::OtherWeights`] where the server is not who is remembered, which may also be found out by the first completion;
/// [`EngineError::Failed`] where the memory cannot be read or written.
pub async fn connect_remembered(config: HttpConfig, memory: Memory) -> Result<HttpEngine, EngineError> {
    connected(&config, Some(&memory)).await.map_err(|error| refusal::advised(error, config.stream))
}

async fn connected(config: &HttpConfig, memory: Option<&Memory>) -> Result<HttpEngine, EngineError> {
    let mut server = Server::new(config)?;
    let changes = config.fields.address().unwrap_or_default();
    let remembered = |server: &Server, model: &str| -> Result<_, EngineError> {
        let Some(memory) = memory else { return Ok(None) };
        let sole = memory.sole(model, &changes, config.revision.as_deref(), &config.places());
        Ok(sole.map_err(|error| server.failed(&error))?.map(|identity| (identity, memory.clone())))
    };
    if let Some(model) = &config.model
        && let Some((identity, memory)) = remembered(&server, model)?
    {
        return Ok(pinned::engine(server, config, memory, identity));
    }
    let lists = listing::list(&server).await;
    let listing = lists.iter().flatten().any(|models| !models.is_empty());
    let mut notes: Vec<String> = listing::unlisted(&server.name, config.model.as_deref(), &lists).into_iter().collect();
    let listed = listing::choose(&server.name, config, lists)?;
    // Where more than the size of a context has changed it is asked at once who it is.
    if config.model.is_none()
        && let Some((identity, memory)) = remembered(&server, &listed.id)?
        && (identity.known.listed == listed.stable() || config.revision.is_some())
    {
        return Ok(pinned::engine(server, config, memory, identity));
    }
    server.name = format!("{} at {}", visible(&listed.id), server.name);
    let mut learned = Learned { owner: listed.owner.clone(), ..Learned::default() };
    let asking = Asking { remedies: &mut learned.remedies, elsewhere: !listing, fixed: false };
    let Probed { answers, seeds } = first_requests(&server, asking, || Box::pin(probe(&server, config, &listed))).await?;
    let listed = listing::loaded(&server, config, &listed).await;
    let model = listed.id.clone();
    let places = config.places();
    let shown = Shown { listed: &listed, answers: &answers, places: &places };
    let finished = |fingerprint| fingerprint::with_fields(fingerprint, &server.fields());
    let mut identity = match (memory, &config.revision) {
        (_, Some(revision)) => identity::declared(&listed, &changes, revision, finished),
        (None, None) => identity::fresh(&changes, &shown, &[], finished),
        (Some(memory), None) => {
            let (identity, said) = memory.settle(&server.name, &changes, &shown, finished)?;
            notes.extend(said);
            identity
        }
    };
    learned.seeds = seeds;
    learned.logprobs = probes::logprobs(&server, &model).await?;
    let way = continuation::find(&server, &model, server.ways(config)).await?;
    learned.budget = (config.continuation != Continuation::None).then_some(way.is_some());
    learned.opening = match Learned::of(&identity).opening {
        // What is stored was read so.
        Some(opening) => Some(opening),
        None => opening::find(&server, &model).await,
    };
    identity.known.learned = learned.text();
    if let Some(memory) = memory {
        memory.identities.remember(&identity).map_err(|error| server.failed(&error))?;
    }
    let mut engine = HttpEngine::of(server, identity, &learned, None);
    engine.notes.splice(0..0, notes);
    engine.info.budget = way.is_some();
    engine.way = OnceCell::new_with(Some(way));
    Ok(engine)
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
    answers: Answers,
    seeds: bool,
}

/// How first requests are made.
struct Asking<'a> {
    /// What is sent otherwise from now on.
    remedies: &'a mut Vec<Remedy>,
    /// Whether other candidates of an address are tried where nothing is found at the first.
    elsewhere: bool,
    /// Whether the fingerprint is known, so that nothing may change that is part of it.
    fixed: bool,
}

/// Makes the first requests. Where the server refuses how they are sent, and another way changes no text, they are sent that way from now on.
async fn first_requests<'a, T>(
    server: &Server,
    asking: Asking<'_>,
    ask: impl Fn() -> BoxFuture<'a, Result<T, EngineError>>,
) -> Result<T, EngineError> {
    let mut not_found = None;
    loop {
        let error = match ask().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let remedy = Remedy::of(&error, &server.fields(), server.streams());
        if let Some(remedy) = remedy.filter(|remedy| !asking.fixed || *remedy != Remedy::ShortSeeds) {
            server.mend(remedy);
            asking.remedies.push(remedy);
            continue;
        }
        if !matches!(error, EngineError::Status { status: 404 | 405, .. }) {
            return Err(error);
        }
        let next = asking.elsewhere && server.replicas().iter().any(|replica| replica.base.choose(replica.base.chosen() + 1));
        let first = not_found.get_or_insert(error);
        if !next {
            return Err(first.clone());
        }
    }
}

async fn probe(server: &Server, config: &HttpConfig, listed: &Listed) -> Result<Probed, EngineError> {
    let mut answers = match config.revision {
        Some(_) => Answers::default(),
        None => fingerprint::answers(server, &listed.id, true).await?,
    };
    let (seeds, stories) = probes::seeds_repeat(server, &listed.id, config.revision.is_none()).await?;
    answers.add(stories);
    Ok(Probed { answers, seeds })
}

impl HttpEngine {
    /// An engine that is known to be so.
    fn of(server: Server, identity: Identity, learned: &Learned, pinned: Option<Pinned>) -> HttpEngine {
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
            pinned,
            confirmed: OnceCell::new(),
            info,
            server,
        }
    }

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
        self.way().map(Found::describe)
    }

    /// Says that nobody was asked who answers, where that is so: the day on which it was last seen to be the same.
    pub fn unasked(&self) -> Option<String> {
        let silent = self.pinned.is_some() && !self.confirmed.initialized() && self.identity.known.revision.is_none();
        silent.then(|| identity::date(self.identity.last_seen))
    }

    fn way(&self) -> Option<Found> {
        self.way.get().copied().flatten()
    }

    async fn answer(&self, request: Request, meter: Option<&dyn Meter>) -> Result<Completion, EngineError> {
        if let Some(pinned) = &self.pinned {
            self.confirmed.get_or_init(|| pinned.confirmed(self)).await.clone()?;
        }
        let _permit = self.server.permit().await?;
        let watch = self.server.counters.watch();
        let result = match (&request.budget, self.way()) {
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
        result.map_err(|error| refusal::advised(error, self.server.streams()))
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

    fn also(&self) -> &[String] {
        &self.identity.known.also
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

    fn unasked(&self) -> Option<String> {
        HttpEngine::unasked(self)
    }
}
