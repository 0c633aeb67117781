//! Tests of the library through its public interface, one module for each subject.
#![allow(missing_docs, reason = "tests are their own documentation")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod checkpoint;
