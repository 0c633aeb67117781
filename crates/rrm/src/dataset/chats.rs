//! Texts that hold conversations (transcripts, JSON text of messages, JSON lists of turns) -> their turns, for all responses of a row or for none.
//!
//! A text is read as a conversation only if nothing else can be meant; see the table in docs/formats.md. If one response of a row is a conversation
//! and another is not, the row is refused. Texts inside messages are not parsed.

use serde_json::Value;

use super::{
    mend,
    messages::{TurnsOrText, messages},
    problem::RowProblem,
    python,
    responses::RawResponse,
    roles,
    settle::repeats,
    transcripts::{TurnList, transcript},
    unique,
};
use crate::chat::{Message, Role};

/// Descriptions of the forms that a text was read in, for messages.
const TRANSCRIPT: &str = "a transcript";
const JSON: &str = "JSON text of messages";
const PYTHON: &str = "Python's text of messages";
const REPLY: &str = "the whole reply of a service as JSON";
/// A list of turns cannot be mistaken for anything else.
pub(super) const LISTS: &str = "a JSON list of turns";

/// A text that was parsed into turns.
struct ParsedChat {
    what: &'static str,
    /// The turns, or their error, which matters only if the text is a conversation.
    turns: Result<Vec<Message>, RowProblem>,
    /// Whether the text cannot be anything else, given the row's prompt.
    sure: bool,
    /// Whether the turns go on from the row's prompt, or repeat it.
    fits: bool,
}

/// Returns the turns of a prompt that is written as a transcript or as JSON text of messages; `None` for any other text.
pub(super) fn prompt(text: &str, place: &str) -> Result<Option<Vec<Message>>, RowProblem> {
    if let Some((list, _)) = listed_messages(text) {
        unique(text, place)?;
        return messages(&list, place).map(Some);
    }
    if let Some(message) = single(text, Role::User) {
        unique(text, place)?;
        return messages(&[message.0], place).map(Some);
    }
    if python::looks_like_messages(text) {
        return Err(RowProblem::Python { place: place.to_owned() });
    }
    let Some(TurnList { mut turns, marked }) = transcript(text) else { return Ok(None) };
    let open = turns.last().is_some_and(|turn| turn.role == Role::Assistant && is_opened(&turn.content));
    if open {
        turns.pop();
    }
    Ok((turns.first().is_some_and(|turn| turn.role != Role::Assistant) && (marked || open)).then_some(turns))
}

/// Returns whether a turn is still empty; a template may have opened its thinking.
fn is_opened(content: &str) -> bool {
    content.replace("<think>", "").replace("</think>", "").trim().is_empty()
}

/// Returns the turns of the prompt if prompt and responses are JSON lists of texts, one for each turn, as in Kaggle's LMSYS. The responses become
/// conversations.
pub(super) fn lists(prompt: &str, place: &str, responses: &mut [RawResponse]) -> Result<Option<Vec<Message>>, RowProblem> {
    // Under other names such a list may be the answer itself: words to be put in order, or JSON.
    if !responses.iter().all(|raw| ["response_a", "response_b"].contains(&raw.place.as_str())) {
        return Ok(None);
    }
    let Some(asked) = listed_texts(prompt) else { return Ok(None) };
    let said = |raw: &RawResponse| if let TurnsOrText::Text(text) = &raw.said { listed_texts(text) } else { None };
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
        // A null stands for an empty turn.
        let answers = answers.into_iter().map(|text| Message { role: Role::Assistant, content: text.unwrap_or_default() });
        let turns = asked.iter().map(Message::user).zip(answers).flat_map(|(user, assistant)| [user, assistant]);
        (raw.said, raw.what) = (TurnsOrText::Turns(turns.collect()), LISTS);
    }
    Ok(asked.first().map(|text| vec![Message::user(text)]))
}

/// Turns the texts of the responses into conversations, if all of them can be read as such. `prompt` is the content of the prompt column, if there is
/// one.
pub(super) fn lift(prompt: Option<&[Message]>, responses: &mut [RawResponse]) -> Result<(), RowProblem> {
    let asked = |what: &str| asks_for_chat(prompt, what);
    let mut chats = Vec::new();
    let mut plain = None;
    for (index, raw) in responses.iter().enumerate() {
        let TurnsOrText::Text(text) = &raw.said else { continue };
        match chat(text, &raw.place, prompt)?.filter(|chat| chat.fits || !asked(chat.what)) {
            Some(chat) => chats.push((index, chat)),
            None => plain = plain.or(Some(index)),
        }
    }
    let broken = |raw: &RawResponse| matches!(&raw.said, TurnsOrText::Text(text) if python::looks_like_messages(text));
    if let Some(raw) = responses.first().filter(|_| !asked(PYTHON) && chats.is_empty() && responses.iter().all(broken)) {
        return Err(RowProblem::Python { place: raw.place.clone() });
    }
    if let Some(plain) = plain {
        let Some((index, chat)) = chats.iter().find(|(_, chat)| chat.sure) else { return Ok(()) };
        let (place, other) = (responses[*index].place.clone(), responses[plain].place.clone());
        return Err(RowProblem::Mixed { place, what: chat.what, other });
    }
    for (index, chat) in chats {
        (responses[index].said, responses[index].what) = (TurnsOrText::Turns(chat.turns?), chat.what);
    }
    Ok(())
}

