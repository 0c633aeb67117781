//! The message with which a service refuses a request -> a change to the request, or the option that would help.
//!
//! Two changes are made without asking, because no text changes by them: another name of the token limit, and answers as a stream. Seeds that are too
//! large are cut to 31 bits, in the same way in every run. A note reports each change. Everything that would change sampling is left to the user: the
//! error names the option.

use serde::{Deserialize, Serialize};

use crate::engine::{
    EngineError,
    http::fields::{NEW_LIMIT, RequestFields},
};

/// Change to the requests after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Remedy {
    /// The token limit has its newer name.
    NewLimit,
    /// Answers come as a stream.
    Stream,
    /// Seeds have 31 bits.
    ShortSeeds,
}

/// Fields that a refusal may name, the likeliest first.
const FIELDS: [&str; 9] =
    ["max_tokens", "seed", "temperature", "top_p", "top_k", "min_p", "stream_options", "stop", "max_completion_tokens"];

/// Words that refuse a field as such, and not its value.
const REFUSING: [&str; 16] = [
    "unsupported",
    "not support",
    "unrecognized",
    "unknown",
    "unexpected",
    "extra inputs",
    "extra fields",
    "extra_forbidden",
    "not permitted",
    "not allowed",
    "additional properties",
    "cannot both",
    "not be specified",
    "cannot be used",
    "deprecated",
    "invalid",
];

impl Remedy {
    /// Returns the remedy for this error, if there is one that changes no text and was not tried before.
    pub fn of(error: &EngineError, fields: &RequestFields, streams: bool) -> Option<Remedy> {
        let EngineError::Status { status: 400 | 422, detail, .. } = error else { return None };
        let words = detail.to_lowercase();
        if !streams && wants_stream(&words) {
            return Some(Remedy::Stream);
        }
        let named = |name: &str| mentions(&words, name);
        if named("max_completion_tokens") && named("max_tokens") && !fields.rename.contains_key(NEW_LIMIT.0) {
            return (!fields.leaves_out(NEW_LIMIT.0)).then_some(Remedy::NewLimit);
        }
        let short = named("seed") && is_too_large(&words) && fields.seed_bits.is_none() && !fields.leaves_out("seed");
        short.then_some(Remedy::ShortSeeds)
    }

    /// Describes the change, with the option that asks for it.
    pub fn note(self) -> &'static str {
        match self {
            Remedy::NewLimit => {
                "the server refuses `max_tokens`: the limit is sent as `max_completion_tokens` (--rename-field max_tokens=max_completion_tokens)"
            }
            Remedy::Stream => "the server answers only as a stream: answers are asked for as streams (--stream-replies)",
            Remedy::ShortSeeds => "the server refuses large seeds: their low 31 bits are sent (--seed-bits 31)",
        }
    }
}

/// Returns `error` with the option that would help, if its message shows one.
pub(crate) fn advised(error: EngineError, streams: bool) -> EngineError {
    let with = |detail: String, advice: Option<String>| match advice {
        Some(advice) => format!("{detail} ({advice})"),
        None => detail,
    };
    match error {
        EngineError::Status { engine, status, detail } => {
            let advice = match status {
                400 | 422 => advice(&detail.to_lowercase(), streams),
                408 | 504 | 524 if !streams => Some(KEEP_ALIVE.to_owned()),
                _ => None,
            };
            EngineError::Status { engine, status, detail: with(detail, advice) }
        }
        EngineError::BadReply { engine, detail } if !streams && detail.starts_with("the connection broke") => {
            EngineError::BadReply { engine, detail: with(detail, Some(KEEP_ALIVE.to_owned())) }
        }
        other => other,
    }
}

const KEEP_ALIVE: &str =
    "a gateway gives up on answers that take long to begin: --stream-replies has them sent as they are written";

fn advice(words: &str, streams: bool) -> Option<String> {
    if !streams && wants_stream(words) {
        return Some("--stream-replies asks for answers as streams".to_owned());
    }
    if words.contains("output limit was reached") {
        return Some("the limit was used up by thinking: raise --max-tokens".to_owned());
    }
    if is_about_system(words) {
        return Some("--system-as-user puts the system message into the user's".to_owned());
    }
    let large = mentions(words, "seed") && is_too_large(words);
    let refused = large || REFUSING.iter().any(|word| words.contains(word));
    if !refused {
        return None;
    }
    let named: Vec<&str> = FIELDS.into_iter().filter(|name| mentions(words, name)).collect();
    let advice = match named.as_slice() {
        [] => return None,
        named if named.contains(&"temperature") && named.contains(&"top_p") => {
            "--without-field top_p leaves one of them out; the service's own value then holds".to_owned()
        }
        ["max_tokens", ..] if named.contains(&NEW_LIMIT.1) => "--rename-field max_tokens=max_completion_tokens".to_owned(),
        ["seed", ..] if is_too_large(words) => "--seed-bits 31 sends shorter seeds".to_owned(),
        ["seed", ..] => {
            "--without-field seed leaves it out, and texts do not repeat; --rename-field seed=NAME sends it under the \
            service's name for it (Mistral: random_seed)"
                .to_owned()
        }
        [field @ ("top_k" | "min_p"), ..] => format!("--without-field {field} leaves it out, as does not setting the option"),
        [field @ ("temperature" | "top_p"), ..] => {
            format!("--without-field {field} leaves it out; the service's own value then holds")
        }
        [field, ..] => format!("--without-field {field} leaves it out"),
    };
    Some(advice)
}

