//! Vocabulary, special tokens and chat template of a folder -> the keys that tell them to llama.cpp (`llama-vocab.cpp`).

use std::{collections::HashMap, path::Path};

use serde_json::Value as Json;

use super::{ExportError, file::MetadataValue, pretokenizer};
use crate::{
    checkpoint::{CheckpointError, read_small},
    tokens::ModelTokenizer,
};

/// Codes of `llama_token_type`.
const NORMAL: i32 = 1;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;

/// The tokens of all rows of the embedding.
struct Tokens {
    texts: Vec<String>,
    types: Vec<i32>,
    /// Text -> number.
    numbers: HashMap<String, u32>,
}

/// Returns the keys that begin with `tokenizer.`, with their values.
///
/// # Errors
/// [`ExportError`] for a vocabulary that does not use byte-level merges, or whose texts llama.cpp would split differently.
pub(super) fn values(
    folder: &Path,
    tokenizer: &ModelTokenizer,
    vocab_size: usize,
) -> Result<Vec<(String, MetadataValue)>, ExportError> {
    let unsupported = |what| ExportError::Unsupported { folder: folder.to_owned(), what };
    let json = object(folder, "tokenizer.json")?;
    let pre = pretokenizer::name(&json).map_err(unsupported)?;
    let tokens = tokens(&json, vocab_size).map_err(unsupported)?;
    let merges = merges(&json["model"]).map_err(unsupported)?;
    let settings = object(folder, "tokenizer_config.json")?;
    let mut values = vec![
        ("tokenizer.ggml.model".to_owned(), MetadataValue::Text("gpt2".to_owned())),
        ("tokenizer.ggml.pre".to_owned(), MetadataValue::Text(pre.to_owned())),
    ];
    let mut push = |key: &str, value| values.push((format!("tokenizer.{key}"), value));
    let ends = ends(tokenizer, &tokens, vocab_size).map_err(unsupported)?;
    let named_bos = tokens.numbers.get(tokenizer.bos()).copied().filter(|_| !tokenizer.bos().is_empty());
    let configured = object(folder, "config.json")?["bos_token_id"].as_u64().and_then(|number| u32::try_from(number).ok());
    // Without a first token, llama.cpp would use token 11.
    let bos = named_bos.or(configured.filter(|number| (*number as usize) < vocab_size)).or(ends.first().copied());
    for (key, number) in [("ggml.bos_token_id", bos)]
        .into_iter()
        .chain(["ggml.eos_token_id", "ggml.eot_token_id", "ggml.eom_token_id"].into_iter().zip(ends.iter().copied().map(Some)))
    {
        if let Some(number) = number {
            push(key, MetadataValue::U32(number));
        }
    }
    let begins = settings["add_bos_token"].as_bool().unwrap_or_else(|| begins_with(&json["post_processor"], tokenizer.bos()));
    push("ggml.add_bos_token", MetadataValue::Bool(begins));
    if let Some(template) = tokenizer.chat_template() {
        push("chat_template", MetadataValue::Text(template.to_owned()));
    }
    push("ggml.tokens", MetadataValue::Texts(tokens.texts));
    push("ggml.token_type", MetadataValue::I32s(tokens.types));
    push("ggml.merges", MetadataValue::Texts(merges));
    Ok(values)
}

/// Reads a JSON file of the folder; `null` if there is none.
fn object(folder: &Path, name: &str) -> Result<Json, CheckpointError> {
    let file = folder.join(name);
    if !file.exists() {
        return Ok(Json::Null);
    }
    let bytes = read_small(&file)?;
    serde_json::from_slice(&bytes).map_err(|error| CheckpointError::Malformed { file, what: error.to_string() })
}

fn tokens(json: &Json, vocab_size: usize) -> Result<Tokens, String> {
    let vocabulary = json["model"]["vocab"].as_object().ok_or("its tokenizer.json holds no vocabulary of merges")?;
    let added = json["added_tokens"].as_array().map_or(&[][..], Vec::as_slice);
    let mut rows: Vec<Option<(String, i32)>> = vec![None; vocab_size];
    let plain = vocabulary.iter().map(|(text, number)| (text.as_str(), number, NORMAL));
    let added = added.iter().map(|token| {
        let kind = if token["special"] == true { CONTROL } else { USER_DEFINED };
        (token["content"].as_str().unwrap_or_default(), &token["id"], kind)
    });
    // Added tokens come last, because they may be in the vocabulary as well.
    for (text, number, kind) in plain.chain(added) {
        let number = number.as_u64().ok_or_else(|| format!("token {text:?} has no number"))? as usize;
        if let Some(row) = rows.get_mut(number) {
            *row = Some((text.to_owned(), kind));
        }
    }
    let mut tokens = Tokens { texts: Vec::new(), types: Vec::new(), numbers: HashMap::new() };
    for (number, row) in (0..).zip(rows) {
        // Embeddings often have more rows than the vocabulary has tokens.
        let (text, kind) = row.unwrap_or_else(|| (format!("[PAD{number}]"), UNUSED));
        if let Some(other) = tokens.numbers.insert(text.clone(), number) {
            return Err(format!("its tokens {other} and {number} are both {text:?}"));
        }
        tokens.texts.push(text);
        tokens.types.push(kind);
    }
    Ok(tokens)
}

