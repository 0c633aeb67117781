//! `tokenizer.json` -> encoders for plain text, after checks for input that would make the `tokenizers` crate panic.

use serde_json::{Map, Value};
use tokenizers::Tokenizer as Encoder;

/// Builds the encoder for the beginning of a prompt, and another one for later text if that is encoded without a leading space. Added tokens from
/// `vocab_size` on are dropped.
///
/// # Errors
/// Names the part of the file that is wrong or not supported.
pub(super) fn build(json: &mut Value, vocab_size: usize) -> Result<(Encoder, Option<Encoder>), String> {
    check_model(&json["model"])?;
    if has_type(&json["normalizer"], "Precompiled") {
        return Err("has a precompiled normalizer, which is not supported".to_owned());
    }
    // Texts are encoded piece by piece without padding, truncation or surrounding tokens, and `TokenBytes` tells what tokens write.
    for unused in ["post_processor", "truncation", "padding", "decoder"] {
        json[unused] = Value::Null;
    }
    drop_rowless_tokens(json, vocab_size);
    let first = encoder(json)?;
    let later = if spaced_once(json) { Some(encoder(json)?) } else { None };
    Ok((first, later))
}

/// Checks that the model is byte-pair encoding whose merges all give tokens, which the crate assumes.
fn check_model(model: &Value) -> Result<(), String> {
    let merges = model["merges"].as_array();
    let (Some(vocabulary), Some(merges)) = (model["vocab"].as_object(), merges) else {
        return Err("has no vocabulary with merges: only byte-pair encoding is supported".to_owned());
    };
    if model.get("type").is_some_and(|kind| kind != "BPE" && !kind.is_null()) {
        return Err(format!("has a model of type {}: only BPE is supported", model["type"]));
    }
    for field in ["continuing_subword_prefix", "end_of_word_suffix"] {
        if !matches!(&model[field], Value::Null) && model[field] != "" {
            return Err(format!("has a `{field}`, which is not supported"));
        }
    }
    if model["dropout"].as_f64().is_some_and(|share| share != 0.0) {
        return Err("has a `dropout`: the same text would have other tokens each time".to_owned());
    }
    match merges.iter().position(|merge| !leads_to_a_token(merge, vocabulary)) {
        Some(index) => Err(format!("merge {index} is no pair of texts that make a token together")),
        None => Ok(()),
    }
}

/// Whether a merge gives a token of the vocabulary. A merge is a pair of texts, or one text with a space between them.
fn leads_to_a_token(merge: &Value, vocabulary: &Map<String, Value>) -> bool {
    match merge {
        Value::String(pair) => pair.split_once(' ').is_some_and(|(a, b)| vocabulary.contains_key(&[a, b].concat())),
        Value::Array(pair) => match pair.as_slice() {
            [Value::String(a), Value::String(b)] => vocabulary.contains_key(&[a.as_str(), b].concat()),
            _ => false,
        },
        _ => false,
    }
}

fn has_type(json: &Value, name: &str) -> bool {
    match json {
        Value::Array(list) => list.iter().any(|value| has_type(value, name)),
        Value::Object(fields) => {
            fields.get("type").is_some_and(|kind| kind == name) || fields.values().any(|value| has_type(value, name))
        }
        _ => false,
    }
}

/// Makes an encoder that recognises no special tokens in a text.
fn encoder(json: &Value) -> Result<Encoder, String> {
    let mut encoder = Encoder::from_bytes(json.to_string()).map_err(|error| error.to_string())?;
    encoder.set_encode_special_tokens(true);
    Ok(encoder)
}

/// Drops added tokens that have no row in the embedding, such as a padding token of a fine-tuned model.
fn drop_rowless_tokens(json: &mut Value, vocab_size: usize) {
    if let Some(added) = json.get_mut("added_tokens").and_then(Value::as_array_mut) {
        added.retain(|token| token.get("id").and_then(Value::as_u64).is_none_or(|id| id < vocab_size as u64));
    }
}

/// Turns off the leading space that sentencepiece vocabularies may put before the first text of a prompt only. Returns whether it was on.
fn spaced_once(json: &mut Value) -> bool {
    let Some(outer) = json.get_mut("pre_tokenizer") else { return false };
    let steps = if outer.get("pretokenizers").is_some() {
        outer.get_mut("pretokenizers").and_then(Value::as_array_mut).map(Vec::as_mut_slice)
    } else {
        Some(std::slice::from_mut(outer))
    };
    let mut found = false;
    for step in steps.into_iter().flatten() {
        if step.get("type").is_some_and(|kind| kind == "Metaspace") && step.get("prepend_scheme").is_some_and(|at| at == "first")
        {
            step["prepend_scheme"] = "never".into();
            found = true;
        }
    }
    found
}
