//! `config.json` of a Hugging Face folder -> the shape of a decoder.

/// The shape of a decoder: everything that its arithmetic depends on besides the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// Which family of models.
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
    /// What is added to the mean square in RMS norms.
    pub rms_norm_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// How the rotary frequencies are stretched for long contexts.
    pub rope_scaling: RopeScaling,
    /// Whether the output layer is the embedding.
    pub tie_word_embeddings: bool,
    /// Whether queries, keys and values have a bias.
    pub qkv_bias: bool,
    /// Whether the attention's output layer has a bias.
    pub output_bias: bool,
    /// Whether the feed-forward layers have biases.
    pub mlp_bias: bool,
    /// Positions that the model was trained for.
    pub max_position_embeddings: usize,
}

/// Families of decoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Llama 2, 3 and what is built like it (SmolLM2, Mistral without a window).
    Llama,
    /// Qwen2 and Qwen2.5: biases on queries, keys and values.
    Qwen2,
    /// Qwen3: an RMS norm on each head's queries and keys.
    Qwen3,
}

/// How rotary frequencies are stretched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// All positions divided by `factor`.
    Linear {
        /// The divisor.
        factor: f64,
    },
    /// Llama 3's: long wavelengths divided by `factor`, short ones kept, a ramp between.
    Llama3 {
        /// The divisor.
        factor: f64,
        /// Wavelengths above `original_max_position_embeddings / low_freq_factor` are divided.
        low_freq_factor: f64,
        /// Wavelengths below `original_max_position_embeddings / high_freq_factor` are kept.
        high_freq_factor: f64,
        /// Positions before stretching.
        original_max_position_embeddings: f64,
    },
    /// YaRN (arXiv 2309.00071), as transformers computes it.
    Yarn {
        /// The divisor.
        factor: f64,
        /// Positions before stretching.
        original_max_position_embeddings: f64,
        /// Rotations above which a frequency is kept.
        beta_fast: f64,
        /// Rotations below which a frequency is divided.
        beta_slow: f64,
        /// Factor on cosines and sines; `None` takes 0.1 ln(factor) + 1.
        attention_factor: Option<f64>,
    },
}

impl ModelConfig {
    /// Angle per position of each pair of a head's dimensions, `(head_dim / 2,)`, and the factor on cosines and sines.
    pub fn rotary(&self) -> (Vec<f64>, f64) {
        let half = self.head_dim / 2;
        let plain = (0..half).map(|i| self.rope_theta.powf(-2.0 * i as f64 / self.head_dim as f64)).collect();
        (plain, 1.0)
    }
}
