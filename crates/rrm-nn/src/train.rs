//! Preference pairs -> a judge that thinks: supervised fine-tuning, then reinforcement learning with a verdict reward.

pub mod adamw;
pub mod advantage;
pub mod clip;
pub mod config;
pub mod data;
pub mod error;
pub mod evaluate;
mod export;
pub mod forecast;
mod grpo;
mod inputs;
pub mod layout;
mod learner;
pub mod learning_rate;
pub mod lora;
pub mod loss;
pub mod metrics;
mod microbatch;
mod pass;
mod policy_update;
pub mod progress;
pub mod rollout;
mod run;
mod run_error;
pub mod run_folder;
mod sft;
mod tensor_file;
pub mod trainee;
pub mod weights;

pub use error::TrainError;
pub use run::{TrainOutput, train};
pub use run_error::TrainRunError;
