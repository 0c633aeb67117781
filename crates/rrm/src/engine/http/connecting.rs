//! The servers of a configuration, probed or remembered -> an engine.

use futures::future::BoxFuture;
use tokio::sync::OnceCell;

use super::{
    Continuation, HttpConfig, HttpEngine, IdentityMemory, continuation,
    fingerprint::{self, GreedyAnswers},
    identity::{self, ServerTraits, ServerView},
    listing::{self, ModelEntry},
    opening, pinned, probes,
    refusal::Remedy,
    remembering::PendingIdentity,
    restarts::RestartHistory,
    secrets::visible,
    server::ServerPool,
};
use crate::{engine::EngineError, store::Identity};

/// Probes which model is served and what it supports, or takes the remembered facts.
pub(super) async fn connected(config: &HttpConfig, memory: Option<&IdentityMemory>) -> Result<HttpEngine, EngineError> {
    let mut server = ServerPool::new(config)?;
    let changes = config.fields.address().unwrap_or_default();
    let remembered = |server: &ServerPool, model: &str| -> Result<_, EngineError> {
        let Some(memory) = memory else { return Ok(None) };
        let sole = memory.sole(model, &changes, config.revision.as_deref(), &config.places());
        let sole = sole.map_err(|error| server.failed(&error))?;
        // If it is not known whether thinking can be cut, that is probed before anything is paid for.
        let is_known = |one: &Identity| server.ways(config) == Continuation::None || ServerTraits::of(one).budget.is_some();
        Ok(sole.filter(is_known).map(|identity| (memory.clone(), identity)))
    };
    if let Some(model) = &config.model
        && let Some((memory, identity)) = remembered(&server, model)?
    {
        return Ok(pinned::engine(server, config, memory, identity));
    }
    let lists = listing::list(&server).await;
    let listing = lists.iter().flatten().any(|models| !models.is_empty());
    let mut notes: Vec<String> = listing::unlisted(&server.name, config.model.as_deref(), &lists).into_iter().collect();
    let listed = listing::choose(&server.name, config, lists)?;
    // If more than the size of the context has changed, the identity is checked at once.
    if config.model.is_none()
        && let Some((memory, identity)) = remembered(&server, &listed.id)?
        && (identity.known.listed == listed.stable() || config.revision.is_some())
    {
        return Ok(pinned::engine(server, config, memory, identity));
    }
    server.name = format!("{} at {}", visible(&listed.id), server.name);
    let mut learned = ServerTraits { owner: listed.owner.clone(), ..ServerTraits::default() };
    let asking = ProbeOptions { remedies: &mut learned.remedies, elsewhere: !listing, fixed: false };
    let ProbeResult { answers, seeds } = first_requests(&server, asking, || Box::pin(probe(&server, config, &listed))).await?;
    let listed = listing::loaded(&server, config, &listed).await;
    let model = listed.id.clone();
    let places = config.places();
    let shown = ServerView { listed: &listed, answers: &answers, places: &places };
    let finished = |fingerprint| fingerprint::with_fields(fingerprint, &server.fields());
    let (mut identity, said, part) = match (memory, &config.revision) {
        (_, Some(revision)) => (identity::declared(&listed, &changes, revision, finished), Vec::new(), None),
        (None, None) => (identity::fresh(&changes, &shown, &[], finished), Vec::new(), None),
        (Some(memory), None) => memory.settle(&server.name, &changes, &shown, finished)?,
    };
    notes.extend(said);
    learned.seeds = seeds;
    learned.logprobs = probes::logprobs(&server, &model).await?;
    let way = continuation::find(&server, &model, server.ways(config)).await?;
    learned.budget = (config.continuation != Continuation::None).then_some(way.is_some());
    learned.opening = match ServerTraits::of(&identity).opening {
        // Stored completions were read in this way.
        Some(opening) => Some(opening),
        None => opening::find(&server, &model).await,
    };
    identity.known.learned = learned.text();
    // A probe that a limit cut short gives no finding.
    server.counted.allowed(&server.name)?;
    let restarts = RestartHistory::new(config, memory, &server);
    let mut engine = HttpEngine::of(server, identity, &learned, restarts);
    engine.remembering = memory.map(|memory| PendingIdentity::new(memory, &engine.identity, part));
    engine.notes.splice(0..0, notes);
    engine.info.budget = way.is_some();
    engine.way = OnceCell::new_with(Some(way));
    Ok(engine)
}

/// Returns a sentence about the sampling settings that this kind of server takes from elsewhere if a request does not set them. They are reported and
/// not overridden, because stored completions were drawn so, and services refuse fields that they do not know.
pub(super) fn sampling_defaults(owner: &str) -> Option<&'static str> {
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

/// The result of the first requests.
struct ProbeResult {
    answers: GreedyAnswers,
    seeds: bool,
}

/// Options of the first requests.
pub(super) struct ProbeOptions<'a> {
    /// Changes to requests that are applied from now on.
    pub remedies: &'a mut Vec<Remedy>,
    /// Whether other candidates of an address are tried if the first one has nothing.
    pub elsewhere: bool,
    /// Whether the fingerprint is known already. Then nothing that is part of it may change.
    pub fixed: bool,
}

/// Makes the first requests. If the server refuses their form, and another form changes no text, the other form is used from now on.
pub(super) async fn first_requests<'a, T>(
    server: &ServerPool,
    asking: ProbeOptions<'_>,
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

async fn probe(server: &ServerPool, config: &HttpConfig, listed: &ModelEntry) -> Result<ProbeResult, EngineError> {
    let mut answers = match config.revision {
        Some(_) => GreedyAnswers::default(),
        None => fingerprint::answers(server, &listed.id, true).await?,
    };
    let (seeds, stories) = probes::seeds_repeat(server, &listed.id, config.revision.is_none()).await?;
    answers.add(stories);
    Ok(ProbeResult { answers, seeds })
}
