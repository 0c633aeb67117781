//! The failures of one try of a request, and their consequence: retry, wait, or give up with an [`EngineError`].
//!
//! A failure holds the server's message unchanged. It is shown only through [`TryFailure::into_error`], which removes secrets.

mod money;
mod too_long;
mod wait;

use std::time::{Duration, SystemTime};

use reqwest::{StatusCode, header::HeaderMap};
use serde_json::Value;

use self::too_long::LengthComplaint;
use crate::engine::{EngineError, Usage, http::secrets::Secrets};

/// The reason why one try gave no answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TryFailure {
    /// No connection could be made.
    Refused(String),
    /// The connection broke before the answer was complete.
    Broken(String),
    /// There was no answer within the time limit.
    TimedOut,
    /// An answer that cannot be read.
    Unreadable(String),
    /// An answer that can be read but holds no completion: empty, or aborted by the server.
    NoAnswer { detail: String, usage: Option<Usage> },
    /// An answer of more bytes than any valid answer has.
    Endless(u64),
    /// An error status, with the server's message and the time that it asks to wait.
    Status { status: u16, detail: String, wait: Option<Duration> },
    /// Prompt and reserved tokens do not fit the context.
    TooLong { tokens: u64, limit: u64 },
    /// The request does not fit, in the server's words.
    DoesNotFit(String),
    /// The server read only a part of the prompt.
    Cut { detail: String, usage: Usage },
    /// The account has no money left.
    Unpaid { status: u16, detail: String },
    /// The service withholds the answer on purpose.
    Withheld { detail: String, usage: Option<Usage> },
}

/// The cost that a failed try may have had.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TryCost {
    /// Nothing: no model was asked.
    Nothing,
    /// The tokens that the server counted.
    Counted(Usage),
    /// A model may have read the prompt, but no count says so.
    Prompt,
}

impl TryFailure {
    /// Returns whether another try may succeed. 409 is retried because hosted services use it for lock time-outs (the `openai` Python client does the
    /// same); 501 will not change; 200 is an error object without a code.
    pub fn may_pass(&self) -> bool {
        match self {
            TryFailure::Refused(_)
            | TryFailure::Broken(_)
            | TryFailure::TimedOut
            | TryFailure::Unreadable(_)
            | TryFailure::NoAnswer { .. } => true,
            TryFailure::Status { status, .. } => {
                matches!(status, 408 | 409 | 425 | 429) || (*status >= 500 && *status != 501) || *status == 200
            }
            TryFailure::Endless(_)
            | TryFailure::TooLong { .. }
            | TryFailure::DoesNotFit(_)
            | TryFailure::Cut { .. }
            | TryFailure::Unpaid { .. }
            | TryFailure::Withheld { .. } => false,
        }
    }

    /// Returns whether the replica itself seems to have a problem, and not only this request.
    pub fn blames_replica(&self) -> bool {
        match self {
            TryFailure::Refused(_) | TryFailure::Broken(_) | TryFailure::TimedOut | TryFailure::Unreadable(_) => true,
            TryFailure::Status { status, .. } => *status >= 500 || *status == 429,
            _ => false,
        }
    }

    /// Returns the possible cost of the try. A request whose answer broke off or came too late may still have been completed.
    pub fn cost(&self) -> TryCost {
        match self {
            TryFailure::NoAnswer { usage: Some(usage), .. } | TryFailure::Withheld { usage: Some(usage), .. } => {
                TryCost::Counted(*usage)
            }
            TryFailure::Cut { usage, .. } => TryCost::Counted(*usage),
            TryFailure::Broken(_) | TryFailure::TimedOut | TryFailure::Unreadable(_) | TryFailure::Endless(_) => TryCost::Prompt,
            TryFailure::NoAnswer { .. } | TryFailure::Withheld { .. } => TryCost::Prompt,
            TryFailure::Status { status: 408 | 499 | 504 | 524, .. } => TryCost::Prompt,
            TryFailure::Refused(_) | TryFailure::Status { .. } | TryFailure::TooLong { .. } => TryCost::Nothing,
            TryFailure::DoesNotFit(_) | TryFailure::Unpaid { .. } => TryCost::Nothing,
        }
    }

