//! Weights, optimiser and gradients: gradients of packed tokens -> an optimiser step.

use std::{num::NonZero, path::Path, thread::available_parallelism};

use super::{
    TrainRunError,
    adamw::{self, AdamW, AdamWConfig, Moments},
    clip,
    config::TrainConfig,
    export,
    layout::PackedTokens,
    trainee::{TargetScore, Trainee, TraineeOptions},
    weights::TrainedWeights,
};

/// The file of the moments in a checkpoint's folder.
const MOMENTS: &str = "optimizer.safetensors";
/// PyTorch's names of AdamW's two moments, as suffixes of tensor names.
const KINDS: [&str; 2] = [".exp_avg", ".exp_avg_sq"];

/// The weights in training, with their optimiser.
pub(super) struct Learner {
    pub weights: TrainedWeights,
    trainee: Trainee,
    optimizer: AdamW,
    gradients: Vec<f32>,
    /// A copy of the trained weights before the first step, if the loss or a limit needs it. With adapters it is small, because the base is frozen.
    reference: Option<Vec<f32>>,
    /// Largest norm of the gradients; larger ones are scaled down.
    max_grad_norm: f64,
}

/// The result of an optimiser step.
pub(super) struct UpdateResult {
    /// Norm of the gradient before scaling.
    pub grad_norm: f64,
    /// Whether the weights were changed; they are not if the gradient is not finite.
    pub finite: bool,
}

impl Learner {
    /// Makes a learner of the weights before the first step.
    pub fn new(config: &TrainConfig, weights: TrainedWeights) -> Result<Self, TrainRunError> {
        let options = TraineeOptions { threads: config.threads, checkpoint_activations: config.gradient_checkpointing };
        let trainee = Trainee::new(weights.config(), options)?;
        let optimizer = &config.optimizer;
        let adamw = AdamWConfig {
            adam_beta1: optimizer.adam_beta1,
            adam_beta2: optimizer.adam_beta2,
            adam_epsilon: optimizer.adam_epsilon,
            weight_decay: optimizer.weight_decay,
        };
        let wants_reference = config.grpo.as_ref().is_some_and(|grpo| grpo.beta > 0.0 || grpo.max_kl.is_some());
        Ok(Learner {
            trainee,
            optimizer: AdamW {
                config: adamw,
                decayed: adamw::decayed(weights.views()),
                threads: config.threads.or_else(|| available_parallelism().ok().map(NonZero::get)).unwrap_or(1),
                moments: Moments::new(weights.trainable().len()),
            },
            gradients: vec![0.0; weights.trainable().len()],
            reference: wants_reference.then(|| weights.trainable().to_vec()),
            max_grad_norm: optimizer.max_grad_norm,
            weights,
        })
    }

    /// Whether there is a reference.
    pub fn has_reference(&self) -> bool {
        self.reference.is_some()
    }

    /// Returns log-probabilities under the current weights.
    pub fn score(&mut self, packed: &PackedTokens, temperature: f32) -> Result<Vec<TargetScore>, TrainRunError> {
        Ok(self.trainee.score(&self.weights, packed, temperature)?)
    }

    /// Returns log-probabilities under the reference; empty without one.
    pub fn score_reference(&mut self, packed: &PackedTokens, temperature: f32) -> Result<Vec<TargetScore>, TrainRunError> {
        let Some(reference) = &mut self.reference else { return Ok(Vec::new()) };
        reference.swap_with_slice(self.weights.trainable_mut());
        let scored = self.trainee.score(&self.weights, packed, temperature);
        reference.swap_with_slice(self.weights.trainable_mut());
        Ok(scored?)
    }

    /// Returns log-probabilities under the current weights, and adds the gradient. `slope` gives the derivative of the loss with respect to each of
    /// them.
    pub fn backward(
        &mut self,
        packed: &PackedTokens,
        temperature: f32,
        slope: &(dyn Fn(usize, f32) -> f32 + Sync),
    ) -> Result<Vec<TargetScore>, TrainRunError> {
        Ok(self.trainee.backward(&self.weights, packed, temperature, slope, &mut self.gradients)?)
    }

    /// Updates the weights with the accumulated gradients, and resets these.
    pub fn update(&mut self, learning_rate: f64) -> UpdateResult {
        let grad_norm = clip::clip(&mut self.gradients, self.max_grad_norm);
        let finite = grad_norm.is_finite();
        if finite {
            self.optimizer.step(self.weights.trainable_mut(), &self.gradients, learning_rate);
        }
        self.gradients.fill(0.0);
        UpdateResult { grad_norm, finite }
    }

    /// Writes the moments to a checkpoint's folder.
    pub fn save(&self, folder: &Path) -> Result<(), TrainRunError> {
        let Moments { first, second, .. } = &self.optimizer.moments;
        export::write_trained(&folder.join(MOMENTS), &self.weights, &[(KINDS[0], first), (KINDS[1], second)])
    }

    /// Restores weights and moments from a checkpoint's folder, which was saved after `updates` updates.
    pub fn restore(&mut self, folder: &Path, updates: u64) -> Result<(), TrainRunError> {
        let mut trained = vec![0.0; self.weights.trainable().len()];
        export::read_trained(&export::trained_file(folder, &self.weights), &self.weights, "", &mut trained)?;
        self.weights.trainable_mut().copy_from_slice(&trained);
        let Moments { steps, first, second } = &mut self.optimizer.moments;
        export::read_trained(&folder.join(MOMENTS), &self.weights, KINDS[0], first)?;
        export::read_trained(&folder.join(MOMENTS), &self.weights, KINDS[1], second)?;
        *steps = updates;
        Ok(())
    }
}
