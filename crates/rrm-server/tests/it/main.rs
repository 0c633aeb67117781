//! The server on loopback, asked as trainers ask: rewards, faults, limits. docs/http.md has a row for each fault.
#![allow(missing_docs, reason = "tests are their own documentation")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod connections;
mod faults;
mod limits;
mod openrlhf;
mod refused;
mod rerank;
mod rewards;
mod served;
mod undecided;