    /// Returns the error for the caller, without `secrets`. `engine` is the engine's name and `after` the time limit of one try.
    pub fn into_error(self, engine: &str, after: Duration, secrets: &Secrets) -> EngineError {
        let engine = engine.to_owned();
        let said = |words: &str| secrets.said(words);
        match self {
            TryFailure::Refused(detail) => EngineError::Unreachable { engine, detail: said(&detail) },
            TryFailure::Broken(detail)
            | TryFailure::Unreadable(detail)
            | TryFailure::NoAnswer { detail, .. }
            | TryFailure::Withheld { detail, .. } => EngineError::BadReply { engine, detail: said(&detail) },
            TryFailure::Endless(most) => {
                let detail = format!("it did not end after {most} bytes");
                EngineError::BadReply { engine, detail }
            }
            TryFailure::TimedOut => EngineError::TimedOut { engine, after },
            TryFailure::Status { status: status @ (401 | 403), detail, .. } => {
                EngineError::Unauthorized { engine, status, detail: said(&detail) }
            }
            TryFailure::Status { status, detail, .. } => EngineError::Status { engine, status, detail: said(&detail) },
            TryFailure::TooLong { tokens, limit } => EngineError::TooLong { engine, tokens, limit },
            TryFailure::DoesNotFit(detail) => EngineError::DoesNotFit { engine, detail: said(&detail) },
            TryFailure::Cut { detail, .. } => EngineError::DoesNotFit { engine, detail },
            TryFailure::Unpaid { status, detail } => EngineError::Unpaid { engine, status, detail: said(&detail) },
        }
    }
}

/// Returns the failure of a transport error. It distinguishes a connection that was never made from one that broke.
pub(crate) fn transport(error: reqwest::Error) -> TryFailure {
    let refused = error.is_connect();
    // The address is already in the engine's name, and may hold a password.
    let error = error.without_url();
    let mut chain = vec![error.to_string()];
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        chain.push(inner.to_string());
        source = inner.source();
    }
    let detail = tls(&chain).unwrap_or_else(|| chain.pop().unwrap_or_default());
    if refused { TryFailure::Refused(detail) } else { TryFailure::Broken(format!("the connection broke: {detail}")) }
}

/// Returns a description of the encryption error in a chain of errors, if there is one.
fn tls(chain: &[String]) -> Option<String> {
    let last = chain.last()?;
    if chain.iter().any(|words| words.contains("CaUsedAsEndEntity")) {
        return Some(
            "its certificate says that it is an authority's, which no server's may be; make one with CA:FALSE and name it in SSL_CERT_FILE".to_owned(),
        );
    }
    if chain.iter().any(|words| words.contains("peer certificate")) {
        return Some(format!(
            "its certificate is not trusted by this machine ({last}); install the authority that signed it, or name it in SSL_CERT_FILE"
        ));
    }
    let plain = chain.iter().any(|words| words.contains("InvalidContentType") || words.contains("corrupt message"));
    plain.then(|| format!("what answers there speaks no TLS ({last}); is it http:// instead of https://?"))
}

/// Returns the failure of an answer with an error status.
pub(crate) fn status(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> TryFailure {
    let text = String::from_utf8_lossy(body);
    let wait = wait::asked(headers, SystemTime::now());
    meant(status.as_u16(), &text, message(&text), wait)
}

/// Returns the failure of an error object in an answer with status 200. Some gateways put the real status into `code`.
pub(crate) fn error_object(error: &Value) -> TryFailure {
    let code = ["code", "status"].iter().find_map(|name| {
        let code = error.get(name)?;
        code.as_u64().or_else(|| code.as_str()?.parse().ok()).filter(|code| (400..600).contains(code))
    });
    meant(code.unwrap_or(200) as u16, &error.to_string(), words(error), None)
}

/// Returns the failure of a status and its body; `detail` is the message of the body.
fn meant(status: u16, body: &str, detail: String, wait: Option<Duration>) -> TryFailure {
    match too_long::complaint(status, body, &detail) {
        Some(LengthComplaint::Numbers { tokens, limit }) => return TryFailure::TooLong { tokens, limit },
        Some(LengthComplaint::Words) => return TryFailure::DoesNotFit(format!("status {status}: {detail}")),
        None => {}
    }
    if money::is_gone(status, body, wait.is_some()) {
        return TryFailure::Unpaid { status, detail };
    }
    if status == 403 && ["moderation", "flagged"].iter().any(|word| body.to_lowercase().contains(word)) {
        return TryFailure::Withheld { detail: format!("the service refuses this request (status 403): {detail}"), usage: None };
    }
    TryFailure::Status { status, detail, wait }
}

/// Returns the message of an error body: `error.message`, `error`, `message` or `detail` of JSON, otherwise the whole body.
fn message(body: &str) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(value) => ["error", "detail"].iter().find_map(|name| value.get(name)).map_or_else(|| words(&value), words),
        Err(_) => body.to_owned(),
    }
}