/// Returns whether a prompt may ask for a conversation as a text: a dialogue, or for the notations of messages, code.
fn asks_for_chat(prompt: Option<&[Message]>, what: &str) -> bool {
    const TALK: [&str; 15] = [
        "chat",
        "convers",
        "dialog",
        "di\u{e1}log",
        "gespr\u{e4}ch",
        "interview",
        "prompt",
        "roleplay",
        "scene",
        "script",
        "template",
        "transcript",
        "\u{5bf9}\u{8bdd}",
        "\u{4f1a}\u{8a71}",
        "\u{5bfe}\u{8a71}",
    ];
    const CODE: [&str; 10] = ["api", "code", "dict", "format", "json", "list", "message", "openai", "print", "python"];
    let asked = prompt.and_then(|turns| turns.iter().rfind(|turn| turn.role == Role::User));
    let lower = asked.map(|turn| turn.content.to_lowercase()).unwrap_or_default();
    let stems: Vec<&str> = TALK.iter().chain(CODE.iter().filter(|_| what != TRANSCRIPT)).copied().collect();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    words.any(|word| stems.iter().any(|stem| word.starts_with(stem) || !stem.is_ascii() && word.contains(stem)))
}

/// Returns whether a response that is judged as a text is written as a conversation.
pub(super) fn is_chat(text: &str) -> bool {
    let begins = text.trim_start().starts_with(['[', '{']);
    begins && (python::looks_like_messages(text) || listed_messages(text).is_some()) || !begins && transcript(text).is_some()
}

/// Returns the conversation that a response's text can be read as beside `prompt`; `None` for a plain text.
fn chat(text: &str, place: &str, prompt: Option<&[Message]>) -> Result<Option<ParsedChat>, RowProblem> {
    let fits = |turns: &[Message]| match (prompt, turns) {
        (None, _) => true,
        (Some(_), [Message { role: Role::Assistant | Role::Tool, .. }, ..]) => true,
        (Some(prompt), [before @ .., _]) => repeats(before, prompt),
        (Some(_), []) => false,
    };
    if let Some((list, what)) = listed_messages(text) {
        let turns = messages(&list, place)?;
        let sure = fits(&turns);
        let ends = turns.last().is_some_and(|turn| turn.role == Role::Assistant);
        if sure || ends {
            unique(text, place)?;
        }
        // A list that ends with the user, such as a request to a model, is not a conversation: an answer that holds one is a text.
        return Ok((sure || ends).then_some(ParsedChat { what, turns: Ok(turns), sure, fits: sure }));
    }
    if let Some((message, what)) = single(text, Role::Assistant).or_else(|| reply(text)) {
        // The message may be the answer that was asked for, so it is a turn only if all responses are such messages.
        let turns = unique(text, place).and_then(|()| messages(&[message], place));
        return Ok(Some(ParsedChat { what, turns, sure: false, fits: true }));
    }
    let Some(TurnList { turns, marked }) = transcript(text) else { return Ok(None) };
    let whole = turns.first().is_some_and(|turn| turn.role != Role::Assistant);
    // A text that begins with words such as `User:` may be a dialogue that the prompt asks for.
    let fits = fits(&turns);
    let sure = if marked { whole || prompt.is_some() } else { whole && fits };
    Ok(sure.then_some(ParsedChat { what: TRANSCRIPT, turns: Ok(turns), sure, fits }))
}

/// Refuses JSON text of messages in which a name comes twice in an object.
fn unique(text: &str, place: &str) -> Result<(), RowProblem> {
    let doubled = mend::parse(text, unique::values).err().filter(|error| error.doubled);
    doubled.map_or(Ok(()), |error| Err(RowProblem::BrokenJson { place: format!("`{place}`"), detail: error.detail }))
}

/// Returns the message of this speaker that a text holds as JSON, with nothing beside it. Its content may be missing, which other code refuses.
fn single(text: &str, speaker: Role) -> Option<(Value, &'static str)> {
    let (message, what) = parsed(text)?;
    let keys = message.as_object()?;
    let role = roles::speaker(keys)?.1.as_str().and_then(roles::role)?;
    let said = ["content", "value"].iter().find_map(|key| keys.get(*key));
    let says = match said {
        Some(said) => keys.len() == 2 && (said.is_string() || said.is_null()),
        None => keys.len() == 1,
    };
    (role == speaker && says).then_some((message, what))
}

