//! One request to one of the replicas, with retries until it is answered or failed for good: limits, routing, time limits and retries, independent of
//! the content.

mod tries;

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use reqwest::{
    Client, Response, Url,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::{
    sync::{Mutex, Semaphore, SemaphorePermit},
    time::{Instant, sleep, timeout},
};

use self::tries::TryOptions;
use crate::engine::{
    EngineError, Meter, TokenSink, Usage,
    http::{
        Continuation, HttpConfig, base,
        body::{AnswerTerms, Body},
        bounded, client,
        continuation::CHAT,
        failure::{self, TryFailure},
        fields::{NEW_LIMIT, RequestFields},
        limits::Bucket,
        probing::{Probe, ProbeMeter},
        prompt_size::PromptCounts,
        refusal::Remedy,
        replicas::{Replica, Replicas},
        reply::{self, ReplyRules, ServerReply, mend},
        secrets::Secrets,
        stats::HttpCounters,
        stream::{self, Teller},
        whole,
    },
};

/// All replicas of one model, with one client and the limits of their use.
pub(crate) struct ServerPool {
    /// The engine's name, for errors.
    pub name: String,
    /// Counters of requests and tokens.
    pub counters: HttpCounters,
    /// Meter of requests that no other meter counts.
    pub counted: ProbeMeter,
    /// Most retries of a request.
    pub max_retries: u32,
    /// Changes to the fields of requests.
    fields: RwLock<Arc<RequestFields>>,
    /// Whether answers are requested as streams even if no one watches.
    streams: AtomicBool,
    pub(super) client: Client,
    replicas: Replicas,
    permits: Semaphore,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    pub(super) time_limit: Duration,
    first_wait: Duration,
    away: Duration,
    pub(super) secrets: Secrets,
    /// Whether it has ever stated why a text ended. Then an answer without a reason is incomplete.
    gives_reasons: AtomicBool,
    /// The counts of prompt tokens that it has stated.
    pub counts: PromptCounts,
    /// Time and result of the last check whether the servers answer.
    pub(super) seen: Mutex<Option<(Instant, Result<(), EngineError>)>>,
}

/// A request for one completion.
pub(crate) struct CompletionCall<'a> {
    /// `v1/chat/completions` or `v1/completions`.
    pub path: &'a str,
    /// The request as JSON.
    pub body: Vec<u8>,
    /// The token limit in it.
    pub max_tokens: u32,
    /// Receiver of the text while it is written; `None` if no one watches.
    pub sink: Option<&'a TokenSink>,
    /// Most retries.
    pub retries: u32,
    /// Words of the prompt, see [`prompt_size`](super::prompt_size).
    pub words: u64,
    /// Terms of the answer.
    pub terms: AnswerTerms<'a>,
}

impl ServerPool {
    /// Returns a client for the addresses of `config`. Nothing is sent yet.
    pub fn new(config: &HttpConfig) -> Result<Self, EngineError> {
        let bases = config.bases()?;
        let first = bases[0].shown();
        let name = if bases.len() == 1 { first } else { format!("{first} and {} more", bases.len() - 1) };
        Ok(ServerPool {
            client: client::client(config, &bases).map_err(|detail| EngineError::Failed { engine: name.clone(), detail })?,
            name,
            counters: HttpCounters::default(),
            counted: ProbeMeter::new(config.probes.clone()),
            max_retries: config.max_retries,
            fields: RwLock::new(Arc::new(config.fields.clone())),
            streams: AtomicBool::new(config.stream),
            replicas: Replicas::new(bases, config.first_wait()),
            permits: Semaphore::new(config.concurrency.min(Semaphore::MAX_PERMITS)),
            requests: config.requests_per_minute.map(Bucket::new),
            tokens: config.tokens_per_minute.map(Bucket::new),
            time_limit: config.time_limit(),
            first_wait: config.first_wait(),
            away: Duration::try_from_secs_f64(config.away).unwrap_or_default(),
            secrets: Secrets::of(config),
            gives_reasons: AtomicBool::new(false),
            counts: PromptCounts::default(),
            seen: Mutex::default(),
        })
    }

