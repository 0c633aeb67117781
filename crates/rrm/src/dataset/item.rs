//! One row as a JSON object -> an [`Item`], its prompt settled.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    Item, ReadOptions, Response,
    columns::{ColumnNames, Field, Several, find, missing, no_column, remove},
    error::{RowProblem, wrong_type},
    mend::cleared,
    messages::{Said, said, scalar, transcript},
    pictures::unseen,
    responses::{Raw, is_pair, joined, optional, responses},
};
use crate::{
    chat::{Message, Role},
    comparison::Prompt,
};

/// Reads the row at position `row` (from 1).
pub(super) fn item(row: usize, mut columns: Map<String, Value>, options: &ReadOptions) -> Result<Item, RowProblem> {
    let names = &options.columns;
    if let Some(path) = names.subset() {
        find(&columns, path).ok_or_else(|| missing(&columns, path, Field::Subset, ""))?;
    }
    let id = id(row, &columns, names)?;
    let mut raw = responses(&columns, names)?;
    count(raw.len(), options)?;
    let messages = settle(prompt(&columns, names)?, &mut raw, &columns, names)?;
    seen(&columns, &messages, &raw)?;
    let [rubric, reference] = [Field::Rubric, Field::Reference].map(|field| guide(&columns, names, field));
    let prompt = Arc::new(Prompt { messages, rubric: rubric?, reference: reference? });
    let held = if is_pair(&columns, names) { &[Field::Chosen, Field::Rejected][..] } else { &[Field::Responses] };
    for field in [Field::Id, Field::Prompt, Field::Rubric, Field::Reference].iter().chain(held) {
        names.of(*field).paths.iter().for_each(|path| remove(&mut columns, path));
    }
    let responses = raw.into_iter().map(|raw| Response {
        text: match raw.said {
            Said::Text(text) => text.into(),
            Said::Turns(turns) => turns.into_iter().next_back().map(|turn| turn.content).unwrap_or_default().into(),
        },
        label: raw.label,
        team: raw.team,
        extra: without_odd_numbers(raw.extra),
    });
    let columns = without_odd_numbers(columns);
    Ok(Item { id, row, prompt, responses: responses.collect(), extra: columns })
}

/// Refuses a row that is about something that is no text.
fn seen(columns: &Map<String, Value>, messages: &[Message], raw: &[Raw]) -> Result<(), RowProblem> {
    let said = messages.iter().map(|message| message.content.as_str());
    let answers = raw.iter().map(|raw| match &raw.said {
        Said::Text(text) => text.as_str(),
        Said::Turns(turns) => turns.last().map_or("", |turn| turn.content.as_str()),
    });
    let users = messages.iter().filter(|message| message.role == Role::User).map(|message| message.content.as_str());
    unseen(columns, users, said.chain(answers)).map_or(Ok(()), Err)
}

fn without_odd_numbers(mut columns: Map<String, Value>) -> Map<String, Value> {
    columns.values_mut().for_each(cleared);
    columns
}

/// The row's id.
pub(super) fn id(row: usize, columns: &Map<String, Value>, names: &ColumnNames) -> Result<String, RowProblem> {
    match optional(columns, names, Field::Id, "")? {
        None => Ok(format!("row-{row}")),
        Some((_, Value::String(id))) => Ok(id.clone()),
        Some((_, Value::Number(id))) if !id.is_f64() => Ok(id.to_string()),
        Some((path, other)) => Err(wrong_type(path, "text or an integer (from 2^64 in quotes)", other)),
    }
}

fn count(found: usize, options: &ReadOptions) -> Result<(), RowProblem> {
    match options.exactly {
        Some(needed) if found != needed => Err(RowProblem::Count { exactly: true, needed, found }),
        _ if found < options.at_least => Err(RowProblem::Count { exactly: false, needed: options.at_least, found }),
        _ => Ok(()),
    }
}

