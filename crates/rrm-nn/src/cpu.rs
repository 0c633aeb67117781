//! The decoder's fast twin for generation on CPUs: tokens of many sequences -> logits, on packed weights and shared blocks.

pub mod kernel;
pub mod pool;
