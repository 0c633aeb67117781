//! What can go wrong with one try of one request, and what it means: try again, wait, or give up with an [`EngineError`].

use std::time::{Duration, SystemTime};

use reqwest::{
    StatusCode,
    header::{DATE, HeaderMap, RETRY_AFTER},
};
use serde_json::Value;

use crate::engine::EngineError;

/// Why one try gave no answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    /// No connection came about.
    Refused(String),
    /// The connection broke before the whole answer was there.
    Broken(String),
    /// Nothing within the time limit.
    TimedOut,
    /// An answer that cannot be read.
    Unreadable(String),
    /// An error status, with the server's words and how long it asks to wait.
    Status { status: u16, detail: String, wait: Option<Duration> },
    /// Prompt and reserved tokens do not fit the context.
    TooLong { tokens: u64, limit: u64 },
    /// The server withholds the answer on purpose.
    Withheld(String),
}

impl Failure {
    /// Whether another try may go better. 409 is retried because hosted services answer it on lock time-outs
    /// (the `openai` Python client does the same); 501 will not change; 200 is an error object without a code.
    pub fn may_pass(&self) -> bool {
        match self {
            Failure::Refused(_) | Failure::Broken(_) | Failure::TimedOut | Failure::Unreadable(_) => true,
            Failure::Status { status, .. } => {
                matches!(status, 408 | 409 | 425 | 429) || (*status >= 500 && *status != 501) || *status == 200
            }
            Failure::TooLong { .. } | Failure::Withheld(_) => false,
        }
    }

    /// Whether the replica itself seems to be in trouble, rather than this request.
    pub fn blames_replica(&self) -> bool {
        match self {
            Failure::Refused(_) | Failure::Broken(_) | Failure::TimedOut | Failure::Unreadable(_) => true,
            Failure::Status { status, .. } => *status >= 500 || *status == 429,
            Failure::TooLong { .. } | Failure::Withheld(_) => false,
        }
    }

    /// The error that the caller sees, `engine` being the engine's name and `after` the time limit of one try.
    pub fn into_error(self, engine: &str, after: Duration) -> EngineError {
        let engine = engine.to_owned();
        match self {
            Failure::Refused(detail) => EngineError::Unreachable { engine, detail },
            Failure::Broken(detail) | Failure::Unreadable(detail) | Failure::Withheld(detail) => {
                EngineError::BadReply { engine, detail }
            }
            Failure::TimedOut => EngineError::TimedOut { engine, after },
            Failure::Status { status: status @ (401 | 403), detail, .. } => EngineError::Unauthorized { engine, status, detail },
            Failure::Status { status, detail, .. } => EngineError::Status { engine, status, detail },
            Failure::TooLong { tokens, limit } => EngineError::TooLong { engine, tokens, limit },
        }
    }
}

/// What a transport error means. A connection that never came about is told apart from one that broke.
pub(crate) fn transport(error: reqwest::Error) -> Failure {
    let refused = error.is_connect();
    // The address is in the engine's name already, and may hold a password.
    let error = error.without_url();
    let mut detail = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        detail = inner.to_string();
        source = inner.source();
    }
    if refused { Failure::Refused(detail) } else { Failure::Broken(format!("the connection broke: {detail}")) }
}

/// What an answer with an error status means.
pub(crate) fn status(status: StatusCode, headers: &HeaderMap, body: &[u8], key: Option<&str>) -> Failure {
    let text = String::from_utf8_lossy(body);
    if matches!(status.as_u16(), 400 | 413 | 422)
        && let Some((tokens, limit)) = too_long(&text)
    {
        return Failure::TooLong { tokens, limit };
    }
    let detail = redacted(excerpt(&message(&text)), key);
    Failure::Status { status: status.as_u16(), detail, wait: retry_after(headers, SystemTime::now()) }
}

/// What an error object inside an answer with status 200 means: some gateways put the real status into `code`.
pub(crate) fn error_object(error: &Value) -> Failure {
    let code = error.get("code").and_then(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()));
    let status = code.filter(|code| (400..600).contains(code)).unwrap_or(200) as u16;
    Failure::Status { status, detail: excerpt(&words(error)), wait: None }
}

/// The first words of `text` on one line, for error messages.
pub(crate) fn excerpt(text: &str) -> String {
    const LIMIT: usize = 200;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None if line.is_empty() => "(empty)".to_owned(),
        None => line,
    }
}

/// `text` without the key, which some servers repeat in their errors.
pub(crate) fn redacted(text: String, key: Option<&str>) -> String {
    match key {
        Some(key) if text.contains(key) => text.replace(key, "(key)"),
        _ => text,
    }
}

