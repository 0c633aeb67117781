//! Tokens -> hidden states -> logits: the decoder on candle tensors, to which the library's own decoder and its gradients are held.
//!
//! Llama, Qwen2 and Qwen3 as transformers computes them, in f32, whole sequences at once. Every operation carries gradients: candle's
//! own `softmax_last_dim`, `RmsNorm` and `rope` stop them without an error, so these are composed here.
//! Letters in shapes: B sequences, T tokens, H hidden size, V vocabulary, N query heads, K heads of keys and values, D head size.

use candle_core::{D, DType, Device, Tensor};

use rrm_nn::{
    checkpoint::{Checkpoint, CheckpointError},
    config::ModelConfig,
};

/// A decoder with its weights.
#[derive(Clone, Debug)]
pub struct Decoder {
    config: ModelConfig,
    embedding: Tensor,
    layers: Vec<Layer>,
    norm: Tensor,
    /// The output layer, `(V, H)`.
    output: Tensor,
    /// Angle per position, `(D / 2,)`, and the factor on cosines and sines.
    rotary: (Tensor, f64),
}

/// Why a decoder cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The checkpoint's files.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The tensor library, which names the operation and the shapes.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

#[derive(Clone, Debug)]
struct Layer {
    attention_norm: Tensor,
    query: Linear,
    key: Linear,
    value: Linear,
    attention_output: Linear,
    /// Norms of each head's queries and keys: Qwen3.
    head_norms: Option<(Tensor, Tensor)>,
    mlp_norm: Tensor,
    gate: Linear,
    up: Linear,
    down: Linear,
}

#[derive(Clone, Debug)]
struct Linear {
    /// `(out, in)`.
    weight: Tensor,
    /// `(out,)`.
    bias: Option<Tensor>,
}

/// What all layers of one pass share: cosines and sines `(T, D / 2)`, and the mask `(T, T)` that hides later tokens.
struct Pass {
    cos: Tensor,
    sin: Tensor,
    mask: Tensor,
}

impl Decoder {
    /// A decoder whose tensors come from `source`, by their names in checkpoints and their shapes, each asked for once. They are f32
    /// and on one device; they may be trainable variables.
    ///
    /// # Errors
    /// The first error of `source`.
    pub fn new<E: From<candle_core::Error>>(
        config: &ModelConfig,
        mut source: impl FnMut(&str, &[usize]) -> Result<Tensor, E>,
    ) -> Result<Decoder, E> {
        let mut tensors = std::collections::HashMap::new();
        for (name, shape) in config.tensors() {
            let tensor = source(&name, &shape)?;
            tensors.insert(name, tensor);
        }
        let mut take = |name: &str| tensors.remove(name);
        let mut must = |name: &str| take(name).ok_or_else(|| candle_core::Error::msg(format!("no tensor {name}")));
        let embedding = must("model.embed_tokens.weight")?;
        let norm = must("model.norm.weight")?;
        let output = if config.tie_word_embeddings { embedding.clone() } else { must("lm_head.weight")? };
        let layers = (0..config.num_hidden_layers).map(|index| Layer::new(&format!("model.layers.{index}"), &mut take));
        let layers = layers.collect::<Result<Vec<Layer>, candle_core::Error>>()?;
        let (angles, factor) = config.rotary();
        let angles: Vec<f32> = angles.into_iter().map(|angle| angle as f32).collect();
        let rotary = (Tensor::new(angles, embedding.device())?, factor);
        Ok(Decoder { config: config.clone(), embedding, layers, norm, output, rotary })
    }

    /// The decoder of a folder, with weights as constants.
    ///
    /// # Errors
    /// [`ModelError`] when a file cannot be read, or the device has no room.
    pub fn load(checkpoint: &Checkpoint, device: &Device) -> Result<Decoder, ModelError> {
        Decoder::new(checkpoint.config(), |name, shape| Ok(Tensor::from_vec(checkpoint.tensor(name, shape)?, shape, device)?))
    }

    /// Hidden states `(B, T, H)` of tokens `(B, T)`, of type u32, after the last norm. Positions count from 0, and no token depends
    /// on later ones: shorter sequences are filled up at their ends, with any tokens.
    ///
    /// # Errors
    /// When a token is outside the vocabulary, or the device has no room.
    pub fn forward(&self, tokens: &Tensor) -> candle_core::Result<Tensor> {
        let (batch, length) = tokens.dims2()?;
        let pass = self.pass(length, tokens.device())?;
        // (B, T, H)
        let mut hidden = self.embedding.index_select(&tokens.flatten_all()?, 0)?.reshape((batch, length, ()))?;
        for layer in &self.layers {
            let normed = rms_norm(&hidden, &layer.attention_norm, self.config.rms_norm_eps)?;
            hidden = (hidden + layer.attention(&normed, &self.config, &pass)?)?;
            let normed = rms_norm(&hidden, &layer.mlp_norm, self.config.rms_norm_eps)?;
            hidden = (hidden + layer.mlp(&normed)?)?;
        }
        rms_norm(&hidden, &self.norm, self.config.rms_norm_eps)
    }

    /// Logits `(B, T, V)` of the token after each, from hidden states `(B, T, H)`.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn logits(&self, hidden: &Tensor) -> candle_core::Result<Tensor> {
        product(hidden, &self.output)
    }

    fn pass(&self, length: usize, device: &Device) -> candle_core::Result<Pass> {
        let positions = Tensor::arange(0u32, length as u32, device)?.to_dtype(DType::F32)?;
        let (angles, factor) = &self.rotary;
        // (T, 1) x (1, D / 2)
        let angles = positions.unsqueeze(1)?.broadcast_mul(&angles.unsqueeze(0)?)?;
        let row = |query: usize| (0..length).map(move |key| if key > query { f32::NEG_INFINITY } else { 0.0 });
        let mask: Vec<f32> = (0..length).flat_map(row).collect();
        Ok(Pass {
            cos: (angles.cos()? * *factor)?,
            sin: (angles.sin()? * *factor)?,
            mask: Tensor::from_vec(mask, (length, length), device)?,
        })
    }
}

