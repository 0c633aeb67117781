//! Counts of the requests to a server and of their tokens, for the stats file. They are never part of results.

use serde::{Deserialize, Serialize};

/// Counts since the engine connected, its probes included. Tokens are those that the server reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpStats {
    /// Requests sent, retries included.
    pub requests: u64,
    /// Of these, retries of a request that had failed.
    pub retries: u64,
    /// Completions that arrived complete.
    pub answered: u64,
    /// Completions that were cancelled on their way.
    pub cancelled: u64,
    /// Answers with status 429.
    pub status_429: u64,
    /// Answers with a status of 500 and above.
    pub status_5xx: u64,
    /// Answers with any other error status.
    pub status_other: u64,
    /// Tries that reached the time limit.
    pub timeouts: u64,
    /// Connections that failed or broke.
    pub disconnects: u64,
    /// Answers that could not be read.
    pub unreadable: u64,
    /// Tokens of the requests. With a thinking budget, the second request counts in full.
    pub prompt_tokens: u64,
    /// Of these, tokens that the server had in its cache.
    pub cached_prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
}
