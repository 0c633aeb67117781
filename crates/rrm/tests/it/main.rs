//! The library as its users see it: one module a topic.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod replay;
mod store;
mod store_files;
mod store_processes;
