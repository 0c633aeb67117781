//! Texts that hold conversations (transcripts, JSON text of messages, JSON lists of turns) -> their turns, for all responses of a row or for none.
//!
//! A text is only taken for a conversation where nothing else can be meant; see the table in docs/formats.md. Where one response of a row
//! is one and another is not, the row is refused. Texts inside messages are never looked into.

use serde_json::Value;

use super::{
    error::RowProblem,
    messages::{Said, messages},
    responses::Raw,
    roles,
    settle::repeats,
};
use crate::chat::{Message, Role};

/// What a text was read as, for messages.
const TRANSCRIPT: &str = "a transcript";
const JSON: &str = "JSON text of messages";

/// A text read as turns.
struct Chat {
    what: &'static str,
    turns: Vec<Message>,
    /// Whether it can be nothing else, given the row's prompt.
    sure: bool,
}

/// The turns of a prompt that is written as a transcript or as JSON text of messages; `None` for any other text.
pub(super) fn prompt(text: &str, place: &str) -> Result<Option<Vec<Message>>, RowProblem> {
    if let Some(list) = listed_messages(text) {
        return messages(&list, place).map(Some);
    }
    let Some(mut turns) = transcript(text) else { return Ok(None) };
    let open = turns.last().is_some_and(|turn| turn.role == Role::Assistant && turn.content.is_empty());
    if open {
        turns.pop();
    }
    let sure = turns.first().is_some_and(|turn| turn.role == Role::User) && (is_marked(text) || open);
    Ok(sure.then_some(turns))
}

/// The prompt of a row whose prompt and responses are JSON lists of texts, a turn each, as in Kaggle's LMSYS; the responses become conversations.
pub(super) fn lists(prompt: &str, place: &str, responses: &mut [Raw]) -> Result<Option<Vec<Message>>, RowProblem> {
    // Under other names such a list may be what is judged: words to be put in order, an answer in JSON.
    if !responses.iter().all(|raw| ["response_a", "response_b"].contains(&raw.place.as_str())) {
        return Ok(None);
    }
    let Some(asked) = listed_texts(prompt) else { return Ok(None) };
    let said = |raw: &Raw| if let Said::Text(text) = &raw.said { listed_texts(text) } else { None };
    let answers: Vec<Option<Vec<Option<String>>>> = responses.iter().map(said).collect();
    if answers.iter().all(Option::is_none) {
        return Ok(None);
    }
    if let Some(other) = answers.iter().position(|answer| answer.as_ref().is_none_or(|list| list.len() != asked.len())) {
        let found =
            answers[other].as_ref().map_or_else(|| "no such list".to_owned(), |list| format!("such a list of {}", list.len()));
        let (place, other, count) = (place.to_owned(), responses[other].place.clone(), asked.len());
        return Err(RowProblem::Lists { place, count, other, found });
    }
    let asked: Option<Vec<String>> = asked.into_iter().collect();
    let Some(asked) = asked else { return Err(RowProblem::EmptyTurn { place: place.to_owned() }) };
    for (raw, answers) in responses.iter_mut().zip(answers.into_iter().flatten()) {
        // A null is a turn in which nothing was said.
        let answers = answers.into_iter().map(|text| Message { role: Role::Assistant, content: text.unwrap_or_default() });
        let turns = asked.iter().map(Message::user).zip(answers).flat_map(|(user, assistant)| [user, assistant]);
        (raw.said, raw.what) = (Said::Turns(turns.collect()), "a JSON list of turns");
    }
    Ok(asked.first().map(|text| vec![Message::user(text)]))
}

/// Turns texts into conversations where all responses are some; `prompt` is what the prompt column says, if there is one.
pub(super) fn lift(prompt: Option<&[Message]>, responses: &mut [Raw]) -> Result<(), RowProblem> {
    let mut chats = Vec::new();
    let mut plain = None;
    for (index, raw) in responses.iter().enumerate() {
        let Said::Text(text) = &raw.said else { continue };
        match chat(text, &raw.place, prompt)? {
            Some(chat) => chats.push((index, chat)),
            None => plain = plain.or(Some(index)),
        }
    }
    if let Some(plain) = plain {
        let Some((index, chat)) = chats.iter().find(|(_, chat)| chat.sure) else { return Ok(()) };
        let (place, other) = (responses[*index].place.clone(), responses[plain].place.clone());
        return Err(RowProblem::Mixed { place, what: chat.what, other });
    }
    for (index, chat) in chats {
        (responses[index].said, responses[index].what) = (Said::Turns(chat.turns), chat.what);
    }
    Ok(())
}

/// What a response's text can be read as beside `prompt`.
fn chat(text: &str, place: &str, prompt: Option<&[Message]>) -> Result<Option<Chat>, RowProblem> {
    let fits = |turns: &[Message]| match (prompt, turns) {
        (None, _) => true,
        (Some(_), [Message { role: Role::Assistant | Role::Tool, .. }, ..]) => true,
        (Some(prompt), [before @ .., _]) => repeats(before, prompt),
        (Some(_), []) => false,
    };
    if let Some(list) = listed_messages(text) {
        let turns = messages(&list, place)?;
        let sure = fits(&turns);
        let ends = turns.last().is_some_and(|turn| turn.role == Role::Assistant);
        // A request to a model, for one, is a list that ends with the user: an answer that holds one is a text.
        return Ok((sure || ends).then_some(Chat { what: JSON, turns, sure }));
    }
    if let Some(message) = single_message(text) {
        // It may be what was asked for, so that it is a turn only where all responses are such.
        return Ok(Some(Chat { what: JSON, turns: messages(&[message], place)?, sure: false }));
    }
    let Some(turns) = transcript(text) else { return Ok(None) };
    let whole = turns.first().is_some_and(|turn| turn.role == Role::User);
    // Without its empty line a text that begins with `Human:` may be a dialogue that the prompt asks for.
    let sure = if is_marked(text) { whole || prompt.is_some() } else { whole && fits(&turns) };
    Ok(sure.then_some(Chat { what: TRANSCRIPT, turns, sure }))
}

