//! Columns beside a prompt -> the system turn (`system`), and notes on columns that may belong to the prompt (`input`, `history`) and on texts that
//! were read as conversations.

use serde_json::{Map, Value};

use super::{
    chats::{LISTS, is_chat, is_reply},
    columns::{ColumnNames, FIELDS, Field, find, missing},
    messages::{TurnsOrText, beginning, scalar},
    problem::{RowProblem, WHOLE, wrong_type},
    responses::RawResponse,
};
use crate::{
    chat::{Message, Role},
    markup::find_markup,
    transcript::reasons_in_marks,
};

/// Puts the text of the system column before the prompt, if the prompt is a conversation or a spec names the column. Returns the column that was
/// read.
pub(super) fn system(
    row: &Map<String, Value>,
    names: &ColumnNames,
    is_text: bool,
    prompt: &mut Vec<Message>,
    told: &mut Vec<String>,
) -> Result<Option<String>, RowProblem> {
    let source = names.of(Field::System);
    let there = |path: &&String| find(row, path).is_some_and(|value| !value.is_null());
    let Some(path) = source.paths.iter().find(there) else {
        return match source.paths.first().filter(|_| source.given) {
            Some(path) if find(row, path).is_none() => Err(missing(row, path, Field::System, "")),
            _ => Ok(None),
        };
    };
    let Some(value) = find(row, path).filter(|_| !is_read(names, path)) else { return Ok(None) };
    let text = match value {
        Value::String(_) => scalar(value),
        _ if source.given => scalar(value),
        _ => None,
    };
    let Some(text) = text else {
        return if source.given { Err(wrong_type(path, "text or null", value)) } else { Ok(None) };
    };
    if text.trim().is_empty() {
        return Ok(None);
    }
    // Beside a plain text the column may name the system that is judged.
    if is_text && !source.given {
        told.push(format!(
            "the column `{path}` is no part of the prompt; --column system={path} makes it the turn of the system"
        ));
        return Ok(None);
    }
    match prompt.first().filter(|first| first.role == Role::System) {
        Some(first) if first.content.trim() != text.trim() => {
            return Err(RowProblem::Contradiction {
                one: format!("`{path}`"),
                other: "the turn of the system in the prompt".to_owned(),
                found: Box::new([beginning(&text), beginning(&first.content)]),
                hint: ": --column system= leaves the column out",
            });
        }
        Some(_) => {}
        None => prompt.insert(0, Message { role: Role::System, content: text }),
    }
    if !source.given {
        told.push(format!("the column `{path}` is read as the turn of the system; --column system= leaves it out"));
    }
    Ok(Some(path.clone()))
}

/// Returns whether another field is read from this column.
fn is_read(names: &ColumnNames, path: &str) -> bool {
    let reads = |field: &Field| names.of(*field).paths.iter().any(|other| other == path);
    FIELDS.iter().filter(|field| **field != Field::System).any(reads)
}

/// Returns the indices of the responses that are texts and written as conversations.
pub(super) fn written_as_chats(raw: &[RawResponse]) -> Vec<usize> {
    let is_chat = |raw: &RawResponse| matches!(&raw.said, TurnsOrText::Text(text) if is_chat(text));
    (0..raw.len()).filter(|index| is_chat(&raw[*index])).collect()
}

/// Notes which texts were read as conversations, and whether some of those that are `written` as such were not.
pub(super) fn read_as(raw: &[RawResponse], written: &[usize], told: &mut Vec<String>) {
    if written.iter().any(|index| raw[*index].what == WHOLE) {
        told.push(
            "a response is written as a conversation that does not go on from the prompt, and is judged as the text that it is"
                .to_owned(),
        );
    }
    if let Some(raw) = raw.iter().find(|raw| ![WHOLE, LISTS].contains(&raw.what)) {
        told.push(format!(
            "each response is {}: turns that all responses share belong to the prompt, and the rest is judged; a text that is to be \
             judged as it stands is written as a list with one message of the assistant",
            raw.what
        ));
    }
    let silent = |raw: &RawResponse| match &raw.said {
        TurnsOrText::Text(text) => text.is_empty(),
        TurnsOrText::Turns(turns) => turns.last().is_some_and(|turn| turn.content.is_empty()),
    };
    if raw.iter().filter(|raw| raw.what == LISTS).any(silent) {
        told.push("the last of a JSON list of turns is null or empty, and is judged as an empty answer".to_owned());
    }
}

/// Notes a prompt that holds tokens of a chat template and was not read as a transcript, and responses that begin with reasoning in marks.
pub(super) fn marked(prompt: &[Message], raw: &[RawResponse], told: &mut Vec<String>) {
    // A token in backticks or quotation marks is mentioned, and `<s>` strikes text out in HTML.
    let holds = |text: &str| {
        let mut tokens = find_markup(text, &[]).into_iter().filter(|token| !["<s>", "</s>"].contains(&token.as_str()));
        tokens.any(|token| text.match_indices(&*token).any(|(at, _)| !text[..at].ends_with(['`', '"', '\''])))
    };
    if prompt.iter().any(|message| holds(&message.content)) {
        told.push("a prompt holds marks of a chat template or of thinking, and is judged with them".to_owned());
    }
    if raw.iter().any(|raw| matches!(&raw.said, TurnsOrText::Text(text) if is_reply(text))) {
        told.push("a response is the whole reply of a service as JSON, others are not, and it is judged as it stands".to_owned());
    }
    let reasons = |raw: &RawResponse| matches!(&raw.said, TurnsOrText::Text(text) if reasons_in_marks(text));
    if raw.iter().any(reasons) {
        told.push(
            "a response begins with reasoning in marks that may be part of the answer, such as <reasoning>\u{2026}</reasoning>; it is judged with it"
                .to_owned(),
        );
    }
}

/// Notes a column that was not read although it belongs to the instruction in files of this layout (Alpaca, LLaMA-Factory).
pub(super) fn left_out(row: &Map<String, Value>, names: &ColumnNames, told: &mut Vec<String>) {
    let prompt = names.of(Field::Prompt);
    let [path] = prompt.paths.as_slice() else { return };
    if path != "instruction" && path != "prompt" {
        return;
    }
    let unread = |name: &&str| !is_read(names, name);
    if path == "instruction"
        && let Some(Value::String(input)) = Some("input").filter(|name| unread(name)).and_then(|name| row.get(name))
        && !input.trim().is_empty()
    {
        told.push("the column `input` is no part of the prompt; --column prompt=instruction+input makes it one".to_owned());
    }
    if let Some(Value::Array(turns)) = Some("history").filter(|name| unread(name)).and_then(|name| row.get(name))
        && !turns.is_empty()
    {
        told.push("the column `history` is no part of the prompt; write the conversation as a list of messages".to_owned());
    }
}
