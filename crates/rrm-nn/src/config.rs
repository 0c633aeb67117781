//! `config.json` of a Hugging Face folder -> the shape of a decoder.
//!
//! Models that the decoder cannot compute exactly as transformers does are refused. Absent fields have the defaults of transformers.

use serde_json::Value;

use fields::JsonFields;
pub use rope::RopeScaling;

mod fields;
mod rope;

/// Most rows of an embedding; the largest known vocabularies have 256 thousand.
const MAX_VOCABULARY: usize = 1 << 24;
/// Largest width of a layer; the largest known dense models have 53 thousand.
const MAX_WIDTH: usize = 1 << 20;
/// Most layers, most heads, and the widest head; known models stay below 200, 128 and 256.
const MAX_COUNT: usize = 1 << 12;
/// Most positions: they are `u32`, and the rotary table must have a reasonable size.
const MAX_POSITIONS: usize = 1 << 28;
/// Most parameters of a whole model.
const MAX_PARAMETERS: u64 = 1 << 42;

/// The shape of a decoder: everything besides the weights that its results depend on.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// The family of models.
    pub architecture: Architecture,
    /// Tokens in the vocabulary (rows of the embedding).
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width inside the feed-forward part.
    pub intermediate_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Heads of keys and values; divides the query heads.
    pub num_key_value_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// The constant that is added to the mean square in RMS norms.
    pub rms_norm_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// The scaling of the rotary frequencies for long contexts.
    pub rope_scaling: RopeScaling,
    /// Whether the output layer is the embedding.
    pub tie_word_embeddings: bool,
    /// Whether queries, keys and values have a bias.
    pub qkv_bias: bool,
    /// Whether the output layer of attention has a bias.
    pub output_bias: bool,
    /// Whether the feed-forward layers have biases.
    pub mlp_bias: bool,
    /// The number of positions that the model was trained for.
    pub max_position_embeddings: usize,
}

/// Families of decoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Llama 2 and 3, and models that declare this architecture (SmolLM2).
    Llama,
    /// Qwen2 and Qwen2.5: biases on queries, keys and values.
    Qwen2,
    /// Qwen3: an RMS norm on each head's queries and keys.
    Qwen3,
}

/// The reason why a `config.json` does not describe a decoder that this crate computes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelConfigError {
    /// The text is no JSON object.
    #[error("is no JSON object: {0}")]
    Json(String),
    /// A field is absent, has a value of the wrong kind, or asks for something that is not supported.
    #[error("`{field}` {what}")]
    Field {
        /// The field with its object, such as `rope_scaling.factor`.
        field: String,
        /// What is wrong with it.
        what: String,
    },
}

impl ModelConfig {
    /// Reads the bytes of a `config.json`.
    ///
    /// # Errors
    /// [`ModelConfigError`] names the field. After success every product of sizes fits a `u64`, and [`ModelConfig::parameters`] a `usize`.
    pub fn parse(json: &[u8]) -> Result<ModelConfig, ModelConfigError> {
        let root: Value = serde_json::from_slice(json).map_err(|error| ModelConfigError::Json(error.to_string()))?;
        let root = root.as_object().ok_or_else(|| ModelConfigError::Json("it is another kind of value".to_owned()))?;
        let fields = JsonFields { object: root, path: "" };
        let architecture = architecture(&fields)?;
        refuse_unsupported(&fields)?;
        let config = sizes(&fields, architecture)?;
        refuse_windows(&fields, config.num_hidden_layers)?;
        if config.parameters() > MAX_PARAMETERS {
            return Err(fields.error("hidden_size", "and the other sizes make more parameters than any model has"));
        }
        Ok(config)
    }

    /// The number of weights and biases.
    pub fn parameters(&self) -> u64 {
        let layer: u64 = self.layer_tensors().iter().map(|(_, shape)| elements(shape)).sum();
        let outer: u64 = self.outer_tensors().iter().map(|(_, shape)| elements(shape)).sum();
        outer + layer * self.num_hidden_layers as u64
    }

