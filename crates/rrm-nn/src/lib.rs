//! Hugging Face checkpoints in process: a folder of weights -> an [`rrm::engine::Engine`].

pub mod batch;
pub mod config;
pub mod cpu;
