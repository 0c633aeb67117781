//! Prompts x the current weights -> completions as tokens, many at once on the fast decoder.
//!
//! A completion depends only on the weights, its prompt and its seed, and not on the rest of its batch, on threads or on memory. Seeds are keyed by
//! run, step, prompt and number, so a resumed run draws the same completions.

use std::sync::Arc;

use futures::channel::oneshot;
use rrm::{
    engine::{EngineError, Finish, Request, Sampling},
    keyed::KeyedRandom,
};
use serde::{Deserialize, Serialize};

use super::TrainError;
use crate::{
    backend::{Decoder, Tokenizer},
    batch::BLOCK,
    config::ModelConfig,
    cpu::{CpuDecoder, CpuOptions, Storage, TensorReader},
    engine,
    schedule::{Scheduler, SchedulerParts},
    seat::Ticket,
    sequence::{FinishedCompletion, Sequence, SequencePlan},
    text::ChatTokenizer,
};

/// Settings of rollouts; the first six are TRL's options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RolloutConfig {
    /// Number of completions of each prompt.
    pub num_generations: usize,
    /// Most tokens of a completion; a longer one is `truncated`.
    pub max_completion_length: usize,
    /// Softmax temperature; 0 is greedy.
    pub temperature: f64,
    /// Nucleus sampling: mass of the likeliest tokens that are kept; 1 keeps all.
    pub top_p: f64,
    /// Number of likeliest tokens that are kept; 0 keeps all.
    pub top_k: u32,
    /// Lowest probability of a kept token, relative to the likeliest.
    pub min_p: Option<f64>,
    /// Most completions that are written at once. Changes no token.
    pub max_batch: usize,
    /// Number of threads; `None` means all of the machine's. Changes no token.
    pub threads: Option<usize>,
    /// Most bytes of keys and values; `None` means a quarter of the machine's memory. Changes no token.
    pub kv_bytes: Option<u64>,
    /// Seed of the run.
    pub seed: u64,
}

impl Default for RolloutConfig {
    /// The defaults of TRL 1.16's `GRPOConfig`; as many completions at once as in the local engine.
    fn default() -> Self {
        RolloutConfig {
            num_generations: 8,
            max_completion_length: 256,
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            min_p: None,
            max_batch: 64,
            threads: None,
            kv_bytes: None,
            seed: 0,
        }
    }
}

/// A prompt to complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutPrompt {
    /// The key of its seeds: prompts of one step with the same key get the same draws.
    pub key: String,
    /// Tokens of the prompt; not empty.
    pub tokens: Vec<u32>,
}

/// One completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// All drawn tokens, including the one that ended the turn.
    pub tokens: Vec<u32>,
    /// The text of the tokens.
    pub text: String,
    /// Whether the limit cut it; then its last token does not end a turn.
    pub truncated: bool,
}

/// The weights that write rollouts, with their vocabulary.
pub struct Policy<'a, 's> {
    /// The shape of the model.
    pub config: &'a ModelConfig,
    /// Returns each tensor, with adapters merged in.
    pub weights: &'a mut TensorReader<'s>,
    /// The vocabulary.
    pub text: &'a Arc<ChatTokenizer>,
}

/// Draws `num_generations` completions of each prompt at `step`. Returns them in the order of the prompts. A prompt is evaluated once for all of its
/// completions.
///
/// # Errors
/// [`TrainError`] when a prompt does not fit into the model, when there is not enough memory, or when logits are not finite.
pub fn generate(
    config: &RolloutConfig,
    policy: Policy<'_, '_>,
    prompts: &[RolloutPrompt],
    step: u64,
) -> Result<Vec<Vec<Rollout>>, TrainError> {
    let longest = prompts.iter().map(|prompt| prompt.tokens.len()).max().unwrap_or(0);
    check(config, policy.config, prompts)?;
    let options = CpuOptions { storage: Storage::F32, threads: config.threads };
    let decoder = CpuDecoder::new(policy.config, options, policy.weights)?;
    let parts = parts(config, Box::new(decoder), policy.text.clone(), longest + config.max_completion_length)?;
    draw(config, Scheduler::new(parts), prompts, step)
}