    /// Returns the changes to the fields of requests.
    pub fn fields(&self) -> Arc<RequestFields> {
        self.fields.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns whether answers are requested as streams even if no one watches.
    pub fn streams(&self) -> bool {
        self.streams.load(Ordering::Relaxed)
    }

    /// Applies a change to all further requests.
    pub fn mend(&self, remedy: Remedy) {
        let mut fields = self.fields.write().unwrap_or_else(PoisonError::into_inner);
        match remedy {
            Remedy::NewLimit => {
                Arc::make_mut(&mut fields).rename.insert(NEW_LIMIT.0.to_owned(), NEW_LIMIT.1.to_owned());
            }
            Remedy::Stream => self.streams.store(true, Ordering::Relaxed),
            Remedy::ShortSeeds => Arc::make_mut(&mut fields).seed_bits = Some(31),
        }
    }

    /// Returns the bytes of `body` for `path`, with the changes of fields.
    ///
    /// # Errors
    /// Only for a number that JSON does not have, such as a temperature of NaN.
    pub fn json(&self, path: &str, body: &Body<'_>) -> Result<Vec<u8>, EngineError> {
        self.bytes(body, |fields, value| fields.apply(value, path == CHAT))
    }

    /// Returns `body` as JSON, with its fields changed by `change` if there are any changes.
    ///
    /// # Errors
    /// As [`json`](Self::json).
    pub fn bytes(
        &self,
        body: &impl Serialize,
        change: impl FnOnce(&RequestFields, Value) -> Value,
    ) -> Result<Vec<u8>, EngineError> {
        let fields = self.fields();
        let bytes = if fields.is_empty() {
            serde_json::to_vec(body)
        } else {
            serde_json::to_value(body).and_then(|value| serde_json::to_vec(&change(&fields, value)))
        };
        bytes.map_err(|error| EngineError::Failed { engine: self.name.clone(), detail: error.to_string() })
    }

    /// Returns the replicas, for requests that go to each of them.
    pub fn replicas(&self) -> &[Replica] {
        self.replicas.list()
    }

    /// Waits for a place among the requests in flight, which is kept until the permit is dropped.
    pub async fn permit(&self) -> Result<SemaphorePermit<'_>, EngineError> {
        // The semaphore is never closed.
        self.permits.acquire().await.map_err(|error| EngineError::Failed { engine: self.name.clone(), detail: error.to_string() })
    }

    /// Returns the caller's error for a failure.
    pub fn error(&self, failure: TryFailure) -> EngineError {
        failure.into_error(&self.name, self.time_limit, &self.secrets)
    }

    /// Returns the error of a failure on this side.
    pub fn failed(&self, error: &impl std::fmt::Display) -> EngineError {
        EngineError::Failed { engine: self.name.clone(), detail: error.to_string() }
    }

    /// Returns the methods by which texts may be continued here.
    pub fn ways(&self, config: &HttpConfig) -> Continuation {
        // Without a token limit nothing can be cut.
        if self.fields().leaves_out("max_tokens") { Continuation::None } else { config.continuation }
    }

    /// Returns the error of an answer that does not follow the protocol; `detail` may hold its text.
    pub fn bad_reply(&self, detail: &str) -> EngineError {
        EngineError::BadReply { engine: self.name.clone(), detail: self.secrets.said(detail) }
    }

    /// Requests one completion and counts its tokens.
    pub async fn complete(&self, call: CompletionCall<'_>) -> Result<ServerReply, EngineError> {
        let prompt = call.body.len() as u64 / 4;
        let estimate = prompt as f64 + f64::from(call.max_tokens);
        let teller = call.sink.map(|sink| Teller::new(sink, &self.secrets));
        let (call, teller) = (&call, teller.as_ref());
        let probe = if call.terms.meter.is_none() { self.counted.begin(&self.name)? } else { None };
        let meter = call.terms.meter.or(probe.as_ref().map(|probe| probe as &dyn Meter));
        let tries = TryOptions { retries: call.retries, tokens: estimate, prompt, meter };
        let attempt = |replica| -> BoxFuture<'_, _> { Box::pin(self.completed(replica, call, teller)) };
        let reply = self.tried(tries, attempt).await?;
        self.counters.answered(&reply);
        if let Some(probe) = &probe {
            probe.besides(reply.usage, false);
        }
        if let Some(meter) = meter.filter(|_| reply.counted != (true, true)) {
            let written = (reply.text.len() + reply.reasoning.as_ref().map_or(0, String::len)) as u64 / 4;
            let unknown = |known: bool, tokens: u64| if known { 0 } else { tokens };
            let usage =
                Usage { prompt_tokens: unknown(reply.counted.0, prompt), completion_tokens: unknown(reply.counted.1, written) };
            meter.besides(usage, true);
        }
        let used = reply.usage.prompt_tokens + reply.usage.completion_tokens;
        if let Some(bucket) = self.tokens.as_ref().filter(|_| used > 0) {
            bucket.give_back(estimate - used as f64);
        }
        Ok(reply)
    }

    /// Makes one try of one completion at one replica.
    async fn completed(
        &self,
        replica: &Replica,
        call: &CompletionCall<'_>,
        teller: Option<&Teller<'_>>,
    ) -> Result<ServerReply, TryFailure> {
        let response = self.post(replica.base.url(call.path), call.body.clone()).await?;
        let unreasoned = !self.gives_reasons.load(Ordering::Relaxed);
        let reading = ReplyRules { max_tokens: call.max_tokens, unreasoned, empty: call.terms.may_be_empty };
        // Some services stream although a whole answer was requested, others answer whole although a stream was.
        let (streamed, told) = (is_stream(&response), teller.filter(|_| !is_stream(&response)));
        let mut reply = if streamed {
            stream::read(response, teller, reading).await?
        } else {
            let body = read(response, bounded::of_tokens(call.max_tokens)).await?;
            let body = whole::json(&body);
            if whole::is_events(body) { stream::read_whole(body, reading)? } else { reply::parse(body, reading)? }
        };
        // Keys are removed here and nowhere else, before anything is shown or stored.
        reply.text = self.secrets.kept(reply.text);
        reply.reasoning = reply.reasoning.map(|text| self.secrets.kept(text));
        told.iter().for_each(|teller| teller.whole(&reply));
        self.gives_reasons.fetch_or(reply.reasoned, Ordering::Relaxed);
        let looked = self.counts.look(call.words, reply.usage.prompt_tokens, reply.cached_prompt_tokens);
        looked.map_err(|detail| TryFailure::Cut { detail, usage: reply.usage })?;
        Ok(reply)
    }

