//! Tests of the library through its public interface.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failed unwrap is a failed test")]

mod formats;
mod judging;
mod recorded;
