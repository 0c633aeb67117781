//! Scores and gradients of the trainee equal those of PyTorch, which `scripts/make_training_golden.py` wrote down, and finite differences.

use std::{collections::BTreeMap, fs};

use rrm_nn::train::{
    layout::PackedTokens,
    trainee::{PassError, Trainee, TraineeOptions},
    weights::TrainedWeights,
};
use serde::Deserialize;

use crate::golden::{MODELS, checkpoint, folder, largest_difference};

#[derive(Deserialize)]
struct Golden {
    temperature: f32,
    prompt: Vec<u32>,
    completions: Vec<Vec<u32>>,
    /// Sum of slope times log-probability over all targets.
    loss: f64,
    logprobs: Vec<f32>,
    entropies: Vec<f32>,
    gradients: BTreeMap<String, Gradient>,
}

#[derive(Deserialize)]
struct Gradient {
    length: f64,
    largest: f32,
    /// Each so many-th slope is in `values`, from the first on.
    every: usize,
    values: Vec<f32>,
}

/// The loss's slope in the log-probability of a target, as in the script.
fn slope(index: usize) -> f32 {
    ((index * 7 + 3) % 5) as f32 - 1.5
}

impl Golden {
    fn of(model: &str) -> Golden {
        serde_json::from_slice(&fs::read(folder(model).join("training.json")).unwrap()).unwrap()
    }

    fn packed(&self) -> PackedTokens {
        let mut packed = PackedTokens::default();
        packed.group(&self.prompt, &self.completions.iter().map(Vec::as_slice).collect::<Vec<_>>());
        packed
    }

    fn loss(&self, trainee: &mut Trainee, weights: &TrainedWeights) -> f64 {
        let scored = trainee.score(weights, &self.packed(), self.temperature).unwrap();
        scored.iter().enumerate().map(|(index, scored)| f64::from(slope(index)) * f64::from(scored.logprob)).sum()
    }

    fn gradients(&self, trainee: &mut Trainee, weights: &TrainedWeights) -> Vec<f32> {
        let mut gradients = vec![0.0; weights.trainable().len()];
        trainee.backward(weights, &self.packed(), self.temperature, &|index, _| slope(index), &mut gradients).unwrap();
        gradients
    }
}

fn setup(model: &str) -> (Golden, TrainedWeights, Trainee) {
    let weights = TrainedWeights::load(&checkpoint(model), None, 0).unwrap();
    let trainee = Trainee::new(weights.config(), TraineeOptions::default()).unwrap();
    (Golden::of(model), weights, trainee)
}

#[test]
fn golden_scores_and_gradients_are_those_of_pytorch() {
    for model in MODELS {
        let (golden, weights, mut trainee) = setup(model);
        let scored = trainee.score(&weights, &golden.packed(), golden.temperature).unwrap();
        let logprobs: Vec<f32> = scored.iter().map(|scored| scored.logprob).collect();
        let entropies: Vec<f32> = scored.iter().map(|scored| scored.entropy).collect();
        assert!(largest_difference(&logprobs, &golden.logprobs) < 2e-5, "{model}");
        assert!(largest_difference(&entropies, &golden.entropies) < 2e-5, "{model}");
        assert!((golden.loss(&mut trainee, &weights) - golden.loss).abs() < 1e-4, "{model}");
        let gradients = golden.gradients(&mut trainee, &weights);
        assert_eq!(weights.views().len(), golden.gradients.len(), "{model}");
        for view in weights.views() {
            let expected = &golden.gradients[&view.name];
            let found = &gradients[view.range.clone()];
            let length = found.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
            assert!((length - expected.length).abs() < 1e-5 * expected.length, "{model}: {}: {length}", view.name);
            let kept: Vec<f32> = found.iter().copied().step_by(expected.every).collect();
            let difference = largest_difference(&kept, &expected.values);
            assert!(difference < 1e-5 * expected.largest, "{model}: {}: {difference} of {}", view.name, expected.largest);
        }
    }
}