/// Returns the merges in the order of their ranks, each a pair with a space between.
fn merges(model: &Json) -> Result<Vec<String>, String> {
    if model["continuing_subword_prefix"].as_str().is_some_and(|text| !text.is_empty())
        || model["end_of_word_suffix"].as_str().is_some_and(|text| !text.is_empty())
    {
        return Err("its vocabulary marks parts of words, which byte-level ones do not".to_owned());
    }
    let list = model["merges"].as_array().ok_or("its tokenizer.json holds no merges")?;
    let pair = |merge: &Json| match merge {
        Json::String(pair) => Some(pair.clone()),
        Json::Array(pair) => match pair.as_slice() {
            [Json::String(left), Json::String(right)] => Some(format!("{left} {right}")),
            _ => None,
        },
        _ => None,
    };
    // Another space in a pair would make it ambiguous.
    let sound = |pair: &String| pair.matches(' ').count() == 1;
    list.iter().map(|merge| pair(merge).filter(sound).ok_or_else(|| format!("its merge {merge} is no pair"))).collect()
}

/// Returns the tokens that end a turn, beginning with the one that the tokenizer names; llama.cpp has keys for three.
fn ends(tokenizer: &ModelTokenizer, tokens: &Tokens, vocab_size: usize) -> Result<Vec<u32>, String> {
    let named = tokens.numbers.get(tokenizer.eos()).copied().filter(|_| !tokenizer.eos().is_empty());
    let others = (0..vocab_size as u32).filter(|token| tokenizer.ends(*token) && Some(*token) != named);
    let ends: Vec<u32> = named.into_iter().chain(others).collect();
    match ends.len() {
        0 => Err("no file of it names the token that ends a turn".to_owned()),
        1..=3 => Ok(ends),
        many => Err(format!("{many} tokens end its turns; a GGUF file can name three")),
    }
}

/// Whether `tokenizer(text)` of transformers begins with this token.
fn begins_with(post_processor: &Json, bos: &str) -> bool {
    let steps = post_processor["processors"].as_array().map_or(std::slice::from_ref(post_processor), Vec::as_slice);
    steps.iter().any(|step| step["single"][0]["SpecialToken"]["id"].as_str() == Some(bos) && !bos.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_row_has_a_token_of_its_own() {
        let json = json!({
            "model": { "vocab": { "a": 0, "b": 1, "<e>": 3 } },
            "added_tokens": [
                { "id": 3, "content": "<e>", "special": true },
                { "id": 2, "content": "<t>", "special": false },
                { "id": 9, "content": "<rowless>", "special": true },
            ],
        });
        let tokens = super::tokens(&json, 5).unwrap();
        assert_eq!(tokens.texts, ["a", "b", "<t>", "<e>", "[PAD4]"]);
        assert_eq!(tokens.types, [NORMAL, NORMAL, USER_DEFINED, CONTROL, UNUSED]);
        let twice = json!({ "model": { "vocab": { "[PAD1]": 0 } } });
        assert!(super::tokens(&twice, 2).is_err_and(|what| what.contains("0 and 1")));
    }

    #[test]
    fn merges_are_pairs_in_both_spellings() {
        assert_eq!(merges(&json!({ "merges": [["Ġ", "a"], "b c"] })).unwrap(), ["Ġ a", "b c"]);
        for bad in [json!(["a b c"]), json!([["a", "b c"]]), json!(["ab"]), json!([["a"]]), json!([1])] {
            assert!(merges(&json!({ "merges": bad })).unwrap_err().contains("is no pair"));
        }
        assert!(merges(&json!({ "merges": [], "end_of_word_suffix": "</w>" })).is_err());
    }

    #[test]
    fn what_a_text_begins_with_is_in_the_template() {
        let template =
            json!({ "type": "TemplateProcessing", "single": [{ "SpecialToken": { "id": "<s>" } }, { "Sequence": {} }] });
        assert!(begins_with(&template, "<s>"));
        assert!(begins_with(&json!({ "processors": [{ "type": "ByteLevel" }, template] }), "<s>"));
        assert!(!begins_with(&template, "<b>") && !begins_with(&json!({ "single": [{ "Sequence": {} }] }), ""));
    }
}
