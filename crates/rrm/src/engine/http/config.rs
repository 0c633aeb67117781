//! The user's settings for a server, checked and turned into base addresses.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::engine::{
    EngineError, Probing,
    http::{base::BaseUrl, fields::RequestFields, secrets::shown_address},
};

/// Addresses of an OpenAI-compatible server, with limits and request options.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Addresses as their providers give them, see docs/servers.md; several are replicas of one model.
    pub urls: Vec<String>,
    /// Name of the model on the server; `None` takes the only one that `/v1/models` lists.
    pub model: Option<String>,
    /// The key itself, sent as a bearer token. It is never written to a file, a log or an error, and never read from a file.
    #[serde(skip)]
    pub api_key: Option<String>,
    /// Most requests in flight, over all replicas.
    pub concurrency: usize,
    /// Most requests that are started in a minute, over all replicas.
    pub requests_per_minute: Option<u32>,
    /// Most tokens in a minute, over all replicas. Before a request starts, a quarter of the prompt's bytes and the whole token limit are taken; the
    /// unused part is given back when the server has reported its usage.
    pub tokens_per_minute: Option<u32>,
    /// Most seconds of one try of a request, with its whole answer.
    pub timeout: f64,
    /// Most retries of a request after a temporary failure.
    pub max_retries: u32,
    /// Seconds before the first retry. Each further wait is twice as long, up to 64 times this, and is shortened at random by up to a half. A replica
    /// that fails gets no request for twice this time, which doubles in the same way.
    pub backoff: f64,
    /// Seconds for which a server that was there may be away, as during a restart. Tries that reach no server in this time do not count as retries.
    pub away: f64,
    /// Declared revision of the weights, such as a commit or a training step. With it, no probe is needed to tell weights apart.
    pub revision: Option<String>,
    /// Method by which a completion is continued after its thinking was cut.
    pub continuation: Continuation,
    /// Fields that are added to, left out of and renamed in every request.
    pub fields: RequestFields,
    /// Further headers of every request, by name. Their values may be keys: like the key, they are never written and never read from a file.
    #[serde(skip)]
    pub headers: Vec<(String, String)>,
    /// Whether answers are requested as streams even if no one watches, because gateways close connections that are silent for a while.
    pub stream: bool,
    /// Meter of the probes.
    #[serde(skip)]
    pub probes: Option<Probes>,
}

/// Meter of the requests that probe a server.
#[derive(Clone)]
pub struct Probes(pub Arc<dyn Probing>);

impl PartialEq for Probes {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Method by which a completion is continued after its thinking was cut at the budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Continuation {
    /// Try all methods once, when connecting, and keep the first one that works.
    #[default]
    Auto,
    /// Only an assistant message that the server continues.
    Message,
    /// Only `/v1/completions`, with the prompt as the server's own template renders it.
    Completion,
    /// None: thinking budgets are refused.
    None,
}

impl Default for HttpConfig {
    /// - `concurrency` 256: `max_num_seqs` of vLLM, the requests that one replica runs at once.
    /// - `timeout` 600 s and `backoff` 0.5 s: the `openai` Python client.
    /// - `max_retries` 5: with that backoff, failures of about ten seconds are survived.
    /// - no limits for a minute: a user's own servers have none.
    fn default() -> Self {
        HttpConfig {
            urls: Vec::new(),
            model: None,
            api_key: None,
            concurrency: 256,
            requests_per_minute: None,
            tokens_per_minute: None,
            timeout: 600.0,
            max_retries: 5,
            backoff: 0.5,
            away: 0.0,
            revision: None,
            continuation: Continuation::Auto,
            fields: RequestFields::default(),
            headers: Vec::new(),
            stream: false,
            probes: None,
        }
    }
}

impl fmt::Debug for HttpConfig {
    /// Writes everything except the key and the values of headers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConfig")
            .field("urls", &self.urls.iter().map(|url| shown_address(url)).collect::<Vec<_>>())
            .field("model", &self.model)
            .field("api_key", &self.api_key.as_ref().map(|_| "(not shown)"))
            .field("concurrency", &self.concurrency)
            .field("requests_per_minute", &self.requests_per_minute)
            .field("tokens_per_minute", &self.tokens_per_minute)
            .field("timeout", &self.timeout)
            .field("max_retries", &self.max_retries)
            .field("backoff", &self.backoff)
            .field("away", &self.away)
            .field("revision", &self.revision)
            .field("continuation", &self.continuation)
            .field("fields", &self.fields)
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

impl HttpConfig {
    /// Checks the values. Returns the base addresses of each replica.
    pub(crate) fn bases(&self) -> Result<Vec<BaseUrl>, EngineError> {
        if self.urls.is_empty() {
            return Err(bad("no URL is given"));
        }
        if self.concurrency == 0 {
            return Err(bad("`concurrency` must be at least 1"));
        }
        if self.requests_per_minute == Some(0) || self.tokens_per_minute == Some(0) {
            return Err(bad("a limit of 0 a minute would let nothing through"));
        }
        seconds("timeout", self.timeout, false)?;
        seconds("backoff", self.backoff, true)?;
        seconds("away", self.away, true)?;
        self.fields.check().map_err(|what| bad(&what))?;
        self.urls.iter().map(|url| BaseUrl::parse(url).map_err(|what| bad(&what))).collect()
    }

