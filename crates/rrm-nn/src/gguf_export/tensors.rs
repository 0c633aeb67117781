//! Shape of a decoder -> the tensors of its GGUF file: names, types, and the order in which their rows are written.

use super::{MatrixType, encode::BLOCK};
use crate::config::{Architecture, ModelConfig, RopeScaling};

/// The parts of a layer: their names in a folder, and in a GGUF file.
const PARTS: [(&str, &str); 11] = [
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// Types of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ElementType {
    F32,
    F16,
    Q8_0,
}

impl ElementType {
    /// The type's code in ggml.
    pub fn code(self) -> u32 {
        match self {
            ElementType::F32 => 0,
            ElementType::F16 => 1,
            ElementType::Q8_0 => 8,
        }
    }
}

/// The plan of one tensor of the file.
#[derive(Debug)]
pub(super) struct TensorPlan {
    /// Its name in the file.
    pub name: String,
    /// Its dimensions, slowest first, one or two of them.
    pub shape: Vec<usize>,
    /// The type of its elements.
    pub element_type: ElementType,
    /// The source of its values.
    pub source: TensorSource,
    /// Size of a head, if the rows of each head are reordered.
    interleaved: Option<usize>,
}

/// The source of a tensor's values.
#[derive(Debug)]
pub(super) enum TensorSource {
    /// The tensor of this name in the folder.
    Stored(String),
    /// Values that were computed here.
    Computed(Vec<f32>),
}

impl TensorPlan {
    /// The number of values in a row; a vector has rows of one.
    pub fn row_width(&self) -> usize {
        self.shape.get(1).copied().unwrap_or(1)
    }

    /// Returns the rows of the source in the order in which they are written.
    pub fn row_order(&self) -> impl Iterator<Item = usize> {
        let head = self.interleaved;
        (0..self.shape[0]).map(move |row| match head {
            // Rotary embeddings pair the dimensions i and i + D/2 in transformers, and 2i and 2i + 1 in llama.cpp's llama.
            Some(head) => row / head * head + row % head / 2 + row % 2 * (head / 2),
            None => row,
        })
    }

    /// Bytes of all elements.
    pub fn bytes(&self) -> usize {
        let elements: usize = self.shape.iter().product();
        match self.element_type {
            ElementType::F32 => elements * 4,
            ElementType::F16 => elements * 2,
            ElementType::Q8_0 => elements / BLOCK * 34,
        }
    }
}

/// Returns all tensors in the order of the file.
///
/// # Errors
/// When llama.cpp has no tensor for a part of the model.
pub(super) fn plan(config: &ModelConfig, matrices: MatrixType) -> Result<Vec<TensorPlan>, String> {
    if config.architecture == Architecture::Qwen2 && config.num_attention_heads * config.head_dim != config.hidden_size {
        return Err("llama.cpp's qwen2 has no heads of another size than hidden_size / num_attention_heads".to_owned());
    }
    if config.architecture == Architecture::Qwen3 && config.output_bias {
        return Err("llama.cpp's qwen3 has no bias on the output of its attention".to_owned());
    }
    let mut tensors = Vec::new();
    for (stored, shape) in config.tensors() {
        let name = name(&stored).ok_or_else(|| format!("{stored} has no name in GGUF files"))?;
        let element_type = element_type(&shape, matrices);
        let turned = stored.contains(".q_proj.") || stored.contains(".k_proj.");
        let interleaved = (turned && config.architecture == Architecture::Llama).then_some(config.head_dim);
        tensors.push(TensorPlan { name, shape, element_type, source: TensorSource::Stored(stored), interleaved });
    }
    tensors.extend(frequency_factors(config)?);
    Ok(tensors)
}

fn name(stored: &str) -> Option<String> {
    match stored {
        "model.embed_tokens.weight" => return Some("token_embd.weight".to_owned()),
        "model.norm.weight" => return Some("output_norm.weight".to_owned()),
        "lm_head.weight" => return Some("output.weight".to_owned()),
        _ => {}
    }
    let (layer, rest) = stored.strip_prefix("model.layers.")?.split_once('.')?;
    let (part, end) = rest.rsplit_once('.')?;
    let (_, name) = PARTS.iter().find(|(known, _)| *known == part)?;
    Some(format!("blk.{layer}.{name}.{end}"))
}

fn element_type(shape: &[usize], matrices: MatrixType) -> ElementType {
    match (shape, matrices) {
        ([_, width], MatrixType::Q8_0) if width.is_multiple_of(BLOCK) => ElementType::Q8_0,
        ([_, _], MatrixType::F16 | MatrixType::Q8_0) => ElementType::F16,
        _ => ElementType::F32,
    }
}

/// Returns Llama 3's frequency factors, `(head_dim / 2,)`: the divisor of each frequency. `None` for other scalings.
fn frequency_factors(config: &ModelConfig) -> Result<Option<TensorPlan>, String> {
    if !matches!(config.rope_scaling, RopeScaling::Llama3 { .. }) {
        return Ok(None);
    }
    if config.architecture != Architecture::Llama {
        return Err("llama.cpp has Llama 3's scaling of rotary frequencies only for llama".to_owned());
    }
    let plain = ModelConfig { rope_scaling: RopeScaling::None, ..config.clone() }.rotary().0;
    let factors: Vec<f32> = plain.iter().zip(config.rotary().0).map(|(plain, stretched)| (plain / stretched) as f32).collect();
    let (name, shape) = ("rope_freqs.weight".to_owned(), vec![factors.len()]);
    let source = TensorSource::Computed(factors);
    Ok(Some(TensorPlan { name, shape, element_type: ElementType::F32, source, interleaved: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_gguf_files() {
        for (stored, expected) in [
            ("model.layers.11.self_attn.o_proj.bias", Some("blk.11.attn_output.bias")),
            ("model.layers.0.post_attention_layernorm.weight", Some("blk.0.ffn_norm.weight")),
            ("lm_head.weight", Some("output.weight")),
            ("model.layers.0.mlp.router.weight", None),
        ] {
            assert_eq!(name(stored).as_deref(), expected);
        }
    }

    #[test]
    fn halves_of_heads_are_interleaved() {
        let (name, element_type, source) = (String::new(), ElementType::F32, TensorSource::Computed(Vec::new()));
        let tensor = TensorPlan { name, shape: vec![12, 3], element_type, source, interleaved: Some(6) };
        assert_eq!(tensor.row_order().collect::<Vec<_>>(), [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
        assert_eq!((tensor.row_width(), tensor.bytes()), (3, 144));
    }

    #[test]
    fn rows_that_make_no_blocks_stay_halves() {
        assert_eq!(element_type(&[4, 64], MatrixType::Q8_0), ElementType::Q8_0);
        assert_eq!(element_type(&[64, 4], MatrixType::Q8_0), ElementType::F16);
        assert_eq!(element_type(&[64], MatrixType::Q8_0), ElementType::F32);
    }
}
