//! Preference pairs -> a judge that thinks: supervised fine-tuning, then reinforcement learning with a verdict reward.

pub mod adamw;
pub mod advantage;
pub mod clip;
pub mod data;
pub mod error;
pub mod evaluate;
pub mod layout;
pub mod learning_rate;
pub mod lora;
pub mod loss;
mod pass;
pub mod rollout;
pub mod trainee;
pub mod weights;

pub use error::TrainError;