    /// Returns the addresses without secrets.
    pub(crate) fn places(&self) -> Vec<String> {
        self.urls.iter().map(|url| shown_address(url)).collect()
    }

    /// Returns the time limit of one try.
    pub(crate) fn time_limit(&self) -> Duration {
        Duration::try_from_secs_f64(self.timeout).unwrap_or(Duration::MAX)
    }

    /// Returns the wait before the first retry.
    pub(crate) fn first_wait(&self) -> Duration {
        Duration::try_from_secs_f64(self.backoff).unwrap_or_default()
    }

    /// Returns the key without the line break that files and shells leave at its end; `None` if there is none.
    pub(crate) fn key(&self) -> Option<&str> {
        self.api_key.as_deref().map(str::trim).filter(|key| !key.is_empty())
    }
}

fn seconds(name: &str, value: f64, zero: bool) -> Result<(), EngineError> {
    // With at most a million seconds, every sum with an instant is in range.
    let fits = value.is_finite() && (value > 0.0 || (zero && value == 0.0)) && value <= 1e6;
    if fits { Ok(()) } else { Err(bad(&format!("`{name}` is {value}, which is no number of seconds"))) }
}

fn bad(what: &str) -> EngineError {
    EngineError::Failed { engine: "http".to_owned(), detail: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(urls: &[&str]) -> HttpConfig {
        HttpConfig { urls: urls.iter().map(|url| url.to_string()).collect(), ..HttpConfig::default() }
    }

    #[test]
    fn bad_values_are_refused() {
        for urls in [&[][..], &["localhost:8000"], &["ftp://a"], &["http://"]] {
            assert!(config(urls).bases().is_err(), "{urls:?}");
        }
        let good = config(&["http://a"]);
        assert!(HttpConfig { timeout: 0.0, ..good.clone() }.bases().is_err());
        assert!(HttpConfig { timeout: f64::NAN, ..good.clone() }.bases().is_err());
        assert!(HttpConfig { backoff: -1.0, ..good.clone() }.bases().is_err());
        assert!(HttpConfig { concurrency: 0, ..good.clone() }.bases().is_err());
        assert!(HttpConfig { requests_per_minute: Some(0), ..good.clone() }.bases().is_err());
        let seedless = RequestFields { add: [("seed".to_owned(), 1.into())].into(), ..RequestFields::default() };
        assert!(HttpConfig { fields: seedless, ..good.clone() }.bases().is_err());
        assert!(HttpConfig { backoff: 0.0, ..good }.bases().is_ok());
    }

    #[test]
    fn secrets_stay_out_of_debug_and_files() {
        let mut config = config(&["http://me:hidden@host/v1"]);
        config.api_key = Some("sk-secret".to_owned());
        config.headers = vec![("api-key".to_owned(), "sk-secret".to_owned())];
        let debug = format!("{config:?}");
        assert!(!debug.contains("sk-secret") && !debug.contains("hidden"), "{debug}");
        assert!(!serde_json::to_string(&config).unwrap().contains("sk-secret"));
        assert!(toml::from_str::<HttpConfig>("api_key = 'x'").is_err(), "a key in a file is refused");
        assert!(toml::from_str::<HttpConfig>("modell = 'x'").is_err());
        assert_eq!(toml::from_str::<HttpConfig>("urls = ['http://a']").unwrap().concurrency, 256);
    }
}
