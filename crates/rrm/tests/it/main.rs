//! Tests of the library through its public interface, one module for each subject.
#![allow(missing_docs, reason = "tests are their own documentation")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a failed unwrap is a failed test, and a skipped test says so")]

mod dataset;
mod doctor;
mod faulty_server;
mod formats;
mod gguf;
mod http;
mod http_budget;
mod http_faults;
mod judging;
mod layers;
mod rating;
mod recorded;
mod replay;
mod store;
mod store_files;
mod store_processes;
