//! One request sent to one of the replicas, again and again until it is answered or there is no point: limits, routing,
//! time limits and retries, but nothing about what is asked.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::future::BoxFuture;
use reqwest::{
    Client, Response, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::de::DeserializeOwned;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::engine::{
    EngineError, Meter, TokenSink, Usage,
    http::{
        HttpConfig,
        body::Terms,
        bounded,
        failure::{self, Failure},
        limits::Bucket,
        metered::InFlight,
        prompt_size::Counts,
        replicas::{Lease, Replica, Replicas, doubled},
        reply::{self, Reading, Reply, mend},
        secrets::{Secrets, shown_address},
        stats::Counters,
        stream::{self, Teller},
    },
};

/// All replicas of one model behind one client, with what limits their use.
pub(crate) struct Server {
    /// The engine's name, for errors.
    pub name: String,
    /// What was asked and what it took.
    pub counters: Counters,
    /// How often a request is tried again.
    pub max_retries: u32,
    client: Client,
    replicas: Replicas,
    permits: Semaphore,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    time_limit: Duration,
    first_wait: Duration,
    secrets: Secrets,
    /// Whether it ever said why a text ended: then an answer without a reason is half of one.
    gives_reasons: AtomicBool,
    /// What it said of the lengths of prompts.
    pub counts: Counts,
}

/// One completion to be asked for.
pub(crate) struct Call<'a> {
    /// `v1/chat/completions` or `v1/completions`.
    pub path: &'a str,
    /// The request as JSON.
    pub body: Vec<u8>,
    /// The token limit in it.
    pub max_tokens: u32,
    /// Who watches; then the body must ask for a stream.
    pub sink: Option<&'a TokenSink>,
    /// How often to try again.
    pub retries: u32,
    /// Words of the prompt, see [`prompt_size`](super::prompt_size).
    pub words: u64,
    /// How the answer is taken.
    pub terms: Terms<'a>,
}

/// How one request is tried.
#[derive(Clone, Copy)]
struct Tries<'a> {
    retries: u32,
    /// Tokens that it takes of a limit a minute.
    tokens: f64,
    /// Tokens of its prompt, by a guess.
    prompt: u64,
    meter: Option<&'a dyn Meter>,
}

/// A time-out is tried again once: who needs longer than the limit will need longer again.
const TIME_OUTS: u32 = 2;

impl Server {
    /// A client for the addresses of `config`; nothing is sent yet.
    pub fn new(config: &HttpConfig) -> Result<Self, EngineError> {
        let bases = config.bases()?;
        let first = shown_address(bases[0].as_str());
        let first = first.trim_end_matches('/');
        let name = if bases.len() == 1 { first.to_owned() } else { format!("{first} and {} more", bases.len() - 1) };
        Ok(Server {
            client: client(config, &bases).map_err(|detail| EngineError::Failed { engine: name.clone(), detail })?,
            name,
            counters: Counters::default(),
            max_retries: config.max_retries,
            replicas: Replicas::new(bases, config.first_wait()),
            permits: Semaphore::new(config.concurrency.min(Semaphore::MAX_PERMITS)),
            requests: config.requests_per_minute.map(Bucket::new),
            tokens: config.tokens_per_minute.map(Bucket::new),
            time_limit: config.time_limit(),
            first_wait: config.first_wait(),
            secrets: Secrets::of(config),
            gives_reasons: AtomicBool::new(false),
            counts: Counts::default(),
        })
    }

    /// The replicas, for requests that go to each of them.
    pub fn replicas(&self) -> &[Replica] {
        self.replicas.list()
    }

