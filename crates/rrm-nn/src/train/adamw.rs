//! Gradients -> new weights, by Adam with decoupled weight decay (AdamW, arXiv 1711.05101).
//!
//! Each operation is rounded where PyTorch's loop over tensors on a CPU with fused multiply-add rounds it. So weights and moments equal PyTorch's bit
//! for bit, except for about one rounding in half a billion.

use std::{ops::Range, thread};

use serde::{Deserialize, Serialize};

use super::weights::TensorView;

/// Hyperparameters of AdamW, by transformers' names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamWConfig {
    /// Decay rate of the mean of gradients.
    pub adam_beta1: f64,
    /// Decay rate of the mean of squared gradients.
    pub adam_beta2: f64,
    /// Constant that is added to the root of the mean of squares.
    pub adam_epsilon: f64,
    /// Weight decay: each step subtracts this share of a weight, times the learning rate. Which weights decay, see [`decayed`].
    pub weight_decay: f64,
}

impl Default for AdamWConfig {
    /// The defaults of transformers' `TrainingArguments`.
    fn default() -> Self {
        AdamWConfig { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, weight_decay: 0.0 }
    }
}

/// The whole state of AdamW between steps: a run that continues from it continues as if it had never stopped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// The number of steps taken.
    pub steps: u64,
    /// Running mean of gradients, one for each weight: PyTorch's `exp_avg`.
    pub first: Vec<f32>,
    /// Running mean of squared gradients: PyTorch's `exp_avg_sq`.
    pub second: Vec<f32>,
}

impl Moments {
    /// Makes the moments before the first step.
    pub fn new(weights: usize) -> Self {
        Moments { steps: 0, first: vec![0.0; weights], second: vec![0.0; weights] }
    }
}

/// The optimiser of a flat slice of weights.
#[derive(Clone, Debug)]
pub struct AdamW {
    /// The hyperparameters.
    pub config: AdamWConfig,
    /// Ranges of the weights that decay, in order and disjoint.
    pub decayed: Vec<Range<usize>>,
    /// Number of threads for a step. It changes no bit of the result.
    pub threads: usize,
    /// The state between steps.
    pub moments: Moments,
}

impl AdamW {
    /// Takes a step: moves the weights against their gradients.
    ///
    /// # Panics
    /// When the numbers of weights, gradients and moments differ.
    pub fn step(&mut self, weights: &mut [f32], gradients: &[f32], learning_rate: f64) {
        let Moments { steps, first, second } = &mut self.moments;
        let length = weights.len();
        assert_eq!(gradients.len(), length, "gradients of other weights");
        assert_eq!((first.len(), second.len()), (length, length), "moments of other weights");
        *steps += 1;
        let step = AdamWStep::new(&self.config, *steps, learning_rate);
        let share = length.div_ceil(self.threads.max(1)).max(LEAST_SHARE);
        let (decayed, step) = (&self.decayed, &step);
        thread::scope(|scope| {
            let states = first.chunks_mut(share).zip(second.chunks_mut(share));
            let parts = weights.chunks_mut(share).zip(gradients.chunks(share)).zip(states).enumerate();
            for (index, ((weights, gradients), (first, second))) in parts {
                let mut work = move || {
                    step.decay(decayed, index * share, weights);
                    step.adam(weights, gradients, first, second);
                };
                // The last share is computed on this thread.
                if (index + 1) * share >= length {
                    work();
                } else {
                    scope.spawn(work);
                }
            }
        });
    }
}

/// Returns the ranges of tensors with weight decay: all except biases and norms, as in transformers.
pub fn decayed(views: &[TensorView]) -> Vec<Range<usize>> {
    let spared = |view: &&TensorView| !(view.name.contains("bias") || view.name.contains("norm"));
    views.iter().filter(spared).map(|view| view.range.clone()).collect()
}

/// Fewest weights that are worth a thread.
const LEAST_SHARE: usize = 1 << 16;

/// The factors that all weights of a step share, rounded to f32 where PyTorch rounds them.
struct AdamWStep {
    keep: f32,
    toward: f32,
    beta2: f32,
    square: f32,
    correction: f32,
    epsilon: f32,
    size: f32,
}

impl AdamWStep {
    fn new(config: &AdamWConfig, steps: u64, learning_rate: f64) -> Self {
        let AdamWConfig { adam_beta1: beta1, adam_beta2: beta2, adam_epsilon, weight_decay } = *config;
        AdamWStep {
            keep: (1.0 - learning_rate * weight_decay) as f32,
            toward: (1.0 - beta1) as f32,
            beta2: beta2 as f32,
            square: (1.0 - beta2) as f32,
            correction: (1.0 - beta2.powf(steps as f64)).sqrt() as f32,
            epsilon: adam_epsilon as f32,
            size: -(learning_rate / (1.0 - beta1.powf(steps as f64))) as f32,
        }
    }

