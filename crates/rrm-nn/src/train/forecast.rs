//! A configuration -> the expected size of the run, before anything is computed.

use std::sync::Arc;

use super::{
    TrainRunError,
    config::{Method, ModelSource, TrainConfig},
    data::{FileCounts, PairSource, SftSource},
    grpo,
    lora::LoraConfig,
    run, sft,
};
use crate::{checkpoint::Checkpoint, config::ModelConfig, text::ChatTokenizer};

/// A forecast of a run's data, steps and memory.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// The number of the model's parameters.
    pub parameters: u64,
    /// The number of trained parameters.
    pub trained: u64,
    /// Counts of each file's rows.
    pub data: Vec<FileCounts>,
    /// The number of examples or completions in a step.
    pub rows_a_step: u64,
    /// The most tokens of a step; prompts count once for each of their completions.
    pub tokens_a_step: u64,
    /// The number of steps of the run.
    pub steps: u64,
    /// Expected memory.
    pub memory: MemoryForecast,
}

/// The approximate memory of a run, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct MemoryForecast {
    /// Weights, gradients, moments, and the reference if there is one.
    pub weights: u64,
    /// Activations that a forward pass keeps for the backward pass.
    pub activations: u64,
    /// During rollouts: the decoder's own copy of the weights, and keys and values.
    pub rollouts: u64,
}

impl MemoryForecast {
    /// Returns the peak: rollouts and passes alternate, so only the larger of both counts.
    pub fn most(&self) -> u64 {
        self.weights.saturating_add(self.activations.max(self.rollouts))
    }
}

/// Forecasts a run. Reads the data, the held-out pairs and the model's shape, but no weights.
///
/// # Errors
/// The same errors as for a run that cannot begin.
pub fn forecast(config: &TrainConfig) -> Result<Forecast, TrainRunError> {
    let format = Arc::new(run::format(&config.data.format)?);
    let (shape, text) = match &config.model {
        ModelSource::Folder(folder) => {
            let checkpoint = Checkpoint::open(folder)?;
            (checkpoint.config().clone(), ChatTokenizer::open(&checkpoint)?)
        }
        ModelSource::Fresh(fresh) => {
            let shape = run::shape(&fresh.config)?;
            let text = ChatTokenizer::read(&fresh.tokenizer, shape.vocab_size)?;
            (shape, text)
        }
    };
    let text = Arc::new(text);
    run::held_out(config)?;
    let (data, rows_a_step, tokens_of_one) = match config.method {
        Method::Sft => {
            let sft = config.sft.clone().unwrap_or_default();
            let source = SftSource::open(&sft::data(config, &shape), &format, &text)?;
            (source.counts().to_vec(), sft.per_device_train_batch_size, sft.max_length)
        }
        Method::Grpo => {
            let grpo = config.grpo.clone().unwrap_or_default();
            let source = PairSource::open(grpo::data(config, &shape)?, format, text)?;
            let longest = grpo::longest_prompt(config, &shape).saturating_add(grpo.max_completion_length);
            (source.counts().to_vec(), grpo.generation_batch_size, longest)
        }
    };
    let parameters = shape.parameters();
    let trained = config.lora.as_ref().map_or(parameters, |lora| adapter_parameters(&shape, lora));
    Ok(Forecast {
        parameters,
        trained,
        data,
        rows_a_step: rows_a_step as u64,
        tokens_a_step: (rows_a_step as u64).saturating_mul(tokens_of_one as u64),
        steps: config.optimizer.max_steps,
        memory: memory(config, &shape, trained),
    })
}

/// Returns the number of parameters of all adapters.
fn adapter_parameters(shape: &ModelConfig, lora: &LoraConfig) -> u64 {
    let adapted = shape.tensors().into_iter().filter(|(name, _)| lora.module(name).is_some());
    adapted.map(|(_, shape)| (lora.r * (shape[0] + shape[1])) as u64).sum()
}

fn memory(config: &TrainConfig, shape: &ModelConfig, trained: u64) -> MemoryForecast {
    let parameters = shape.parameters();
    let frozen = if config.lora.is_some() { parameters } else { 0 };
    let reference = config.grpo.as_ref().is_some_and(|grpo| grpo.beta > 0.0 || grpo.max_kl.is_some());
    // Weights, gradients and two moments, and a copy for the reference.
    let weights = 4 * (frozen + trained * (4 + u64::from(reference)));
    let (hidden, inner) = (shape.hidden_size as u64, shape.intermediate_size as u64);
    let queries = (shape.num_attention_heads * shape.head_dim) as u64;
    let keys = (shape.num_key_value_heads * shape.head_dim) as u64;
    // The residual stream twice, both norms, queries, keys, values, attention's result, and three widths of the feed-forward part.
    let kept = 4 * hidden + 2 * queries + 2 * keys + 3 * inner;
    let (rows, layers) = (config.max_tokens_per_pass as u64, shape.num_hidden_layers as u64);
    let of_a_row = if config.gradient_checkpointing { layers * hidden + kept } else { layers * kept };
    let activations = rows.saturating_mul(of_a_row);
    let rollouts = config.grpo.as_ref().map_or(0, |grpo| {
        let [prompts, completions] = [grpo.generation_batch_size / grpo.num_generations, grpo.generation_batch_size];
        let of = |count: usize, tokens: usize| (count as u64).saturating_mul(tokens as u64);
        let positions =
            of(prompts, grpo::longest_prompt(config, shape)).saturating_add(of(completions, grpo.max_completion_length));
        positions.saturating_mul(2 * keys * layers).saturating_add(parameters)
    });
    MemoryForecast { weights, activations: activations.saturating_mul(4), rollouts: rollouts.saturating_mul(4) }
}
