//! Reinforcement learning with a verdict reward (GRPO, arXiv 2402.03300): pairs -> completions -> verdicts -> rewards -> advantages -> gradients ->
//! weights, step by step.

use std::time::Instant;

use rrm::{
    chat::Message,
    comparison::Side,
    engine::{Completion, Finish, Opening, Usage},
    reward::{self, GradedVote},
    verdict::{Abstain, Verdict},
};
use serde::Serialize;

use super::{
    TrainError, TrainRunError,
    config::{GrpoSection, TrainConfig, WithoutSignal},
    data::{DataConfig, PairSource, TrainingPair},
    metrics::{CompletionMetrics, GrpoMetrics, RolloutGroup, StepMetrics},
    policy_update::{PolicyUpdate, update},
    progress::Timing,
    rollout::{self, Policy, Rollout, RolloutConfig, RolloutPrompt},
    run::TrainingRun,
};
use crate::config::ModelConfig;

/// Takes the remaining steps.
pub(super) fn run(run: &mut TrainingRun<'_, '_>) -> Result<(), TrainRunError> {
    let config = run.config;
    let grpo = config.grpo.clone().unwrap_or_default();
    let mut source = PairSource::open(data(config, run.learner.weights.config())?, run.format.clone(), run.text.clone())?;
    run.begin(source.counts())?;
    while run.goes_on() {
        let clock = Instant::now();

        // Completions, their verdicts and rewards. With `resample` more batches are drawn until enough groups have a signal.
        let wanted = grpo.generation_batch_size / grpo.num_generations;
        let (mut groups, mut batches) = (Vec::new(), 0);
        loop {
            let pairs = source.batch(run.state.batches)?;
            run.state.batches += 1;
            batches += 1;
            let rollouts = draw(run, &grpo, &pairs)?;
            groups.extend(judge(run, pairs, rollouts));
            let live = groups.iter().filter(|group: &&RolloutGroup| group.has_signal()).count();
            let enough = grpo.groups_without_signal != WithoutSignal::Resample || live >= wanted;
            if enough || batches >= grpo.max_num_gen_batches {
                break;
            }
        }
        let rollout_seconds = clock.elapsed().as_secs_f64();
        let completions = CompletionMetrics::of(&groups);
        let written: usize = groups.iter().flat_map(|group| &group.rollouts).map(|rollout| rollout.tokens.len()).sum();
        if (run.step() - 1).is_multiple_of(config.logging.rollouts_every) {
            sample(run, &groups)?;
        }

        // Groups without a signal have advantages of 0.
        if grpo.groups_without_signal != WithoutSignal::Keep {
            groups.retain(RolloutGroup::has_signal);
            groups.truncate(wanted);
        }
        let learning_rate = run.learning_rate();
        let clock_of_update = Instant::now();
        let updated = update(run, &grpo, &groups, learning_rate)?;
        let update_seconds = clock_of_update.elapsed().as_secs_f64();

        let PolicyUpdate { loss, kl, entropy, clip_ratio, grad_norm, tokens } = updated;
        let metrics = GrpoMetrics { completions, loss, kl, entropy, clip_ratio, grad_norm, learning_rate };
        let timing = Timing {
            seconds: clock.elapsed().as_secs_f64(),
            rollout_seconds: Some(rollout_seconds),
            update_seconds,
            rollout_tokens_per_second: Some(written as f64 / rollout_seconds),
            update_tokens_per_second: tokens as f64 / update_seconds,
            ..Timing::default()
        };
        run.end_step(StepMetrics::Grpo(metrics), timing)?;
    }
    Ok(())
}

/// Returns the settings of the pairs, with prompts limited so that the model has positions for prompt and completion.
pub(super) fn data(config: &TrainConfig, model: &ModelConfig) -> Result<DataConfig, TrainRunError> {
    let grpo = config.grpo.clone().unwrap_or_default();
    let (positions, completion) = (model.max_position_embeddings, grpo.max_completion_length);
    if completion >= positions {
        let what = format!("is {completion}; expected less than the model's {positions} positions");
        return Err(TrainError::Option { option: "grpo.max_completion_length".to_owned(), what }.into());
    }
    let (data, prompts) = (&config.data, grpo.generation_batch_size / grpo.num_generations);
    Ok(DataConfig {
        sources: data.sources.clone(),
        batch_size: if data.both_orders { prompts / 2 } else { prompts },
        both_orders: data.both_orders,
        max_prompt_length: longest_prompt(config, model),
        seed: config.seed,
    })
}

/// Returns the most tokens of a prompt: the configured limit, or the positions of the model that a completion leaves.
pub(super) fn longest_prompt(config: &TrainConfig, model: &ModelConfig) -> usize {
    let completion =
        config.grpo.as_ref().map_or_else(|| GrpoSection::default().max_completion_length, |grpo| grpo.max_completion_length);
    config.data.max_prompt_length.min(model.max_position_embeddings.saturating_sub(completion))
}