    /// Returns the name and shape of every tensor that the decoder reads, as transformers names them.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut tensors: Vec<_> = self.outer_tensors().into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect();
        for layer in 0..self.num_hidden_layers {
            tensors.extend(self.layer_tensors().into_iter().map(|(name, shape)| (format!("model.layers.{layer}.{name}"), shape)));
        }
        tensors
    }

    /// Returns the angle per position of each pair of a head's dimensions, `(head_dim / 2,)`, and the factor on cosines and sines.
    pub fn rotary(&self) -> (Vec<f64>, f64) {
        rope::frequencies(self.rope_theta, self.head_dim, &self.rope_scaling)
    }

    fn outer_tensors(&self) -> Vec<(&'static str, Vec<usize>)> {
        let mut tensors = vec![
            ("model.embed_tokens.weight", vec![self.vocab_size, self.hidden_size]),
            ("model.norm.weight", vec![self.hidden_size]),
        ];
        if !self.tie_word_embeddings {
            tensors.push(("lm_head.weight", vec![self.vocab_size, self.hidden_size]));
        }
        tensors
    }

    fn layer_tensors(&self) -> Vec<(&'static str, Vec<usize>)> {
        let (hidden, inner) = (self.hidden_size, self.intermediate_size);
        let (queries, keys) = (self.num_attention_heads * self.head_dim, self.num_key_value_heads * self.head_dim);
        let mut tensors = vec![
            ("input_layernorm.weight", vec![hidden]),
            ("self_attn.q_proj.weight", vec![queries, hidden]),
            ("self_attn.k_proj.weight", vec![keys, hidden]),
            ("self_attn.v_proj.weight", vec![keys, hidden]),
            ("self_attn.o_proj.weight", vec![hidden, queries]),
            ("post_attention_layernorm.weight", vec![hidden]),
            ("mlp.gate_proj.weight", vec![inner, hidden]),
            ("mlp.up_proj.weight", vec![inner, hidden]),
            ("mlp.down_proj.weight", vec![hidden, inner]),
        ];
        if self.qkv_bias {
            tensors.push(("self_attn.q_proj.bias", vec![queries]));
            tensors.push(("self_attn.k_proj.bias", vec![keys]));
            tensors.push(("self_attn.v_proj.bias", vec![keys]));
        }
        if self.output_bias {
            tensors.push(("self_attn.o_proj.bias", vec![hidden]));
        }
        if self.mlp_bias {
            tensors.push(("mlp.gate_proj.bias", vec![inner]));
            tensors.push(("mlp.up_proj.bias", vec![inner]));
            tensors.push(("mlp.down_proj.bias", vec![hidden]));
        }
        if self.architecture == Architecture::Qwen3 {
            tensors.push(("self_attn.q_norm.weight", vec![self.head_dim]));
            tensors.push(("self_attn.k_norm.weight", vec![self.head_dim]));
        }
        tensors
    }
}

/// The number of elements of a shape. There are at most two dimensions of at most 2^24 each, so it does not overflow.
fn elements(shape: &[usize]) -> u64 {
    shape.iter().map(|extent| *extent as u64).product()
}

fn architecture(fields: &JsonFields<'_>) -> Result<Architecture, ModelConfigError> {
    match fields.text("model_type")? {
        Some("llama") => Ok(Architecture::Llama),
        Some("qwen2") => Ok(Architecture::Qwen2),
        Some("qwen3") => Ok(Architecture::Qwen3),
        Some(other) => Err(fields.error("model_type", &format!("is {other:?}: only llama, qwen2 and qwen3 are supported"))),
        None => Err(fields.error("model_type", "is absent")),
    }
}

fn refuse_unsupported(fields: &JsonFields<'_>) -> Result<(), ModelConfigError> {
    if fields.get("quantization_config").is_some() {
        return Err(fields.error("quantization_config", "is set: quantised weights are not supported, only f32, f16 and bf16"));
    }
    for field in ["num_experts", "num_local_experts"] {
        if fields.get(field).is_some() {
            return Err(fields.error(field, "is set: mixtures of experts are not supported"));
        }
    }
    if let Some(other) = fields.text("hidden_act")?.filter(|name| *name != "silu") {
        return Err(fields.error("hidden_act", &format!("is {other:?}: only silu is supported")));
    }
    let classes = fields.get("architectures").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let writes = |class: &Value| class.as_str().is_some_and(|name| name.ends_with("ForCausalLM"));
    if !classes.is_empty() && !classes.iter().any(writes) {
        return Err(fields.error("architectures", "names no class that ends with ForCausalLM: such a model writes no text"));
    }
    Ok(())
}

