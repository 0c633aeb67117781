//! One request sent to one of the replicas, again and again until it is answered or there is no point: limits, routing,
//! time limits and retries, but nothing about what is asked.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::Ordering,
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
    EngineError, TokenSink,
    http::{
        HttpConfig,
        config::without_password,
        failure::{self, Failure},
        limits::Bucket,
        replicas::{Lease, Replica, Replicas, doubled},
        reply::{self, Reply},
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
    key: Option<String>,
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
}

impl Server {
    /// A client for the addresses of `config`; nothing is sent yet.
    pub fn new(config: &HttpConfig) -> Result<Self, EngineError> {
        let bases = config.bases()?;
        let first = without_password(bases[0].as_str());
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
            key: config.key().map(str::to_owned),
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

    /// Asks for one completion and counts what it took.
    pub async fn complete(&self, call: Call<'_>) -> Result<Reply, EngineError> {
        let estimate = call.body.len() as f64 / 4.0 + f64::from(call.max_tokens);
        let teller = call.sink.map(Teller::new);
        let (call, teller) = (&call, teller.as_ref());
        let reply = self
            .tried(call.retries, estimate, |replica| {
                Box::pin(async move {
                    let response = self.post(replica.url(call.path), call.body.clone()).await?;
                    match teller {
                        Some(teller) if is_stream(&response) => stream::read(response, teller, call.max_tokens).await,
                        _ => {
                            let body = response.bytes().await.map_err(failure::transport)?;
                            let reply = reply::parse(&body, call.max_tokens)?;
                            if let Some(teller) = teller {
                                teller.whole(&reply);
                            }
                            Ok(reply)
                        }
                    }
                })
            })
            .await?;
        self.counters.answered(&reply);
        let used = reply.usage.prompt_tokens + reply.usage.completion_tokens;
        if let Some(bucket) = self.tokens.as_ref().filter(|_| used > 0) {
            bucket.give_back(estimate - used as f64);
        }
        Ok(reply)
    }

    /// Posts `body` to `path` at some replica and reads the answer as JSON.
    pub async fn post_json<T: DeserializeOwned + Send>(&self, path: &str, body: Vec<u8>) -> Result<T, EngineError> {
        let body = &body;
        let attempt = |replica: &Replica| -> BoxFuture<'_, Result<T, Failure>> {
            let url = replica.url(path);
            Box::pin(async move { json(self.post(url, body.clone()).await?).await })
        };
        self.tried(self.max_retries, 0.0, attempt).await
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
                return Err(failure.into_error(&self.name, self.time_limit));
            }
            sleep(self.backoff(made)).await;
            made += 1;
        }
    }

    /// Makes tries until one is answered, for `retries` retries at most. A replica that cannot be connected to costs no retry
    /// as long as there is another that has not been tried, so that nothing is called unreachable which is not.
    async fn tried<'a, T>(
        &'a self,
        retries: u32,
        tokens: f64,
        attempt: impl Fn(&'a Replica) -> BoxFuture<'a, Result<T, Failure>>,
    ) -> Result<T, EngineError> {
        let mut made = 0;
        // The last failure of each replica in this request.
        let mut failures: Vec<Option<Failure>> = Vec::new();
        loop {
            self.start(tokens).await;
            let Some(lease) = self.lease(&failures).await else {
                return Err(self.given_up(failures));
            };
            self.counters.requests.fetch_add(1, Ordering::Relaxed);
            let failure = match timeout(self.time_limit, attempt(lease.replica)).await.unwrap_or(Err(Failure::TimedOut)) {
                Ok(value) => {
                    lease.answered();
                    return Ok(value);
                }
                Err(failure) => failure,
            };
            self.note(&lease, &failure, tokens);
            if !failure.may_pass() {
                return Err(failure.into_error(&self.name, self.time_limit));
            }
            failures.resize(self.replicas.list().len(), None);
            let refused = matches!(failure, Failure::Refused(_));
            failures[lease.index] = Some(failure);
            drop(lease);
            if !(refused && failures.contains(&None)) {
                if made == retries {
                    return Err(self.given_up(failures));
                }
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
            Some(failure) => failure.into_error(&self.name, self.time_limit),
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
        // The status says enough when its explanation breaks off.
        let body = response.bytes().await.unwrap_or_default();
        Err(failure::status(status, &headers, &body, self.key.as_deref()))
    }
}

async fn json<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    let body = response.bytes().await.map_err(failure::transport)?;
    serde_json::from_slice(&body).map_err(|error| reply::unreadable(&error.to_string(), &body))
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