    /// Decays the weights of a share, which begins at `start`, that lie in `decayed`.
    fn decay(&self, decayed: &[Range<usize>], start: usize, weights: &mut [f32]) {
        let end = start + weights.len();
        for range in decayed.iter().filter(|range| self.keep != 1.0 && range.start < end && range.end > start) {
            let inside = range.start.max(start) - start..range.end.min(end) - start;
            weights[inside].iter_mut().for_each(|weight| *weight *= self.keep);
        }
    }

    fn adam(&self, weights: &mut [f32], gradients: &[f32], first: &mut [f32], second: &mut [f32]) {
        let parts = weights.iter_mut().zip(gradients).zip(first.iter_mut().zip(second));
        // PyTorch's `lerp` interpolates from the nearer end.
        let (toward, near) = if self.toward < 0.5 { (self.toward, true) } else { (self.toward - 1.0, false) };
        for ((weight, gradient), (first, second)) in parts {
            let distance = *gradient - *first;
            *first = fused(toward, distance, if near { *first } else { *gradient });
            *second = fused(self.square * *gradient, *gradient, *second * self.beta2);
            *weight += self.size * *first / (second.sqrt() / self.correction + self.epsilon);
        }
    }
}

/// Computes `a * b + c`, rounded once. On processors without the instruction, `mul_add` takes a hundred times as long. In f64 the product is exact,
/// and the sum is rounded so finely that the second rounding almost never differs.
fn fused(a: f32, b: f32, c: f32) -> f32 {
    (f64::from(a) * f64::from(b) + f64::from(c)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn optimizer(weights: usize, threads: usize) -> AdamW {
        let config = AdamWConfig { weight_decay: 0.1, ..AdamWConfig::default() };
        let decayed = vec![3..70_000, 100_001..weights - 1];
        AdamW { config, decayed, threads, moments: Moments::new(weights) }
    }

    #[test]
    fn threads_change_no_bit() {
        let length = 5 * LEAST_SHARE + 11;
        let start: Vec<f32> = (0..length).map(|i| ((i * 37 % 101) as f32 - 50.0) / 64.0).collect();
        let gradients: Vec<f32> = (0..length).map(|i| ((i * 53 % 97) as f32 - 48.0) / 512.0).collect();
        let run = |threads| {
            let (mut weights, mut optimizer) = (start.clone(), optimizer(length, threads));
            for _ in 0..3 {
                optimizer.step(&mut weights, &gradients, 1e-2);
            }
            (weights, optimizer.moments)
        };
        let one = run(1);
        assert!(run(2) == one && run(5) == one);
        assert!(one.0[2] != start[2], "a weight without decay moves too");
    }

    #[test]
    fn without_gradients_only_decay_moves_weights() {
        let length = 100_010;
        let (mut weights, mut optimizer) = (vec![1.0; length], optimizer(length, 2));
        optimizer.step(&mut weights, &vec![0.0; length], 0.5);
        let moved: Vec<usize> = (0..length).filter(|i| weights[*i] != 1.0).collect();
        assert_eq!(moved, (3..70_000).chain(100_001..length - 1).collect::<Vec<_>>());
        assert_eq!(weights[3], 0.95);
    }

    #[test]
    fn a_large_first_beta_of_0_follows_the_gradient_exactly() {
        let config = AdamWConfig { adam_beta1: 0.0, ..AdamWConfig::default() };
        let mut optimizer = AdamW { config, decayed: Vec::new(), threads: 1, moments: Moments::new(1) };
        let mut weights = [0.0];
        for gradient in [0.1, -7.3, 1e-6] {
            optimizer.step(&mut weights, &[gradient], 1e-3);
            assert_eq!(optimizer.moments.first, [gradient]);
        }
    }

    #[test]
    fn biases_and_norms_do_not_decay() {
        let names =
            ["model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.bias", "model.layers.0.input_layernorm.weight"];
        let names = names.into_iter().chain(["model.layers.0.self_attn.q_norm.weight", "model.norm.weight", "lm_head.weight"]);
        let view = |(i, name): (usize, &str)| TensorView { name: name.to_owned(), shape: vec![2], range: 2 * i..2 * i + 2 };
        assert_eq!(decayed(&names.enumerate().map(view).collect::<Vec<_>>()), [0..2, 10..12]);
    }
}
