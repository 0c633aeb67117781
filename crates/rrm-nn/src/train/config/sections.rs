//! The sections of a training configuration, with their defaults and the origins of these.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::train::{
    advantage::ScaleRewards,
    data::{PairFile, SftConfig},
    learning_rate::SchedulerType,
    loss::LossType,
};

/// The training data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataSection {
    /// Files with their weights. `columns` and `filter` apply to pairs only.
    pub sources: Vec<PairFile>,
    /// Judge format: the name of a shipped format, or a file.
    pub format: String,
    /// Most tokens of a pair's prompt; longer pairs are left out.
    pub max_prompt_length: usize,
    /// Whether a step holds each of its pairs in both orders.
    pub both_orders: bool,
}

impl Default for DataSection {
    /// The longest prompt is the paper's (recalled). Each pair is shown in one order, drawn by seed.
    fn default() -> Self {
        DataSection { sources: Vec::new(), format: "rrm".to_owned(), max_prompt_length: 4096, both_orders: false }
    }
}

/// Optimiser and learning rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerSection {
    /// Number of steps of the run.
    pub max_steps: u64,
    /// The highest learning rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// The schedule of the learning rate.
    pub lr_scheduler_type: SchedulerType,
    /// Number of steps in which the learning rate grows from 0; below 1, a share of all steps.
    pub warmup_steps: f64,
    /// The final learning rate of `cosine_with_min_lr`.
    pub min_lr: f64,
    /// Weight decay: each step subtracts this share of each matrix, times the learning rate. Biases and norms do not decay.
    pub weight_decay: f64,
    /// Decay rate of the mean of gradients.
    pub adam_beta1: f64,
    /// Decay rate of the mean of squared gradients.
    pub adam_beta2: f64,
    /// Constant that is added to the root of the mean of squares.
    pub adam_epsilon: f64,
    /// Largest norm of the gradient; a larger gradient is scaled down to it. 0 means no limit.
    pub max_grad_norm: f64,
}

impl Default for OptimizerSection {
    /// The defaults of transformers' `TrainingArguments`. The learning rate depends on the method, and the number of steps has no sensible default.
    fn default() -> Self {
        OptimizerSection {
            max_steps: 0,
            learning_rate: None,
            lr_scheduler_type: SchedulerType::Linear,
            warmup_steps: 0.0,
            min_lr: 0.0,
            weight_decay: 0.0,
            adam_beta1: 0.9,
            adam_beta2: 0.999,
            adam_epsilon: 1e-8,
            max_grad_norm: 1.0,
        }
    }
}

/// Settings of supervised fine-tuning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SftSection {
    /// Number of examples in a step.
    pub per_device_train_batch_size: usize,
    /// Most tokens of an example; longer examples are left out.
    pub max_length: usize,
    /// Weight in the loss of the tokens from the last verdict of a completion on. Tokens before it have weight 1.
    pub verdict_weight: f32,
    /// Weights in the loss of single tokens before the verdict, by their texts.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub token_weights: BTreeMap<String, f32>,
}

impl Default for SftSection {
    /// The defaults of TRL 1.16's `SFTConfig`; all tokens have the same weight.
    fn default() -> Self {
        let SftConfig { batch_size, max_length, verdict_weight, token_weights, .. } = SftConfig::default();
        SftSection { per_device_train_batch_size: batch_size, max_length, verdict_weight, token_weights }
    }
}

