//! Advantages, loss, slopes and gradients equal those of TRL's `GRPOTrainer` on the same rollouts, to 1e-5.
//!
//! `scripts/make_trl_golden.py` drove TRL 1.16 on a tiny model: three groups of four completions, two of them cut by the limit, one
//! group without signal, and log-probabilities under the present weights, older ones and a reference.

use std::{collections::BTreeMap, fs};

use rrm_nn::train::{
    advantage::{ScaleRewards, advantages, signals},
    layout::PackedTokens,
    loss::{GrpoLoss, LossCompletion, LossConfig, LossReport, LossType, Update},
    trainee::{Trainee, TraineeOptions},
    weights::TrainedWeights,
};
use safetensors::SafeTensors;
use serde::Deserialize;

use crate::golden::{checkpoint, folder};

const TOLERANCE: f64 = 1e-5;

#[derive(Deserialize)]
struct Golden {
    num_generations: usize,
    max_completion_length: usize,
    temperature: f32,
    prompts: Vec<Vec<u32>>,
    completions: Vec<Vec<u32>>,
    truncated: Vec<bool>,
    rewards: Vec<f32>,
    /// Tensors in the order of the flat gradients.
    parameters: Vec<String>,
    current: Vec<f32>,
    old: Vec<f32>,
    reference: Vec<f32>,
    entropies: Vec<f32>,
    cases: BTreeMap<String, Case>,
}

#[derive(Deserialize)]
struct Case {
    loss_type: LossType,
    epsilon: f64,
    epsilon_high: Option<f64>,
    beta: f64,
    use_bias_correction_kl: bool,
    mask_truncated_completions: bool,
    scale_rewards: ScaleRewards,
    has_old: bool,
    advantages: Vec<f32>,
    loss: f64,
    slopes: Vec<f32>,
    frac_reward_zero_std: f64,
    metrics: Option<BTreeMap<String, f64>>,
}

/// The tokens of a case that count: completions, and their place among all tokens.
struct Counted {
    completions: Vec<LossCompletion>,
    targets: Vec<usize>,
    old: Vec<f32>,
    reference: Vec<f32>,
}

fn golden() -> Golden {
    serde_json::from_slice(&fs::read(folder("trl").join("grpo.json")).unwrap()).unwrap()
}

impl Case {
    fn config(&self, golden: &Golden) -> LossConfig {
        LossConfig {
            loss_type: self.loss_type,
            epsilon: self.epsilon,
            epsilon_high: self.epsilon_high,
            beta: self.beta,
            use_bias_correction_kl: self.use_bias_correction_kl,
            max_completion_length: golden.max_completion_length,
        }
    }

    fn masks(&self, golden: &Golden, completion: usize) -> bool {
        self.mask_truncated_completions && golden.truncated[completion]
    }

    fn counted(&self, golden: &Golden) -> Counted {
        let advantages = advantages(&golden.rewards, golden.num_generations, self.scale_rewards);
        let (mut completions, mut targets, mut first) = (Vec::new(), Vec::new(), 0);
        for (index, (completion, advantage)) in golden.completions.iter().zip(advantages).enumerate() {
            let tokens = if self.masks(golden, index) { 0 } else { completion.len() };
            targets.extend(first..first + tokens);
            completions.push(LossCompletion { advantage, tokens });
            first += completion.len();
        }
        let of = |all: &[f32]| targets.iter().map(|target| all[*target]).collect();
        Counted { old: of(&golden.old), reference: of(&golden.reference), completions, targets }
    }

    fn loss<'a>(&self, golden: &Golden, counted: &'a Counted) -> GrpoLoss<'a> {
        let Counted { completions, old, reference, .. } = counted;
        let old = self.has_old.then_some(old.as_slice());
        let reference = (self.beta != 0.0).then_some(reference.as_slice());
        GrpoLoss::new(&self.config(golden), Update { completions, old, reference })
    }

    fn check_metrics(&self, name: &str, report: &LossReport) {
        let LossReport { kl, clip_low, clip_low_min, clip_high, clip_high_max, .. } = *report;
        let Some(metrics) = &self.metrics else { return };
        assert_eq!(metrics.get("kl").is_some(), kl.is_some(), "{name}");
        let ours = [
            ("kl", kl.unwrap_or(0.0)),
            ("clip_ratio/low_mean", clip_low),
            ("clip_ratio/low_min", clip_low_min),
            ("clip_ratio/high_mean", clip_high),
            ("clip_ratio/high_max", clip_high_max),
            ("clip_ratio/region_mean", clip_low + clip_high),
        ];
        for (metric, ours) in ours {
            let theirs = metrics.get(metric).copied().unwrap_or(0.0);
            assert!((ours - theirs).abs() < TOLERANCE, "{name} {metric}: {ours} {theirs}");
        }
    }
}