/// How long a server asks to wait: `Retry-After` as seconds (fractions too) or as a date, which is read against the server's
/// own `Date` where it sends one.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let date = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    Some(until.duration_since(date.unwrap_or(now)).unwrap_or_default())
}

/// The words of an error body: `error.message`, `error`, `message` or `detail` where it is JSON, else all of it.
fn message(body: &str) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(value) => ["error", "detail"].iter().find_map(|name| value.get(name)).map_or_else(|| words(&value), words),
        Err(_) => body.to_owned(),
    }
}

fn words(error: &Value) -> String {
    match error.get("message").unwrap_or(error) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Reads `(tokens, limit)` out of a complaint about the context's size, as vLLM, SGLang, llama.cpp and hosted services word it.
/// `None` when it is about something else or the numbers cannot be told apart.
fn too_long(body: &str) -> Option<(u64, u64)> {
    if let Ok(value) = serde_json::from_str::<Value>(body) {
        let error = value.get("error").unwrap_or(&value);
        let number = |name: &str| error.get(name).and_then(Value::as_u64);
        if let (Some(tokens), Some(limit)) = (number("n_prompt_tokens"), number("n_ctx")) {
            return Some((tokens, limit));
        }
    }
    let text = message(body);
    let lower = text.to_lowercase();
    let names = ["context length", "context size", "context window", "model length"];
    let at = names.iter().filter_map(|name| lower.find(name)).min()?;
    let limit = *numbers(&lower[at..]).first()?;
    let mut others = numbers(&lower);
    others.retain(|number| *number != limit);
    others.sort_unstable();
    others.dedup();
    // The largest other number is the total, or else the parts (prompt and new tokens) have to be added up.
    let tokens = others.last().copied().filter(|largest| *largest > limit).unwrap_or_else(|| others.iter().sum());
    (tokens > limit).then_some((tokens, limit))
}

fn numbers(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn context_complaints_give_their_numbers() {
        let cases = [
            (
                "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (1000 in the messages, 4000 in the completion).",
                Some((5000, 4096)),
            ),
            (
                "'max_tokens' is too large: 4000. This model's maximum context length is 4096 tokens and your request has 200 input tokens (4000 > 4096 - 200).",
                Some((4200, 4096)),
            ),
            ("The input (5000 tokens) is longer than the model's context length (4096 tokens).", Some((5000, 4096))),
            (
                "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 9000 tokens: 1000 tokens from the input messages and 8000 tokens for the completion.",
                Some((9000, 4096)),
            ),
            ("The decoder prompt (length 5000) is longer than the maximum model length of 4096.", Some((5000, 4096))),
            ("temperature must be at most 2", None),
            ("context length exceeded", None),
        ];
        for (text, expected) in cases {
            assert_eq!(too_long(&serde_json::json!({"error": {"message": text, "code": 400}}).to_string()), expected, "{text}");
            assert_eq!(too_long(text), expected, "{text}");
        }
        let llama = r#"{"error":{"code":400,"message":"the request exceeds the available context size","n_prompt_tokens":900,"n_ctx":512}}"#;
        assert_eq!(too_long(llama), Some((900, 512)));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let headers = |pairs: &[(reqwest::header::HeaderName, &'static str)]| {
            pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect::<HeaderMap>()
        };
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:00 GMT").unwrap();
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "7")]), now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "0.25")]), now), Some(Duration::from_millis(250)));
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, date)]), now), Some(Duration::from_secs(37)));
        let both = headers(&[(RETRY_AFTER, date), (DATE, "Sun, 06 Nov 1994 08:49:30 GMT")]);
        assert_eq!(retry_after(&both, now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "soon")]), now), None);
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "-1")]), now), None);
    }

    #[test]
    fn errors_are_short_and_without_the_key() {
        let body = format!(r#"{{"error":{{"message":"bad key sk-1 {}"}}}}"#, "x ".repeat(500));
        let Failure::Status { detail, .. } = status(StatusCode::UNAUTHORIZED, &HeaderMap::new(), body.as_bytes(), Some("sk-1"))
        else {
            panic!("a status");
        };
        assert!(detail.starts_with("bad key (key) x") && detail.len() < 220, "{detail}");
        assert_eq!(excerpt(" \n"), "(empty)");
    }

    #[test]
    fn error_objects_carry_their_own_status() {
        let failure = error_object(&serde_json::json!({"message": "slow down", "code": 429}));
        assert_eq!(failure, Failure::Status { status: 429, detail: "slow down".to_owned(), wait: None });
        assert!(error_object(&serde_json::json!("no")).may_pass(), "an error without a code is tried again");
        assert!(!error_object(&serde_json::json!({"message": "bad", "code": "400"})).may_pass());
    }
}
