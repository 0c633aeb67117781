//! Fields of a reply, in the forms of different servers -> texts and numbers.

use serde_json::Value;

/// Returns the text and the thinking of a message's content: a string, null, or a list of parts. `None` for anything else.
pub(super) fn content(value: &Value) -> Option<(String, String)> {
    match value {
        Value::Null => Some(Default::default()),
        Value::String(text) => Some((text.clone(), String::new())),
        Value::Array(parts) => {
            let mut content = (String::new(), String::new());
            for part in parts {
                content.0.push_str(part.as_str().or_else(|| part.get("text")?.as_str()).unwrap_or_default());
                content.1.push_str(&part.get("thinking").map(thinking).unwrap_or_default());
            }
            Some(content)
        }
        _ => None,
    }
}

/// Returns thinking in a separate field: text, parts, or an object that holds it; empty for anything else.
pub(super) fn thinking(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(thinking).collect(),
        Value::Object(fields) => {
            ["content", "text", "thinking", "summary"].iter().find_map(|name| fields.get(*name)).map(thinking).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// Returns a count: a whole number that is not negative, also as `20.0` or `"20"`. `None` for anything else.
pub(super) fn count(value: &Value) -> Option<u64> {
    const MOST: f64 = (1_u64 << 53) as f64;
    match value {
        Value::Number(number) => {
            number.as_u64().or_else(|| number.as_f64().filter(|n| (0.0..=MOST).contains(n) && n.fract() == 0.0).map(|n| n as u64))
        }
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|count| *count <= MOST as u64)
}

/// Returns whether the field `error` of a reply states an error. Some servers always send the field.
pub(super) fn is_error(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Array(items) => items.iter().any(is_error),
        Value::Object(fields) => {
            let fine = |value: &Value| !is_error(value) || matches!(value.as_u64(), Some(200));
            fields.values().any(|value| !fine(value))
        }
        Value::Bool(true) => true,
    }
}

/// Returns a finish reason as text; `None` if the value stands for no reason.
pub(super) fn reason(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if matches!(text.trim(), "" | "null") => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => ["type", "reason"].iter().find_map(|name| fields.get(*name)).and_then(reason),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_are_read_where_they_are_counts() {
        for (value, expected) in [(json!(20), 20), (json!(20.0), 20), (json!("20"), 20), (json!(" 7 "), 7), (json!(0), 0)] {
            assert_eq!(count(&value), Some(expected), "{value}");
        }
        let unknown =
            [json!(-35), json!(20.5), json!("many"), json!([]), json!({}), json!(null), json!(true), json!(1e300), json!("-1")];
        for value in unknown {
            assert_eq!(count(&value), None, "{value}");
        }
    }

    #[test]
    fn an_error_is_what_says_something() {
        for value in [
            json!(null),
            json!(""),
            json!(" "),
            json!(false),
            json!({}),
            json!([]),
            json!({"message": "", "code": null}),
            json!(0),
        ] {
            assert!(!is_error(&value), "{value}");
        }
        for value in [json!("no"), json!(true), json!({"message": "no"}), json!({"code": 502}), json!(500)] {
            assert!(is_error(&value), "{value}");
        }
        assert!(!is_error(&json!({"code": 200, "message": ""})));
    }

    #[test]
    fn thinking_is_found_in_whatever_holds_it() {
        for value in [
            json!("hm"),
            json!({"content": "hm", "effort": "high"}),
            json!([{"text": "h"}, {"text": "m"}]),
            json!({"text": "hm"}),
        ] {
            assert_eq!(thinking(&value), "hm", "{value}");
        }
        for value in [json!(null), json!(7), json!({"effort": "high"}), json!([])] {
            assert_eq!(thinking(&value), "", "{value}");
        }
    }
}
