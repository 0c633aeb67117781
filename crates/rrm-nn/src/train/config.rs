//! The TOML file of `rrm train` -> all settings of a run, with defaults filled in. docs/training.md describes every key.
//!
//! Keys carry the names of TRL 1.16 (`GRPOConfig`, `SFTConfig` and transformers' `TrainingArguments`) wherever it has the option.
//! Paths are relative to the working directory, as on the command line.

use std::path::PathBuf;

pub use model::{FreshModel, InitConfig, ModelSource};
use rrm::reward::RewardConfig;
use serde::{Deserialize, Serialize};

pub use self::{
    changes::{Change, changes},
    error::TrainConfigError,
    sections::{
        CheckpointSection, DataSection, EvaluationSection, GrpoSection, LoggingSection, OptimizerSection, SftSection,
        WithoutSignal,
    },
};
use super::lora::LoraConfig;

mod changes;
mod check;
mod error;
mod model;
mod sections;

/// All settings of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// The training method.
    pub method: Method,
    /// The model to train.
    pub model: ModelSource,
    /// The run folder. An unfinished run in it is continued.
    pub output: PathBuf,
    /// Seed of everything random in the run.
    #[serde(default)]
    pub seed: u64,
    /// Number of threads; all of the machine's if `None`. Changes no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Whether only the inputs of layers are kept between the passes and the rest is computed again: less memory, more time. TRL's default is true.
    #[serde(default)]
    pub gradient_checkpointing: bool,
    /// Most tokens of one forward and backward pass. A step takes as many passes as it needs, so memory does not grow with the batch.
    #[serde(default = "tokens_per_pass")]
    pub max_tokens_per_pass: usize,
    /// The training data.
    pub data: DataSection,
    /// Optimiser and learning rate.
    pub optimizer: OptimizerSection,
    /// Settings of supervised fine-tuning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sft: Option<SftSection>,
    /// Settings of reinforcement learning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpo: Option<GrpoSection>,
    /// The reward of a verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reward: Option<RewardConfig>,
    /// Adapters to train instead of the model's own weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lora: Option<LoraConfig>,
    /// Evaluation on held-out pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<EvaluationSection>,
    /// Saving of checkpoints.
    #[serde(default)]
    pub checkpoint: CheckpointSection,
    /// Logging of rollouts.
    #[serde(default)]
    pub logging: LoggingSection,
}

/// The training method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Supervised fine-tuning: learns to write given completions.
    Sft,
    /// Reinforcement learning: learns from the rewards of the model's own completions.
    Grpo,
}

/// The default: about 10 MB of activations for each layer at width 576.
fn tokens_per_pass() -> usize {
    4096
}

impl TrainConfig {
    /// Parses a configuration file; `file` is its name in errors. `set` holds `KEY=VALUE` pairs that override the file, such as
    /// `optimizer.max_steps=100`; a value is TOML, or else a text.
    ///
    /// # Errors
    /// [`TrainConfigError`] names the file, the key, and what was expected.
    pub fn parse(file: &str, text: &str, set: &[String]) -> Result<Self, TrainConfigError> {
        // Without overrides the text is parsed directly, so that errors show the position in the file.
        let mut config: TrainConfig = if set.is_empty() {
            toml::from_str(text)
                .map_err(|problem| TrainConfigError::Toml { file: file.to_owned(), problem: Box::new(problem) })?
        } else {
            let failed = |problem| TrainConfigError::Toml { file: file.to_owned(), problem: Box::new(problem) };
            let mut table: toml::Table = toml::from_str(text).map_err(failed)?;
            for pair in set {
                put(&mut table, pair)?;
            }
            table.try_into().map_err(failed)?
        };
        config.fill();
        config.check().map_err(|(key, what)| TrainConfigError::Value { file: file.to_owned(), key, what })?;
        Ok(config)
    }

    /// Returns the text of a file with this configuration.
    ///
    /// # Errors
    /// When a path is not UTF-8.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    /// Fills in the settings that depend on the method, so that the saved configuration contains them.
    fn fill(&mut self) {
        if let Some(evaluation) = &mut self.evaluation {
            // A judge is evaluated with the settings of its training.
            let (temperature, length) =
                self.grpo.as_ref().map_or((1.0, 512), |grpo| (grpo.temperature, grpo.max_completion_length));
            evaluation.temperature.get_or_insert(temperature);
            evaluation.max_completion_length.get_or_insert(length);
        }
        match self.method {
            Method::Sft => {
                self.sft.get_or_insert_default();
                // The default of TRL's SFTConfig.
                self.optimizer.learning_rate.get_or_insert(2e-5);
            }
            Method::Grpo => {
                self.grpo.get_or_insert_default();
                self.reward.get_or_insert_default();
                // The default of TRL's GRPOConfig, which the names of the paper's runs also show.
                self.optimizer.learning_rate.get_or_insert(1e-6);
            }
        }
    }
}

/// Sets `a.b=VALUE` in a table.
fn put(table: &mut toml::Table, pair: &str) -> Result<(), TrainConfigError> {
    let wrong = |what: &str| TrainConfigError::Set { pair: pair.to_owned(), what: what.to_owned() };
    let (key, value) = pair.split_once('=').ok_or_else(|| wrong("expected KEY=VALUE, such as optimizer.max_steps=100"))?;
    let read: Result<toml::Table, _> = toml::from_str(&format!("value = {value}"));
    let value = read.ok().and_then(|mut read| read.remove("value")).unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let mut path: Vec<&str> = key.split('.').map(str::trim).collect();
    let last = path.pop().filter(|last| !last.is_empty()).ok_or_else(|| wrong("the key is empty"))?;
    let mut table = table;
    for part in path {
        let inner = table.entry(part).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        table = inner.as_table_mut().ok_or_else(|| wrong(&format!("{part} is no section")))?;
    }
    table.insert(last.to_owned(), value);
    Ok(())
}