    /// Posts `body` to `path` at some replica, and reads the answer as JSON.
    pub async fn post_json<T: DeserializeOwned + Send>(&self, path: &str, body: Vec<u8>) -> Result<T, EngineError> {
        self.post_tried(path, body, None, self.max_retries).await
    }

    /// Posts like [`post_json`](Self::post_json), for requests that are billed. `meter` counts retries; without one, the request counts as a probe.
    pub async fn post_metered<T: DeserializeOwned + Send>(
        &self,
        path: &str,
        body: Vec<u8>,
        meter: Option<&dyn Meter>,
    ) -> Result<T, EngineError> {
        let probe: Option<Probe<'_>> = if meter.is_none() { self.counted.begin(&self.name)? } else { None };
        let meter = meter.or(probe.as_ref().map(|probe| probe as &dyn Meter));
        self.post_tried(path, body, meter, self.max_retries).await
    }

    /// Posts like [`post_metered`](Self::post_metered), with this number of retries.
    pub async fn post_tried<T: DeserializeOwned + Send>(
        &self,
        path: &str,
        body: Vec<u8>,
        meter: Option<&dyn Meter>,
        retries: u32,
    ) -> Result<T, EngineError> {
        let prompt = body.len() as u64 / 4;
        let body = &body;
        let attempt = |replica: &Replica| -> BoxFuture<'_, Result<T, TryFailure>> {
            let url = replica.base.url(path);
            Box::pin(async move { self.answer(self.post(url, body.clone()).await?).await })
        };
        self.tried(TryOptions { retries, tokens: 0.0, prompt, meter }, attempt).await
    }

    /// Gets `path` at this replica, and reads the answer as JSON. A try takes at most the time `most`, and none follows one that took that long.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        replica: &Replica,
        path: &str,
        retries: u32,
        most: Duration,
    ) -> Result<T, EngineError> {
        let limit = self.time_limit.min(most);
        let mut made = 0;
        loop {
            let attempt = async { self.answer(self.accepted(self.client.get(replica.base.url(path)).send().await).await?).await };
            let failure = match timeout(limit, attempt).await.unwrap_or(Err(TryFailure::TimedOut)) {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            if made == retries || !failure.may_pass() || failure == TryFailure::TimedOut {
                return Err(failure.into_error(&self.name, limit, &self.secrets));
            }
            sleep(self.backoff(made)).await;
            made += 1;
        }
    }

    /// Reads an answer that is no completion, without keys.
    async fn answer<T: DeserializeOwned>(&self, response: Response) -> Result<T, TryFailure> {
        let body = read(response, bounded::OTHER).await?;
        let body = self.secrets.kept_bytes(whole::json(&body));
        mend::read(&body).map_err(|error| reply::unreadable(&error.to_string(), &body))
    }

    async fn post(&self, url: Url, body: Vec<u8>) -> Result<Response, TryFailure> {
        let request = self.client.post(url).header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body);
        self.accepted(request.send().await).await
    }

    async fn accepted(&self, response: Result<Response, reqwest::Error>) -> Result<Response, TryFailure> {
        let response = response.map_err(failure::transport)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers, asked) = (response.status(), response.headers().clone(), base::shown(response.url()));
        if status.is_redirection() {
            let detail = format!("{asked}: {}", client::redirected(&response));
            return Err(TryFailure::Status { status: status.as_u16(), detail, wait: None });
        }
        let body = bounded::beginning(response).await;
        // If the explanation cannot be unpacked, the status says enough.
        let body = whole::unpacked(&headers, &body).unwrap_or_default();
        let mut failure = failure::status(status, &headers, &body);
        if let TryFailure::Status { status: 404 | 405, detail, .. } = &mut failure {
            detail.push_str(&format!(" (asked {asked})"));
        }
        Err(failure)
    }
}

/// Reads the whole body, unpacked.
async fn read(response: Response, most: u64) -> Result<Vec<u8>, TryFailure> {
    let headers = response.headers().clone();
    let body = bounded::read(response, most).await?;
    whole::unpacked(&headers, &body)
}

/// Returns whether the answer is a stream of events. Compressed streams are read whole.
fn is_stream(response: &Response) -> bool {
    !response.headers().contains_key(CONTENT_ENCODING)
        && response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}
