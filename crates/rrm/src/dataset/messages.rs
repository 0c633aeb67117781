//! JSON values -> a text, or the turns of a conversation.

use serde_json::{Map, Number, Value};

use super::{
    mend::no_number,
    pictures::attached,
    problem::{RowProblem, wrong_type},
    roles,
};
use crate::chat::Message;

/// The content of a value: a text, or the turns of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnsOrText {
    /// A text.
    Text(String),
    /// At least one turn.
    Turns(Vec<Message>),
}

/// Reads a text, a list of text parts, or a list of messages.
pub(super) fn said(value: &Value, place: &str, expected: &'static str) -> Result<TurnsOrText, RowProblem> {
    if let Some(text) = scalar(value) {
        return Ok(TurnsOrText::Text(text));
    }
    match value {
        Value::Array(list) if list.first().is_some_and(is_part) => Ok(TurnsOrText::Text(parts(list, place)?)),
        Value::Array(list) if list.first().is_some_and(Value::is_object) => Ok(TurnsOrText::Turns(messages(list, place)?)),
        _ => Err(wrong_type(place, expected, value)),
    }
}

/// Returns the text of a value. Numbers and booleans count as their JSON text, because spreadsheets turn `42` and `True` into them.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => no_number(value).is_none().then(|| text.clone()),
        Value::Number(number) if number.is_f64() && !is_exact(number) => None,
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Returns whether a number with a fraction has kept all its digits: longer ones, and integers beyond 2^64, are not read exactly.
fn is_exact(number: &Number) -> bool {
    let text = number.to_string();
    let digits = text.split(['e', 'E']).next().unwrap_or_default().bytes().filter(u8::is_ascii_digit);
    digits.skip_while(|digit| *digit == b'0').count() <= 15 && number.as_f64().is_some_and(|number| number.abs() < 1e16)
}

pub(super) fn messages(list: &[Value], place: &str) -> Result<Vec<Message>, RowProblem> {
    list.iter().enumerate().map(|(i, value)| message(value, &format!("{place}[{i}]"))).collect()
}

/// Keys of a message that may hold its content; the first that is not null counts. They are those of OpenAI, ShareGPT, Cohere, Gemini and
/// OpenAssistant.
const TEXTS: [&str; 5] = ["content", "value", "message", "parts", "text"];

const MESSAGE: &str = "a message with `role` and `content`";

fn message(value: &Value, place: &str) -> Result<Message, RowProblem> {
    let Value::Object(keys) = value else { return Err(wrong_type(place, MESSAGE, value)) };
    let role = roles::named(keys, place)?.ok_or_else(|| wrong_type(place, MESSAGE, value))?;
    if let Some(key) = attached(keys) {
        return Err(RowProblem::Picture { place: format!("{place}.{key}") });
    }
    Ok(Message { role, content: content(keys, place)?.1 })
}

/// Returns the content of a message and its key: its text, then its tool calls as JSON, so that a judge sees both.
pub(super) fn content(keys: &Map<String, Value>, place: &str) -> Result<(&'static str, String), RowProblem> {
    let calls: Vec<String> = [("tool_calls", is_list as fn(&Value) -> bool), ("function_call", Value::is_object)]
        .into_iter()
        .filter_map(|(key, is_call)| keys.get(key).filter(|value| is_call(value)))
        .map(Value::to_string)
        .collect();
    let mut texts =
        TEXTS.into_iter().filter_map(|key| Some((key, keys.get(key)?.as_str()?))).filter(|(_, text)| !text.trim().is_empty());
    if let Some((one, text)) = texts.next()
        && let Some((other, more)) = texts.find(|(_, more)| more.trim() != text.trim())
    {
        let [one, other] = [one, other].map(|key| format!("`{place}.{key}`"));
        return Err(RowProblem::Contradiction { one, other, found: Box::new([beginning(text), beginning(more)]), hint: "" });
    }
    let there = |key: &&str| keys.get(*key).is_some_and(|value| !value.is_null());
    let key = TEXTS.into_iter().find(there).unwrap_or("content");
    let place_of = format!("{place}.{key}");
    let text = match keys.get(key) {
        Some(Value::Array(list)) if list.is_empty() && calls.is_empty() => {
            return Err(wrong_type(&place_of, CONTENT, &Value::Array(Vec::new())));
        }
        Some(Value::Array(list)) => parts(list, &place_of)?,
        Some(Value::Object(answer)) => answer_of(answer, &place_of)?,
        None | Some(Value::Null) if !calls.is_empty() => String::new(),
        Some(value) => scalar(value).ok_or_else(|| wrong_type(&place_of, CONTENT, value))?,
        None => return Err(wrong_type(place, MESSAGE, &Value::Object(keys.clone()))),
    };
    let said: Vec<String> = [text].into_iter().filter(|text| !text.is_empty()).chain(calls).collect();
    Ok((key, said.join("\n")))
}

const CONTENT: &str = "text or a list of text parts";

fn is_list(value: &Value) -> bool {
    value.as_array().is_some_and(|list| !list.is_empty())
}

/// Returns the answer of `{"answer": "…"}`, as Arena-Hard writes content. Thoughts beside it are no part of the answer.
fn answer_of(keys: &Map<String, Value>, place: &str) -> Result<String, RowProblem> {
    const THOUGHTS: [&str; 4] = ["thought", "thinking", "reasoning", "reasoning_content"];
    let others = keys.keys().any(|key| key != "answer" && !THOUGHTS.contains(&key.as_str()));
    let answer = keys.get("answer").filter(|_| !others).and_then(scalar);
    answer.ok_or_else(|| wrong_type(place, CONTENT, &Value::Object(keys.clone())))
}

fn is_part(value: &Value) -> bool {
    value.get("type").is_some() && value.as_object().is_some_and(|keys| roles::speaker(keys).is_none())
}

/// Joins the texts of parts such as `{"type": "text", "text": "…"}` or `{"text": "…"}`.
fn parts(list: &[Value], place: &str) -> Result<String, RowProblem> {
    let mut joined = String::new();
    for (i, part) in list.iter().enumerate() {
        let place = format!("{place}[{i}]");
        if let Some(key) = part.as_object().and_then(attached).filter(|_| part.get("text").is_some_and(Value::is_string)) {
            return Err(RowProblem::Picture { place: format!("{place}.{key}") });
        }
        match (part.get("type").and_then(Value::as_str), part.get("text")) {
            (Some("text" | "input_text" | "output_text"), Some(Value::String(text))) => joined.push_str(text),
            // Gemini's parts have no type.
            (None, Some(Value::String(text))) if part.as_object().is_some_and(|keys| keys.len() == 1) => joined.push_str(text),
            (Some(kind), _) if !kind.ends_with("text") => return Err(RowProblem::Part { place, kind: kind.to_owned() }),
            _ => return Err(wrong_type(&place, "a part such as {\"type\": \"text\", \"text\": \"…\"}", part)),
        }
    }
    Ok(joined)
}

/// Returns the beginning of a text in backquotes, for messages.
pub(super) fn beginning(text: &str) -> String {
    let text = text.replace('\n', "\\n");
    if text.chars().count() > 60 { format!("`{}…`", text.chars().take(60).collect::<String>()) } else { format!("`{text}`") }
}
