//! Integration tests of `rrm-nn`.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod checkpoint;
mod kernel;
