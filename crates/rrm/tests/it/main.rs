//! The integration tests of the library, one module for each subject.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod rating;
