//! Tests of the library as its users see it, in one binary.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod doctor;
mod faulty_server;
mod http;
mod http_budget;
mod http_faults;