/// Refuses requests whose completions would have to be cut earlier than requested.
fn check(config: &RolloutConfig, model: &ModelConfig, prompts: &[RolloutPrompt]) -> Result<(), TrainError> {
    let wrong = |option: &str, what: String| Err(TrainError::Option { option: option.to_owned(), what });
    for RolloutPrompt { key, tokens } in prompts {
        if tokens.is_empty() {
            return wrong("prompt", format!("{key} has no tokens"));
        }
        let (length, most) = (tokens.len() + config.max_completion_length, model.max_position_embeddings);
        if length > most {
            return wrong(
                "max_completion_length",
                format!("with the {} tokens of prompt {key} it makes {length}, and the model has {most} positions", tokens.len()),
            );
        }
    }
    Ok(())
}

/// Returns a scheduler's parts with room for as many sequences of `positions` tokens as the memory allows.
fn parts(
    config: &RolloutConfig,
    mut decoder: Box<dyn Decoder>,
    tokenizer: Arc<dyn Tokenizer>,
    positions: usize,
) -> Result<SchedulerParts, TrainError> {
    let failed = |detail| EngineError::Failed { engine: "rollouts".to_owned(), detail };
    let bytes = config.kv_bytes.unwrap_or_else(|| engine::memory() / 4);
    let max_batch = config.max_batch.max(1);
    let blocks = engine::blocks(bytes, decoder.block_bytes(), positions, max_batch).map_err(failed)?;
    if (blocks as usize - 1) * BLOCK < positions {
        let what = format!("{bytes} bytes of keys and values are too few for a completion of {positions} tokens with its prompt");
        return Err(TrainError::Option { option: "kv_bytes".to_owned(), what });
    }
    decoder.allocate(blocks).map_err(failed)?;
    Ok(SchedulerParts {
        name: "rollouts".to_owned(),
        decoder,
        tokenizer,
        blocks,
        limit: positions,
        share: true,
        max_batch,
        rows: 256,
        shown: Arc::default(),
    })
}

/// Has the scheduler answer all requests on this thread.
fn draw(
    config: &RolloutConfig,
    mut scheduler: Scheduler,
    prompts: &[RolloutPrompt],
    step: u64,
) -> Result<Vec<Vec<Rollout>>, TrainError> {
    let mut answers = Vec::with_capacity(prompts.len() * config.num_generations);
    let mut tickets = Vec::with_capacity(answers.capacity());
    for prompt in prompts {
        for number in 0..config.num_generations {
            let (reply, answer) = oneshot::channel();
            tickets.push(Ticket { sequence: sequence(config, prompt, step, number), scoring: None, reply });
            answers.push(answer);
        }
    }
    scheduler.answer(tickets);
    let ended = |mut answer: oneshot::Receiver<Result<FinishedCompletion, EngineError>>| match answer.try_recv() {
        Ok(Some(ended)) => Ok(rollout(ended?)),
        Ok(None) | Err(oneshot::Canceled) => {
            Err(EngineError::Failed { engine: "rollouts".to_owned(), detail: "a completion was dropped".to_owned() })
        }
    };
    let rollouts = answers.into_iter().map(ended).collect::<Result<Vec<_>, _>>()?;
    let mut rollouts = rollouts.into_iter();
    Ok(prompts.iter().map(|_| rollouts.by_ref().take(config.num_generations).collect()).collect())
}

/// Returns the empty sequence of completion `number` of a prompt.
fn sequence(config: &RolloutConfig, prompt: &RolloutPrompt, step: u64, number: usize) -> Sequence {
    let sampling = Sampling {
        temperature: config.temperature,
        top_p: config.top_p,
        top_k: (config.top_k > 0).then_some(config.top_k),
        min_p: config.min_p,
        max_tokens: config.max_completion_length as u32,
    };
    let request = Request {
        messages: [].into(),
        sampling,
        seed: seed(config.seed, step, &prompt.key, number),
        budget: None,
        comparison: None,
        labels: None,
        sink: None,
    };
    let plan = SequencePlan {
        first: config.max_completion_length,
        elicit: Default::default(),
        most: prompt.tokens.len() + config.max_completion_length,
    };
    Sequence::new(request, prompt.tokens.clone(), plan)
}

/// Returns the seed of one completion; below 2^53, as are all seeds of requests.
pub fn seed(run_seed: u64, step: u64, prompt: &str, number: usize) -> u64 {
    KeyedRandom::new(run_seed, prompt, "rollout", &[step, number as u64]).u64() >> 11
}

fn rollout(ended: FinishedCompletion) -> Rollout {
    Rollout { tokens: ended.drawn, text: ended.completion.text, truncated: ended.completion.finish == Finish::Length }
}
