//! A model's folder -> JSON lines: the seconds of each step of GRPO on it, rollouts and update apart.
//!
//! `cargo run --release -p rrm-nn --example grpo_speed -- FOLDER [steps [prompt_tokens [completion_tokens]]]`. The same step as
//! benches/train/peer_trl.py: 8 prompts of random tokens, 8 completions each, a reference, one update. benches/train/grpo_step.py makes the
//! folder, in which no token ends a turn, and runs both in turn.
#![expect(clippy::print_stdout, reason = "the lines are the output")]

use std::{path::PathBuf, sync::Arc, time::Instant};

use rrm_nn::{
    checkpoint::Checkpoint,
    text::ChatTokenizer,
    train::{
        adamw::{AdamW, AdamWConfig, Moments, decayed},
        advantage::{ScaleRewards, advantages},
        clip::clip,
        layout::PackedTokens,
        loss::{GrpoLoss, LossCompletion, LossConfig, LossType, Update},
        rollout::{Policy, Rollout, RolloutConfig, RolloutPrompt, generate},
        trainee::{TargetScore, Trainee, TraineeOptions},
        weights::TrainedWeights,
    },
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const PROMPTS: usize = 8;
const GENERATIONS: usize = 8;
/// Most rows of one pass; a step takes as many passes as it needs.
const ROWS: usize = 4096;
const BETA: f64 = 0.001;
const LEARNING_RATE: f64 = 1e-6;

/// Seconds of the parts of a step.
struct Took {
    rollouts: f64,
    update: f64,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: usize| arguments.get(index).map_or(Ok(default), |text| text.parse());
    let folder = PathBuf::from(arguments.first().ok_or("the folder of a model is wanted")?);
    let (steps, prompt_tokens, completion_tokens) = (number(1, 4)?, number(2, 64)?, number(3, 128)?);
    let checkpoint = Checkpoint::open(&folder)?;
    let text = Arc::new(ChatTokenizer::open(&checkpoint)?);
    let mut weights = TrainedWeights::load(&checkpoint, None, 0)?;
    let reference = weights.clone();
    let mut trainee = Trainee::new(weights.config(), TraineeOptions { threads: Some(2), ..TraineeOptions::default() })?;
    let mut optimizer = AdamW {
        config: AdamWConfig::default(),
        decayed: decayed(weights.views()),
        threads: 2,
        moments: Moments::new(weights.trainable().len()),
    };
    let loaded = memory_mib("VmRSS:");
    for step in 0..=steps as u64 {
        let start = Instant::now();
        let prompts = prompts(step, prompt_tokens, weights.config().vocab_size);
        let config = RolloutConfig { max_completion_length: completion_tokens, threads: Some(2), ..RolloutConfig::default() };
        let model = weights.config().clone();
        let mut source = |name: &str, _: &[usize]| Ok(weights.merged(name).into_owned());
        let policy = Policy { config: &model, weights: &mut source, text: &text };
        let groups = generate(&config, policy, &prompts, step)?;
        let rollouts = start.elapsed().as_secs_f64();
        let loss = update(&mut trainee, &mut weights, &reference, &mut optimizer, (&prompts, &groups))?;
        let took = Took { rollouts, update: start.elapsed().as_secs_f64() - rollouts };
        let written: usize = groups.iter().flatten().map(|rollout| rollout.tokens.len()).sum();
        if written != PROMPTS * GENERATIONS * completion_tokens {
            return Err(format!("{written} tokens: a completion ended early").into());
        }
        // The first step warms up.
        if step > 0 {
            println!("{}", line(&took, written, loss, loaded));
        }
    }
    Ok(())
}

/// Random prompts of one step.
fn prompts(step: u64, tokens: usize, vocabulary: usize) -> Vec<RolloutPrompt> {
    let mut state = step.wrapping_add(1);
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        3 + ((state >> 33) as usize % (vocabulary - 3)) as u32
    };
    let prompt = |number: usize| RolloutPrompt { key: number.to_string(), tokens: (0..tokens).map(|_| draw()).collect() };
    (0..PROMPTS).map(prompt).collect()
}

/// Advantages, the reference's log-probabilities, gradients, and one step of AdamW; gives the loss.
fn update(
    trainee: &mut Trainee,
    weights: &mut TrainedWeights,
    reference: &TrainedWeights,
    optimizer: &mut AdamW,
    (prompts, groups): (&[RolloutPrompt], &[Vec<Rollout>]),
) -> Result<f64> {
    let reward = |rollout: &Rollout| if rollout.tokens.iter().sum::<u32>() % 2 == 0 { 1.0 } else { -1.0 };
    let rewards: Vec<f32> = groups.iter().flatten().map(reward).collect();
    let advantages = advantages(&rewards, GENERATIONS, ScaleRewards::Group);
    let lengths = groups.iter().flatten().map(|rollout| rollout.tokens.len());
    let completions: Vec<LossCompletion> =
        advantages.into_iter().zip(lengths).map(|(advantage, tokens)| LossCompletion { advantage, tokens }).collect();
    let passes = passes(prompts, groups);
    let mut old = Vec::new();
    for packed in &passes {
        old.extend(trainee.score(reference, packed, 1.0)?.iter().map(|scored| scored.logprob));
    }
    let config = LossConfig {
        loss_type: LossType::Dapo,
        epsilon: 0.2,
        epsilon_high: None,
        beta: BETA,
        use_bias_correction_kl: true,
        max_completion_length: groups[0][0].tokens.len(),
    };
    let loss = GrpoLoss::new(&config, Update { completions: &completions, old: None, reference: Some(&old) });
    let mut gradients = vec![0.0; weights.trainable().len()];
    let mut logprobs = Vec::new();
    for packed in &passes {
        let first = logprobs.len();
        let slope = |target: usize, logprob: f32| loss.slope(first + target, logprob);
        let scored = trainee.backward(weights, packed, 1.0, &slope, &mut gradients)?;
        logprobs.extend(scored.into_iter().map(|TargetScore { logprob, .. }| logprob));
    }
    clip(&mut gradients, 1.0);
    optimizer.step(weights.trainable_mut(), &gradients, LEARNING_RATE);
    Ok(loss.report(&logprobs).loss)
}

/// Groups with their prompts shared, as many in a pass as its rows allow.
fn passes(prompts: &[RolloutPrompt], groups: &[Vec<Rollout>]) -> Vec<PackedTokens> {
    let mut passes = vec![PackedTokens::default()];
    for (prompt, group) in prompts.iter().zip(groups) {
        let completions: Vec<&[u32]> = group.iter().map(|rollout| rollout.tokens.as_slice()).collect();
        let mut alone = PackedTokens::default();
        alone.group(&prompt.tokens, &completions);
        match passes.last_mut() {
            Some(pass) if pass.tokens.len() + alone.tokens.len() <= ROWS => pass.group(&prompt.tokens, &completions),
            _ => passes.push(alone),
        }
    }
    passes.retain(|pass| !pass.tokens.is_empty());
    passes
}

fn line(took: &Took, written: usize, loss: f64, loaded: u64) -> String {
    let Took { rollouts, update } = took;
    format!(
        r#"{{"seconds": {:.4}, "rollout_seconds": {rollouts:.4}, "update_seconds": {update:.4}, "tokens": {written}, "loss": {loss:.6}, "#,
        rollouts + update
    ) + &format!(r#""loaded_mib": {loaded}, "peak_mib": {}}}"#, memory_mib("VmHWM:"))
}

/// A line of what the system says about this process's memory, in MiB.
fn memory_mib(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() / 1024
}