/// Returns whether the message says that answers are only available as streams.
fn wants_stream(words: &str) -> bool {
    let streaming = [
        "non-streaming",
        "only support stream",
        "only supports stream",
        "enable the stream",
        "stream=true",
        "stream must be true",
    ];
    streaming.iter().any(|phrase| words.contains(phrase))
        || (words.contains("stream")
            && (words.contains("set to true") || words.contains("is required") || words.contains("must be enabled")))
}

/// Returns whether the message refuses the system role.
fn is_about_system(words: &str) -> bool {
    let role = [
        "system role",
        "system message",
        "role 'system'",
        "role: system",
        "\"system\"",
        "developer instruction",
        "system instruction",
    ];
    let refused = ["not support", "unsupported", "not enabled", "not allowed", "invalid", "must be", "only user"];
    (role.iter().any(|phrase| words.contains(phrase)) && refused.iter().any(|phrase| words.contains(phrase)))
        || words.contains("roles must alternate")
}

/// Returns whether the message refuses the size of a number.
fn is_too_large(words: &str) -> bool {
    let size = [
        "int32",
        "2147483647",
        "2,147,483,647",
        "4294967295",
        "less than or equal",
        "less_than",
        "out of range",
        "too large",
        "range of",
    ];
    size.iter().any(|phrase| words.contains(phrase)) || (words.contains("maximum") && words.contains("integer"))
}

/// Returns whether `name` is in `words` as a separate word.
fn mentions(words: &str, name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    words.match_indices(name).any(|(at, _)| !words[..at].ends_with(part) && !words[at + name.len()..].starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(detail: &str) -> EngineError {
        EngineError::Status { engine: "e".to_owned(), status: 400, detail: detail.to_owned() }
    }

    fn remedy(detail: &str) -> Option<Remedy> {
        Remedy::of(&refused(detail), &RequestFields::default(), false)
    }

    fn advice_on(detail: &str) -> String {
        let said = advised(refused(detail), false).to_string();
        said.split_once(detail).unwrap().1.trim_matches([' ', '(', ')']).to_owned()
    }

    #[test]
    fn what_changes_no_text_is_mended() {
        let cases = [
            (
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                Remedy::NewLimit,
            ),
            ("This model only support stream mode, please enable the stream parameter to access the model.", Remedy::Stream),
            ("parameter.enable_thinking must be set to false for non-streaming calls", Remedy::Stream),
            ("Requests with max_tokens > 4096 must have stream=true", Remedy::Stream),
            ("Invalid value at 'generation_config.seed' (TYPE_INT32), 4679723299461809", Remedy::ShortSeeds),
            ("<400> InternalError.Algo.InvalidParameter: Range of seed should be [0, 2147483647]", Remedy::ShortSeeds),
            (
                r#"[{"type":"less_than_equal","loc":["body","seed"],"msg":"Input should be less than or equal to 4294967295"}]"#,
                Remedy::ShortSeeds,
            ),
        ];
        for (detail, expected) in cases {
            assert_eq!(remedy(detail), Some(expected), "{detail}");
        }
        let fields = RequestFields { seed_bits: Some(31), ..RequestFields::default() };
        assert_eq!(Remedy::of(&refused(cases[4].0), &fields, false), None, "once is enough");
        assert_eq!(Remedy::of(&refused(cases[1].0), &fields, true), None);
        assert_eq!(remedy("This model's maximum context length is 4096 tokens; lower max_tokens"), None);
    }

    #[test]
    fn what_changes_how_tokens_are_drawn_is_left_to_the_user() {
        let cases = [
            (
                "Unsupported value: 'temperature' does not support 0.6 with this model. Only the default (1) value is supported.",
                "--without-field temperature",
            ),
            ("Unsupported parameter: 'top_p' is not supported with this model.", "--without-field top_p"),
            ("`temperature` and `top_p` cannot both be specified for this model. Please use only one.", "--without-field top_p"),
            (
                r#"{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted","input":0}]}"#,
                "--rename-field seed=NAME",
            ),
            ("Unrecognized request argument supplied: seed", "--without-field seed"),
            ("property 'seed' is unsupported", "--without-field seed"),
            ("Unrecognized request argument supplied: stream_options", "--without-field stream_options"),
            ("top_k: Extra inputs are not permitted", "--without-field top_k"),
            ("System role not supported", "--system-as-user"),
            ("Developer instruction is not enabled for models/gemma-3-27b-it", "--system-as-user"),
            ("Conversation roles must alternate user/assistant/user/assistant/...", "--system-as-user"),
            ("Could not finish the message because max_tokens or model output limit was reached.", "--max-tokens"),
        ];
        for (detail, option) in cases {
            assert_eq!(remedy(detail), None, "{detail}");
            assert!(advice_on(detail).contains(option), "{detail}: {}", advice_on(detail));
        }
    }

    #[test]
    fn other_errors_are_left_alone() {
        for detail in [
            "temperature must be at most 2",
            "model 'x' not found",
            "Invalid JSON",
            "the seeds of doubt",
            "context length exceeded",
        ] {
            assert_eq!(advice_on(detail), "", "{detail}");
        }
        let gateway = EngineError::Status { engine: "e".to_owned(), status: 504, detail: "Gateway Time-out".to_owned() };
        assert!(advised(gateway.clone(), false).to_string().contains("--stream-replies"));
        assert!(!advised(gateway, true).to_string().contains("--stream-replies"), "it streams already");
    }
}
