//! Packed tokens -> log-probabilities of their targets, and gradients of a loss in them.

use candle_core::{D, Device, Tensor, Var};

use super::{
    layout::Packed,
    weights::{Adapter, Weights},
};
use crate::{config::ModelConfig, model::Decoder};

/// Forward and backward passes on this machine's threads.
#[derive(Debug)]
pub struct Trainee {
    config: ModelConfig,
}

/// How passes use the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraineeOptions {
    /// Threads that compute; `None` takes all of the machine's.
    pub threads: Option<usize>,
    /// Whether only the inputs of layers are kept between the passes, and the rest is computed again: less memory, more time.
    pub checkpoint_activations: bool,
}

/// A target under the distribution softmax(logits / temperature).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// Entropy of the distribution, in nats.
    pub entropy: f32,
}

/// Why there is no trainee, or no pass.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The system gives no threads.
    #[error("no threads: {0}")]
    Threads(#[source] std::io::Error),
    /// A token outside of the vocabulary.
    #[error("token {token} at {place}: the vocabulary has {vocabulary}")]
    Token {
        /// The token.
        token: u32,
        /// Row or target.
        place: String,
        /// Tokens that there are.
        vocabulary: usize,
    },
    /// Segments or targets contradict each other.
    #[error("packed tokens: {0}")]
    Layout(String),
    /// The weights are another model's, or the slice of gradients has another length.
    #[error("weights: {0}")]
    Weights(String),
    /// The temperature divides logits.
    #[error("temperature {0} is not above 0")]
    Temperature(f32),
    /// The tensor library.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

impl Trainee {
    /// A trainee for models of one shape.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(config: &ModelConfig, options: TraineeOptions) -> Result<Self, PassError> {
        let _ = options;
        Ok(Trainee { config: config.clone() })
    }

    /// One for each target, in their order. Keeps nothing.
    ///
    /// # Errors
    /// [`PassError`] when weights, tokens or temperature make no sense.
    pub fn score(&mut self, weights: &Weights, packed: &Packed, temperature: f32) -> Result<Vec<Scored>, PassError> {
        let mut unused = vec![0.0; weights.trainable().len()];
        self.backward(weights, packed, temperature, &|_, _| 0.0, &mut unused)
    }

    /// The same, and adds d(loss)/d(trainable) to `gradients`; `slope(i, logprob of target i)` is d(loss)/d(logprob of target i).
    ///
    /// # Errors
    /// As [`Trainee::score`], and when `gradients` has another length than what is trained.
    pub fn backward(
        &mut self,
        weights: &Weights,
        packed: &Packed,
        temperature: f32,
        slope: &(dyn Fn(usize, f32) -> f32 + Sync),
        gradients: &mut [f32],
    ) -> Result<Vec<Scored>, PassError> {
        let mut variables = Vec::new();
        for view in weights.views() {
            variables.push(Var::from_slice(&weights.trainable()[view.range.clone()], view.shape.clone(), &Device::Cpu)?);
        }
        let find = |range: &std::ops::Range<usize>| {
            let index = weights.views().iter().position(|view| view.range == *range);
            index.map(|index| variables[index].as_tensor().clone()).ok_or_else(|| candle_core::Error::msg("no view"))
        };
        let decoder = Decoder::new(&self.config, |name, shape| {
            if let Some(range) = weights.place(name) {
                return find(&range);
            }
            let base = Tensor::from_slice(weights.tensor(name).unwrap_or_default(), shape, &Device::Cpu)?;
            let Some(Adapter { a, b, scaling, .. }) = weights.adapter(name) else { return Ok(base) };
            base + (find(&b)?.matmul(&find(&a)?)? * f64::from(scaling))?
        })?;
        let mut all = vec![Scored { logprob: 0.0, entropy: 0.0 }; packed.targets.len()];
        for (index, segment) in packed.segments.iter().enumerate() {
            let inside = |(_, target): &(usize, &super::layout::Target)| segment.rows.contains(&target.row);
            let targets: Vec<_> = packed.targets.iter().enumerate().filter(inside).collect();
            if targets.is_empty() {
                continue;
            }
            let before = packed.ancestors(index);
            let skipped = before.iter().map(ExactSizeIterator::len).sum::<usize>();
            let rows = before.into_iter().chain([segment.rows.clone()]);
            let tokens: Vec<u32> = rows.flat_map(|rows| packed.tokens[rows].to_vec()).collect();
            let input = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
            let logits = (decoder.logits(&decoder.forward(&input)?)?.squeeze(0)? / f64::from(temperature))?;
            let position = |target: &super::layout::Target| (skipped + target.row - segment.rows.start) as u32;
            let rows: Vec<u32> = targets.iter().map(|(_, target)| position(target)).collect();
            let wanted: Vec<u32> = targets.iter().map(|(_, target)| target.token).collect();
            // (targets, V)
            let logits = logits.index_select(&Tensor::new(rows, &Device::Cpu)?, 0)?;
            let logits = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?.detach())?;
            let logprobs = logits.broadcast_sub(&logits.exp()?.sum_keepdim(D::Minus1)?.log()?)?;
            let chosen = logprobs.gather(&Tensor::new(wanted, &Device::Cpu)?.unsqueeze(1)?, 1)?.squeeze(1)?;
            let entropy = (logprobs.exp()? * &logprobs)?.sum(D::Minus1)?.neg()?.to_vec1::<f32>()?;
            let values = chosen.to_vec1::<f32>()?;
            for (at, (index, _)) in targets.iter().enumerate() {
                all[*index] = Scored { logprob: values[at], entropy: entropy[at] };
            }
            let slopes: Vec<f32> = targets.iter().zip(&values).map(|((index, _), value)| slope(*index, *value)).collect();
            let found = (chosen * Tensor::new(slopes, &Device::Cpu)?)?.sum_all()?.backward()?;
            for (view, variable) in weights.views().iter().zip(&variables) {
                if let Some(gradient) = found.get(variable) {
                    let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
                    gradients[view.range.clone()].iter_mut().zip(gradient).for_each(|(sum, value)| *sum += value);
                }
            }
        }
        Ok(all)
    }
}
