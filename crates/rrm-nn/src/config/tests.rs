//! Configurations as they are found, and hostile ones.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn small(model_type: &str, changes: Value) -> Value {
    let mut config = json!({
        "model_type": model_type, "vocab_size": 300, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5
    });
    config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    config
}

fn parse(config: &Value) -> Result<ModelConfig, ModelConfigError> {
    ModelConfig::parse(config.to_string().as_bytes())
}

fn refusal(config: &Value) -> String {
    parse(config).map_or_else(|error| error.to_string(), |_| "accepted".to_owned())
}

#[test]
fn biases_and_heads_are_those_of_the_family() {
    let llama = parse(&small("llama", json!({ "attention_bias": true, "mlp_bias": true }))).unwrap();
    assert_eq!((llama.qkv_bias, llama.output_bias, llama.mlp_bias, llama.head_dim), (true, true, true, 16));
    let qwen2 = parse(&small("qwen2", json!({ "use_sliding_window": false, "sliding_window": 4096 }))).unwrap();
    assert_eq!((qwen2.qkv_bias, qwen2.output_bias, qwen2.mlp_bias, qwen2.head_dim), (true, false, false, 16));
    let qwen3 = parse(&small("qwen3", json!({ "tie_word_embeddings": true }))).unwrap();
    assert_eq!((qwen3.qkv_bias, qwen3.output_bias, qwen3.head_dim, qwen3.tie_word_embeddings), (false, false, 128, true));
    assert!(!qwen3.tensors().iter().any(|(name, _)| name == "lm_head.weight"));
    assert!(qwen3.tensors().contains(&("model.layers.1.self_attn.q_norm.weight".to_owned(), vec![128])));
    let counted: usize = qwen3.tensors().iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
    assert_eq!(qwen3.parameters(), counted as u64);
}

#[test]
fn both_spellings_of_rotary_parameters_are_read() {
    let plain = |changes| {
        let config = parse(&small("llama", changes)).unwrap();
        (config.rope_theta, config.rope_scaling)
    };
    assert_eq!(plain(json!({})), (10_000.0, RopeScaling::None));
    assert_eq!(plain(json!({ "rope_theta": 5e5, "rope_scaling": null })), (5e5, RopeScaling::None));
    assert_eq!(plain(json!({ "rope_parameters": { "rope_type": "default", "rope_theta": 7e4 } })), (7e4, RopeScaling::None));
    let linear = RopeScaling::Linear { factor: 2.5 };
    assert_eq!(plain(json!({ "rope_theta": 2e4, "rope_scaling": { "type": "linear", "factor": 2.5 } })), (2e4, linear));
    let new = json!({ "rope_parameters": { "rope_type": "linear", "factor": 2.5, "rope_theta": 2e4 } });
    assert_eq!(plain(new), (2e4, linear));
}

