//! The parameters of a model as one flat slice, or a frozen base and a flat slice of adapters.

use std::{borrow::Cow, collections::HashMap, f64::consts::TAU, ops::Range};

use super::lora::{self, LoraConfig, MODULES};
use crate::{
    checkpoint::{Checkpoint, CheckpointError},
    config::ModelConfig,
};

/// The parameters of a model, in the order of [`ModelConfig::tensors`]. With LoRA there are a frozen base and adapters, and only the adapters are
/// trained.
#[derive(Clone, Debug)]
pub struct TrainedWeights {
    config: ModelConfig,
    /// Range of each tensor in `base`, or in `trained` if there is no base.
    places: HashMap<String, Range<usize>>,
    /// Frozen parameters; empty without LoRA.
    base: Vec<f32>,
    lora: Option<LoraConfig>,
    /// Tensor of the base -> ranges of its A and B in `trained`.
    adapters: HashMap<String, (Range<usize>, Range<usize>)>,
    trained: Vec<f32>,
    views: Vec<TensorView>,
}

/// The place of a trained tensor in the flat slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorView {
    /// Its name in checkpoints: transformers' name, and for adapters PEFT's.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its range in the flat slice.
    pub range: Range<usize>,
}

/// The standard deviations of random weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InitStd {
    /// Standard deviation of matrices; transformers' `initializer_range`.
    pub std: f32,
    /// Standard deviation of the embedding. A small model with an untied head learns arithmetic only from a large one.
    pub embedding_std: f32,
}

impl Default for InitStd {
    /// transformers' default `initializer_range` for all matrices.
    fn default() -> Self {
        InitStd { std: 0.02, embedding_std: 0.02 }
    }
}

/// An adapter of one matrix.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// Range of A `(r, in)` in the trained slice.
    pub a: Range<usize>,
    /// Range of B `(out, r)` in the trained slice.
    pub b: Range<usize>,
    /// Rank.
    pub r: usize,
    /// The factor on B A.
    pub scaling: f32,
}

/// The reason why weights cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The checkpoint's files cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The rank is 0.
    #[error("`r` is 0: adapters have at least rank 1")]
    Rank,
    /// A target module is not a linear layer, or none is given.
    #[error("`target_modules` holds {module:?}: adapters are for {}", MODULES.join(", "))]
    Module {
        /// The name.
        module: String,
    },
}

impl TrainedWeights {
    /// Loads the weights of a folder. With LoRA they are frozen, and adapters are drawn by `seed`: A is uniform within +-1/sqrt(in), and B is zero.
    ///
    /// # Errors
    /// [`WeightsError`] when a file cannot be read or the adapters' settings are invalid.
    pub fn load(checkpoint: &Checkpoint, lora: Option<&LoraConfig>, seed: u64) -> Result<Self, WeightsError> {
        let config = checkpoint.config();
        let mut flat = Vec::with_capacity(config.parameters() as usize);
        for (name, shape) in config.tensors() {
            flat.extend(checkpoint.tensor(&name, &shape)?);
        }
        let weights = TrainedWeights::all_trained(config, flat);
        match lora {
            Some(lora) => weights.with_adapters(lora, seed),
            None => Ok(weights),
        }
    }

    /// Draws random weights: matrices are normal with mean 0, norms 1, biases 0. A tensor depends only on `seed` and its name.
    pub fn random(config: &ModelConfig, init: &InitStd, seed: u64) -> Self {
        let mut flat = Vec::with_capacity(config.parameters() as usize);
        for (name, shape) in config.tensors() {
            let length = shape.iter().product::<usize>();
            match name.as_str() {
                name if name.ends_with("norm.weight") || name.ends_with("layernorm.weight") => {
                    flat.resize(flat.len() + length, 1.0);
                }
                name if name.ends_with(".bias") => flat.resize(flat.len() + length, 0.0),
                name => {
                    let std = if name == "model.embed_tokens.weight" { init.embedding_std } else { init.std };
                    let mut draws = TensorRandom::new(seed, name);
                    flat.extend((0..length).map(|_| draws.normal() * std));
                }
            }
        }
        TrainedWeights::all_trained(config, flat)
    }

    /// The shape of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The adapters' settings, if there are adapters.
    pub fn lora(&self) -> Option<&LoraConfig> {
        self.lora.as_ref()
    }