/// Draws completions of each pair with the current weights.
fn draw(run: &TrainingRun<'_, '_>, grpo: &GrpoSection, pairs: &[TrainingPair]) -> Result<Vec<Vec<Rollout>>, TrainRunError> {
    let config = RolloutConfig {
        num_generations: grpo.num_generations,
        max_completion_length: grpo.max_completion_length,
        temperature: grpo.temperature,
        top_p: grpo.top_p,
        top_k: grpo.top_k,
        min_p: grpo.min_p,
        threads: run.config.threads,
        seed: run.config.seed,
        ..RolloutConfig::default()
    };
    let prompt = |pair: &TrainingPair| RolloutPrompt { key: pair.key.clone(), tokens: pair.prompt_tokens.clone() };
    let prompts: Vec<_> = pairs.iter().map(prompt).collect();
    let weights = &run.learner.weights;
    let mut tensor = |name: &str, _: &[usize]| Ok(weights.merged(name).into_owned());
    let policy = Policy { config: weights.config(), weights: &mut tensor, text: &run.text };
    Ok(rollout::generate(&config, policy, &prompts, run.step())?)
}

/// Reads the verdict of each completion as judging does, and computes its reward.
fn judge(run: &TrainingRun<'_, '_>, pairs: Vec<TrainingPair>, rollouts: Vec<Vec<Rollout>>) -> Vec<RolloutGroup> {
    let config = run.config.reward.unwrap_or_default();
    let file = &run.format.file;
    let opening = if run.text.opens_thinking() { Opening::Template } else { Opening::Model };
    let grade =
        |pair: &TrainingPair, rollout: &Rollout| reward::grade_about(&completion(rollout), file, &pair.comparison, opening);
    let of_group = |(pair, group): (&TrainingPair, &Vec<Rollout>)| group.iter().map(|rollout| grade(pair, rollout)).collect();
    let graded: Vec<Vec<GradedVote>> = pairs.iter().zip(&rollouts).map(of_group).collect();
    let mut rewards: Vec<Vec<f32>> = Vec::new();
    if run.config.data.both_orders {
        // The two orders of a pair are adjacent.
        for (pairs, graded) in pairs.chunks_exact(2).zip(graded.chunks_exact(2)) {
            rewards.extend(reward::rewards_of_both_orders(&config, [&graded[0], &graded[1]], pairs[0].label));
        }
    } else {
        let alone = |(pair, graded): (&TrainingPair, &Vec<GradedVote>)| {
            graded.iter().map(|graded| reward::reward(&config, *graded, pair.label)).collect()
        };
        rewards.extend(pairs.iter().zip(&graded).map(alone));
    }
    let groups = pairs.into_iter().zip(rollouts).zip(graded).zip(rewards);
    let group = |(((pair, rollouts), graded), rewards): (((TrainingPair, _), Vec<GradedVote>), _)| RolloutGroup {
        pair,
        rollouts,
        verdicts: graded.into_iter().map(|graded| graded.vote).collect(),
        rewards,
    };
    groups.map(group).collect()
}

/// Returns a rollout as the completion of an engine.
fn completion(rollout: &Rollout) -> Completion {
    Completion {
        text: rollout.text.clone(),
        reasoning: None,
        finish: if rollout.truncated { Finish::Length } else { Finish::Stop },
        elicited: false,
        usage: Usage::default(),
        label_logprobs: None,
    }
}

/// A line of rollouts.jsonl: one completion.
#[derive(Serialize)]
struct Sample<'a> {
    step: u64,
    id: &'a str,
    /// The judge's prompt, as the format renders it.
    prompt: Vec<Message>,
    completion: &'a str,
    tokens: usize,
    truncated: bool,
    verdict: Option<Verdict>,
    abstained: Option<Abstain>,
    label: Side,
    reward: f32,
}

/// Logs completions of the step's first group.
fn sample(run: &mut TrainingRun<'_, '_>, groups: &[RolloutGroup]) -> Result<(), TrainRunError> {
    let step = run.step();
    let Some(group) = groups.first() else { return Ok(()) };
    for number in 0..group.rollouts.len().min(run.config.logging.rollouts) {
        let (rollout, verdict) = (&group.rollouts[number], group.verdicts[number]);
        let row = Sample {
            step,
            id: &group.pair.id,
            prompt: run.format.messages(&group.pair.comparison)?,
            completion: &rollout.text,
            tokens: rollout.tokens.len(),
            truncated: rollout.truncated,
            verdict: verdict.ok(),
            abstained: verdict.err(),
            label: group.pair.label,
            reward: group.rewards[number],
        };
        run.sample(&row)?;
    }
    Ok(())
}
