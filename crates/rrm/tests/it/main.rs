//! The integration tests of `rrm`, one binary.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a failed unwrap is a failed test, and a skipped test says so")]

mod dataset;
