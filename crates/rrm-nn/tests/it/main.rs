//! Tests of the library through its public interface, one module for each subject.
#![allow(missing_docs, reason = "tests are their own documentation")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed unwrap is a failed test, and some tests show what they measure"
)]

mod checkpoint;
mod embedded;
mod evaluate;
mod golden;
mod gradients;
mod kernel;
mod oracle;
mod rollout;
#[path = "../../../../tests/skipping.rs"]
mod skipping;
mod smollm2;
mod tokens;
mod toy;
mod train_data;
mod train_golden;
mod train_gradients;
mod train_optimizer;
mod train_runs;
mod train_trl;
