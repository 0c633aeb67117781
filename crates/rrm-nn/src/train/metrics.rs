//! Numbers of a step -> its line of metrics.jsonl.

use rrm::verdict::{Abstain, Verdict};
use serde::Serialize;

use super::{data::TrainingPair, rollout::Rollout};

/// A line of metrics.jsonl. Nothing in it depends on the speed of the machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricsLine {
    /// The number of steps taken; 0 before the first.
    pub step: u64,
    /// The metrics of the step; `None` before the first.
    #[serde(flatten)]
    pub metrics: Option<StepMetrics>,
    /// The evaluation on held-out pairs after the step, if there was one.
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

/// Metrics of a step of supervised fine-tuning.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SftMetrics {
    /// Mean negative log-probability of the completions' tokens, by their weights.
    pub loss: f64,
    /// Mean entropy of the predictions of these tokens, in nats.
    pub entropy: f64,
    /// The number of tokens of completions.
    pub tokens: usize,
    /// Norm of the gradient before scaling.
    pub grad_norm: f64,
    /// The step's learning rate.
    pub learning_rate: f64,
}

/// Metrics of a step of reinforcement learning.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GrpoMetrics {
    /// Statistics of all completions.
    #[serde(flatten)]
    pub completions: CompletionMetrics,
    /// Mean loss of the step's updates.
    pub loss: f64,
    /// Mean divergence from the reference for each token, before the step; `None` without a reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kl: Option<f64>,
    /// Mean entropy for each token before the step, in nats.
    pub entropy: f64,
    /// Share of tokens whose ratio was clipped, in the updates after the first; `None` with one update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_ratio: Option<f64>,
    /// Norm of the gradient before scaling: the mean over the step's updates, 0 if there was nothing to learn.
    pub grad_norm: f64,
    /// The step's learning rate.
    pub learning_rate: f64,
}

/// Statistics of completions and their verdicts, some of which reveal reward hacking.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CompletionMetrics {
    /// Mean reward.
    pub reward: f64,
    /// Standard deviation of rewards.
    pub reward_std: f64,
    /// Share of completions whose verdict agrees with the label.
    pub accuracy: f64,
    /// Share of completions without a verdict.
    pub abstentions: f64,
    /// Share of truncated completions.
    pub truncated: f64,
    /// Share of *first* among the verdicts *first* and *second*.
    pub first_verdicts: f64,
    /// Mean number of tokens of a completion.
    pub mean_length: f64,
    /// Largest number of tokens of a completion.
    pub max_length: usize,
    /// Number of groups that were drawn.
    pub groups: usize,
    /// Share of groups with a signal.
    pub groups_with_signal: f64,
}

/// A prompt, its completions, their verdicts and their rewards.
#[derive(Clone, Debug)]
pub struct RolloutGroup {
    /// The pair as shown.
    pub pair: TrainingPair,
    /// Its completions.
    pub rollouts: Vec<Rollout>,
    /// The verdict of each completion.
    pub verdicts: Vec<Result<Verdict, Abstain>>,
    /// The reward of each completion.
    pub rewards: Vec<f32>,
}

impl RolloutGroup {
    /// Whether the rewards of the completions differ. Otherwise nothing can be learnt from the group.
    pub fn has_signal(&self) -> bool {
        self.rewards.windows(2).any(|two| two[0] != two[1])
    }
}

impl CompletionMetrics {
    /// Computes the statistics of all groups that were drawn; `groups` is not empty.
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
