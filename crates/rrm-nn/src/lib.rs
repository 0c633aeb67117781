//! Hugging Face checkpoints in process: a folder of weights -> an [`rrm::engine::Engine`].
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]
#![cfg_attr(not(test), allow(dead_code, reason = "the decoder that the engine starts with comes"))]

mod backend;
pub mod batch;
mod batching;
pub mod config;
pub mod engine;
mod kv;
mod labels;
mod schedule;
mod seat;
mod sequence;