fn words(error: &Value) -> String {
    let words = match error.get("message").unwrap_or(error) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    // Some services name the parameter only in a field beside their message.
    match error.get("param").and_then(Value::as_str).filter(|name| !words.contains(name)) {
        Some(name) => format!("{words} (parameter {name})"),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(failure: TryFailure) -> String {
        failure.into_error("e", Duration::ZERO, &Secrets::default()).to_string()
    }

    #[test]
    fn errors_are_short_and_without_secrets_wherever_they_come_from() {
        let mut secrets = Secrets::default();
        secrets.add("sk-secret-1", true);
        let long = format!("bad key sk-secret-1 {}", "x ".repeat(500));
        let body = serde_json::json!({"error": {"message": long}});
        let failures = [
            status(StatusCode::UNAUTHORIZED, &HeaderMap::new(), body.to_string().as_bytes()),
            status(StatusCode::INTERNAL_SERVER_ERROR, &HeaderMap::new(), long.as_bytes()),
            status(StatusCode::PAYMENT_REQUIRED, &HeaderMap::new(), long.as_bytes()),
            status(StatusCode::PAYLOAD_TOO_LARGE, &HeaderMap::new(), long.as_bytes()),
            error_object(&body["error"]),
            error_object(&serde_json::json!(long)),
            TryFailure::Unreadable(long.clone()),
            TryFailure::Broken(long.clone()),
            TryFailure::Refused(long.clone()),
            TryFailure::NoAnswer { detail: long.clone(), usage: None },
            TryFailure::Withheld { detail: long.clone(), usage: None },
            TryFailure::DoesNotFit(long.clone()),
        ];
        for failure in failures {
            let shown = failure.into_error("e", Duration::ZERO, &secrets).to_string();
            assert!(shown.contains("bad key (key) x") && shown.len() < 270 && !shown.contains("sk-"), "{shown}");
        }
    }

    #[test]
    fn encryption_that_fails_is_named() {
        let said = |chain: &[&str]| tls(&chain.iter().map(|words| words.to_string()).collect::<Vec<_>>());
        let untrusted = said(&["error sending request", "invalid peer certificate: UnknownIssuer", "UnknownIssuer"]).unwrap();
        assert!(untrusted.contains("certificate is not trusted by this machine (UnknownIssuer)"), "{untrusted}");
        let plain = said(&["error sending request", "received corrupt message of type InvalidContentType"]).unwrap();
        assert!(plain.contains("http:// instead of https://"), "{plain}");
        assert_eq!(said(&["error sending request", "Connection refused (os error 111)"]), None);
    }

    #[test]
    fn error_objects_carry_their_own_status() {
        let failure = error_object(&serde_json::json!({"message": "slow down", "code": 429}));
        assert_eq!(failure, TryFailure::Status { status: 429, detail: "slow down".to_owned(), wait: None });
        assert!(error_object(&serde_json::json!("no")).may_pass(), "an error without a code is tried again");
        assert!(!error_object(&serde_json::json!({"message": "bad", "code": "400"})).may_pass());
        let unpaid = error_object(&serde_json::json!({"message": "Insufficient credits", "code": 402}));
        assert_eq!(error(unpaid), "e: the account cannot pay (status 402): Insufficient credits");
        let long =
            error_object(&serde_json::json!({"message": "prompt is too long: 210000 tokens > 200000 maximum", "code": 400}));
        assert_eq!(long, TryFailure::TooLong { tokens: 210_000, limit: 200_000 });
    }

    #[test]
    fn one_refused_text_is_no_refused_key() {
        let body = br#"{"error":{"message":"Your chosen model requires moderation and your input was flagged"}}"#;
        let flagged = status(StatusCode::FORBIDDEN, &HeaderMap::new(), body);
        assert!(!flagged.may_pass() && !flagged.clone().into_error("e", Duration::ZERO, &Secrets::default()).is_fatal());
        let key = status(StatusCode::FORBIDDEN, &HeaderMap::new(), b"no such key");
        assert!(key.into_error("e", Duration::ZERO, &Secrets::default()).is_fatal());
    }
}