/// Returns whether a text is the whole reply of a service as JSON.
pub(super) fn is_reply(text: &str) -> bool {
    reply(text).is_some()
}

/// Returns the message of the assistant in the whole reply of a service as JSON: of OpenAI's and Ollama's chats, Anthropic's messages, Gemini's
/// candidates.
fn reply(text: &str) -> Option<(Value, &'static str)> {
    let (Value::Object(keys), _) = parsed(text)? else { return None };
    let only = |name: &str| keys.get(name)?.as_array().filter(|list| list.len() == 1)?.first()?.as_object();
    let message = only("choices")
        .and_then(|choice| choice.get("message"))
        .or_else(|| keys.get("message").filter(|_| keys.contains_key("done")))
        .or_else(|| only("candidates")?.get("content").filter(|content| content.get("parts").is_some()));
    let anthropic = || keys.get("type").and_then(Value::as_str) == Some("message") && keys.contains_key("content");
    let message = match message {
        Some(message) => message.clone(),
        None if anthropic() => Value::Object(keys),
        None => return None,
    };
    let role = roles::speaker(message.as_object()?)?.1.as_str().and_then(roles::role)?;
    (role == Role::Assistant).then_some((message, REPLY))
}

/// Returns the messages of a text that is a JSON list of them, several of them one after the other, or an object with such a list: every element names a speaker, at least one name is
/// known, and at least one element has content. An element with a known speaker and without content is still a message; it is refused later.
fn listed_messages(text: &str) -> Option<(Vec<Value>, &'static str)> {
    const HOLDERS: [&str; 3] = ["messages", "conversations", "conversation"];
    let (value, what) = parsed(text)?;
    let list = match value {
        Value::Array(list) => list,
        Value::Object(mut keys) => match HOLDERS.iter().find_map(|key| keys.remove(*key)) {
            Some(Value::Array(list)) => list,
            _ => return None,
        },
        _ => return None,
    };
    let says = |value: &Value| ["content", "value", "tool_calls", "function_call"].iter().any(|key| value.get(key).is_some());
    let name = |value: &Value| Some(roles::speaker(value.as_object()?)?.1.as_str()?.to_owned());
    let is_known = |name: &String| roles::role(name).is_some();
    let names: Option<Vec<String>> = list.iter().map(|value| name(value).filter(|name| says(value) || is_known(name))).collect();
    (names?.iter().any(is_known) && list.iter().any(says)).then_some((list, what))
}

/// Returns the texts of a JSON list of texts and nulls.
fn listed_texts(text: &str) -> Option<Vec<Option<String>>> {
    let (Value::Array(list), _) = parsed(text)? else { return None };
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

/// Returns the value that a text holds, and a description of its notation. Several objects one after the other are a list of them.
fn parsed(text: &str) -> Option<(Value, &'static str)> {
    if !text.trim_start().starts_with(['[', '{']) {
        return None;
    }
    let values = || serde_json::Deserializer::from_str(text).into_iter::<Value>().collect::<Result<Vec<_>, _>>().ok();
    let json = values().and_then(|mut values| match values.len() {
        1 => values.pop(),
        _ => values.iter().all(Value::is_object).then_some(Value::Array(values)),
    });
    let json = json.map(|value| (value, JSON));
    json.or_else(|| python::literal(text).map(|value| (value, PYTHON)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lists_of_messages_are_messages() {
        for (text, count) in [
            (r#"[{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]"#, Some(2)),
            (r#" {"messages": [{"from": "gpt", "value": "x"}], "tools": []} "#, Some(1)),
            (r#"[{"role": "assistant", "content": null, "tool_calls": [1]}]"#, Some(1)),
            (r#"[{"role": "wizard", "content": "a spell"}]"#, None),
            (r#"[{"role": "user"}]"#, None),
            (r#"[{"role": "user"}, {"role": "admin"}]"#, None),
            (r#"[{"role": "user", "content": "x"}, {"role": "admin"}]"#, None),
            (r#"[{"role": "user", "content": "x"}, {"role": "assistant"}]"#, Some(2)),
            (r#"{"role": "user", "content": "x"}"#, None),
            ("{\"role\": \"user\", \"content\": \"x\"}\n{\"role\": \"assistant\", \"content\": \"y\"}\n", Some(2)),
            ("{\"a\": \"user\", \"b\": \"x\"}\n{\"a\": 1}", None),
            ("{\"role\": \"user\", \"content\": \"x\"} and more", None),
            (r#"[{"from": "Ulm", "to": "Bonn", "value": 3}]"#, None),
            (r#"["a", "b"]"#, None),
            ("[]", None),
            (r#"[{"role": "user", "content": "x"}"#, None),
            (r#"Here: [{"role": "user", "content": "x"}]"#, None),
        ] {
            assert_eq!(listed_messages(text).map(|(list, _)| list.len()), count, "{text}");
        }
    }
}
