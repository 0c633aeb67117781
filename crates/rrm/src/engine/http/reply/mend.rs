//! Slightly invalid JSON -> JSON, so that an error in one field does not hide the others.
//!
//! Python writes NaN and Infinity, and servers cut texts inside a character or an emoji. Everything else stays an error.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// Parses JSON. If it is invalid, parses the repaired text, or returns the first error.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(body).or_else(|error| serde_json::from_slice(&mended(body)).map_err(|_| error))
}

/// Returns the text with U+FFFD in place of invalid UTF-8 and lone surrogates, and null in place of NaN and infinities.
fn mended(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let mut out = String::with_capacity(text.len());
    let mut rest: &str = &text;
    while let Some(at) = rest.find('"') {
        out.push_str(&numbers(&rest[..at]));
        let length = string_length(&rest[at..]);
        out.push_str(&surrogates(&rest[at..at + length]));
        rest = &rest[at + length..];
    }
    out.push_str(&numbers(rest));
    out.into_bytes()
}

/// Returns the length in bytes of the string at the beginning of `text`, with its quotes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Returns the text between strings, with null for `NaN`, `Infinity` and similar names.
fn numbers(text: &str) -> Cow<'_, str> {
    let part = |c: char| c.is_ascii_alphabetic() || c == '-';
    if !text.contains(['N', 'I', 'i']) && !text.to_ascii_lowercase().contains("nan") {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(part) {
        let end = rest[at..].find(|c| !part(c)).map_or(rest.len(), |length| at + length);
        let word = &rest[at..end];
        let name = word.trim_start_matches('-').to_ascii_lowercase();
        out.push_str(&rest[..at]);
        out.push_str(if matches!(name.as_str(), "nan" | "infinity" | "inf") { "null" } else { word });
        rest = &rest[end..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Returns a string with U+FFFD for every lone `\uD800` to `\uDFFF`.
fn surrogates(string: &str) -> Cow<'_, str> {
    if !string.contains("\\u") {
        return Cow::Borrowed(string);
    }
    let bytes = string.as_bytes();
    let unit = |at: usize| {
        let digits = bytes.get(at..at + 6).filter(|six| six.starts_with(b"\\u") && six[2..].iter().all(u8::is_ascii_hexdigit))?;
        u16::from_str_radix(std::str::from_utf8(&digits[2..]).ok()?, 16).ok()
    };
    let (mut out, mut at, mut copied) = (String::new(), 0, 0);
    while at < bytes.len() {
        let width = match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                out.push_str(&string[copied..at]);
                out.push('\u{fffd}');
                copied = at + 6;
                6
            }
            (Some(_), _) => 6,
            // The escaped character does not begin another escape.
            (None, _) if bytes[at] == b'\\' => 2,
            (None, _) => 1,
        };
        at += width;
    }
    out.push_str(&string[copied..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn mended_value(text: &str) -> Value {
        read(text.as_bytes()).unwrap()
    }

    #[test]
    fn halves_of_characters_do_not_hide_the_rest() {
        assert_eq!(mended_value(r#"{"a": "nice \ud83d", "b": "\ude00 ok"}"#), json!({"a": "nice \u{fffd}", "b": "\u{fffd} ok"}));
        assert_eq!(mended_value(r#"["\ud83d\ude00", "\ud83d"]"#), json!(["😀", "\u{fffd}"]), "whole pairs stay");
        assert_eq!(mended_value(r#"["\\ud83d", "\ud83d"]"#), json!([r"\ud83d", "\u{fffd}"]), "no escape, but its spelling");
        let bytes = [&b"[\"nice "[..], &[0xf0, 0x9f], b"\", \"x\"]"].concat();
        assert_eq!(read::<Value>(&bytes).unwrap(), json!(["nice \u{fffd}", "x"]));
    }

    #[test]
    fn what_is_no_number_is_null_outside_of_strings_only() {
        let text = r#"{"a": NaN, "b": [-Infinity, Infinity, -inf, nan, 1e5, -3, true, null], "c": "NaN Infinity \" NaN"}"#;
        let value = json!({"a": null, "b": [null, null, null, null, 1e5, -3, true, null], "c": "NaN Infinity \" NaN"});
        assert_eq!(mended_value(text), value);
        for broken in ["", "{", "{\"a\": Nothing}", "<html>NaN</html>", "{\"a\": 1} x", "\"\\u12\""] {
            assert!(read::<Value>(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn sound_json_stays_what_it_is(text in ".{0,60}", number in any::<i32>()) {
            let value = json!({"text": text, "number": number, "half": 0.5, "list": [text, null, true]});
            let sound = value.to_string();
            prop_assert_eq!(serde_json::from_slice::<Value>(&mended(sound.as_bytes())).unwrap(), value);
        }

        #[test]
        fn nothing_breaks_it(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = read::<Value>(&bytes);
        }
    }
}
