//! Preference pairs -> a judge that thinks: supervised fine-tuning, then reinforcement learning with a verdict reward.

pub mod data;
pub mod error;
pub mod evaluate;
pub mod layout;
pub mod lora;
pub mod rollout;
pub mod trainee;
pub mod weights;

pub use error::TrainError;
