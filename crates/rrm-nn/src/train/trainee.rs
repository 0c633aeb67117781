//! Packed tokens -> log-probabilities of their targets, and gradients of a loss.

use super::{
    layout::PackedTokens,
    pass::{
        forest::Forest,
        head::{self, BackwardOutput, OutputHead},
        heads::RotaryTable,
        layer::{self, LayerActivations, PassContext},
        machine::Machine,
        model,
        rows::{norm, norm_backward},
    },
    weights::TrainedWeights,
};
use crate::{config::ModelConfig, cpu::aligned::AlignedVec};

/// The forward and backward passes of one model shape on this machine.
pub struct Trainee {
    config: ModelConfig,
    options: TraineeOptions,
    machine: Machine,
    rotary: RotaryTable,
    memory: PassMemory,
}

/// Memory that passes reuse.
#[derive(Default)]
struct PassMemory {
    /// Hidden states `(R, H)`: the input of each layer, and the output of the last.
    hidden: Vec<AlignedVec<f32>>,
    /// The activations of each layer, or one entry for all if activations are computed again.
    saved: Vec<LayerActivations>,
    layer: layer::LayerScratch,
    head: head::HeadScratch,
    /// The result of the last norm, and its slopes; `(R, H)` each.
    normed: AlignedVec<f32>,
    normed_slopes: AlignedVec<f32>,
    /// Slopes of hidden states, `(R, H)`.
    slopes: AlignedVec<f32>,
}

/// Options of passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraineeOptions {
    /// Number of threads; `None` means all of the machine's.
    pub threads: Option<usize>,
    /// Whether only the inputs of layers are kept between the passes, and the rest is computed again: less memory, more time.
    pub checkpoint_activations: bool,
}

/// The log-probability of a target and the entropy of its distribution, under softmax(logits / temperature).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TargetScore {
    /// Natural logarithm of the target's probability.
    pub logprob: f32,
    /// Entropy of the distribution, in nats.
    pub entropy: f32,
}

/// The reason why a trainee cannot be made, or a pass failed.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The operating system refuses more threads.
    #[error("no threads: {0}")]
    Threads(#[source] std::io::Error),
    /// A token is outside of the vocabulary.
    #[error("token {token} at {place}: the vocabulary has {vocabulary}")]
    Token {
        /// The token.
        token: u32,
        /// The row or target.
        place: String,
        /// The size of the vocabulary.
        vocabulary: usize,
    },
    /// Segments or targets contradict each other.
    #[error("packed tokens: {0}")]
    Layout(String),
    /// The weights belong to another model, or the slice of gradients has another length.
    #[error("weights: {0}")]
    Weights(String),
    /// The temperature is not above 0.
    #[error("temperature {0} is not above 0")]
    Temperature(f32),
}

impl Trainee {
    /// Makes a trainee for models of one shape.
    ///
    /// # Errors
    /// When the operating system refuses more threads.
    pub fn new(config: &ModelConfig, options: TraineeOptions) -> Result<Self, PassError> {
        let threads = options.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let machine = Machine::new(threads.max(1)).map_err(PassError::Threads)?;
        Ok(Trainee { config: config.clone(), options, machine, rotary: RotaryTable::new(config), memory: PassMemory::default() })
    }

    /// Returns the scores of all targets in order. Keeps no activations.
    ///
    /// # Errors
    /// [`PassError`] when weights, tokens or temperature are invalid.
    pub fn score(
        &mut self,
        weights: &TrainedWeights,
        packed: &PackedTokens,
        temperature: f32,
    ) -> Result<Vec<TargetScore>, PassError> {
        let forest = self.check(weights, packed, temperature)?;
        if packed.targets.is_empty() {
            return Ok(Vec::new());
        }
        self.forward(weights, packed, &forest, false);
        Ok(self.head(weights, packed, temperature, None))
    }