#[test]
fn advantages_are_those_of_trl() {
    let golden = golden();
    let mut scales = Vec::new();
    for (name, case) in &golden.cases {
        let found = advantages(&golden.rewards, golden.num_generations, case.scale_rewards);
        for (ours, theirs) in found.iter().zip(&case.advantages) {
            assert!((ours - theirs).abs() < 1e-5, "{name}: {ours} {theirs}");
        }
        scales.push(case.scale_rewards);
        // TRL measures the deviation of all rewards where it divides by that one.
        if case.scale_rewards != ScaleRewards::Batch {
            let silent = signals(&golden.rewards, golden.num_generations).iter().filter(|signal| !**signal).count();
            assert!((silent as f64 / golden.prompts.len() as f64 - case.frac_reward_zero_std).abs() < 1e-6);
        }
    }
    for scale in [ScaleRewards::Group, ScaleRewards::Batch, ScaleRewards::None] {
        assert!(scales.contains(&scale));
    }
}

#[test]
fn losses_and_slopes_are_those_of_trl() {
    let golden = golden();
    assert_eq!(golden.cases.len(), 13);
    for (name, case) in &golden.cases {
        let counted = case.counted(&golden);
        let loss = case.loss(&golden, &counted);
        let logprobs: Vec<f32> = counted.targets.iter().map(|target| golden.current[*target]).collect();
        let report = loss.report(&logprobs);
        assert!((report.loss - case.loss).abs() < TOLERANCE, "{name}: {} {}", report.loss, case.loss);
        case.check_metrics(name, &report);
        let mut slopes = vec![0.0; golden.current.len()];
        for (index, target) in counted.targets.iter().enumerate() {
            slopes[*target] = loss.slope(index, logprobs[index]);
        }
        for (target, (ours, theirs)) in slopes.iter().zip(&case.slopes).enumerate() {
            assert!(f64::from(ours - theirs).abs() < 1e-6, "{name} {target}: {ours} {theirs}");
        }
    }
}

#[test]
fn gradients_of_all_parameters_are_those_of_trl() {
    let golden = golden();
    let weights = TrainedWeights::load(&checkpoint("trl"), None, 0).unwrap();
    let mut trainee = Trainee::new(weights.config(), TraineeOptions::default()).unwrap();
    let bytes = fs::read(folder("trl").join("gradients.safetensors")).unwrap();
    let theirs = SafeTensors::deserialize(&bytes).unwrap();
    for (name, case) in &golden.cases {
        let counted = case.counted(&golden);
        let loss = case.loss(&golden, &counted);
        let mut packed = PackedTokens::default();
        for (group, prompt) in golden.prompts.iter().enumerate() {
            let members = group * golden.num_generations..(group + 1) * golden.num_generations;
            let tokens = |index| if case.masks(&golden, index) { &[][..] } else { &golden.completions[index] };
            packed.group(prompt, &members.map(tokens).collect::<Vec<_>>());
        }
        let mut gradients = vec![0.0; weights.trainable().len()];
        let slope = |target: usize, logprob: f32| loss.slope(target, logprob);
        let scored = trainee.backward(&weights, &packed, golden.temperature, &slope, &mut gradients).unwrap();
        for (scored, target) in scored.iter().zip(&counted.targets) {
            assert!(f64::from(scored.logprob - golden.current[*target]).abs() < TOLERANCE, "{name} {target}");
            assert!(f64::from(scored.entropy - golden.entropies[*target]).abs() < TOLERANCE, "{name} {target}");
        }
        let logprobs: Vec<f32> = scored.iter().map(|scored| scored.logprob).collect();
        assert!((loss.report(&logprobs).loss - case.loss).abs() < TOLERANCE, "{name}");
        // (parameters), tensor behind tensor in PyTorch's order
        let flat: Vec<f32> =
            theirs.tensor(name).unwrap().data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let mut first = 0;
        for parameter in &golden.parameters {
            let range = weights.place(parameter).unwrap();
            for (at, ours) in gradients[range].iter().enumerate() {
                let theirs = flat[first + at];
                assert!(f64::from(ours - theirs).abs() < TOLERANCE, "{name} {parameter} {at}: {ours} {theirs}");
            }
            first += weights.place(parameter).unwrap().len();
        }
        assert_eq!(first, flat.len());
        assert!(flat.iter().any(|value| value.abs() > 1e-2), "{name} has no gradient to compare");
    }
}
