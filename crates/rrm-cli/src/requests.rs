//! Options about how a service wants its requests -> fields and headers; secrets come from the environment.

use std::env;

use rrm::engine::http::Fields;
use serde_json::Value;

use crate::options::Options;

/// Parts of a header's name by which it holds a key.
const SECRET: [&str; 11] =
    ["key", "apikey", "token", "auth", "authorization", "secret", "cookie", "password", "credential", "credentials", "signature"];

/// Changes to the fields of requests.
///
/// # Errors
/// Which option is wrong, and how it is written.
pub fn fields(options: &Options) -> anyhow::Result<Fields> {
    let pair = |option: &str, text: &str, like: &str| {
        let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).unzip();
        let pair = name.zip(value).map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        pair.ok_or_else(|| anyhow::anyhow!("{option} {text}: expected {like}"))
    };
    let mut fields = Fields {
        without: options.without_field.iter().cloned().collect(),
        seed_bits: options.seed_bits,
        system_as_user: options.system_as_user,
        ..Fields::default()
    };
    for text in &options.request_field {
        let (name, value) = pair("--request-field", text, "NAME=JSON, such as reasoning_effort=low")?;
        let value = json(&value).map_err(|error| anyhow::anyhow!("--request-field {text}: {error}"))?;
        anyhow::ensure!(fields.add.insert(name.clone(), value).is_none(), "--request-field {name} is given twice");
    }
    for text in &options.rename_field {
        let (from, to) = pair("--rename-field", text, "NAME=OTHER, such as max_tokens=max_completion_tokens")?;
        anyhow::ensure!(fields.rename.insert(from.clone(), to).is_none(), "--rename-field {from} is given twice");
    }
    fields.check().map_err(anyhow::Error::msg)?;
    Ok(fields)
}

/// JSON, or a text without quotes where it could be nothing else.
fn json(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        Err(error) if text.is_empty() || text.starts_with(|c: char| "{[\"'-".contains(c) || c.is_ascii_digit()) => {
            Err(format!("expected JSON ({error}); a text with such a beginning stands in double quotes"))
        }
        Err(_) => Ok(Value::String(text.to_owned())),
    }
}

/// Headers with the secrets that they name put in.
///
/// # Errors
/// Which option is wrong, which variable is not set, or which secret would have come into a file.
pub fn headers(options: &Options) -> anyhow::Result<Vec<(String, String)>> {
    options.header.iter().map(|text| header(text, |name| env::var(name).ok())).collect()
}

fn header(text: &str, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<(String, String)> {
    let (name, value) = text.split_once(':').map_or((text.trim(), ""), |(name, value)| (name.trim(), value.trim()));
    anyhow::ensure!(!name.is_empty() && !value.is_empty(), "--header: expected 'NAME: VALUE', found '{name}' and no value");
    let named = value.contains("${");
    let secret = name.to_lowercase().split(['-', '_']).any(|part| SECRET.contains(&part)) || looks_like_a_key(value);
    anyhow::ensure!(
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

/// `value` with each `${NAME}` replaced by the environment's variable.
fn filled(header: &str, value: &str, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<String> {
    let mut pieces = value.split("${");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) =
            piece.split_once('}').ok_or_else(|| anyhow::anyhow!("--header '{header}': a ${{ without its closing brace"))?;
        let found = variable(name).filter(|found| !found.trim().is_empty());
        let found = found.ok_or_else(|| anyhow::anyhow!("--header '{header}': the environment has no variable {name}"))?;
        out.push_str(found.trim());
        out.push_str(rest);
    }
    Ok(out)
}

/// Refuses options that contradict each other.
///
/// # Errors
/// Which.
pub fn check(options: &Options) -> anyhow::Result<()> {
    let fields = fields(options)?;
    let given = [
        ("temperature", "--temperature", options.temperature.is_some()),
        ("top_p", "--top-p", options.top_p.is_some()),
        ("top_k", "--top-k", options.top_k.is_some()),
        ("min_p", "--min-p", options.min_p.is_some()),
        ("max_tokens", "--max-tokens", options.max_tokens.is_some()),
        ("max_tokens", "--max-thinking-tokens", options.max_thinking_tokens.is_some()),
    ];
    let both = given.iter().find(|(field, _, given)| *given && fields.leaves_out(field));
    if let Some((field, option, _)) = both {
        anyhow::bail!("{option} sets what --without-field {field} leaves out");
    }
    let mends = !fields.is_empty() || !options.header.is_empty() || options.stream_replies;
    anyhow::ensure!(
        options.batch_out.is_none() || !mends,
        "--batch-out: requests of a batch are written as they are, without --request-field, --without-field, --rename-field, --seed-bits, \
         --system-as-user, --header and --stream-replies"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        let named = |options: Options| fields(&options).map_err(|error| error.to_string());
        let list = |text: &str| vec![text.to_owned()];
        let options = Options { request_field: list("reasoning_effort = low"), ..Options::default() };
        assert_eq!(named(options).unwrap().add["reasoning_effort"], json!("low"));
        assert!(named(Options { request_field: list("x"), ..Options::default() }).unwrap_err().contains("NAME=JSON"));
        assert!(named(Options { rename_field: list("=y"), ..Options::default() }).unwrap_err().contains("NAME=OTHER"));
        assert!(
            named(Options { without_field: list("sede"), ..Options::default() })
                .unwrap_err()
                .contains("there are model, temperature")
        );
    }

    #[test]
    fn contradictions_are_refused() {
        let out = |name: &str| vec![name.to_owned()];
        let options = Options { without_field: out("temperature"), temperature: Some(1.0), ..Options::default() };
        assert!(check(&options).unwrap_err().to_string().contains("--temperature sets what"));
        let options = Options { without_field: out("max_tokens"), max_thinking_tokens: Some(9), ..Options::default() };
        assert!(check(&options).is_err());
        let options = Options { without_field: out("seed"), engine: out("https://h/v1"), ..Options::default() };
        assert!(check(&options).is_ok());
    }
}