    /// The trained parameters.
    pub fn trainable(&self) -> &[f32] {
        &self.trained
    }

    /// The trained parameters, mutable.
    pub fn trainable_mut(&mut self) -> &mut [f32] {
        &mut self.trained
    }

    /// Name, shape and range of every trained tensor.
    pub fn views(&self) -> &[TensorView] {
        &self.views
    }

    /// Returns a tensor of the model without its adapter; `None` if the model has no such tensor.
    pub fn tensor(&self, name: &str) -> Option<&[f32]> {
        let all = if self.lora.is_some() { &self.base } else { &self.trained };
        self.places.get(name).map(|range| &all[range.clone()])
    }

    /// Returns the range of a tensor's gradient in the flat slice; `None` if the tensor is frozen or absent.
    pub fn place(&self, name: &str) -> Option<Range<usize>> {
        if self.lora.is_some() { None } else { self.places.get(name).cloned() }
    }

    /// Returns the adapter of a tensor of the model; `None` if it has none.
    pub fn adapter(&self, name: &str) -> Option<Adapter> {
        let (lora, (a, b)) = self.lora.as_ref().zip(self.adapters.get(name))?;
        Some(Adapter { a: a.clone(), b: b.clone(), r: lora.r, scaling: lora.scaling() })
    }

    /// Returns the effective weight of a tensor, with its adapter merged in; empty if the model has no such tensor.
    pub fn merged(&self, name: &str) -> Cow<'_, [f32]> {
        let weight = self.tensor(name).unwrap_or_default();
        let Some(Adapter { a, b, r, scaling }) = self.adapter(name) else { return Cow::Borrowed(weight) };
        let mut weight = weight.to_vec();
        lora::merge(&mut weight, &self.trained[a], &self.trained[b], r, scaling);
        Cow::Owned(weight)
    }

    fn all_trained(config: &ModelConfig, flat: Vec<f32>) -> Self {
        let views = views(config.tensors());
        TrainedWeights {
            config: config.clone(),
            places: views.iter().map(|view| (view.name.clone(), view.range.clone())).collect(),
            base: Vec::new(),
            lora: None,
            adapters: HashMap::new(),
            trained: flat,
            views,
        }
    }

    /// Freezes the weights and adds new adapters, drawn as in [`TrainedWeights::load`], which change nothing yet.
    ///
    /// # Errors
    /// When the adapters' settings are invalid.
    pub fn with_adapters(self, lora: &LoraConfig, seed: u64) -> Result<Self, WeightsError> {
        if lora.r == 0 {
            return Err(WeightsError::Rank);
        }
        let unknown = lora.target_modules.iter().find(|module| !MODULES.contains(&module.as_str()));
        if let Some(module) = unknown.cloned().or_else(|| lora.target_modules.is_empty().then(String::new)) {
            return Err(WeightsError::Module { module });
        }
        let adapted: Vec<_> = self.config.tensors().into_iter().filter(|(name, _)| lora.module(name).is_some()).collect();
        let views = views(adapted.iter().flat_map(|(name, shape)| {
            let module = name.trim_end_matches(".weight");
            let name = |which: &str| format!("base_model.model.{module}.lora_{which}.weight");
            [(name("A"), vec![lora.r, shape[1]]), (name("B"), vec![shape[0], lora.r])]
        }));
        let mut trained = Vec::new();
        for view in &views {
            if view.name.ends_with(".lora_A.weight") {
                let mut draws = TensorRandom::new(seed, &view.name);
                // PEFT draws A as `torch.nn.Linear` draws its weight: kaiming_uniform with a = sqrt(5) is uniform within 1 / sqrt(in).
                let bound = 1.0 / (view.shape[1] as f32).sqrt();
                trained.extend(view.range.clone().map(|_| (2.0 * draws.uniform() as f32 - 1.0) * bound));
            } else {
                trained.resize(view.range.end, 0.0);
            }
        }
        let pair = |pair: &[TensorView]| (pair[0].range.clone(), pair[1].range.clone());
        let adapters = adapted.into_iter().map(|(name, _)| name).zip(views.chunks_exact(2).map(pair)).collect();
        Ok(TrainedWeights { base: self.trained, lora: Some(lora.clone()), adapters, trained, views, ..self })
    }
}