    /// A place among the requests in flight, kept until it is dropped.
    pub async fn permit(&self) -> Result<SemaphorePermit<'_>, EngineError> {
        // The semaphore is never closed.
        self.permits.acquire().await.map_err(|error| EngineError::Failed { engine: self.name.clone(), detail: error.to_string() })
    }

    /// What a failure is for the caller.
    pub fn error(&self, failure: Failure) -> EngineError {
        failure.into_error(&self.name, self.time_limit, &self.secrets)
    }

    /// The error of an answer that is not what the protocol says; `detail` may hold its words.
    pub fn bad_reply(&self, detail: &str) -> EngineError {
        EngineError::BadReply { engine: self.name.clone(), detail: self.secrets.said(detail) }
    }

    /// Asks for one completion and counts what it took.
    pub async fn complete(&self, call: Call<'_>) -> Result<Reply, EngineError> {
        let prompt = call.body.len() as u64 / 4;
        let estimate = prompt as f64 + f64::from(call.max_tokens);
        let teller = call.sink.map(Teller::new);
        let (call, teller) = (&call, teller.as_ref());
        let tries = Tries { retries: call.retries, tokens: estimate, prompt, meter: call.terms.meter };
        let attempt = |replica| -> BoxFuture<'_, _> { Box::pin(self.completed(replica, call, teller)) };
        let reply = self.tried(tries, attempt).await?;
        self.counters.answered(&reply);
        if let Some(meter) = call.terms.meter.filter(|_| reply.counted != (true, true)) {
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

    /// One try of one completion at one replica.
    async fn completed(&self, replica: &Replica, call: &Call<'_>, teller: Option<&Teller<'_>>) -> Result<Reply, Failure> {
        let response = self.post(replica.url(call.path), call.body.clone()).await?;
        let unreasoned = !self.gives_reasons.load(Ordering::Relaxed);
        let reading = Reading { max_tokens: call.max_tokens, unreasoned, empty: call.terms.may_be_empty };
        let reply = match teller {
            Some(teller) if is_stream(&response) => stream::read(response, teller, reading).await?,
            _ => {
                let body = bounded::read(response, bounded::of_tokens(call.max_tokens)).await?;
                let reply = reply::parse(&body, reading)?;
                if let Some(teller) = teller {
                    teller.whole(&reply);
                }
                reply
            }
        };
        self.gives_reasons.fetch_or(reply.reasoned, Ordering::Relaxed);
        let looked = self.counts.look(call.words, reply.usage.prompt_tokens, reply.cached_prompt_tokens);
        looked.map_err(|detail| Failure::Cut { detail, usage: reply.usage })?;
        Ok(reply)
    }

    /// Posts `body` to `path` at some replica and reads the answer as JSON.
    pub async fn post_json<T: DeserializeOwned + Send>(&self, path: &str, body: Vec<u8>) -> Result<T, EngineError> {
        self.post_tried(path, body, None, self.max_retries).await
    }

    /// The same for what is billed: `meter` counts what is sent again.
    pub async fn post_metered<T: DeserializeOwned + Send>(
        &self,
        path: &str,
        body: Vec<u8>,
        meter: Option<&dyn Meter>,
    ) -> Result<T, EngineError> {
        self.post_tried(path, body, meter, self.max_retries).await
    }

    /// The same with so many retries.
    pub async fn post_tried<T: DeserializeOwned + Send>(
        &self,
        path: &str,
        body: Vec<u8>,
        meter: Option<&dyn Meter>,
        retries: u32,
    ) -> Result<T, EngineError> {
        let prompt = body.len() as u64 / 4;
        let body = &body;
        let attempt = |replica: &Replica| -> BoxFuture<'_, Result<T, Failure>> {
            let url = replica.url(path);
            Box::pin(async move { json(self.post(url, body.clone()).await?).await })
        };
        self.tried(Tries { retries, tokens: 0.0, prompt, meter }, attempt).await
    }

    /// Gets `path` at this very replica and reads the answer as JSON.
    pub async fn get_json<T: DeserializeOwned>(&self, replica: &Replica, path: &str, retries: u32) -> Result<T, EngineError> {
        let mut made = 0;
        loop {
            let attempt = async { json(self.accepted(self.client.get(replica.url(path)).send().await).await?).await };
            let failure = match timeout(self.time_limit, attempt).await.unwrap_or(Err(Failure::TimedOut)) {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            if made == retries || !failure.may_pass() {
                return Err(self.error(failure));
            }
            sleep(self.backoff(made)).await;
            made += 1;
        }
    }

    /// Makes tries until one is answered, for `retries` retries at most, and as long as its meter allows. A replica that cannot be connected
    /// to costs no retry as long as there is another that has not been tried, so that nothing is called unreachable which is not.
    async fn tried<'a, T>(
        &'a self,
        tries: Tries<'_>,
        attempt: impl Fn(&'a Replica) -> BoxFuture<'a, Result<T, Failure>>,
    ) -> Result<T, EngineError> {
        let (mut made, mut timed_out) = (0, 0);
        // The last failure of each replica in this request.
        let mut failures: Vec<Option<Failure>> = Vec::new();
        loop {
            self.start(tries.tokens).await;
            let Some(lease) = self.lease(&failures).await else {
                return Err(self.given_up(failures));
            };
            self.counters.requests.fetch_add(1, Ordering::Relaxed);
            let sent = InFlight::new(tries.meter, tries.prompt);
            let result = timeout(self.time_limit, attempt(lease.replica)).await.unwrap_or(Err(Failure::TimedOut));
            sent.came_back(result.as_ref().err());
            let failure = match result {
                Ok(value) => {
                    lease.answered();
                    return Ok(value);
                }
                Err(failure) => failure,
            };
            self.note(&lease, &failure, tries.tokens);
            if !failure.may_pass() {
                return Err(self.error(failure));
            }
            failures.resize(self.replicas.list().len(), None);
            let refused = matches!(failure, Failure::Refused(_));
            timed_out += u32::from(failure == Failure::TimedOut);
            failures[lease.index] = Some(failure);
            drop(lease);
            if timed_out == TIME_OUTS {
                return Err(self.error(Failure::TimedOut));
            }
            let waits = !(refused && failures.contains(&None));
            // What was never connected to was not sent.
            if (waits && made == tries.retries) || !(refused || tries.meter.is_none_or(Meter::again)) {
                return Err(self.given_up(failures));
            }
            if waits {
                sleep(self.backoff(made)).await;
                made += 1;
            }
            self.counters.retries.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A place at the best replica, once one may be asked; `None` when all of them want to be left alone for longer than a
    /// try may take.
    async fn lease(&self, failures: &[Option<Failure>]) -> Option<Lease<'_>> {
        loop {
            match self.replicas.pick(|index| failures.get(index).is_some_and(Option::is_some)) {
                Ok(lease) => return Some(lease),
                Err(until) if until - Instant::now() > self.time_limit => return None,
                Err(until) => sleep_until(until).await,
            }
        }
    }

    /// Waits for the limits a minute.
    async fn start(&self, tokens: f64) {
        if let Some(bucket) = &self.requests {
            bucket.take(1.0).await;
        }
        if let Some(bucket) = self.tokens.as_ref().filter(|_| tokens > 0.0) {
            bucket.take(tokens).await;
        }
    }

    /// Writes down what a failure says about the replica, and gives back the tokens that it did not use.
    fn note(&self, lease: &Lease<'_>, failure: &Failure, tokens: f64) {
        self.counters.failed(failure);
        if let Some(bucket) = self.tokens.as_ref().filter(|_| tokens > 0.0) {
            bucket.give_back(tokens);
        }
        match failure {
            Failure::Status { wait: Some(wait), .. } if failure.may_pass() => lease.asked_to_wait(*wait),
            failure if failure.blames_replica() => lease.failed(),
            _ => lease.answered(),
        }
    }

    /// The error after the last retry: that nothing can be reached only if no replica was.
    fn given_up(&self, failures: Vec<Option<Failure>>) -> EngineError {
        let mut failures: Vec<Failure> = failures.into_iter().flatten().collect();
        failures.sort_by_key(|failure| !matches!(failure, Failure::Refused(_)));
        match failures.pop() {
            Some(failure) => self.error(failure),
            // Other requests were told to wait for too long before this one was sent.
            None => {
                let detail = format!("the server asked to be left alone for longer than {:?}", self.time_limit);
                EngineError::Status { engine: self.name.clone(), status: 429, detail }
            }
        }
    }

    /// The wait after `made` retries, shortened by up to a half at random so that requests that failed together come back apart.
    fn backoff(&self, made: u32) -> Duration {
        let random = RandomState::new().hash_one(made) as f64 / u64::MAX as f64;
        doubled(self.first_wait, made).mul_f64(1.0 - random / 2.0)
    }

    async fn post(&self, url: Url, body: Vec<u8>) -> Result<Response, Failure> {
        let request = self.client.post(url).header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body);
        self.accepted(request.send().await).await
    }

    async fn accepted(&self, response: Result<Response, reqwest::Error>) -> Result<Response, Failure> {
        let response = response.map_err(failure::transport)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers) = (response.status(), response.headers().clone());
        Err(failure::status(status, &headers, &bounded::beginning(response).await))
    }
}

async fn json<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    let body = bounded::read(response, bounded::OTHER).await?;
    mend::read(&body).map_err(|error| reply::unreadable(&error.to_string(), &body))
}

fn is_stream(response: &Response) -> bool {
    response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// The one client of an engine: it keeps connections open and sends the key with everything.
fn client(config: &HttpConfig, bases: &[Url]) -> Result<Client, String> {
    let mut headers = HeaderMap::new();
    if let Some(key) = config.key() {
        let value = HeaderValue::from_str(&format!("Bearer {key}"));
        let mut value = value.map_err(|_| "the API key holds characters that no HTTP header can carry".to_owned())?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let mut builder = Client::builder()
        .default_headers(headers)
        .user_agent(concat!("rrm/", env!("CARGO_PKG_VERSION")))
        // A host that does not even accept within this time is down.
        .connect_timeout(config.time_limit().min(Duration::from_secs(10)));
    // A proxy of the environment is for the world outside, and could not reach this machine's loopback anyway.
    if bases.iter().all(|base| matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| format!("no HTTP client: {}", error.without_url()))
}
