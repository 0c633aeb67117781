//! The reasons why an engine gave no completion, and their meaning for further requests.

use std::time::Duration;

/// The reason why there is no completion.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Nothing listens at the address, or the connection broke, also in all retries.
    #[error("{engine}: cannot be reached: {detail}")]
    Unreachable {
        /// The engine's name.
        engine: String,
        /// Message of the transport.
        detail: String,
    },
    /// There was no answer within the time limit, also in all retries.
    #[error("{engine}: no answer within {after:?}")]
    TimedOut {
        /// The engine's name.
        engine: String,
        /// The time limit.
        after: Duration,
    },
    /// The server refuses the key, or demands one (401, 403).
    #[error("{engine}: the server refused the key, or wants one ({status}): {detail}")]
    Unauthorized {
        /// The engine's name.
        engine: String,
        /// HTTP status.
        status: u16,
        /// Message of the server, shortened.
        detail: String,
    },
    /// The server answered with an error status.
    #[error("{engine}: status {status}: {detail}")]
    Status {
        /// The engine's name.
        engine: String,
        /// HTTP status.
        status: u16,
        /// Message of the server, shortened.
        detail: String,
    },
    /// The answer does not follow the protocol.
    #[error("{engine}: unreadable answer: {detail}")]
    BadReply {
        /// The engine's name.
        engine: String,
        /// Description of what was expected and what came.
        detail: String,
    },
    /// The request does not fit the model's context.
    #[error("{engine}: {tokens} tokens do not fit the context of {limit}")]
    TooLong {
        /// The engine's name.
        engine: String,
        /// Tokens of the prompt and the reserved new tokens.
        tokens: u64,
        /// Size of the context in tokens.
        limit: u64,
    },
    /// The request does not fit the model's context, or the server cut it; the numbers are not both known.
    #[error("{engine}: the request does not fit: {detail}")]
    DoesNotFit {
        /// The engine's name.
        engine: String,
        /// Message of the server, shortened, or a description of its numbers.
        detail: String,
    },
    /// The account has no money left. Every further request would be refused too.
    #[error("{engine}: the account cannot pay (status {status}): {detail}")]
    Unpaid {
        /// The engine's name.
        engine: String,
        /// HTTP status.
        status: u16,
        /// Message of the server, shortened.
        detail: String,
    },
    /// The server answers differently from the identity that the store remembers under the model's name, so its answers must not be mixed with the
    /// stored ones.
    #[error("{engine}: {detail}")]
    OtherWeights {
        /// The engine's name.
        engine: String,
        /// Description of the remembered identity and of the difference.
        detail: String,
    },
    /// The identity of the server could not be confirmed, so nothing was asked.
    #[error("{engine}: the server could not be identified: {detail}")]
    Unconfirmed {
        /// The engine's name.
        engine: String,
        /// Description of the failure.
        detail: String,
    },
    /// A limit of the run does not allow the probes that confirm the identity, so nothing was asked.
    #[error("{engine}: {limit} before the server was identified")]
    Limit {
        /// The engine's name.
        engine: String,
        /// The limit in words.
        limit: String,
    },
    /// The engine does not support a part of the request, such as a thinking budget.
    #[error("{engine}: {what}")]
    Unsupported {
        /// The engine's name.
        engine: String,
        /// Description of the part, and of an alternative.
        what: String,
    },
    /// The recording does not hold this request.
    #[error("{engine}: not recorded: {what}")]
    NotRecorded {
        /// The engine's name.
        engine: String,
        /// Description of the request.
        what: String,
    },
    /// The engine itself failed: a bad model file, a failed decode.
    #[error("{engine}: {detail}")]
    Failed {
        /// The engine's name.
        engine: String,
        /// Description of the failure.
        detail: String,
    },
    /// The thread that computes for the engine has ended, so no request will be answered any more.
    #[error("{engine}: the thread that computes ended")]
    Ended {
        /// The engine's name.
        engine: String,
    },
}

impl EngineError {
    /// Returns whether every further request would fail the same way, so that a run should stop instead of reporting each row.
    pub fn is_fatal(&self) -> bool {
        matches!(self, EngineError::Unauthorized { .. } | EngineError::Unsupported { .. } | EngineError::Unreachable { .. })
            || matches!(self, EngineError::Status { status: 404 | 405, .. } | EngineError::Unpaid { .. })
            || matches!(self, EngineError::OtherWeights { .. } | EngineError::Unconfirmed { .. } | EngineError::Ended { .. })
    }

    /// Returns whether the fault is in the program itself, so that no change of input, options or surroundings would help.
    pub fn is_ours(&self) -> bool {
        matches!(self, EngineError::Ended { .. })
    }

    /// Returns whether this request is too long for the model. A shorter one may succeed.
    pub fn is_too_long(&self) -> bool {
        matches!(self, EngineError::TooLong { .. } | EngineError::DoesNotFit { .. })
    }
}