/// Expected numbers: `LlamaRotaryEmbedding(config).inv_freq` and `.attention_scaling` of transformers 5.23, head_dim 16, theta 50000,
/// 4096 positions.
#[test]
fn frequencies_are_those_of_transformers() {
    let cases = [
        (json!(null), [1.0, 0.2586001, 0.06687403, 0.01729363, 0.004472136, 0.001156495, 0.0002990698, 7.733948e-05], 1.0),
        (
            json!({ "type": "linear", "factor": 2.5 }),
            [0.4, 0.1034401, 0.02674961, 0.006917453, 0.001788854, 0.000462598, 0.0001196279, 3.093579e-05],
            1.0,
        ),
        (
            json!({ "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                    "original_max_position_embeddings": 256 }),
            [1.0, 0.2586001, 0.04199927, 0.002161704, 0.000559017, 0.0001445619, 3.738372e-05, 9.667435e-06],
            1.0,
        ),
        (
            json!({ "type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024 }),
            [1.0, 0.2586001, 0.05015552, 0.008646817, 0.001118034, 0.0002891237, 7.476744e-05, 1.933487e-05],
            1.138629436111989,
        ),
        (
            json!({ "rope_type": "yarn", "factor": null, "original_max_position_embeddings": 1024, "beta_fast": 16, "beta_slow": 2,
                    "mscale": 1.2, "mscale_all_dim": 0.7 }),
            [1.0, 0.2586001, 0.05015552, 0.008646817, 0.001118034, 0.0002891237, 7.476744e-05, 1.933487e-05],
            1.0631833659779666,
        ),
    ];
    for (scaling, expected, factor) in cases {
        let config = parse(&small("llama", json!({ "rope_theta": 50000.0, "rope_scaling": scaling }))).unwrap();
        let (frequencies, found) = config.rotary();
        assert!((found - factor).abs() < 1e-9, "{scaling}: {found}");
        for (frequency, expected) in frequencies.iter().zip(expected) {
            assert!((frequency / expected - 1.0).abs() < 1e-6, "{scaling}: {frequencies:?}");
        }
    }
}

#[test]
fn what_is_not_computed_is_refused_by_its_name() {
    let cases = [
        (json!({ "model_type": "mixtral" }), "`model_type` is \"mixtral\""),
        (json!({ "model_type": null }), "`model_type` is absent"),
        (json!({ "hidden_act": "gelu" }), "`hidden_act` is \"gelu\""),
        (json!({ "quantization_config": { "bits": 4 } }), "`quantization_config` is set"),
        (json!({ "num_experts": 8 }), "`num_experts` is set"),
        (json!({ "architectures": ["LlamaForSequenceClassification"] }), "`architectures` names no class"),
        (json!({ "sliding_window": 512 }), "`sliding_window` is used"),
        (json!({ "use_sliding_window": true, "sliding_window": 512, "max_window_layers": 1 }), "`sliding_window` is used"),
        (json!({ "layer_types": ["full_attention", "sliding_attention"] }), "`layer_types` names a layer"),
        (json!({ "rope_scaling": { "type": "dynamic", "factor": 2.0 } }), "`rope_scaling.type` is \"dynamic\""),
        (json!({ "rope_parameters": { "rope_type": "longrope" } }), "`rope_parameters.rope_type` is \"longrope\""),
        (json!({ "rope_parameters": { "full_attention": {} } }), "`rope_parameters.full_attention` is an object"),
        (json!({ "rope_scaling": { "type": "linear" } }), "`rope_scaling.factor` is absent"),
        (json!({ "rope_scaling": { "type": "linear", "factor": 0 } }), "`rope_scaling.factor` is 0"),
        (json!({ "rope_scaling": { "type": "yarn", "truncate": false } }), "`rope_scaling.truncate` is false"),
        (json!({ "rope_parameters": { "partial_rotary_factor": 0.5 } }), "`rope_parameters.partial_rotary_factor` is not 1"),
        (json!({ "rope_theta": 1 }), "`rope_theta` is 1"),
        (json!({ "head_dim": 15 }), "`head_dim` is 15"),
        (json!({ "num_attention_heads": 5 }), "`num_key_value_heads` is 2, which does not divide 5"),
        (json!({ "num_attention_heads": 6 }), "`head_dim` is absent"),
        (json!({ "hidden_size": 0 }), "`hidden_size` is 0"),
        (json!({ "hidden_size": -1 }), "`hidden_size` is -1"),
        (json!({ "hidden_size": 64.5 }), "`hidden_size` is 64.5"),
        (json!({ "vocab_size": null }), "`vocab_size` is absent"),
        (json!({ "vocab_size": u64::MAX }), "`vocab_size` is 18446744073709551615"),
        (
            json!({ "intermediate_size": 1 << 20, "num_hidden_layers": 4096, "hidden_size": 1 << 20, "head_dim": 64 }),
            "more parameters",
        ),
        (json!({ "rms_norm_eps": -1e-6 }), "`rms_norm_eps` is -0.000001"),
        (json!({ "attention_bias": "yes" }), "`attention_bias` is \"yes\""),
    ];
    for (change, expected) in cases {
        let message = refusal(&small("llama", change.clone()));
        assert!(message.contains(expected), "{change}: {message}");
    }
    assert!(refusal(&json!([])).contains("no JSON object"));
    assert!(ModelConfig::parse(b"{\"model_type\": NaN}").unwrap_err().to_string().contains("no JSON object"));
    assert!(refusal(&small("llama", json!({ "hidden_act": "a".repeat(1 << 20) }))).len() < 400);
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0u64..300).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-5f64..5.0).prop_map(Value::from),
        prop_oneof!["llama", "yarn", "linear", "llama3", "x"].prop_map(Value::from),
    ]
}

proptest! {
    /// Whatever the fields hold, reading ends, and what is accepted can be computed with.
    #[test]
    fn any_fields_are_refused_or_give_finite_sizes(
        family in prop_oneof![Just("llama"), Just("qwen2"), Just("qwen3")],
        changed in proptest::collection::vec((0usize..14, any_value()), 0..4),
        scaling in proptest::collection::vec((0usize..8, any_value()), 0..8),
    ) {
        let fields = [
            "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
            "head_dim", "max_position_embeddings", "rms_norm_eps", "rope_theta", "attention_bias", "sliding_window",
            "original_max_position_embeddings", "tie_word_embeddings",
        ];
        let inner = [
            "rope_type", "factor", "original_max_position_embeddings", "low_freq_factor", "high_freq_factor", "beta_fast", "mscale",
            "mscale_all_dim",
        ];
        let rope: serde_json::Map<String, Value> = scaling.into_iter().map(|(at, value)| (inner[at].to_owned(), value)).collect();
        let mut changes: serde_json::Map<String, Value> =
            changed.into_iter().map(|(at, value)| (fields[at].to_owned(), value)).collect();
        changes.insert("rope_parameters".to_owned(), Value::Object(rope));
        if let Ok(config) = parse(&small(family, Value::Object(changes))) {
            prop_assert!(config.parameters() > 0);
            let (frequencies, factor) = config.rotary();
            prop_assert!(factor.is_finite() && frequencies.iter().all(|frequency| frequency.is_finite()));
        }
    }

    #[test]
    fn any_bytes_are_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = ModelConfig::parse(&bytes);
    }
}
