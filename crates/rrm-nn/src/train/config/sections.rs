//! The sections of a training configuration, each with its defaults and where they come from.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::train::{
    advantage::ScaleRewards,
    data::{PairFile, SftConfig},
    learning_rate::SchedulerType,
    loss::LossType,
};

/// Rows that are trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataSection {
    /// Files with their weights. `columns` and `filter` are for pairs only.
    pub sources: Vec<PairFile>,
    /// Judge format: the name of a shipped one, or a file.
    pub format: String,
    /// Most tokens of a pair's prompt; longer pairs are left out.
    pub max_prompt_length: usize,
    /// Whether a step holds each of its pairs in both orders.
    pub both_orders: bool,
}

impl Default for DataSection {
    /// The paper's longest prompt (recalled); each pair in one order, drawn by seed.
    fn default() -> Self {
        DataSection { sources: Vec::new(), format: "rrm".to_owned(), max_prompt_length: 4096, both_orders: false }
    }
}

/// How weights follow gradients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerSection {
    /// Steps of the run.
    pub max_steps: u64,
    /// The highest learning rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// How the learning rate changes with the steps.
    pub lr_scheduler_type: SchedulerType,
    /// Steps in which the learning rate grows from 0; below 1, that share of all steps.
    pub warmup_steps: f64,
    /// What `cosine_with_min_lr` ends at.
    pub min_lr: f64,
    /// Share of each matrix that a step takes away, times the learning rate; biases and norms are spared.
    pub weight_decay: f64,
    /// Decay of the mean of gradients.
    pub adam_beta1: f64,
    /// Decay of the mean of their squares.
    pub adam_beta2: f64,
    /// Added to the root of that mean.
    pub adam_epsilon: f64,
    /// Longer gradients are shortened to this length; 0 leaves them as they are.
    pub max_grad_norm: f64,
}

impl Default for OptimizerSection {
    /// transformers' `TrainingArguments`; the learning rate is the method's own, and there is no honest default for the steps.
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

/// Supervised fine-tuning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SftSection {
    /// Examples of one step.
    pub per_device_train_batch_size: usize,
    /// Most tokens of an example; longer ones are left out.
    pub max_length: usize,
    /// What tokens count from the last verdict of a completion on, those before counting 1.
    pub verdict_weight: f32,
    /// What single tokens count before the verdict, by their texts.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub token_weights: BTreeMap<String, f32>,
}

impl Default for SftSection {
    /// TRL 1.16's `SFTConfig`; every token counts the same.
    fn default() -> Self {
        let SftConfig { batch_size, max_length, verdict_weight, token_weights, .. } = SftConfig::default();
        SftSection { per_device_train_batch_size: batch_size, max_length, verdict_weight, token_weights }
    }
}

/// Group-relative policy optimisation (GRPO).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrpoSection {
    /// Completions of each prompt.
    pub num_generations: usize,
    /// Completions of a step: `generation_batch_size / num_generations` prompts.
    pub generation_batch_size: usize,
    /// Most tokens of a completion.
    pub max_completion_length: usize,
    /// Softmax temperature of completions, and of the log-probabilities in the loss.
    pub temperature: f64,
    /// Nucleus mass; 1 keeps all.
    pub top_p: f64,
    /// Keep this many likeliest tokens; 0 keeps all.
    pub top_k: u32,
    /// Keep tokens at least this likely relative to the likeliest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    /// How the losses of tokens become one.
    pub loss_type: LossType,
    /// The ratio of probabilities is clipped below `1 - epsilon`, and above `1 + epsilon` unless `epsilon_high` is given.
    pub epsilon: f64,
    /// The ratio is clipped above `1 + epsilon_high`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon_high: Option<f64>,
    /// Weight of the divergence from the reference, the model that the run began with. Above 0 costs a forward pass a step.
    pub beta: f64,
    /// Whether the divergence is weighted with the ratio, which makes its gradient unbiased.
    pub use_bias_correction_kl: bool,
    /// Updates from the completions of a step, all at the step's learning rate.
    pub num_iterations: usize,
    /// What advantages are divided by.
    pub scale_rewards: ScaleRewards,
    /// Leave completions that the limit cut out of the loss.
    pub mask_truncated_completions: bool,
    /// What becomes of groups whose completions all got the same reward.
    pub groups_without_signal: WithoutSignal,
    /// With `resample`: most batches that a step draws.
    pub max_num_gen_batches: usize,
    /// The run stops when a step's mean divergence from the reference is above this; costs what `beta` costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_kl: Option<f64>,
}

/// What becomes of groups whose completions all got the same reward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WithoutSignal {
    /// They stay in the loss, with advantages of 0, as in TRL.
    Keep,
    /// They are left out of the loss and of what it is divided by.
    Drop,
    /// They are left out, and further batches are drawn until the step has as many groups as it wants (DAPO's dynamic sampling).
    Resample,
}

impl Default for GrpoSection {
    /// TRL 1.16's `GRPOConfig`, with 8 prompts a step; the limit of batches is that of verl's DAPO recipe.
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

/// Held-out pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationSection {
    /// A file of pairs, as `rrm judge` reads them.
    pub path: PathBuf,
    /// `FIELD=COLUMN` for files with other columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Evaluate before the first step, after every so many, and after the last.
    pub eval_steps: u64,
    /// Pairs that are judged, the first ones of the file; all of them unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs: Option<usize>,
    /// Judge with the likeliest tokens.
    #[serde(default = "yes")]
    pub greedy: bool,
    /// Judge with drawn tokens; this accuracy says which checkpoint is best, or else the greedy one.
    #[serde(default = "yes")]
    pub sampled: bool,
    /// Judge each pair in both orders.
    #[serde(default)]
    pub both_orders: bool,
    /// Softmax temperature of drawn tokens; that of `[grpo]` unless given, or else 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Most tokens of a judgment; that of `[grpo]` unless given, or else 512.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_completion_length: Option<usize>,
}

fn yes() -> bool {
    true
}

/// Which weights are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointSection {
    /// Save after every so many steps, and after the last.
    pub save_steps: u64,
    /// How many of the latest are kept besides the best; all of them unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save_total_limit: Option<usize>,
}

impl Default for CheckpointSection {
    /// Five times as often as transformers' 500: steps of reinforcement learning are dear. All are kept, as there.
    fn default() -> Self {
        CheckpointSection { save_steps: 100, save_total_limit: None }
    }
}

/// What is written down for reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoggingSection {
    /// Rollouts are written down at the first step and after every so many.
    pub rollouts_every: u64,
    /// How many: completions of the step's first group.
    pub rollouts: usize,
}

impl Default for LoggingSection {
    /// A page of text every ten steps.
    fn default() -> Self {
        LoggingSection { rollouts_every: 10, rollouts: 4 }
    }
}