const SPEAKERS: [(&str, Role); 2] = [("\n\nHuman:", Role::User), ("\n\nAssistant:", Role::Assistant)];

/// Whether a text begins as a transcript does, its empty line included.
fn is_marked(text: &str) -> bool {
    SPEAKERS.iter().any(|(marker, _)| text.starts_with(marker))
}

/// Reads a transcript as Anthropic's hh-rlhf files hold them: `Human:` and `Assistant:`, each after an empty line.
fn transcript(text: &str) -> Option<Vec<Message>> {
    let start = text.trim_start();
    if !SPEAKERS.iter().any(|(marker, _)| start.starts_with(marker.trim_start())) {
        return None;
    }
    let text = format!("\n\n{start}");
    let mut rest = text.as_str();
    let mut turns = Vec::new();
    while !rest.is_empty() {
        let (marker, role) = SPEAKERS.into_iter().find(|(marker, _)| rest.starts_with(marker))?;
        rest = &rest[marker.len()..];
        let end = SPEAKERS.iter().filter_map(|(marker, _)| rest.find(marker)).min().unwrap_or(rest.len());
        turns.push(Message { role, content: rest[..end].trim().to_owned() });
        rest = &rest[end..];
    }
    Some(turns)
}

/// The message of the assistant that a text is as JSON, without anything beside it.
fn single_message(text: &str) -> Option<Value> {
    let message = parsed(text)?;
    let keys = message.as_object().filter(|keys| keys.len() == 2)?;
    let role = roles::speaker(keys)?.1.as_str().and_then(roles::role)?;
    let says = ["content", "value"].iter().any(|key| keys.get(*key).is_some_and(Value::is_string));
    (role == Role::Assistant && says).then_some(message)
}

/// The messages of a text that is a JSON list of them, or an object with such a list: every element names who speaks and says something,
/// and at least one of the names is known.
fn listed_messages(text: &str) -> Option<Vec<Value>> {
    const LISTS: [&str; 3] = ["messages", "conversations", "conversation"];
    let list = match parsed(text)? {
        Value::Array(list) => list,
        Value::Object(mut keys) => match LISTS.iter().find_map(|key| keys.remove(*key)) {
            Some(Value::Array(list)) => list,
            _ => return None,
        },
        _ => return None,
    };
    let says = |value: &Value| ["content", "value", "tool_calls", "function_call"].iter().any(|key| value.get(key).is_some());
    let name = |value: &Value| Some(roles::speaker(value.as_object()?)?.1.as_str()?.to_owned());
    let names: Option<Vec<String>> = list.iter().map(|value| name(value).filter(|_| says(value))).collect();
    names?.iter().any(|name| roles::role(name).is_some()).then_some(list)
}

/// The texts of a JSON list of texts and nulls.
fn listed_texts(text: &str) -> Option<Vec<Option<String>>> {
    let Value::Array(list) = parsed(text)? else { return None };
    let texts: Option<Vec<_>> = list
        .into_iter()
        .map(|value| match value {
            Value::String(text) => Some(Some(text)),
            Value::Null => Some(None),
            _ => None,
        })
        .collect();
    texts.filter(|list| !list.is_empty())
}

fn parsed(text: &str) -> Option<Value> {
    if text.trim_start().starts_with(['[', '{']) { serde_json::from_str(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transcripts_are_split_at_their_speakers() {
        let turns = transcript("\n\nHuman: Hi, says\n\nthe man\n\nAssistant: Hello.\n\nHuman:\n\nAssistant: Yes?").unwrap();
        let turns: Vec<_> = turns.iter().map(|turn| (turn.role.as_str(), turn.content.as_str())).collect();
        assert_eq!(turns, [("user", "Hi, says\n\nthe man"), ("assistant", "Hello."), ("user", ""), ("assistant", "Yes?")]);
        for text in
            ["The sky is blue.", "", "He said \"Human: hi\".\n\nHuman: x\n\nAssistant: y", "\nHumans: they\n\nAssistant: y"]
        {
            assert_eq!(transcript(text), None, "{text}");
        }
    }

    #[test]
    fn only_lists_of_messages_are_messages() {
        for (text, count) in [
            (r#"[{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]"#, Some(2)),
            (r#" {"messages": [{"from": "gpt", "value": "x"}], "tools": []} "#, Some(1)),
            (r#"[{"role": "assistant", "content": null, "tool_calls": [1]}]"#, Some(1)),
            (r#"[{"role": "wizard", "content": "a spell"}]"#, None),
            (r#"[{"role": "user"}]"#, None),
            (r#"{"role": "user", "content": "x"}"#, None),
            (r#"[{"from": "Ulm", "to": "Bonn", "value": 3}]"#, None),
            (r#"["a", "b"]"#, None),
            ("[]", None),
            (r#"[{"role": "user", "content": "x"}"#, None),
            (r#"Here: [{"role": "user", "content": "x"}]"#, None),
        ] {
            assert_eq!(listed_messages(text).map(|list| list.len()), count, "{text}");
        }
    }
}
