//! Errors of the server -> HTTP status, code and message: `{"error": {"code", "message"}}`.

use std::collections::BTreeMap;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rrm::plan::TooManyVotes;
use utoipa::openapi::{self, Content, Ref, RefOr};

/// How every error is written.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct ErrorDetail {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
}

/// The reason why a request has no result. An error is never turned into a reward.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The body is invalid for the route.
    #[error("{0}")]
    Invalid(String),
    /// The key is missing or unknown.
    #[error("this server wants `Authorization: Bearer TOKEN` with a token that it knows")]
    Unauthorized,
    /// The body did not arrive in time.
    #[error("the body did not arrive within {0} s")]
    SlowBody(u64),
    /// The body is larger than the server reads.
    #[error("the body is larger than {0} bytes")]
    HugeBody(usize),
    /// A response is longer than the limit.
    #[error("a response has {bytes} bytes; at most {limit} are judged (--max-response-bytes)")]
    LongResponse {
        /// Its length in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The request would take more votes than allowed.
    #[error("{} (--max-row-votes); cheaper: {}", .0, .0.hint())]
    TooManyVotes(TooManyVotes),
    /// Requests of one group contradict each other.
    #[error("{0}")]
    Conflict(String),
    /// The group was judged without this member.
    #[error("group {0} was judged at its deadline without this member")]
    Late(String),
    /// Too many requests are waiting.
    #[error("{0} requests wait already")]
    Busy(usize),
    /// A key has used up its quota.
    #[error("this key may ask {limit} times a minute; come back in {seconds} s")]
    Quota {
        /// Requests per minute.
        limit: u32,
        /// Seconds until the next request is allowed.
        seconds: u64,
    },
    /// Not all members arrived before the deadline.
    #[error("group {group}: {present} of {size} members came within {seconds} s{}", behind(why.as_deref()))]
    Incomplete {
        /// The group's key.
        group: String,
        /// The number of members that arrived.
        present: usize,
        /// The size of the group.
        size: usize,
        /// The deadline in seconds.
        seconds: u64,
        /// The reason why a member is missing, if known.
        why: Option<String>,
    },
    /// Another member of the group was refused, so the group cannot be complete.
    #[error("group {group} cannot be complete: {member} was refused ({why})")]
    Refused {
        /// The group's key.
        group: String,
        /// The refused member.
        member: String,
        /// The error that it received.
        why: String,
    },
    /// Judging took longer than allowed.
    #[error("group {group} was not judged within {seconds} s (--judging-deadline); what was answered is in the store")]
    SlowJudge {
        /// The group's key.
        group: String,
        /// The limit in seconds.
        seconds: u64,
    },
    /// No verdict determines the place of this response, so it has no reward.
    #[error("no verdict says which place this response has: {0}")]
    Undecided(String),
    /// The judge failed. Earlier completions are in the store.
    #[error("the judge failed: {0}")]
    Judge(String),
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Closing,
}

/// Appends a reason to a sentence.
fn behind(why: Option<&str>) -> String {
    why.map_or_else(String::new, |why| format!("; {why}"))
}

impl ApiError {
    /// Returns status, code and message in one line.
    pub fn in_short(&self) -> String {
        let (status, code) = self.code();
        format!("{} {code}: {self}", status.as_u16())
    }

    /// Returns the HTTP status and the code for programs.
    pub fn code(&self) -> (StatusCode, &'static str) {
        match self {
            ApiError::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            ApiError::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            ApiError::SlowBody(_) => (StatusCode::REQUEST_TIMEOUT, "slow_body"),
            ApiError::HugeBody(_) => (StatusCode::PAYLOAD_TOO_LARGE, "huge_body"),
            ApiError::LongResponse { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "long_response"),
            ApiError::TooManyVotes(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_many_votes"),
            ApiError::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            ApiError::Late(_) => (StatusCode::GONE, "late"),
            ApiError::Busy(_) => (StatusCode::TOO_MANY_REQUESTS, "busy"),
            ApiError::Quota { .. } => (StatusCode::TOO_MANY_REQUESTS, "quota"),
            ApiError::Incomplete { .. } => (StatusCode::FAILED_DEPENDENCY, "incomplete"),
            ApiError::Refused { .. } => (StatusCode::FAILED_DEPENDENCY, "refused"),
            ApiError::SlowJudge { .. } => (StatusCode::GATEWAY_TIMEOUT, "slow_judge"),
            ApiError::Undecided(_) => (StatusCode::UNPROCESSABLE_ENTITY, "undecided"),
            ApiError::Judge(_) => (StatusCode::BAD_GATEWAY, "judge"),
            ApiError::Closing => (StatusCode::SERVICE_UNAVAILABLE, "closing"),
        }
    }
}

/// The description of every error for OpenAPI. Statuses and codes come from [`ApiError::code`] alone.
impl utoipa::IntoResponses for ApiError {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let text = String::new;
        let errors = [
            ApiError::Invalid(text()),
            ApiError::Unauthorized,
            ApiError::SlowBody(0),
            ApiError::HugeBody(0),
            ApiError::LongResponse { bytes: 0, limit: 0 },
            ApiError::TooManyVotes(TooManyVotes { responses: 0, matches: 0, votes: 0, limit: 0, strategy: None }),
            ApiError::Conflict(text()),
            ApiError::Late(text()),
            ApiError::Busy(0),
            ApiError::Quota { limit: 0, seconds: 0 },
            ApiError::Incomplete { group: text(), present: 0, size: 0, seconds: 0, why: None },
            ApiError::Refused { group: text(), member: text(), why: text() },
            ApiError::SlowJudge { group: text(), seconds: 0 },
            ApiError::Undecided(text()),
            ApiError::Judge(text()),
            ApiError::Closing,
        ];
        let mut codes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for error in errors {
            let (status, code) = error.code();
            codes.entry(status.as_str().to_owned()).or_default().push(code);
        }
        let described = |(status, codes): (String, Vec<&str>)| {
            let body = Content::builder().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
            let response = openapi::ResponseBuilder::new().description(codes.join(", ")).content("application/json", body);
            (status, response.build().into())
        };
        codes.into_iter().map(described).collect()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = self.code();
        let body = Json(ErrorBody { error: ErrorDetail { code: code.to_owned(), message: self.to_string() } });
        let mut response = (status, body).into_response();
        if matches!(self, ApiError::Busy(_) | ApiError::Closing) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let ApiError::Quota { seconds, .. } = self {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self == ApiError::Unauthorized {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
