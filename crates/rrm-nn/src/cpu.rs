//! The fast decoder for generation on CPUs: tokens of many sequences -> logits, on packed weights and shared blocks.

pub(crate) mod aligned;
mod attention;
mod decoder;
pub mod kernel;
mod layer;
pub(crate) mod ops;
pub mod pool;
mod rotary;
mod weights;

pub use decoder::{CpuDecoder, CpuError, CpuOptions, TensorReader};
pub use weights::Storage;
