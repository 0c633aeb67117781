//! The value of a column -> the right answers, or the response.

use rrm::{
    chat::Role,
    dataset::{RowProblem, TurnsOrText, said, wrong_type},
};
use serde_json::Value;

/// Parses right answers: one, those of a list, or none for null. Values other than text, numbers and truth values must be messages.
pub fn golds(value: &Value, place: &str) -> Result<Vec<String>, RowProblem> {
    const EXPECTED: &str = "a right answer: a text, a number, true or false, a list of these, a list of messages, or null";
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(list) if !list.first().is_some_and(Value::is_object) => {
            list.iter().enumerate().map(|(i, value)| plain(value, &format!("{place}[{i}]"))).collect()
        }
        // Skywork-OR1 and other datasets store the list as a text: `["3", "4"]`.
        Value::String(text) if text.trim_start().starts_with("[\"") => {
            Ok(serde_json::from_str::<Vec<String>>(text).unwrap_or_else(|_| vec![text.clone()]))
        }
        value => Ok(vec![text(value, place, EXPECTED)?]),
    }
}

/// Parses the response; null and an empty list give an empty text.
pub fn response(value: &Value, place: &str) -> Result<String, RowProblem> {
    const EXPECTED: &str = "a response: a text, a number, true or false, a list of messages, or null";
    match value {
        Value::Null => Ok(String::new()),
        Value::Array(list) if list.is_empty() => Ok(String::new()),
        value => text(value, place, EXPECTED),
    }
}

/// Parses one item of a list of right answers.
fn plain(value: &Value, place: &str) -> Result<String, RowProblem> {
    const EXPECTED: &str = "a right answer of a list: a text, a number, true or false";
    match value {
        Value::Array(_) | Value::Object(_) => Err(wrong_type(place, EXPECTED, value)),
        value => text(value, place, EXPECTED),
    }
}

/// Returns a text, or the last message of the assistant in a list of messages.
fn text(value: &Value, place: &str, expected: &'static str) -> Result<String, RowProblem> {
    let turns = match value {
        Value::Array(list) => said(&list.iter().map(spoken).collect(), place, expected)?,
        value => said(value, place, expected)?,
    };
    match turns {
        TurnsOrText::Text(text) => Ok(text),
        TurnsOrText::Turns(turns) => {
            let last = turns.into_iter().rfind(|turn| turn.role == Role::Assistant);
            last.map(|turn| turn.content)
                .ok_or_else(|| wrong_type(place, "messages, with a turn of the assistant among them", value))
        }
    }
}

/// Removes tool calls from a message, because their arguments are not an answer; null as content becomes an empty text.
fn spoken(message: &Value) -> Value {
    let mut message = message.clone();
    if let Value::Object(keys) = &mut message
        && keys.contains_key("role")
    {
        let calls = keys.shift_remove("tool_calls").is_some_and(|calls| !calls.is_null());
        if keys.get("content").map_or(calls, Value::is_null) {
            keys.insert("content".to_owned(), "".into());
        }
    }
    message
}
