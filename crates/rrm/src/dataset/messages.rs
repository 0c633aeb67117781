//! JSON values -> what somebody says: a text, or the turns of a conversation.

use serde_json::{Map, Number, Value};

use super::{
    error::{RowProblem, wrong_type},
    mend::no_number,
};
use crate::chat::{Message, Role};

/// What a value says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A text.
    Text(String),
    /// At least one turn.
    Turns(Vec<Message>),
}

/// Reads a text, a list of text parts, or a list of messages.
pub(super) fn said(value: &Value, place: &str, expected: &'static str) -> Result<Said, RowProblem> {
    if let Some(text) = scalar(value) {
        return Ok(Said::Text(text));
    }
    match value {
        Value::Array(list) if list.first().is_some_and(is_part) => Ok(Said::Text(parts(list, place)?)),
        Value::Array(list) if list.first().is_some_and(Value::is_object) => Ok(Said::Turns(messages(list, place)?)),
        _ => Err(wrong_type(place, expected, value)),
    }
}

/// Reads a value that is written as text. Numbers and booleans count as their JSON text: spreadsheets make them of `42` and `True`.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => no_number(value).is_none().then(|| text.clone()),
        Value::Number(number) if number.is_f64() && !is_exact(number) => None,
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Whether a number with a fraction has kept its digits: longer ones, and integers beyond 2^64, are not read to their last one.
fn is_exact(number: &Number) -> bool {
    let text = number.to_string();
    let digits = text.split(['e', 'E']).next().unwrap_or_default().bytes().filter(u8::is_ascii_digit);
    digits.skip_while(|digit| *digit == b'0').count() <= 16 && number.as_f64().is_some_and(|number| number.abs() < 1e16)
}

/// Reads a transcript as Anthropic's hh-rlhf files hold them: `Human:` and `Assistant:`, each after an empty line.
pub(super) fn transcript(text: &str) -> Option<Vec<Message>> {
    const SPEAKERS: [(&str, Role); 2] = [("\n\nHuman:", Role::User), ("\n\nAssistant:", Role::Assistant)];
    let text = format!("\n\n{}", text.trim_start());
    let mut rest = text.as_str();
    let mut turns = Vec::new();
    while !rest.is_empty() {
        let (marker, role) = SPEAKERS.into_iter().find(|(marker, _)| rest.starts_with(marker))?;
        rest = &rest[marker.len()..];
        let end = SPEAKERS.iter().filter_map(|(marker, _)| rest.find(marker)).min().unwrap_or(rest.len());
        turns.push(Message { role, content: rest[..end].trim().to_owned() });
        rest = &rest[end..];
    }
    turns.first().is_some_and(|turn| turn.role == Role::User).then_some(turns)
}

fn messages(list: &[Value], place: &str) -> Result<Vec<Message>, RowProblem> {
    list.iter().enumerate().map(|(i, value)| message(value, &format!("{place}[{i}]"))).collect()
}

fn message(value: &Value, place: &str) -> Result<Message, RowProblem> {
    const EXPECTED: &str = "a message with `role` and `content`";
    let Value::Object(keys) = value else { return Err(wrong_type(place, EXPECTED, value)) };
    let Some(name) = keys.get("role") else { return Err(wrong_type(place, EXPECTED, value)) };
    let Value::String(name) = name else { return Err(wrong_type(&format!("{place}.role"), "text", name)) };
    let role = match name.as_str() {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        other => return Err(RowProblem::Role { place: place.to_owned(), role: other.to_owned() }),
    };
    Ok(Message { role, content: content(keys, value, place)? })
}

/// What a message says: its text, then the tools it calls as JSON, so that a judge sees both.
fn content(keys: &Map<String, Value>, message: &Value, place: &str) -> Result<String, RowProblem> {
    let calls = keys.get("tool_calls").filter(|calls| calls.as_array().is_some_and(|calls| !calls.is_empty()));
    let place = format!("{place}.content");
    let text = match keys.get("content") {
        Some(Value::Array(list)) => parts(list, &place)?,
        None | Some(Value::Null) if calls.is_some() => String::new(),
        Some(value) => scalar(value).ok_or_else(|| wrong_type(&place, "text or a list of text parts", value))?,
        None => return Err(wrong_type(place.trim_end_matches(".content"), "a message with `role` and `content`", message)),
    };
    Ok(match calls {
        None => text,
        Some(calls) if text.is_empty() => calls.to_string(),
        Some(calls) => format!("{text}\n{calls}"),
    })
}

fn is_part(value: &Value) -> bool {
    value.get("type").is_some() && value.get("role").is_none()
}

/// Joins the texts of parts such as `{"type": "text", "text": "…"}`.
fn parts(list: &[Value], place: &str) -> Result<String, RowProblem> {
    let mut joined = String::new();
    for (i, part) in list.iter().enumerate() {
        let place = format!("{place}[{i}]");
        match (part.get("type").and_then(Value::as_str), part.get("text")) {
            (Some("text" | "input_text" | "output_text"), Some(Value::String(text))) => joined.push_str(text),
            (Some(kind), _) if !kind.ends_with("text") => return Err(RowProblem::Part { place, kind: kind.to_owned() }),
            _ => return Err(wrong_type(&place, "a part such as {\"type\": \"text\", \"text\": \"…\"}", part)),
        }
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transcripts_are_split_at_their_speakers() {
        let turns = transcript("\n\nHuman: Hi, says\n\nthe man\n\nAssistant: Hello.\n\nHuman:\n\nAssistant: Yes?").unwrap();
        let turns: Vec<_> = turns.iter().map(|turn| (turn.role.as_str(), turn.content.as_str())).collect();
        assert_eq!(turns, [("user", "Hi, says\n\nthe man"), ("assistant", "Hello."), ("user", ""), ("assistant", "Yes?")]);
        assert_eq!(transcript("The sky is blue."), None);
        assert_eq!(transcript("\n\nAssistant: alone"), None);
        assert_eq!(transcript(""), None);
    }
}
