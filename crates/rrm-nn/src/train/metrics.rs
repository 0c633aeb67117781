//! A step's numbers -> its line of metrics.jsonl.

use rrm::verdict::{Abstain, Verdict};
use serde::Serialize;

use super::{data::TrainingPair, rollout::Rollout};

/// A line of metrics.jsonl: nothing in it depends on the machine's speed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricsLine {
    /// Steps that were taken; 0 before the first.
    pub step: u64,
    /// What the step did; `None` before the first.
    #[serde(flatten)]
    pub metrics: Option<StepMetrics>,
    /// How held-out pairs are judged after the step, where they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<super::evaluate::HeldOutEvaluation>,
}

/// The metrics of one step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum StepMetrics {
    /// Supervised fine-tuning.
    Sft(SftMetrics),
    /// Reinforcement learning.
    Grpo(GrpoMetrics),
}

/// A step of supervised fine-tuning.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SftMetrics {
    /// Mean of minus the log-probability of the completions' tokens, by their weights.
    pub loss: f64,
    /// Mean entropy before these tokens, in nats.
    pub entropy: f64,
    /// Tokens of completions.
    pub tokens: usize,
    /// Length of the gradient, before it was shortened.
    pub grad_norm: f64,
    /// The step's learning rate.
    pub learning_rate: f64,
}

/// A step of reinforcement learning.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GrpoMetrics {
    /// Of all completions.
    #[serde(flatten)]
    pub completions: CompletionMetrics,
    /// The loss; the mean over the step's updates.
    pub loss: f64,
    /// Mean divergence of a token from the reference before the step, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kl: Option<f64>,
    /// Mean entropy of a token before the step, in nats.
    pub entropy: f64,
    /// Share of tokens whose ratio was clipped in the updates after the first, where there are such.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_ratio: Option<f64>,
    /// Length of the gradient before it was shortened; the mean over the step's updates, 0 where there was nothing to learn.
    pub grad_norm: f64,
    /// The step's learning rate.
    pub learning_rate: f64,
}

/// What completions and their verdicts look like: also what gives reward hacking away.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CompletionMetrics {
    /// Mean reward.
    pub reward: f64,
    /// Standard deviation of rewards.
    pub reward_std: f64,
    /// Share of completions whose verdict is the label.
    pub accuracy: f64,
    /// Share without a verdict.
    pub abstentions: f64,
    /// Share that the limit cut.
    pub truncated: f64,
    /// Share of first among verdicts for one of the two.
    pub first_verdicts: f64,
    /// Mean tokens of a completion.
    pub mean_length: f64,
    /// Most tokens of a completion.
    pub max_length: usize,
    /// Groups that were drawn.
    pub groups: usize,
    /// Share of groups whose completions differ in reward.
    pub groups_with_signal: f64,
}

/// A prompt, its completions, their verdicts and their rewards.
#[derive(Clone, Debug)]
pub struct RolloutGroup {
    /// The pair as it was shown.
    pub pair: TrainingPair,
    /// Its completions.
    pub rollouts: Vec<Rollout>,
    /// What each says.
    pub verdicts: Vec<Result<Verdict, Abstain>>,
    /// What that is worth.
    pub rewards: Vec<f32>,
}

impl RolloutGroup {
    /// Whether the completions differ in reward: otherwise there is nothing to learn from comparing them.
    pub fn has_signal(&self) -> bool {
        self.rewards.windows(2).any(|two| two[0] != two[1])
    }
}

impl CompletionMetrics {
    /// Over all groups that were drawn; `groups` is not empty.
    pub fn of(groups: &[RolloutGroup]) -> Self {
        let rewards: Vec<f64> = groups.iter().flat_map(|group| group.rewards.iter().copied().map(f64::from)).collect();
        let count = rewards.len() as f64;
        let reward = rewards.iter().sum::<f64>() / count;
        let spread = rewards.iter().map(|one| (one - reward) * (one - reward)).sum::<f64>();
        let rollouts = || groups.iter().flat_map(|group| &group.rollouts);
        let verdicts = || groups.iter().flat_map(|group| group.verdicts.iter().map(move |verdict| (group, *verdict)));
        let share = |count_of: usize, all: usize| if all == 0 { 0.0 } else { count_of as f64 / all as f64 };
        let stated = |wanted: Verdict| verdicts().filter(|(_, verdict)| *verdict == Ok(wanted)).count();
        let (first, second) = (stated(Verdict::First), stated(Verdict::Second));
        let right = verdicts().filter(|(group, verdict)| *verdict == Ok(Verdict::from(group.pair.label))).count();
        CompletionMetrics {
            reward,
            reward_std: (spread / (count - 1.0).max(1.0)).sqrt(),
            accuracy: share(right, rewards.len()),
            abstentions: share(verdicts().filter(|(_, verdict)| verdict.is_err()).count(), rewards.len()),
            truncated: share(rollouts().filter(|rollout| rollout.truncated).count(), rewards.len()),
            first_verdicts: share(first, first + second),
            mean_length: rollouts().map(|rollout| rollout.tokens.len()).sum::<usize>() as f64 / count,
            max_length: rollouts().map(|rollout| rollout.tokens.len()).max().unwrap_or(0),
            groups: groups.len(),
            groups_with_signal: share(groups.iter().filter(|group| group.has_signal()).count(), groups.len()),
        }
    }
}
