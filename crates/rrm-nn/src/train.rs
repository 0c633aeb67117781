//! Preference pairs -> a judge that thinks: supervised fine-tuning, then reinforcement learning with a verdict reward.

pub mod data;
pub mod error;
pub mod evaluate;
pub mod rollout;

pub use error::TrainError;
