//! Prompts x the current weights -> completions as tokens, many at once on the fast decoder.
//!
//! A completion depends on the weights, its prompt and its seed alone: not on what shares its batch, on threads or on memory. Seeds are
//! keyed by run, step, prompt and number, so a run that is resumed draws what it would have drawn.

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

/// How completions are drawn; the first six are TRL's options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RolloutConfig {
    /// Completions of each prompt.
    pub num_generations: usize,
    /// Most tokens of a completion; what is cut there is `truncated`.
    pub max_completion_length: usize,
    /// Softmax temperature; 0 is greedy.
    pub temperature: f64,
    /// Nucleus mass; 1 keeps all.
    pub top_p: f64,
    /// Keep this many likeliest tokens; 0 keeps all.
    pub top_k: u32,
    /// Keep tokens at least this likely relative to the likeliest.
    pub min_p: Option<f64>,
    /// Most completions that are written at once. Changes no token.
    pub max_batch: usize,
    /// Threads that compute; `None` takes all of the machine's. Changes no token.
    pub threads: Option<usize>,
    /// Most bytes of keys and values; `None` takes a quarter of the machine's memory. Changes no token.
    pub kv_bytes: Option<u64>,
    /// Seed of the run.
    pub seed: u64,
}

impl Default for RolloutConfig {
    /// TRL 1.16's `GRPOConfig`; as many at once as the local engine takes.
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

/// A prompt of which completions are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutPrompt {
    /// What its seeds are keyed by: prompts of one step with the same key get the same draws.
    pub key: String,
    /// The prompt; not empty.
    pub tokens: Vec<u32>,
}

/// One completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// Every token as it was drawn, the one that ended the turn included.
    pub tokens: Vec<u32>,
    /// What the tokens write.
    pub text: String,
    /// Whether the limit cut it; its last token ends no turn then.
    pub truncated: bool,
}

/// The weights that draw.
pub struct Policy<'a, 's> {
    /// The model's shape.
    pub config: &'a ModelConfig,
    /// Gives each tensor, adapters merged in.
    pub weights: &'a mut TensorReader<'s>,
    /// Its vocabulary.
    pub text: &'a Arc<ChatTokenizer>,
}

/// Draws `num_generations` completions of each prompt at `step`; gives them in the order of the prompts. A prompt is evaluated once for
/// all of its completions.
///
/// # Errors
/// [`TrainError`] when a prompt does not fit the model, when there is no memory, or when the weights give no finite logits.
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

/// Refuses what could only be cut differently from what was asked for.
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

/// A scheduler's parts with room for as many sequences of `positions` tokens as the memory allows.
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

/// Has the scheduler answer everything on this thread.
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

/// Completion `number` of a prompt, of which nothing is written yet.
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

/// Seed of one completion; below 2^53, as all seeds of requests.
pub fn seed(run_seed: u64, step: u64, prompt: &str, number: usize) -> u64 {
    KeyedRandom::new(run_seed, prompt, "rollout", &[step, number as u64]).u64() >> 11
}

fn rollout(ended: FinishedCompletion) -> Rollout {
    Rollout { tokens: ended.drawn, text: ended.completion.text, truncated: ended.completion.finish == Finish::Length }
}
