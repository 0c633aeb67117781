//! Hugging Face checkpoints in process: a folder of weights -> an [`rrm::engine::Engine`].
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

mod backend;
pub mod batch;
mod batching;
pub mod checkpoint;
pub mod config;
pub mod cpu;
pub mod embedded;
pub mod engine;
pub mod gguf_export;
pub mod inspect;
mod kv;
mod labels;
pub mod local;
mod schedule;
mod seat;
mod sequence;
pub mod text;
pub mod tokens;
pub mod train;