/// Places tensors one after the other.
fn views(tensors: impl IntoIterator<Item = (String, Vec<usize>)>) -> Vec<TensorView> {
    let mut end = 0;
    let view = |(name, shape): (String, Vec<usize>)| {
        let start = end;
        end += shape.iter().product::<usize>();
        TensorView { name, shape, range: start..end }
    };
    tensors.into_iter().map(view).collect()
}

/// The random generator of one tensor: SplitMix64 from a hash of seed and name.
struct TensorRandom {
    state: u64,
    /// The second of a pair of normal values.
    spare: Option<f32>,
}

impl TensorRandom {
    fn new(seed: u64, name: &str) -> Self {
        let hash = blake3::Hasher::new().update(&seed.to_le_bytes()).update(name.as_bytes()).finalize();
        let mut state = [0; 8];
        state.copy_from_slice(&hash.as_bytes()[..8]);
        TensorRandom { state: u64::from_le_bytes(state), spare: None }
    }

    /// Returns a number of at least 0 and below 1.
    fn uniform(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Returns a normal number with deviation 1, by Box and Muller.
    fn normal(&mut self) -> f32 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sin, cos) = (TAU * self.uniform()).sin_cos();
        self.spare = Some((radius * sin) as f32);
        (radius * cos) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> ModelConfig {
        let json =
            br#"{"model_type": "qwen2", "vocab_size": 50, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2}"#;
        ModelConfig::parse(json).unwrap()
    }

    #[test]
    fn random_weights_have_the_deviation_that_was_asked_for() {
        let init = InitStd { std: 0.1, embedding_std: 2.0 };
        let weights = TrainedWeights::random(&config(), &init, 1);
        let deviation = |name: &str| {
            let values = weights.tensor(name).unwrap();
            (values.iter().map(|value| value * value).sum::<f32>() / values.len() as f32).sqrt()
        };
        assert!((deviation("model.embed_tokens.weight") - 2.0).abs() < 0.1);
        assert!((deviation("model.layers.1.mlp.up_proj.weight") - 0.1).abs() < 0.01);
        assert_eq!(deviation("model.layers.1.input_layernorm.weight"), 1.0);
        assert_eq!(deviation("model.layers.1.self_attn.q_proj.bias"), 0.0);
        assert_eq!(weights.trainable(), TrainedWeights::random(&config(), &init, 1).trainable());
        assert_ne!(weights.trainable(), TrainedWeights::random(&config(), &init, 2).trainable());
        assert_eq!(weights.trainable().len() as u64, config().parameters());
    }

    #[test]
    fn adapters_start_without_effect_and_are_merged_where_they_belong() {
        let plain = TrainedWeights::random(&config(), &InitStd::default(), 1);
        let lora = LoraConfig { r: 3, lora_alpha: 6.0, target_modules: vec!["v_proj".to_owned()] };
        let mut weights = plain.clone().with_adapters(&lora, 5).unwrap();
        let name = "model.layers.1.self_attn.v_proj.weight";
        assert_eq!(weights.merged(name), plain.merged(name));
        assert_eq!(weights.views().len(), 4);
        assert_eq!(weights.views()[2].name, "base_model.model.model.layers.1.self_attn.v_proj.lora_A.weight");
        let (a, b) = (weights.views()[2].clone(), weights.views()[3].clone());
        assert_eq!((a.shape, b.shape), (vec![3, 32], vec![16, 3]));
        weights.trainable_mut()[b.range.start + 3] = 0.5;
        let expected = plain.tensor(name).unwrap()[32] + 2.0 * 0.5 * weights.trainable()[a.range.start];
        assert!((weights.merged(name)[32] - expected).abs() < 1e-6);
        assert_eq!(weights.merged(name)[..32], plain.merged(name)[..32]);
        assert!(weights.place(name).is_none() && plain.place(name).is_some());
    }

    #[test]
    fn settings_without_sense_are_refused() {
        let weights = || TrainedWeights::random(&config(), &InitStd::default(), 1);
        let lora = |r, module: &str| LoraConfig { r, lora_alpha: 1.0, target_modules: vec![module.to_owned()] };
        assert!(matches!(weights().with_adapters(&lora(0, "q_proj"), 0), Err(WeightsError::Rank)));
        assert!(matches!(weights().with_adapters(&lora(1, "lm_head"), 0), Err(WeightsError::Module { .. })));
    }
}
