//! The pre-tokenizer of a `tokenizer.json` -> its name in llama.cpp.

use serde_json::Value;

/// Llama 3's pattern: words, up to three digits, marks, spaces.
const UP_TO_THREE_DIGITS: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Qwen 2's pattern: the same, with single digits.
const SINGLE_DIGITS: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Returns llama.cpp's name (`tokenizer.ggml.pre`). The name also determines whether words that are tokens are taken before any merge.
///
/// # Errors
/// When llama.cpp has no pre-tokenizer that is known to do the same.
pub(super) fn name(tokenizer: &Value) -> Result<&'static str, String> {
    if !normalizes_little(&tokenizer["normalizer"]) {
        return Err(format!("its normalizer {} has no name in llama.cpp", kind(&tokenizer["normalizer"])));
    }
    let outer = &tokenizer["pre_tokenizer"];
    let steps = outer["pretokenizers"].as_array().map_or(std::slice::from_ref(outer), Vec::as_slice);
    if steps.iter().any(|step| step["type"] == "Metaspace") || tokenizer["model"]["byte_fallback"] == true {
        return Err("its vocabulary is of sentencepiece's kind; only byte-level ones are converted".to_owned());
    }
    let whole_words = tokenizer["model"]["ignore_merges"] == true;
    match (steps, whole_words) {
        ([bytes], false) if is_bytes(bytes, true) => Ok("gpt-2"),
        ([digits, bytes], false) if is_digits(digits) && is_bytes(bytes, true) => Ok("smollm"),
        ([split, bytes], _) if is_bytes(bytes, false) => match (pattern(split), whole_words) {
            (Some(UP_TO_THREE_DIGITS), true) => Ok("llama-bpe"),
            (Some(UP_TO_THREE_DIGITS), false) => Ok("smaug-bpe"),
            (Some(SINGLE_DIGITS), false) => Ok("qwen2"),
            _ => Err(unknown(steps)),
        },
        _ => Err(unknown(steps)),
    }
}

/// Whether the normalizer at most composes characters, as Qwen's does. llama.cpp leaves texts unchanged, as its own conversions of Qwen do.
fn normalizes_little(normalizer: &Value) -> bool {
    normalizer.is_null() || normalizer["type"] == "NFC"
}

fn kind(step: &Value) -> &str {
    step["type"].as_str().unwrap_or("of no type")
}

fn unknown(steps: &[Value]) -> String {
    let kinds: Vec<&str> = steps.iter().map(kind).collect();
    format!("how its tokenizer.json cuts texts ({}) is none of the ways that rrm knows llama.cpp to have", kinds.join(", "))
}

/// Whether a step maps bytes to characters, and splits words by GPT-2's pattern if `by_words` and not at all otherwise.
fn is_bytes(step: &Value, by_words: bool) -> bool {
    // An absent flag is true for both.
    let flag = |name: &str| step[name].as_bool().unwrap_or(true);
    kind(step) == "ByteLevel" && flag("use_regex") == by_words && !flag("add_prefix_space")
}

fn is_digits(step: &Value) -> bool {
    kind(step) == "Digits" && step["individual_digits"] == true
}

/// Returns the pattern of a step that isolates its matches.
fn pattern(step: &Value) -> Option<&str> {
    let isolated = kind(step) == "Split" && step["behavior"] == "Isolated" && step["invert"] != true;
    step["pattern"]["Regex"].as_str().filter(|_| isolated)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bytes(use_regex: bool) -> Value {
        json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex })
    }

    fn split(pattern: &str) -> Value {
        json!({ "type": "Split", "pattern": { "Regex": pattern }, "behavior": "Isolated", "invert": false })
    }

    fn named(steps: Value, ignore_merges: bool) -> Result<&'static str, String> {
        let pre_tokenizer = json!({ "type": "Sequence", "pretokenizers": steps });
        name(&json!({ "pre_tokenizer": pre_tokenizer, "model": { "ignore_merges": ignore_merges } }))
    }

    #[test]
    fn known_ways_have_names() {
        let digits = json!({ "type": "Digits", "individual_digits": true });
        assert_eq!(named(json!([bytes(true)]), false).unwrap(), "gpt-2");
        assert_eq!(named(json!([digits, bytes(true)]), false).unwrap(), "smollm");
        assert_eq!(named(json!([split(UP_TO_THREE_DIGITS), bytes(false)]), true).unwrap(), "llama-bpe");
        assert_eq!(named(json!([split(UP_TO_THREE_DIGITS), bytes(false)]), false).unwrap(), "smaug-bpe");
        assert_eq!(named(json!([split(SINGLE_DIGITS), bytes(false)]), false).unwrap(), "qwen2");
        assert_eq!(name(&json!({ "normalizer": { "type": "NFC" }, "pre_tokenizer": bytes(true) })).unwrap(), "gpt-2");
    }

    #[test]
    fn others_are_refused_by_name() {
        assert!(named(json!([split(r"\d+"), bytes(false)]), false).unwrap_err().contains("(Split, ByteLevel)"));
        assert!(named(json!([split(SINGLE_DIGITS), bytes(true)]), false).is_err());
        assert!(named(json!([split(SINGLE_DIGITS), bytes(false)]), true).is_err());
        assert!(named(json!([{ "type": "Metaspace" }]), false).unwrap_err().contains("sentencepiece"));
        assert!(name(&json!({ "normalizer": { "type": "Lowercase" } })).unwrap_err().contains("Lowercase"));
        assert!(name(&json!({})).unwrap_err().contains("of no type"));
    }
}
