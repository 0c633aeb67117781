//! Options for the requests of a service -> fields and headers; secrets come from the environment.

use std::env;

use rrm::engine::http::RequestFields;
use serde_json::Value;

use super::{CommandCall, ServerArgs};
use crate::failure::{ensure, usage};

/// Parts of header names that indicate a secret.
const SECRET: [&str; 11] =
    ["key", "apikey", "token", "auth", "authorization", "secret", "cookie", "password", "credential", "credentials", "signature"];

/// Returns the changes to the fields of requests.
///
/// # Errors
/// Names the option that is wrong, and its syntax.
pub fn fields(server: &ServerArgs) -> anyhow::Result<RequestFields> {
    let pair = |option: &str, text: &str, like: &str| {
        let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).unzip();
        let pair = name.zip(value).map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        pair.ok_or_else(|| usage(format!("{option} {text}: expected {like}")))
    };
    let mut fields = RequestFields {
        without: server.without_field.iter().cloned().collect(),
        seed_bits: server.seed_bits,
        ..RequestFields::default()
    };
    for text in &server.request_field {
        let (name, value) = pair("--request-field", text, "NAME=JSON, such as reasoning_effort=low")?;
        let value = json(&value).map_err(|error| usage(format!("--request-field {text}: {error}")))?;
        ensure!(fields.add.insert(name.clone(), value).is_none(), "--request-field {name} is given twice");
    }
    for text in &server.rename_field {
        let (from, to) = pair("--rename-field", text, "NAME=OTHER, such as max_tokens=max_completion_tokens")?;
        ensure!(fields.rename.insert(from.clone(), to).is_none(), "--rename-field {from} is given twice");
    }
    fields.check().map_err(usage)?;
    Ok(fields)
}

/// Parses JSON, or a text without quotes that cannot be anything else.
fn json(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        Err(error) if text.is_empty() || text.starts_with(|c: char| "{[\"'-".contains(c) || c.is_ascii_digit()) => {
            Err(format!("expected JSON ({error}); a text with such a beginning stands in double quotes"))
        }
        Err(_) => Ok(Value::String(text.to_owned())),
    }
}

/// Returns the headers with secrets filled in from the environment.
///
/// # Errors
/// Names the option that is wrong, the variable that is not set, or the secret that would have been saved to a file.
pub fn headers(server: &ServerArgs) -> anyhow::Result<Vec<(String, String)>> {
    server.header.iter().map(|text| header(text, |name| env::var(name).ok())).collect()
}

fn header(text: &str, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<(String, String)> {
    let (name, value) = text.split_once(':').map_or((text.trim(), ""), |(name, value)| (name.trim(), value.trim()));
    ensure!(!name.is_empty() && !value.is_empty(), "--header: expected 'NAME: VALUE', found '{name}' and no value");
    let named = value.contains("${");
    let secret = name.to_lowercase().split(['-', '_']).any(|part| SECRET.contains(&part)) || looks_like_a_key(value);
    ensure!(
        named || !secret,
        "--header '{name}: ...' holds a key, and options are saved beside results: write --header '{name}: ${{VARIABLE}}', which takes it \
         from the environment"
    );
    Ok((name.to_owned(), filled(name, value, variable)?))
}

fn looks_like_a_key(value: &str) -> bool {
    let value = value.to_lowercase();
    ["bearer ", "basic ", "token ", "sk-"].iter().any(|start| value.starts_with(start))
}

/// Replaces each `${NAME}` in `value` by the variable of the environment.
fn filled(header: &str, value: &str, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<String> {
    let mut pieces = value.split("${");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) =
            piece.split_once('}').ok_or_else(|| usage(format!("--header '{header}': a ${{ without its closing brace")))?;
        let found = variable(name).filter(|found| !found.trim().is_empty());
        let found = found.ok_or_else(|| usage(format!("--header '{header}': the environment has no variable {name}")))?;
        out.push_str(found.trim());
        out.push_str(rest);
    }
    Ok(out)
}

/// Refuses options that contradict each other.
///
/// # Errors
/// Names the options.
pub fn check(server: &ServerArgs, called: &CommandCall) -> anyhow::Result<()> {
    let fields = fields(server)?;
    let set = [
        ("temperature", "temperature"),
        ("top_p", "top-p"),
        ("top_k", "top-k"),
        ("min_p", "min-p"),
        ("max_tokens", "max-tokens"),
        ("max_tokens", "max-thinking-tokens"),
    ];
    let both = set.iter().find(|(field, option)| called.gave(option) && fields.leaves_out(field));
    if let Some((field, option)) = both {
        ensure!(false, "--{option} sets what --without-field {field} leaves out");
    }
    Ok(())
}

/// Whether the options change how requests are sent.
pub fn mends(server: &ServerArgs) -> anyhow::Result<bool> {
    Ok(!fields(server)?.is_empty() || !server.header.is_empty() || server.stream_replies)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(words: &[&str]) -> ServerArgs {
        #[derive(clap::Parser)]
        struct Only {
            #[command(flatten)]
            server: ServerArgs,
        }
        <Only as clap::Parser>::parse_from([&["rrm"], words].concat()).server
    }

    fn header_of(text: &str) -> Result<(String, String), String> {
        header(text, |name| (name == "AZURE").then(|| "k1\n".to_owned())).map_err(|error| error.to_string())
    }

    #[test]
    fn headers_take_keys_from_the_environment_only() {
        let pair = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(header_of("api-key: ${AZURE}"), pair("api-key", "k1"));
        assert_eq!(header_of("Authorization: Token ${AZURE}"), pair("Authorization", "Token k1"));
        assert_eq!(header_of("HTTP-Referer: https://example.org"), pair("HTTP-Referer", "https://example.org"));
        assert_eq!(header_of("x-portkey-provider: @openai"), pair("x-portkey-provider", "@openai"));
        for text in
            ["api-key: k1", "Authorization: Bearer k1", "X-Auth-Token: k1", "x-api-key: k1", "anything: Bearer k1", "cookie: k1"]
        {
            let error = header_of(text).unwrap_err();
            assert!(error.contains("${VARIABLE}") && !error.contains("k1"), "{error}");
        }
        for (text, why) in
            [("api-key", "NAME: VALUE"), (": x", "NAME: VALUE"), ("a: ${NONE}", "no variable NONE"), ("a: ${AZURE", "brace")]
        {
            assert!(header_of(text).unwrap_err().contains(why), "{text}");
        }
    }

    #[test]
    fn fields_are_json_or_plain_words() {
        for (text, expected) in [
            ("low", json!("low")),
            ("true", json!(true)),
            ("5", json!(5)),
            ("\"5\"", json!("5")),
            ("{\"enable_thinking\": false}", json!({"enable_thinking": false})),
        ] {
            assert_eq!(json(text), Ok(expected), "{text}");
        }
        for text in ["{\"a\": }", "[1", "'x'", "5x", "\"open", ""] {
            assert!(json(text).is_err(), "{text}");
        }
        let named = |words: &[&str]| fields(&parsed(words)).map_err(|error| error.to_string());
        assert_eq!(named(&["--request-field", "reasoning_effort = low"]).unwrap().add["reasoning_effort"], json!("low"));
        assert!(named(&["--request-field", "x"]).unwrap_err().contains("NAME=JSON"));
        assert!(named(&["--rename-field", "=y"]).unwrap_err().contains("NAME=OTHER"));
        assert!(named(&["--without-field", "sede"]).unwrap_err().contains("there are model, temperature"));
    }
}
