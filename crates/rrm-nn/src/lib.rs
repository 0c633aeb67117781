//! Hugging Face checkpoints in process: a folder of weights -> an [`rrm::engine::Engine`].
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

pub mod batch;
pub mod config;
#[cfg_attr(not(test), allow(dead_code, reason = "the engine comes"))]
mod kv;
