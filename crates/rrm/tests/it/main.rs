//! Tests of the library through its public interface, one module for each subject.
#![allow(missing_docs, reason = "tests are their own documentation")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed unwrap is a failed test, and some tests show what they measure"
)]

mod bounds;
mod dataset;
mod doctor;
mod ending;
mod eval;
mod fake_scorer;
mod faulty_server;
mod formats;
mod gateways;
mod gguf;
mod http;
mod http_budget;
mod http_faults;
mod identity;
mod judged_texts;
mod judging;
mod layers;
mod providers;
mod rating;
mod recorded;
mod replay;
mod replies;
mod replies_cost;
mod reply_kinds;
mod reply_table;
mod scalar;
#[path = "../../../../tests/skipping.rs"]
mod skipping;
mod store;
mod store_files;
mod store_processes;
mod strict_server;
mod type_names;
mod undecided;
mod verdict_signs;
mod verdicts;

use std::path::PathBuf;

/// A file or folder of the real data that lies beside the checkout.
fn shared_data(name: &str) -> Option<PathBuf> {
    skipping::shared(&format!("data/{name}"))
}
