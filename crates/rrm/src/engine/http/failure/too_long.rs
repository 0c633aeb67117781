//! The message of a refusal -> whether the request does not fit the model's context, and the numbers that it states.
//!
//! Servers word it in many ways. Numbers are read only if it is clear which is which: a wrong number is worse than none.

use serde_json::Value;

/// A server's complaint that a request is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LengthComplaint {
    /// Tokens of the prompt and the reserved tokens, and the number that fits.
    Numbers { tokens: u64, limit: u64 },
    /// The message says that the request is too long, without clear numbers.
    Words,
}

/// Names of the thing that is too long.
const THINGS: [&str; 27] = [
    "context length",
    "context size",
    "context window",
    "context limit",
    "maximum context",
    "model length",
    "model_len",
    "max_seq_len",
    "session_len",
    "input length",
    "input_len",
    "prompt length",
    "prompt (length",
    "prompt (total length",
    "sequence length",
    "token limit",
    "tokens limit",
    "input token",
    "inputs` tokens",
    "prompt token",
    "tokens in the prompt",
    "token count",
    "number of tokens allowed",
    "max_num_tokens",
    "input characters",
    "content`: string",
    "content': string",
];

/// Words that say that it is too long.
const EXCESS: [&str; 22] = [
    "exceed",
    "too long",
    "too large",
    "too many",
    "longer than",
    "larger than",
    "greater than",
    "more than",
    "maximum",
    "is only",
    "of only",
    "reduce",
    "shorter",
    "cannot be",
    "must be <=",
    "less than",
    "range of",
    "supports up to",
    "not enough",
    "overflow",
    "does not fit",
    "limit is",
];

/// Words that say both: the thing, and that it is too long.
const WHOLE: [&str; 36] = [
    "context_length_exceeded",
    "exceed_context_size",
    "contextwindowexceeded",
    "context window exceeds",
    "string_above_max_length",
    "request_too_large",
    "prompt is too long",
    "prompt too long",
    "input is too long",
    "input too long",
    "input is too large",
    "prompt exceeds max length",
    "prompt tokens too long",
    "too many tokens",
    "too many input tokens",
    "too large for model",
    "exceeds the available context",
    "request too large for",
    "reduce the length of the",
    "shorter input",
    "shorter prompt",
    "`inputs` must have less than",
    "`inputs` tokens + `max_new_tokens`",
    "maximum prompt length",
    "model token limit",
    "decrease input length",
    "max_tokens must be at least 1, got -",
    "max_completion_tokens must be at least 1, got -",
    "max_new_tokens must be at least 1, got -",
    "input tokens exceed",
    "input token count exceeds",
    "prompt 超长",
    "输入过长",
    "输入长度超",
    "超过最大长度",
    "上下文长度",
];

/// Words before the number of the limit, the surest first.
const LIMITS: [&str; 26] = [
    "context length",
    "context size",
    "context window",
    "context limit",
    "maximum context",
    "model length",
    "max_model_len",
    "max_seq_len",
    "maximum prompt length",
    "number of tokens allowed",
    "maximum allowed length",
    "maximum input length",
    "max_input_len",
    "model token limit",
    "tokens limit",
    "token limit",
    "max_num_tokens",
    "max input tokens",
    "must be <=",
    "less than",
    "supports up to",
    "cannot exceed",
    "limit of",
    "limit is",
    "maximum length",
    "limit",
];

/// Returns whether an answer with this status complains about the length of the request; `detail` is the message in `body`.
pub(super) fn complaint(status: u16, body: &str, detail: &str) -> Option<LengthComplaint> {
    let lower = detail.to_lowercase();
    let all = body.to_lowercase();
    match status {
        // These statuses come from authentication, routing, methods and gateways, not from the context.
        401..=405 | 407..=409 | 502..=504 => return None,
        // A limit for a minute that this one request exceeds: it will never pass.
        429 if !all.contains("request too large for") => return None,
        _ => {}
    }
    if let Some(complaint) = told(body) {
        return Some(complaint);
    }
    let whole = WHOLE.iter().any(|words| all.contains(words));
    let parts = THINGS.iter().any(|thing| lower.contains(thing)) && EXCESS.iter().any(|excess| lower.contains(excess));
    // The limit is on the tokens of a completion; shorter prompts would not help.
    let writes_less = lower.contains("completion tokens") && lower.contains("at most") && !lower.contains("context");
    if status == 413 || ((whole || parts) && !writes_less) {
        return Some(
            numbers(&lower).map_or(LengthComplaint::Words, |(tokens, limit)| LengthComplaint::Numbers { tokens, limit }),
        );
    }
    None
}

