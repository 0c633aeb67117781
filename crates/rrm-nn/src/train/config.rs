//! The TOML file of `rrm train` -> everything that a run depends on, defaults filled in. docs/training.md describes every key.
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

/// Everything that a run depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// What is done.
    pub method: Method,
    /// What is trained.
    pub model: ModelSource,
    /// The run folder; a run that is there already goes on.
    pub output: PathBuf,
    /// Fixes everything random.
    #[serde(default)]
    pub seed: u64,
    /// Threads that compute; all of the machine's unless given. Changes no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Keep only the inputs of layers between the passes and compute the rest again: less memory, more time. TRL's default is true.
    #[serde(default)]
    pub gradient_checkpointing: bool,
    /// Most tokens of one forward and backward pass; a step takes as many passes as it needs, so memory does not grow with the batch.
    #[serde(default = "tokens_per_pass")]
    pub max_tokens_per_pass: usize,
    /// Rows that are trained on.
    pub data: DataSection,
    /// How weights follow gradients.
    pub optimizer: OptimizerSection,
    /// Supervised fine-tuning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sft: Option<SftSection>,
    /// Reinforcement learning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpo: Option<GrpoSection>,
    /// What a verdict is worth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reward: Option<RewardConfig>,
    /// Train adapters and leave the model as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lora: Option<LoraConfig>,
    /// Held-out pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<EvaluationSection>,
    /// Which weights are kept.
    #[serde(default)]
    pub checkpoint: CheckpointSection,
    /// What is written down for reading.
    #[serde(default)]
    pub logging: LoggingSection,
}

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Learn to write completions that are given.
    Sft,
    /// Learn from the rewards of the model's own completions.
    Grpo,
}

/// Some 10 MB of activations a layer at width 576.
fn tokens_per_pass() -> usize {
    4096
}

impl TrainConfig {
    /// Reads the text of a configuration file; `file` is used in errors. `set` holds `KEY=VALUE` pairs that go over the file's own, such
    /// as `optimizer.max_steps=100`; a value is TOML, or else text.
    ///
    /// # Errors
    /// [`TrainConfigError`] names the file, the key, and what was expected.
    pub fn parse(file: &str, text: &str, set: &[String]) -> Result<Self, TrainConfigError> {
        // Read as it stands where nothing is set, so that errors show the place in the file.
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

    /// The text of a file that reads as this configuration.
    ///
    /// # Errors
    /// When a path is not UTF-8.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    /// Writes down what the method leaves open, so that the saved configuration says it.
    fn fill(&mut self) {
        if let Some(evaluation) = &mut self.evaluation {
            // A judge is measured as it was trained.
            let (temperature, length) =
                self.grpo.as_ref().map_or((1.0, 512), |grpo| (grpo.temperature, grpo.max_completion_length));
            evaluation.temperature.get_or_insert(temperature);
            evaluation.max_completion_length.get_or_insert(length);
        }
        match self.method {
            Method::Sft => {
                self.sft.get_or_insert_default();
                // TRL's SFTConfig.
                self.optimizer.learning_rate.get_or_insert(2e-5);
            }
            Method::Grpo => {
                self.grpo.get_or_insert_default();
                self.reward.get_or_insert_default();
                // TRL's GRPOConfig; also the paper's run names.
                self.optimizer.learning_rate.get_or_insert(1e-6);
            }
        }
    }
}

/// Puts `a.b=VALUE` into a table.
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