/// The prompt column's messages, or none where the row has no such column and the responses may hold it.
fn prompt(columns: &Map<String, Value>, names: &ColumnNames) -> Result<Option<Vec<Message>>, RowProblem> {
    let source = names.of(Field::Prompt);
    let place = &source.paths[0];
    let messages = if source.several == Several::Joined {
        vec![Message::user(joined(columns, names, Field::Prompt, "")?)]
    } else {
        match find(columns, place) {
            None if source.given => return Err(missing(columns, place, Field::Prompt, "")),
            None => return Ok(None),
            Some(value) => match said(value, place, "text or a list of messages")? {
                Said::Text(text) => vec![Message::user(text)],
                Said::Turns(turns) => turns,
            },
        }
    };
    if messages.iter().all(|message| message.content.trim().is_empty()) {
        return Err(RowProblem::EmptyPrompt { place: source.paths.join("+") });
    }
    Ok(Some(messages))
}

/// The conversation that all responses answer: the prompt column's, lengthened by what whole conversations share before their last turns.
fn settle(
    prompt: Option<Vec<Message>>,
    responses: &mut [Raw],
    columns: &Map<String, Value>,
    names: &ColumnNames,
) -> Result<Vec<Message>, RowProblem> {
    if prompt.is_none() {
        read_transcripts(responses);
    }
    let mut settled: Option<(&str, Vec<Message>)> = None;
    for raw in &*responses {
        let before = match &raw.said {
            Said::Turns(turns) => last_turn(turns, &raw.place)?,
            Said::Text(_) => &[],
        };
        let whole = match &prompt {
            None if before.is_empty() => return Err(no_prompt(columns, names)),
            None => before.to_vec(),
            Some(prompt) => continued(prompt, before, &raw.place)?,
        };
        match &settled {
            Some((place, other)) if *other != whole => {
                let turn = 1 + whole.iter().zip(other).take_while(|(a, b)| a == b).count();
                return Err(RowProblem::Parting { a: (*place).to_owned(), b: raw.place.clone(), turn });
            }
            Some(_) => {}
            None => settled = Some((&raw.place, whole)),
        }
    }
    settled.map(|(_, messages)| messages).or(prompt).ok_or_else(|| no_prompt(columns, names))
}

/// Turns texts into conversations if all of them are transcripts.
fn read_transcripts(responses: &mut [Raw]) {
    let read = |raw: &Raw| match &raw.said {
        Said::Text(text) => transcript(text),
        Said::Turns(_) => None,
    };
    let transcripts: Option<Vec<_>> = responses.iter().map(read).collect();
    for (raw, turns) in responses.iter_mut().zip(transcripts.into_iter().flatten()) {
        raw.said = Said::Turns(turns);
    }
}

/// The turns before the assistant's last one.
fn last_turn<'a>(turns: &'a [Message], place: &str) -> Result<&'a [Message], RowProblem> {
    match turns {
        [before @ .., Message { role: Role::Assistant, .. }] => Ok(before),
        [.., last] => Err(RowProblem::LastTurn { place: place.to_owned(), role: last.role.as_str() }),
        [] => Ok(&[]),
    }
}

/// `prompt` and the turns `before` a response as one conversation. These turns may repeat the prompt (with a system message before it,
/// which the prompt column often lacks) or go on from it.
fn continued(prompt: &[Message], before: &[Message], place: &str) -> Result<Vec<Message>, RowProblem> {
    match before {
        [] => Ok(prompt.to_vec()),
        _ if before.starts_with(prompt) || before.ends_with(prompt) => Ok(before.to_vec()),
        [Message { role: Role::Assistant | Role::Tool, .. }, ..] => Ok([prompt, before].concat()),
        _ => Err(RowProblem::OtherPrompt { place: place.to_owned() }),
    }
}

fn no_prompt(columns: &Map<String, Value>, names: &ColumnNames) -> RowProblem {
    no_column(columns, &names.of(Field::Prompt).paths[0], "`prompt`".to_owned(), "")
}

fn guide(columns: &Map<String, Value>, names: &ColumnNames, field: Field) -> Result<Option<String>, RowProblem> {
    if names.of(field).several == Several::Joined {
        return joined(columns, names, field, "").map(|text| Some(text).filter(|text| !text.is_empty()));
    }
    let Some((path, value)) = optional(columns, names, field, "")? else { return Ok(None) };
    scalar(value).map(Some).ok_or_else(|| wrong_type(path, "text or null", value))
}
