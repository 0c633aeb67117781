//! A judge that is learnt in seconds: of the responses `x` and `y`, `x` is better. A prompt is three tokens, a verdict is two.

use std::{fs, path::Path};

use serde_json::{Value, json};

const FORMAT: &str = r#"
name = "toy"
[[messages]]
role = "user"
content = "{{ response_1 }}{{ response_2 }}V"
[verdict]
wrap = "[LABEL]"
first = ["1"]
second = ["2"]
several = "last"
"#;

/// Writes the model's files (without weights), the format, pairs, and examples whose verdicts are guesses.
pub fn write(folder: &Path) {
    let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
    let tokens = ["x", "y", "V", "z"];
    let whole = [("<|end|>", true), ("[1]", false), ("[2]", false)];
    let vocabulary: serde_json::Map<String, Value> =
        tokens.into_iter().zip(0..).map(|(text, id)| (text.to_owned(), json!(id))).collect();
    let added = whole.iter().zip(tokens.len()..).map(|((content, special), id)| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": special})
    });
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false});
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added.collect::<Vec<Value>>(),
        "normalizer": null, "pre_tokenizer": byte_level, "post_processor": null, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
                  "fuse_unk": false, "byte_fallback": false, "vocab": vocabulary, "merges": []},
    });
    write("tokenizer.json", tokenizer.to_string());
    let settings = json!({
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>", "pad_token": "<|end|>",
        "chat_template": "{% for message in messages %}{{ message['content'] }}{% endfor %}",
    });
    write("tokenizer_config.json", settings.to_string());
    let config = json!({
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "torch_dtype": "float32", "vocab_size": 7, "hidden_size": 32,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 48, "hidden_act": "silu",
        "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "max_position_embeddings": 64, "tie_word_embeddings": false, "eos_token_id": 4,
    });
    write("config.json", config.to_string());
    write("toy.toml", FORMAT.to_owned());
    let pair = |i: usize| json!({"id": format!("p{i}"), "prompt": "?", "chosen": "x", "rejected": "y"}).to_string();
    write("pairs.jsonl", (0..40).map(|i| pair(i) + "\n").collect());
    let examples = ["xyV", "yxV"].into_iter().flat_map(|prompt| ["[1]", "[2]"].map(|said| (prompt, said)));
    let example = |(prompt, said): (&str, &str)| json!({"prompt": prompt, "completion": said}).to_string() + "\n";
    write("examples.jsonl", examples.map(example).collect());
}

/// A configuration that learns to state verdicts, right or wrong, from nothing.
pub fn sft(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        r#"
        method = "sft"
        output = "{folder}/sft"
        threads = 1
        data = {{ format = "{folder}/toy.toml", sources = [{{ path = "{folder}/examples.jsonl" }}] }}
        model = {{ config = "{folder}/config.json", tokenizer = "{folder}" }}
        optimizer = {{ learning_rate = 0.01, max_steps = 30, lr_scheduler_type = "constant" }}
        checkpoint = {{ save_steps = 7, save_total_limit = 2 }}
        sft = {{ per_device_train_batch_size = 8 }}
        "#
    )
}

/// A configuration that learns which verdicts are right, from where [`sft`] ends.
pub fn grpo(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        r#"
        method = "grpo"
        output = "{folder}/grpo"
        threads = 1
        model = "{folder}/sft/last"
        data = {{ format = "{folder}/toy.toml", sources = [{{ path = "{folder}/pairs.jsonl" }}] }}
        optimizer = {{ learning_rate = 0.01, max_steps = 20, lr_scheduler_type = "constant" }}
        checkpoint = {{ save_steps = 6, save_total_limit = 1 }}
        evaluation = {{ path = "{folder}/pairs.jsonl", eval_steps = 10, pairs = 20 }}
        logging = {{ rollouts_every = 4, rollouts = 2 }}
        grpo = {{ generation_batch_size = 64, max_completion_length = 4 }}
        "#
    )
}