    /// Like [`Trainee::score`], and adds d(loss)/d(trainable) to `gradients`; `slope(i, logprob of target i)` is d(loss)/d(logprob of target i).
    ///
    /// # Errors
    /// As [`Trainee::score`], and when the length of `gradients` is not that of the trained weights.
    pub fn backward(
        &mut self,
        weights: &TrainedWeights,
        packed: &PackedTokens,
        temperature: f32,
        slope: &(dyn Fn(usize, f32) -> f32 + Sync),
        gradients: &mut [f32],
    ) -> Result<Vec<TargetScore>, PassError> {
        if gradients.len() != weights.trainable().len() {
            let (found, wanted) = (gradients.len(), weights.trainable().len());
            return Err(PassError::Weights(format!("{wanted} numbers are trained, and there is room for {found} slopes")));
        }
        let forest = self.check(weights, packed, temperature)?;
        if packed.targets.is_empty() {
            return Ok(Vec::new());
        }
        self.forward(weights, packed, &forest, true);
        let scored = self.head(weights, packed, temperature, Some((slope, gradients)));
        let context = PassContext { config: &self.config, forest: &forest, rotary: &self.rotary };
        let PassMemory { hidden, saved, layer: scratch, slopes, .. } = &mut self.memory;
        let size = packed.tokens.len() * self.config.hidden_size;
        let slopes = &mut slopes[..size];
        for index in (0..self.config.num_hidden_layers).rev() {
            let layer = model::layer(weights, index);
            let (before, after) = hidden.split_at_mut(index + 1);
            let x = &before[index][..size];
            let saved = if self.options.checkpoint_activations {
                context.forward(&mut self.machine, (scratch, &mut saved[0]), &layer, x, &mut after[0][..size]);
                &mut saved[0]
            } else {
                &mut saved[index]
            };
            context.backward(&mut self.machine, (scratch, saved), &layer, x, (slopes, gradients));
        }
        if let Some(place) = weights.place("model.embed_tokens.weight") {
            let embedding = &mut gradients[place];
            for (slopes, token) in slopes.chunks_exact(self.config.hidden_size).zip(&packed.tokens) {
                let row = &mut embedding[*token as usize * self.config.hidden_size..][..self.config.hidden_size];
                row.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope);
            }
        }
        Ok(scored)
    }

    fn check(&self, weights: &TrainedWeights, packed: &PackedTokens, temperature: f32) -> Result<Forest, PassError> {
        if *weights.config() != self.config {
            return Err(PassError::Weights("they have another shape than the trainee".to_owned()));
        }
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(PassError::Temperature(temperature));
        }
        Forest::new(packed, &self.config)
    }

    /// Computes the hidden states after the last layer and the last norm. Activations for the backward pass are kept only if `kept`.
    fn forward(&mut self, weights: &TrainedWeights, packed: &PackedTokens, forest: &Forest, kept: bool) {
        let (layers, width) = (self.config.num_hidden_layers, self.config.hidden_size);
        let size = packed.tokens.len() * width;
        self.rotary.reach(forest);
        let PassMemory { hidden, saved, layer: scratch, normed, .. } = &mut self.memory;
        hidden.resize_with(layers + 1, AlignedVec::default);
        saved.resize_with(if self.options.checkpoint_activations { 1 } else { layers }, LayerActivations::default);
        let embedding = weights.tensor("model.embed_tokens.weight").unwrap_or_default();
        for (row, token) in hidden[0].at_least(size).chunks_exact_mut(width).zip(&packed.tokens) {
            row.copy_from_slice(&embedding[*token as usize * width..][..width]);
        }
        let context = PassContext { config: &self.config, forest, rotary: &self.rotary };
        for index in 0..layers {
            let number = if kept && !self.options.checkpoint_activations { index } else { 0 };
            // Without a backward pass, two buffers of hidden states alternate.
            let (from, to) = if kept { (index, index + 1) } else { (index % 2, (index + 1) % 2) };
            let [x, out] = hidden.get_disjoint_mut([from, to]).unwrap_or_else(|_| unreachable!("two different layers"));
            let layer = model::layer(weights, index);
            context.forward(&mut self.machine, (scratch, &mut saved[number]), &layer, &x[..size], out.at_least(size));
        }
        let last = &hidden[if kept { layers } else { layers % 2 }][..size];
        let weight = model::vector(weights, "model.norm.weight").weight;
        norm(&mut self.machine, last, weight, self.config.rms_norm_eps as f32, normed.at_least(size));
    }

    /// Scores all targets. With slopes and gradients it also computes the slopes of the hidden states after the last layer.
    fn head(
        &mut self,
        weights: &TrainedWeights,
        packed: &PackedTokens,
        temperature: f32,
        backward: Option<TargetSlopes<'_>>,
    ) -> Vec<TargetScore> {
        let hidden = self.config.hidden_size;
        let size = packed.tokens.len() * hidden;
        let name = if self.config.tie_word_embeddings { "model.embed_tokens.weight" } else { "lm_head.weight" };
        let head = OutputHead { weight: weights.tensor(name).unwrap_or_default(), hidden, temperature };
        let memory = &mut self.memory;
        let Some((slope, gradients)) = backward else {
            return head.run(&mut self.machine, &mut memory.head, &memory.normed[..size], &packed.targets, None);
        };
        let normed_slopes = memory.normed_slopes.at_least(size);
        normed_slopes.fill(0.0);
        let weight = weights.place(name).map(|place| &mut gradients[place]);
        let backward = BackwardOutput { slope, hidden: normed_slopes, weight };
        let scored = head.run(&mut self.machine, &mut memory.head, &memory.normed[..size], &packed.targets, Some(backward));
        let norm = model::vector(weights, "model.norm.weight");
        let slopes = memory.slopes.at_least(size);
        slopes.fill(0.0);
        let x = (&memory.hidden[self.config.num_hidden_layers][..size], norm.weight, self.config.rms_norm_eps as f32);
        norm_backward(&mut self.machine, x, &memory.normed_slopes[..size], slopes, norm.place.map(|place| &mut gradients[place]));
        scored
    }
}

/// The derivatives of the loss by target, and the slice of gradients.
type TargetSlopes<'a> = (&'a (dyn Fn(usize, f32) -> f32 + Sync), &'a mut [f32]);
