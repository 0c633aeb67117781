//! The shape of a judge of this domain -> the files for the start of a training run: `config.json`, `tokenizer.json` and its settings.

use serde_json::{Value, json};

use crate::problem::LABELS;

/// Tokens of more than one character. The first ends a turn; the others are ordinary text of a judge.
const WHOLE: [(&str, bool); 4] = [("<|end|>", true), ("</think>", false), ("[1]", false), ("[2]", false)];

/// The size of a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecoderSize {
    /// Width of the residual stream.
    pub hidden: usize,
    /// Number of layers.
    pub layers: usize,
    /// Number of query heads; there are half as many heads of keys and values.
    pub heads: usize,
    /// Width of the feed-forward part.
    pub inner: usize,
}

impl DecoderSize {
    /// Returns the `config.json` of a decoder with this many tokens and positions; `end` is the token that ends a turn.
    pub(crate) fn config(self, tokens: usize, end: &Value, positions: usize) -> Value {
        json!({
            "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "torch_dtype": "float32",
            "vocab_size": tokens, "hidden_size": self.hidden, "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads, "num_key_value_heads": self.heads / 2, "intermediate_size": self.inner,
            "hidden_act": "silu", "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "max_position_embeddings": positions,
            "tie_word_embeddings": false, "use_sliding_window": false, "attention_dropout": 0.0, "initializer_range": 0.02,
            "bos_token_id": null, "eos_token_id": end,
        })
    }
}

/// Returns the characters that are a token each, in the order of their numbers.
fn characters() -> String {
    let labels: String = LABELS.iter().map(|label| char::from(*label)).collect();
    format!("0123456789+-*=QABTDS{labels}")
}

/// Returns the name and content of each file.
pub fn files(size: DecoderSize) -> Vec<(&'static str, Value)> {
    let characters = characters();
    let end = characters.chars().count();
    let vocabulary: serde_json::Map<String, Value> =
        characters.chars().zip(0..).map(|(c, id)| (c.to_string(), json!(id))).collect();
    let added = WHOLE.iter().zip(end..).map(|((content, special), id)| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": special})
    });
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false});
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added.collect::<Vec<Value>>(),
        "normalizer": null, "pre_tokenizer": byte_level, "post_processor": null, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
                  "fuse_unk": false, "byte_fallback": false, "vocab": vocabulary, "merges": []},
    });
    let settings = json!({
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": WHOLE[0].0, "pad_token": WHOLE[0].0, "model_max_length": 512,
        "clean_up_tokenization_spaces": false,
        "chat_template": "{% for message in messages %}{{ message['content'] }}{% endfor %}",
    });
    vec![
        ("config.json", size.config(end + WHOLE.len(), &json!(end), 512)),
        ("tokenizer.json", tokenizer),
        ("tokenizer_config.json", settings),
    ]
}
