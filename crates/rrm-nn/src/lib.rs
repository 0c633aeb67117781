//! Hugging Face checkpoints in process: a folder of weights -> an [`rrm::engine::Engine`].
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

pub mod batch;
pub mod checkpoint;
pub mod config;
pub mod cpu;
pub mod model;
pub mod tokens;