/// In each tensor, the parameter with the largest slope, the one in the middle, and the direction of the gradient.
#[test]
fn gradients_are_those_of_finite_differences() {
    for model in MODELS {
        let (golden, mut weights, mut trainee) = setup(model);
        let gradients = golden.gradients(&mut trainee, &weights);
        for view in weights.views().to_vec() {
            let found = &gradients[view.range.clone()];
            let length = found.iter().map(|value| value * value).sum::<f32>().sqrt();
            assert!(length > 1e-3, "{model}: the gradient of {} has the length {length}", view.name);
            let largest = (0..found.len()).max_by(|a, b| found[*a].abs().total_cmp(&found[*b].abs())).unwrap();
            let one = |at: usize| (0..found.len()).map(|index| if index == at { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
            let along = found.iter().map(|value| value / length).collect();
            let start = weights.trainable()[view.range.clone()].to_vec();
            for direction in [one(largest), one(found.len() / 2), along] {
                let slope: f32 = direction.iter().zip(found).map(|(a, b)| a * b).sum();
                let mut moved = |by: f32| {
                    let place = &mut weights.trainable_mut()[view.range.clone()];
                    place.iter_mut().zip(start.iter().zip(&direction)).for_each(|(to, (from, step))| *to = from + by * step);
                    let loss = golden.loss(&mut trainee, &weights);
                    weights.trainable_mut()[view.range.clone()].copy_from_slice(&start);
                    loss
                };
                const STEP: f32 = 4e-3;
                // Five points: the error falls with the fourth power of the step, so that a step may be far above rounding.
                let near = moved(STEP) - moved(-STEP);
                let far = moved(2.0 * STEP) - moved(-2.0 * STEP);
                let expected = ((8.0 * near - far) / f64::from(12.0 * STEP)) as f32;
                let close = (slope - expected).abs() < 5e-3 * expected.abs() + 1e-3 * length + 2e-3;
                assert!(close, "{model}: {} has the slope {slope}, not {expected}", view.name);
            }
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (golden, weights, mut trainee) = setup("llama");
    let packed = golden.packed();
    let mut score = |packed: &PackedTokens, temperature: f32| trainee.score(&weights, packed, temperature).unwrap_err();
    assert!(matches!(score(&packed, 0.0), PassError::Temperature(_)));
    let mut outside = packed.clone();
    outside.tokens[3] = 304;
    assert_eq!(score(&outside, 1.0).to_string(), "token 304 at row 3: the vocabulary has 304");
    let mut outside = packed.clone();
    outside.targets[1].token = 400;
    assert_eq!(score(&outside, 1.0).to_string(), "token 400 at target 1: the vocabulary has 304");
    let mut later = packed.clone();
    later.segments[1].parent = Some(1);
    assert_eq!(score(&later, 1.0).to_string(), "packed tokens: segment 1 has the parent 1, which is no earlier one");
    let mut gap = packed.clone();
    gap.segments.pop();
    assert!(matches!(score(&gap, 1.0), PassError::Layout(_)));
    let mut behind = packed.clone();
    behind.targets[0].row = behind.tokens.len();
    assert!(matches!(score(&behind, 1.0), PassError::Layout(_)));
    let short = trainee.backward(&weights, &packed, 1.0, &|_, _| 0.0, &mut [0.0; 3]);
    assert!(matches!(short, Err(PassError::Weights(_))));
    let mut other = Trainee::new(checkpoint("qwen2").config(), TraineeOptions::default()).unwrap();
    assert!(matches!(other.score(&weights, &packed, 1.0), Err(PassError::Weights(_))));
}

#[test]
fn nothing_to_score_scores_nothing() {
    let (_, weights, mut trainee) = setup("qwen3");
    let mut gradients = vec![0.0; weights.trainable().len()];
    for packed in [PackedTokens::default(), PackedTokens { targets: Vec::new(), ..Golden::of("qwen3").packed() }] {
        assert!(trainee.score(&weights, &packed, 1.0).unwrap().is_empty());
        assert!(trainee.backward(&weights, &packed, 1.0, &|_, _| 1.0, &mut gradients).unwrap().is_empty());
        assert!(gradients.iter().all(|slope| *slope == 0.0));
    }
}