/// Returns the numbers in separate fields (llama.cpp).
fn told(body: &str) -> Option<LengthComplaint> {
    let value: Value = serde_json::from_str(body).ok()?;
    let error = value.get("error").unwrap_or(&value);
    let number = |name: &str| error.get(name).and_then(Value::as_u64);
    let (tokens, limit) = (number("n_prompt_tokens")?, number("n_ctx")?);
    Some(LengthComplaint::Numbers { tokens, limit })
}

/// Returns tokens and limit, if the text makes clear which number is which.
fn numbers(text: &str) -> Option<(u64, u64)> {
    if text.contains("string") || text.contains("character") {
        return None;
    }
    let found = all_numbers(text);
    let limit = limit(text, &found)?;
    // The rest that the limit leaves for a prompt is no number of the request.
    let left = text.find("resulting in a maximum").and_then(|at| Some(found.iter().find(|number| number.at > at)?.at));
    let others = found.iter().filter(|number| Some(number.at) != left).map(|number| number.value);
    let mut others: Vec<u64> = others.filter(|value| *value != limit).collect();
    others.sort_unstable();
    others.dedup();
    let largest = *others.last()?;
    let tokens = match others.as_slice() {
        _ if largest > limit => largest,
        // The prompt and the reserved tokens; two equal numbers appear as one here.
        [only] => only * 2,
        [one, other] => one + other,
        _ => return None,
    };
    (tokens > limit).then_some((tokens, limit))
}

/// A number and its position in a text.
struct TextNumber {
    value: u64,
    at: usize,
}

/// Returns the number of the limit: after `>`, or after the words that name a limit, or else right before them.
fn limit(text: &str, found: &[TextNumber]) -> Option<u64> {
    let after = |at: usize, within: usize| found.iter().find(|number| number.at >= at && number.at <= at + within);
    if let Some(at) = text.find(" > ") {
        return after(at, 4).map(|number| number.value);
    }
    let (at, words) = LIMITS.iter().find_map(|words| Some((text.find(words)?, words)))?;
    let behind = &text[at + words.len()..];
    // In "exceeded by 12 tokens" the number is the excess.
    if behind.trim_start().starts_with("by ") || behind.contains("exceeded by") || behind.contains("length by") {
        return None;
    }
    let next = after(at + words.len(), 48);
    let before = found.iter().rev().find(|number| number.at < at);
    next.or(before).map(|number| number.value)
}

/// Returns the whole numbers that stand by themselves: not in names (`gpt-4`, `v1`), not negative, and without a letter after them (`128k`).
fn all_numbers(text: &str) -> Vec<TextNumber> {
    let bytes = text.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        let mut digits = String::new();
        while at < bytes.len() {
            // A comma may separate thousands: exactly three digits follow it.
            let group = bytes[at] == b','
                && bytes.get(at + 1..at + 4).is_some_and(|three| three.iter().all(u8::is_ascii_digit))
                && !bytes.get(at + 4).is_some_and(u8::is_ascii_digit);
            match bytes[at] {
                digit if digit.is_ascii_digit() => digits.push(char::from(digit)),
                _ if group => {}
                _ => break,
            }
            at += 1;
        }
        let before = start.checked_sub(1).map(|index| bytes[index]);
        let in_name = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
        let goes_on = bytes.get(at).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
        let fraction = bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(|byte| (b'1'..=b'9').contains(byte));
        if let (false, Ok(value)) = (in_name || goes_on || fraction, digits.parse()) {
            found.push(TextNumber { value, at: start });
        }
    }
    found
}

#[cfg(test)]
#[path = "too_long/tests.rs"]
mod tests;
