//! A configuration -> the HTTP client of an engine: its key and headers, and the redirections that it follows.

use std::time::Duration;

use reqwest::{
    Client, Response, StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION},
    redirect::{Attempt, Policy},
};
use rustls::crypto::{CryptoProvider, ring};

use super::{
    HttpConfig,
    base::{self, BaseUrl},
};

/// Headers that describe how a request is written, and that users cannot set.
const OURS: [&str; 4] = ["content-type", "content-length", "transfer-encoding", "connection"];

/// Most redirections of a request.
const MOST_REDIRECTIONS: usize = 5;

/// Returns a client that keeps connections open and sends key and headers with every request.
///
/// # Errors
/// A description of the error in the key or a header.
pub(crate) fn client(config: &HttpConfig, bases: &[BaseUrl]) -> Result<Client, String> {
    // The program that uses this library may have chosen another provider.
    if CryptoProvider::get_default().is_none() {
        // An error means that another thread has just chosen one.
        let _ = ring::default_provider().install_default();
    }
    let headers = headers(config)?;
    let secret = !headers.is_empty();
    let mut builder = Client::builder()
        .default_headers(headers)
        .user_agent(concat!("rrm/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::custom(move |attempt| if is_followed(&attempt, secret) { attempt.follow() } else { attempt.stop() }))
        // A host that does not accept a connection within this time is down.
        .connect_timeout(config.time_limit().min(Duration::from_secs(10)));
    // A proxy of the environment is for remote hosts, and could not reach this machine's loopback anyway.
    if bases.iter().all(BaseUrl::is_local) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| format!("no HTTP client: {}", error.without_url()))
}

fn headers(config: &HttpConfig) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let secret = |value: &str, what: &str| {
        let value = HeaderValue::from_str(value);
        let mut value = value.map_err(|_| format!("{what} holds characters that no HTTP header can carry"))?;
        value.set_sensitive(true);
        Ok::<_, String>(value)
    };
    if let Some(key) = config.key() {
        headers.insert(AUTHORIZATION, secret(&format!("Bearer {key}"), "the API key")?);
    }
    for (name, value) in &config.headers {
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is no name of an HTTP header"))?;
        if OURS.contains(&header.as_str()) {
            return Err(format!("the header `{name}` belongs to how a request is written and cannot be set"));
        }
        headers.insert(header, secret(value, &format!("the header `{name}`"))?);
    }
    Ok(headers)
}

/// Returns whether a redirection can be followed with the same request: 307 and 308 keep method and body. All others turn it into a GET, which no
/// route for completions supports. A possible key is sent only to the place that was named.
fn is_followed(attempt: &Attempt<'_>, secret: bool) -> bool {
    let same = attempt.status() == StatusCode::TEMPORARY_REDIRECT || attempt.status() == StatusCode::PERMANENT_REDIRECT;
    let place = |url: &reqwest::Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default());
    let stays = attempt.previous().last().is_some_and(|before| place(before) == place(attempt.url()));
    same && (stays || !secret) && attempt.previous().len() <= MOST_REDIRECTIONS
}

/// Describes the target of a redirection that was not followed.
pub(crate) fn redirected(response: &Response) -> String {
    let to = response.headers().get(LOCATION).and_then(|to| response.url().join(to.to_str().ok()?).ok());
    match to {
        Some(to) if to == *response.url() => format!("it redirects in a circle, to {}", base::shown(&to)),
        Some(to) => format!("it redirects to {}; name that address", base::shown(&to)),
        None => "it redirects to nowhere".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(headers: &[(&str, &str)]) -> Result<HeaderMap, String> {
        let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        super::headers(&HttpConfig { api_key: Some("k\n".to_owned()), headers, ..HttpConfig::default() })
    }

    #[test]
    fn headers_are_sent_or_refused_by_name() {
        let all = built(&[("api-key", "secret"), ("X-Title", "rrm")]).unwrap();
        assert_eq!((all["authorization"].to_str().unwrap(), all["api-key"].to_str().unwrap()), ("Bearer k", "secret"));
        assert!(all.values().all(HeaderValue::is_sensitive), "none of them is shown by a log");
        assert_eq!(built(&[("Authorization", "Token x")]).unwrap()["authorization"], "Token x", "a named one comes first");
        for (name, value) in [("a b", "x"), ("", "x"), ("content-type", "x"), ("x", "a\nb")] {
            let error = built(&[(name, value)]).unwrap_err();
            assert!(error.contains(name) && !error.contains("a\nb"), "{error}");
        }
    }
}