impl Layer {
    fn new(prefix: &str, take: &mut impl FnMut(&str) -> Option<Tensor>) -> candle_core::Result<Layer> {
        let norms = take(&format!("{prefix}.self_attn.q_norm.weight")).zip(take(&format!("{prefix}.self_attn.k_norm.weight")));
        let mut must = |name: &str| {
            let name = format!("{prefix}.{name}");
            take(&name).ok_or_else(|| candle_core::Error::msg(format!("no tensor {name}")))
        };
        let (attention_norm, mlp_norm) = (must("input_layernorm.weight")?, must("post_attention_layernorm.weight")?);
        let mut linear = |name: &str| {
            let weight = take(&format!("{prefix}.{name}.weight"));
            let weight = weight.ok_or_else(|| candle_core::Error::msg(format!("no tensor {prefix}.{name}.weight")))?;
            Ok::<_, candle_core::Error>(Linear { weight, bias: take(&format!("{prefix}.{name}.bias")) })
        };
        Ok(Layer {
            attention_norm,
            query: linear("self_attn.q_proj")?,
            key: linear("self_attn.k_proj")?,
            value: linear("self_attn.v_proj")?,
            attention_output: linear("self_attn.o_proj")?,
            head_norms: norms,
            mlp_norm,
            gate: linear("mlp.gate_proj")?,
            up: linear("mlp.up_proj")?,
            down: linear("mlp.down_proj")?,
        })
    }

    /// Causal attention with fewer heads of keys and values than of queries; `(B, T, H)` in and out.
    fn attention(&self, x: &Tensor, config: &ModelConfig, pass: &Pass) -> candle_core::Result<Tensor> {
        let (batch, length, _) = x.dims3()?;
        let (heads, kv_heads, width) = (config.num_attention_heads, config.num_key_value_heads, config.head_dim);
        let group = heads / kv_heads;
        let mut q = self.query.apply(x)?.reshape((batch, length, heads, width))?;
        let mut k = self.key.apply(x)?.reshape((batch, length, kv_heads, width))?;
        let v = self.value.apply(x)?.reshape((batch, length, kv_heads, width))?;
        if let Some((query_norm, key_norm)) = &self.head_norms {
            q = rms_norm(&q, query_norm, config.rms_norm_eps)?;
            k = rms_norm(&k, key_norm, config.rms_norm_eps)?;
        }
        // (B, N, T, D) and (B, K, T, D)
        let q = rope(&q.transpose(1, 2)?, pass)?;
        let k = rope(&k.transpose(1, 2)?, pass)?;
        // Query heads that share keys lie next to each other: (B K, N/K T, D) x (B K, D, T) -> (B K, N/K T, T)
        let q = (q * (1.0 / (width as f64).sqrt()))?.reshape((batch * kv_heads, group * length, width))?;
        let k = k.reshape((batch * kv_heads, length, width))?;
        let v = v.transpose(1, 2)?.contiguous()?.reshape((batch * kv_heads, length, width))?;
        let scores = q.matmul(&k.t()?.contiguous()?)?.reshape((batch * kv_heads, group, length, length))?;
        let shares = softmax(&scores.broadcast_add(&pass.mask)?)?.reshape((batch * kv_heads, group * length, length))?;
        // (B, N, T, D) -> (B, T, N D)
        let mixed = shares.matmul(&v)?.reshape((batch, heads, length, width))?;
        self.attention_output.apply(&mixed.transpose(1, 2)?.reshape((batch, length, heads * width))?)
    }

    /// SwiGLU; `(B, T, H)` in and out.
    fn mlp(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.down.apply(&(self.gate.apply(x)?.silu()? * self.up.apply(x)?)?)
    }
}

impl Linear {
    /// `(B, T, in)` -> `(B, T, out)`.
    fn apply(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let y = product(x, &self.weight)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}

/// `(B, T, in)` times `(out, in)` -> `(B, T, out)`, as one product of matrices.
fn product(x: &Tensor, weight: &Tensor) -> candle_core::Result<Tensor> {
    let (batch, length, width) = x.dims3()?;
    x.reshape((batch * length, width))?.matmul(&weight.t()?)?.reshape((batch, length, ()))
}

/// Divides the last dimension by its root mean square and multiplies it with `weight`.
fn rms_norm(x: &Tensor, weight: &Tensor, eps: f64) -> candle_core::Result<Tensor> {
    let root = (x.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?;
    x.broadcast_div(&root)?.broadcast_mul(weight)
}

/// Turns each pair (i, i + D/2) of a head by its position's angle; `(B, heads, T, D)` in and out.
fn rope(x: &Tensor, pass: &Pass) -> candle_core::Result<Tensor> {
    let half = x.dim(D::Minus1)? / 2;
    let (left, right) = (x.narrow(D::Minus1, 0, half)?, x.narrow(D::Minus1, half, half)?);
    let turned_left = (left.broadcast_mul(&pass.cos)? - right.broadcast_mul(&pass.sin)?)?;
    let turned_right = (right.broadcast_mul(&pass.cos)? + left.broadcast_mul(&pass.sin)?)?;
    Tensor::cat(&[turned_left, turned_right], D::Minus1)
}

/// Over the last dimension. The largest score cancels out, so it is a constant to gradients.
fn softmax(scores: &Tensor) -> candle_core::Result<Tensor> {
    let powers = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?.detach())?.exp()?;
    powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)
}
