//! A scalar reward model behind a server of vLLM, SGLang, llama.cpp or Text Embeddings Inference -> an [`Engine`] that scores single responses.
//!
//! [`connect`] asks which model is served and has two short conversations scored, to find the route and to tell weights apart. Replicas, limits,
//! time-outs and retries are those of [`http`](super::http). It follows the published formats; it was not run against the servers themselves.

mod shapes;

use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;

pub use self::shapes::Route;
use super::{
    Completion, Engine, EngineError, EngineInfo, Finish, Meter, Request, ScoreCache, Usage,
    http::{HttpConfig, HttpStats, fingerprint, listing, listing::ModelEntry, server::ServerPool},
};
use crate::chat::{Message, Role};

/// A scalar reward model behind one or more servers.
pub struct ScalarEngine {
    info: EngineInfo,
    model: String,
    route: Route,
    versioned: bool,
    server: ServerPool,
    scores: ScoreCache,
}

/// Connects to the servers of `config`. An address may end in the route to use; otherwise the first route that gives scores is used.
///
/// # Errors
/// [`EngineError`] if no replica answers, if no route gives scores, or if the model is no reward model.
pub async fn connect(config: HttpConfig) -> Result<ScalarEngine, EngineError> {
    let (urls, routes): (Vec<String>, Vec<Option<Route>>) = config.urls.iter().map(|url| shapes::split(url)).unzip();
    let config = HttpConfig { urls, ..config };
    let mut server = ServerPool::new(&config)?;
    if routes.windows(2).any(|two| two[0] != two[1]) {
        let detail = "replicas are asked by one route: name the same one in every address, or none".to_owned();
        return Err(EngineError::Failed { engine: server.name, detail });
    }
    let listed = model(&server, &config).await?;
    server.name = format!("{} at {}", listed.id, server.name);
    let named = routes.first().copied().flatten();
    let routes: Vec<Route> = named.map_or_else(|| Route::PROBED.to_vec(), |route| vec![route]);
    // A route that was named after `/v1` is below `/v1`, all others are at the root.
    let versioned = named.is_some() && config.urls.iter().all(|url| url.trim_end_matches('/').ends_with("/v1"));
    let (route, scores) = probe(&server, &listed.id, &routes, versioned).await?;
    let fingerprint = match &config.revision {
        Some(revision) => format!("score {}", fingerprint::of_revision(&listed.id, revision)),
        // Two digits, because batches and kernels change later ones.
        None => {
            let scores = scores.map(|score| format!("{score:.1e}"));
            let parts = ["scores", route.path(), &listed.id, listed.stable(), &scores[0], &scores[1]];
            fingerprint::hash(&parts)
        }
    };
    let fingerprint = fingerprint::with_fields(fingerprint, &server.fields());
    let info = EngineInfo { name: server.name.clone(), fingerprint, seeds: true, logprobs: false, budget: false, paid: true };
    Ok(ScalarEngine { info, model: listed.id, route, versioned, server, scores: ScoreCache::default() })
}

/// Returns the model by `/v1/models`, or by the `/info` of Text Embeddings Inference, which has no such list.
async fn model(server: &ServerPool, config: &HttpConfig) -> Result<ModelEntry, EngineError> {
    let lists = listing::list(server).await;
    let unlisted = lists.iter().all(|list| matches!(list, Ok(models) if models.is_empty()));
    if unlisted && let Some(replica) = server.replicas().first() {
        let info = server.get_json::<Value>(replica, "info", 0, Duration::from_secs(10)).await;
        if let Some(id) = info.as_ref().ok().and_then(|info| info.get("model_id")?.as_str()) {
            let sha = info.as_ref().ok().and_then(|info| info.get("model_sha")?.as_str()).unwrap_or_default();
            return Ok(ModelEntry::new(config.model.clone().unwrap_or_else(|| id.to_owned()), format!("{id} {sha}")));
        }
    }
    listing::choose(&server.name, config, lists)
}

/// Returns the first route that gives scores, and the scores of two conversations.
async fn probe(server: &ServerPool, model: &str, routes: &[Route], versioned: bool) -> Result<(Route, [f64; 2]), EngineError> {
    let said = |text: &str| {
        let answer = Message { role: Role::Assistant, content: text.to_owned() };
        [Message::user("How many days does a week have?"), answer]
    };
    let (mut tried, mut found) = (Vec::new(), None);
    for route in routes {
        match ask(server, model, (*route, versioned), &said("A week has seven days."), None).await {
            Ok((score, _)) => {
                found = Some((*route, score));
                break;
            }
            Err(EngineError::Status { status: 404 | 405 | 501, .. }) => tried.push(route.path()),
            Err(error) => return Err(error),
        }
    }
    let Some((route, first)) = found else {
        let what = format!("no reward model answers there; tried {}", tried.join(", "));
        return Err(EngineError::Unsupported { engine: server.name.clone(), what });
    };
    let (second, _) = ask(server, model, (route, versioned), &said("Bananas!"), None).await?;
    Ok((route, [first, second]))
}

/// Requests a score at a route, below `/v1` or at the root.
async fn ask(
    server: &ServerPool,
    model: &str,
    (route, versioned): (Route, bool),
    messages: &[Message],
    meter: Option<&dyn Meter>,
) -> Result<(f64, Usage), EngineError> {
    let bad = |detail: String| server.bad_reply(&detail);
    let body = shapes::body(route, model, messages).map_err(bad)?;
    let path = if versioned { format!("v1/{}", route.path()) } else { route.path().to_owned() };
    let bytes = server.bytes(&body, |fields, body| fields.apply(body, false))?;
    let reply: Value = server.post_metered(&path, bytes, meter).await?;
    let read = shapes::read(route, &reply).map_err(bad)?;
    if meter.is_none() {
        server.counted.took(read.1);
    }
    Ok(read)
}

impl ScalarEngine {
    /// Returns the route that is used.
    pub fn route(&self) -> Route {
        self.route
    }

    async fn answer(&self, request: Request, meter: Option<&dyn Meter>) -> Result<Completion, EngineError> {
        let _permit = self.server.permit().await?;
        let (score, usage) = ask(&self.server, &self.model, (self.route, self.versioned), &request.messages, meter).await?;
        // Written so that parsing gives the same bits.
        let text = format!("{score:?}");
        Ok(Completion { text, reasoning: None, finish: Finish::Stop, elicited: false, usage, label_logprobs: None })
    }
}

impl Engine for ScalarEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

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
        Some(self.server.counters.read())
    }

    fn scores(&self) -> Option<&ScoreCache> {
        Some(&self.scores)
    }
}
