//! What a server was asked and what it cost, for the stats file. Never part of results.

use serde::{Deserialize, Serialize};

/// Counts since the engine connected, its probes included. Tokens are those that the server reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpStats {
    /// Requests sent, retries included.
    pub requests: u64,
    /// Of these, further tries of a request that had failed.
    pub retries: u64,
    /// Completions received whole.
    pub answered: u64,
    /// Completions that nobody waited for any more: dropped while on the way.
    pub cancelled: u64,
    /// Answers with status 429.
    pub status_429: u64,
    /// Answers with a status of 500 and above.
    pub status_5xx: u64,
    /// Answers with any other error status.
    pub status_other: u64,
    /// Tries that ran out of time.
    pub timeouts: u64,
    /// Connections that did not come about or broke.
    pub disconnects: u64,
    /// Answers that could not be read.
    pub unreadable: u64,
    /// Tokens of the requests; with a thinking budget the second half counts again.
    pub prompt_tokens: u64,
    /// Of these, tokens that the server had in its cache.
    pub cached_prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
}
