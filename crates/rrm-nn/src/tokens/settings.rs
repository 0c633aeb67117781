//! Smaller files of a folder -> its chat template, and the tokens that begin and end texts.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::FileSource;
use crate::checkpoint::CheckpointError;

/// The settings of a tokenizer from files other than `tokenizer.json`.
#[derive(Debug, Default)]
pub(super) struct TokenizerSettings {
    /// The chat template, in Jinja.
    pub chat_template: Option<String>,
    /// Text of the token that begins a sequence.
    pub bos: Option<String>,
    /// Text of the token that ends a sequence.
    pub eos: Option<String>,
    /// Numbers of the tokens that end a turn.
    pub ends: Vec<u32>,
}

/// Reads the files that are present.
pub(super) fn read(files: FileSource<'_>) -> Result<TokenizerSettings, CheckpointError> {
    let mut settings = TokenizerSettings::default();
    for name in ["generation_config.json", "config.json"] {
        if let Some((file, json)) = object(files, name)? {
            settings.ends.extend(numbers(&json["eos_token_id"]).ok_or_else(|| wrong(&file, "eos_token_id", "a token's number"))?);
        }
    }
    if let Some((file, json)) = object(files, "tokenizer_config.json")? {
        settings.bos = token_text(&json["bos_token"]).map_err(|()| wrong(&file, "bos_token", "a token"))?;
        settings.eos = token_text(&json["eos_token"]).map_err(|()| wrong(&file, "eos_token", "a token"))?;
        settings.chat_template = template(&json["chat_template"]).map_err(|()| wrong(&file, "chat_template", "a template"))?;
    }
    // As in transformers, the separate file takes precedence.
    if let Some((file, bytes)) = files("chat_template.jinja")? {
        let what = |_| CheckpointError::Malformed { file, what: "is not UTF-8".to_owned() };
        settings.chat_template = Some(String::from_utf8(bytes).map_err(what)?);
    }
    Ok(settings)
}

/// Reads a file that is present, and the JSON object in it.
fn object(files: FileSource<'_>, name: &str) -> Result<Option<(PathBuf, Value)>, CheckpointError> {
    let Some((file, bytes)) = files(name)? else { return Ok(None) };
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(json) if json.is_object() => Ok(Some((file, json))),
        Ok(_) => Err(CheckpointError::Malformed { file, what: "is no JSON object".to_owned() }),
        Err(error) => Err(CheckpointError::Malformed { file, what: error.to_string() }),
    }
}

fn wrong(file: &Path, field: &str, kind: &str) -> CheckpointError {
    CheckpointError::Malformed { file: file.to_owned(), what: format!("`{field}` is not {kind}") }
}

/// Reads one number, a list of them, or none.
fn numbers(value: &Value) -> Option<Vec<u32>> {
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(list) => list.iter().map(number).collect(),
        one => Some(vec![number(one)?]),
    }
}

/// Reads a text, or an object with its `content`.
fn token_text(value: &Value) -> Result<Option<String>, ()> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Object(token) => token.get("content").and_then(Value::as_str).map(|text| Some(text.to_owned())).ok_or(()),
        _ => Err(()),
    }
}

/// Reads a text, or a list of templates of which one is called `default`.
fn template(value: &Value) -> Result<Option<String>, ()> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Array(named) => {
            let default = named.iter().find(|template| template["name"] == "default").ok_or(())?;
            default["template"].as_str().map(|text| Some(text.to_owned())).ok_or(())
        }
        _ => Err(()),
    }
}
