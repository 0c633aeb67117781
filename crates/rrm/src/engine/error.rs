//! Why an engine gave no completion, and what that says about further requests.

use std::time::Duration;

/// The reason why no completion could be had.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Nothing listens there, or the connection broke, and retries did not help.
    #[error("{engine}: cannot be reached: {detail}")]
    Unreachable {
        /// The engine's name.
        engine: String,
        /// What the transport said.
        detail: String,
    },
    /// No answer within the time limit, and retries did not help.
    #[error("{engine}: no answer within {after:?}")]
    TimedOut {
        /// The engine's name.
        engine: String,
        /// The limit that passed.
        after: Duration,
    },
    /// The server wants another key, or any (401, 403).
    #[error("{engine}: the server refused the key ({status}): {detail}")]
    Unauthorized {
        /// The engine's name.
        engine: String,
        /// HTTP status.
        status: u16,
        /// The server's words, cut short.
        detail: String,
    },
    /// The server answered with an error status.
    #[error("{engine}: status {status}: {detail}")]
    Status {
        /// The engine's name.
        engine: String,
        /// HTTP status.
        status: u16,
        /// The server's words, cut short.
        detail: String,
    },
    /// The answer is not what the protocol says.
    #[error("{engine}: unreadable answer: {detail}")]
    BadReply {
        /// The engine's name.
        engine: String,
        /// What was expected, and what came.
        detail: String,
    },
    /// The request does not fit the model's context.
    #[error("{engine}: {tokens} tokens do not fit the context of {limit}")]
    TooLong {
        /// The engine's name.
        engine: String,
        /// Prompt and reserved new tokens.
        tokens: u64,
        /// The context's size.
        limit: u64,
    },
    /// The request does not fit the model's context, or more than fits was cut off; nobody says the numbers of both.
    #[error("{engine}: the request does not fit: {detail}")]
    DoesNotFit {
        /// The engine's name.
        engine: String,
        /// The server's words, cut short, or what its numbers tell.
        detail: String,
    },
    /// The account has no money left: every further request would be refused too.
    #[error("{engine}: the account cannot pay (status {status}): {detail}")]
    Unpaid {
        /// The engine's name.
        engine: String,
        /// HTTP status.
        status: u16,
        /// The server's words, cut short.
        detail: String,
    },
    /// The server answers otherwise than the store remembers of the model's name, so that its answers may not be told for the same.
    #[error("{engine}: {detail}")]
    OtherWeights {
        /// The engine's name.
        engine: String,
        /// What is remembered since when, and what differs.
        detail: String,
    },
    /// Nobody could make sure who answers, so nothing was asked for.
    #[error("{engine}: the server could not be identified: {detail}")]
    Unconfirmed {
        /// The engine's name.
        engine: String,
        /// What went wrong.
        detail: String,
    },
    /// A limit of the run forbids to find out who answers, so nothing was asked for.
    #[error("{engine}: {limit} before the server was identified")]
    Limit {
        /// The engine's name.
        engine: String,
        /// Which limit, in words.
        limit: String,
    },
    /// The engine cannot do what the request asks, such as a thinking budget.
    #[error("{engine}: {what}")]
    Unsupported {
        /// The engine's name.
        engine: String,
        /// What it cannot do, and what would.
        what: String,
    },
    /// A replay that does not hold this request.
    #[error("{engine}: not recorded: {what}")]
    NotRecorded {
        /// The engine's name.
        engine: String,
        /// Which request.
        what: String,
    },
    /// The engine itself failed: a bad model file, a failed decode.
    #[error("{engine}: {detail}")]
    Failed {
        /// The engine's name.
        engine: String,
        /// What went wrong.
        detail: String,
    },
    /// The thread that computes for the engine is gone: nothing will be answered any more.
    #[error("{engine}: the thread that computes ended")]
    Ended {
        /// The engine's name.
        engine: String,
    },
}

impl EngineError {
    /// Whether every further request would fail the same way, so that a run should stop instead of reporting row by row.
    pub fn is_fatal(&self) -> bool {
        matches!(self, EngineError::Unauthorized { .. } | EngineError::Unsupported { .. } | EngineError::Unreachable { .. })
            || matches!(self, EngineError::Status { status: 404 | 405, .. } | EngineError::Unpaid { .. })
            || matches!(self, EngineError::OtherWeights { .. } | EngineError::Unconfirmed { .. } | EngineError::Ended { .. })
    }

    /// Whether the program itself is at fault, so that nothing about its input, its options or its surroundings would mend it.
    pub fn is_ours(&self) -> bool {
        matches!(self, EngineError::Ended { .. })
    }

    /// Whether this request is too long for the model; a shorter one may go well.
    pub fn is_too_long(&self) -> bool {
        matches!(self, EngineError::TooLong { .. } | EngineError::DoesNotFit { .. })
    }
}