/// Settings of group-relative policy optimisation (GRPO).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrpoSection {
    /// Number of completions of each prompt.
    pub num_generations: usize,
    /// Number of completions in a step, of `generation_batch_size / num_generations` prompts.
    pub generation_batch_size: usize,
    /// Most tokens of a completion.
    pub max_completion_length: usize,
    /// Softmax temperature of completions and of the log-probabilities in the loss.
    pub temperature: f64,
    /// Nucleus sampling: mass of the likeliest tokens that are kept; 1 keeps all.
    pub top_p: f64,
    /// Number of likeliest tokens that are kept; 0 keeps all.
    pub top_k: u32,
    /// Lowest probability of a kept token, relative to the likeliest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    /// The normalisation of the sum of token losses.
    pub loss_type: LossType,
    /// The ratio is clipped below `1 - epsilon`, and above `1 + epsilon` if there is no `epsilon_high`.
    pub epsilon: f64,
    /// The ratio is clipped above `1 + epsilon_high`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon_high: Option<f64>,
    /// Weight of the divergence from the reference, the model at the beginning of the run. Above 0 it costs a forward pass in each step.
    pub beta: f64,
    /// Whether the divergence is multiplied by the ratio, which makes its gradient unbiased.
    pub use_bias_correction_kl: bool,
    /// Number of updates from the completions of a step, all at the step's learning rate.
    pub num_iterations: usize,
    /// The divisor of advantages.
    pub scale_rewards: ScaleRewards,
    /// Whether truncated completions are left out of the loss.
    pub mask_truncated_completions: bool,
    /// The treatment of groups without a signal, whose completions all have the same reward.
    pub groups_without_signal: WithoutSignal,
    /// With `resample`: the largest number of batches in a step.
    pub max_num_gen_batches: usize,
    /// The run stops when a step's mean divergence from the reference exceeds this; costs what `beta` costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_kl: Option<f64>,
}

/// The treatment of groups without a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WithoutSignal {
    /// They stay in the loss with advantages of 0, as in TRL.
    Keep,
    /// They are left out of the loss and of its divisor.
    Drop,
    /// They are left out, and more batches are drawn until the step has enough groups (DAPO's dynamic sampling).
    Resample,
}

impl Default for GrpoSection {
    /// The defaults of TRL 1.16's `GRPOConfig`, with 8 prompts in a step. The limit of batches is that of verl's DAPO recipe.
    fn default() -> Self {
        GrpoSection {
            num_generations: 8,
            generation_batch_size: 64,
            max_completion_length: 512,
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            min_p: None,
            loss_type: LossType::Dapo,
            epsilon: 0.2,
            epsilon_high: None,
            beta: 0.0,
            use_bias_correction_kl: true,
            num_iterations: 1,
            scale_rewards: ScaleRewards::Group,
            mask_truncated_completions: false,
            groups_without_signal: WithoutSignal::Keep,
            max_num_gen_batches: 10,
            max_kl: None,
        }
    }
}

/// Evaluation on held-out pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationSection {
    /// A file of pairs in the layouts that `rrm judge` reads.
    pub path: PathBuf,
    /// `FIELD=COLUMN` for files with other columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Evaluation happens before the first step, after every `eval_steps` steps, and after the last.
    pub eval_steps: u64,
    /// Number of pairs that are judged, from the beginning of the file; all if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs: Option<usize>,
    /// Whether to judge greedily.
    #[serde(default = "yes")]
    pub greedy: bool,
    /// Whether to judge by sampling. The best checkpoint is chosen by this accuracy, or by the greedy one without it.
    #[serde(default = "yes")]
    pub sampled: bool,
    /// Whether to judge each pair in both orders.
    #[serde(default)]
    pub both_orders: bool,
    /// Softmax temperature of sampling; by default that of `[grpo]`, or 1 without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Most tokens of a judgment; by default that of `[grpo]`, or 512 without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_completion_length: Option<usize>,
}

fn yes() -> bool {
    true
}

/// Saving of checkpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointSection {
    /// A checkpoint is saved after every `save_steps` steps, and after the last.
    pub save_steps: u64,
    /// Number of latest checkpoints that are kept besides the best one; all if `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save_total_limit: Option<usize>,
}

impl Default for CheckpointSection {
    /// Five times as often as transformers' 500, because steps of reinforcement learning are expensive. All are kept, as in transformers.
    fn default() -> Self {
        CheckpointSection { save_steps: 100, save_total_limit: None }
    }
}

/// Logging of rollouts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoggingSection {
    /// Rollouts are logged in the first step and after every `rollouts_every` steps.
    pub rollouts_every: u64,
    /// Number of logged rollouts, from the step's first group.
    pub rollouts: usize,
}

impl Default for LoggingSection {
    /// About a page of text every ten steps.
    fn default() -> Self {
        LoggingSection { rollouts_every: 10, rollouts: 4 }
    }
}