/// Refuses sliding windows that some layer uses. Qwen's configurations name a window that no layer uses.
fn refuse_windows(fields: &JsonFields<'_>, layers: usize) -> Result<(), ModelConfigError> {
    let full = |kind: &Value| kind.as_str() == Some("full_attention");
    if let Some(kinds) = fields.get("layer_types") {
        if !kinds.as_array().is_some_and(|kinds| kinds.iter().all(full)) {
            return Err(fields.error("layer_types", "names a layer without full attention, which is not supported"));
        }
        return Ok(());
    }
    let first = fields.size("max_window_layers", Some(28), usize::MAX)?;
    let qwen = fields.get("use_sliding_window").is_some() || fields.get("max_window_layers").is_some();
    let used = if qwen { fields.flag("use_sliding_window")? && first < layers } else { true };
    if used && fields.get("sliding_window").is_some() {
        return Err(fields.error("sliding_window", "is used, which is not supported"));
    }
    Ok(())
}

fn sizes(fields: &JsonFields<'_>, architecture: Architecture) -> Result<ModelConfig, ModelConfigError> {
    let llama = architecture == Architecture::Llama;
    let hidden_size = fields.size("hidden_size", None, MAX_WIDTH)?;
    let heads = fields.size("num_attention_heads", None, MAX_COUNT)?;
    let absent_kv = if llama || fields.is_null("num_key_value_heads") { heads } else { 32 };
    let kv_heads = fields.size("num_key_value_heads", Some(absent_kv), MAX_COUNT)?;
    if !heads.is_multiple_of(kv_heads) {
        return Err(fields.error("num_key_value_heads", &format!("is {kv_heads}, which does not divide {heads} query heads")));
    }
    let max_position_embeddings =
        fields.size("max_position_embeddings", Some(if llama { 2048 } else { 32768 }), MAX_POSITIONS)?;
    let (rope_theta, rope_scaling) = rope::parse(fields, max_position_embeddings)?;
    let rms_norm_eps = fields.number("rms_norm_eps")?.unwrap_or(1e-6);
    if !(0.0..1.0).contains(&rms_norm_eps) {
        return Err(fields.error("rms_norm_eps", &format!("is {rms_norm_eps}, which is not between 0 and 1")));
    }
    let attention_bias = fields.flag("attention_bias")?;
    Ok(ModelConfig {
        architecture,
        vocab_size: fields.size("vocab_size", None, MAX_VOCABULARY)?,
        hidden_size,
        intermediate_size: fields.size("intermediate_size", None, MAX_WIDTH)?,
        num_hidden_layers: fields.size("num_hidden_layers", None, MAX_COUNT)?,
        num_attention_heads: heads,
        num_key_value_heads: kv_heads,
        head_dim: head_dim(fields, architecture, hidden_size, heads)?,
        rms_norm_eps,
        rope_theta,
        rope_scaling,
        tie_word_embeddings: fields.flag("tie_word_embeddings")?,
        // In Qwen2, queries, keys and values have a bias whatever the file says; in the others `attention_bias` covers all four layers.
        qkv_bias: architecture == Architecture::Qwen2 || attention_bias,
        output_bias: architecture != Architecture::Qwen2 && attention_bias,
        mlp_bias: llama && fields.flag("mlp_bias")?,
        max_position_embeddings,
    })
}

fn head_dim(fields: &JsonFields<'_>, architecture: Architecture, hidden: usize, heads: usize) -> Result<usize, ModelConfigError> {
    let absent = match (architecture, hidden.is_multiple_of(heads)) {
        (Architecture::Qwen3, _) => Some(128),
        (_, true) => Some(hidden / heads),
        (_, false) => None,
    };
    let head_dim = fields.size("head_dim", absent, MAX_COUNT)?;
    if head_dim.is_multiple_of(2) {
        return Ok(head_dim);
    }
    Err(fields.error("head_dim", &format!("is {head_dim}: rotary embeddings turn pairs, so it has to be even")))
}

#[cfg(test)]
mod tests;
