//! Tests of the library through its public interface, one module for each subject.
#![allow(clippy::unwrap_used, missing_docs, reason = "a failed unwrap is a failed test")]

mod formats;
mod judging;
mod layers;
mod rating;
mod recorded;
//! The integration tests of `rrm`, one binary.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a failed unwrap is a failed test, and a skipped test says so")]

mod dataset;
