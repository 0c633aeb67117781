//! Shape of a decoder -> the keys that tell it to llama.cpp (`llama-arch.cpp`, `load_hparams`).

use super::{MatrixType, file::MetadataValue};
use crate::config::{Architecture, ModelConfig, RopeScaling};

/// Returns keys and values, except those of the vocabulary.
///
/// # Errors
/// Names the property that no key can express.
pub(super) fn values(config: &ModelConfig, name: &str, matrices: MatrixType) -> Result<Vec<(String, MetadataValue)>, String> {
    let architecture = architecture(config);
    // Codes of `llama_ftype`.
    let file_type = match matrices {
        MatrixType::F32 => 0,
        MatrixType::F16 => 1,
        MatrixType::Q8_0 => 7,
    };
    let mut values = vec![
        ("general.architecture".to_owned(), MetadataValue::Text(architecture.to_owned())),
        ("general.type".to_owned(), MetadataValue::Text("model".to_owned())),
        ("general.name".to_owned(), MetadataValue::Text(name.to_owned())),
        ("general.file_type".to_owned(), MetadataValue::U32(file_type)),
    ];
    if matrices == MatrixType::Q8_0 {
        values.push(("general.quantization_version".to_owned(), MetadataValue::U32(2)));
    }
    let mut push = |key: &str, value| values.push((format!("{architecture}.{key}"), value));
    // Sizes are far below 2^32 (`ModelConfig::parse`).
    let sizes = [
        ("block_count", config.num_hidden_layers),
        ("context_length", config.max_position_embeddings),
        ("embedding_length", config.hidden_size),
        ("feed_forward_length", config.intermediate_size),
        ("attention.head_count", config.num_attention_heads),
        ("attention.head_count_kv", config.num_key_value_heads),
        ("attention.key_length", config.head_dim),
        ("attention.value_length", config.head_dim),
        ("rope.dimension_count", config.head_dim),
        ("vocab_size", config.vocab_size),
    ];
    for (key, size) in sizes {
        push(key, MetadataValue::U32(size as u32));
    }
    push("attention.layer_norm_rms_epsilon", MetadataValue::F32(config.rms_norm_eps as f32));
    push("rope.freq_base", MetadataValue::F32(config.rope_theta as f32));
    for (key, value) in scaling(&config.rope_scaling)? {
        push(key, value);
    }
    Ok(values)
}

fn architecture(config: &ModelConfig) -> &'static str {
    match config.architecture {
        Architecture::Llama => "llama",
        Architecture::Qwen2 => "qwen2",
        Architecture::Qwen3 => "qwen3",
    }
}

fn scaling(scaling: &RopeScaling) -> Result<Vec<(&'static str, MetadataValue)>, String> {
    let named = |name: &str, factor: f64| {
        vec![
            ("rope.scaling.type", MetadataValue::Text(name.to_owned())),
            ("rope.scaling.factor", MetadataValue::F32(factor as f32)),
        ]
    };
    match *scaling {
        // Llama 3's scaling is a tensor of its own.
        RopeScaling::None | RopeScaling::Llama3 { .. } => Ok(Vec::new()),
        RopeScaling::Linear { factor } => Ok(named("linear", factor)),
        RopeScaling::Yarn { factor, original_max_position_embeddings, beta_fast, beta_slow, attention_factor } => {
            if (beta_fast, beta_slow) != (32.0, 1.0) {
                return Err(format!(
                    "YaRN with beta_fast {beta_fast} and beta_slow {beta_slow}: llama.cpp has it with 32 and 1 only"
                ));
            }
            let original = original_max_position_embeddings;
            if original.fract() != 0.0 || original > f64::from(u32::MAX) {
                return Err(format!("original_max_position_embeddings is {original}, no whole number of tokens"));
            }
            let mut values = named("yarn", factor);
            values.push(("rope.scaling.original_context_length", MetadataValue::U32(original as u32)));
            if let Some(wanted) = attention_factor {
                // llama.cpp multiplies with YaRN's own factor, too.
                let own = if factor <= 1.0 { 1.0 } else { 0.1 * factor.ln() + 1.0 };
                values.push(("rope.scaling.attn_factor", MetadataValue::F32((wanted / own) as f32)));
            }
            Ok(values)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yarn_is_told_or_refused() {
        let yarn = |beta_fast, attention_factor| {
            let original_max_position_embeddings = 64.0;
            scaling(&RopeScaling::Yarn {
                factor: 8.0,
                original_max_position_embeddings,
                beta_fast,
                beta_slow: 1.0,
                attention_factor,
            })
        };
        assert_eq!(yarn(32.0, None).unwrap().len(), 3);
        let own = 0.1 * 8f64.ln() + 1.0;
        assert_eq!(yarn(32.0, Some(own)).unwrap()[3], ("rope.scaling.attn_factor", MetadataValue::F32(1.0)));
        assert!(yarn(16.0, None).unwrap_err().contains("beta_fast 16"));
    }
}
