//! One row as a JSON object -> an [`Item`], its prompt settled.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    Item, ReadOptions, Response, beside,
    columns::{ColumnNames, ColumnRule, Field, find, missing, no_column, remove},
    mend::cleared,
    messages::{TurnsOrText, said, scalar},
    pictures::{doubtful, unseen},
    problem::{RowProblem, wrong_type},
    responses::{RawResponse, is_pair, joined, optional, responses},
    settle::settle,
};
use crate::{
    chat::{Message, Role, dialogue},
    comparison::Prompt,
};

/// Reads the row at position `row` (from 1). Also returns notes on how it was read, one sentence each.
pub(super) fn item(
    row: usize,
    mut columns: Map<String, Value>,
    options: &ReadOptions,
) -> Result<(Item, Vec<String>), RowProblem> {
    let names = &options.columns;
    if let Some(path) = names.subset() {
        find(&columns, path).ok_or_else(|| missing(&columns, path, Field::Subset, ""))?;
    }
    let id = id(row, &columns, names)?;
    let mut raw = responses(&columns, names)?;
    count(raw.len(), options)?;
    let place = names.of(Field::Prompt).paths.join("+");
    let asked = prompt(&columns, names)?;
    let is_text = matches!(asked, Some(TurnsOrText::Text(_)));
    let written = beside::written_as_chats(&raw);
    let mut messages = settle(asked, &place, &mut raw, options.last_turns, || no_prompt(&columns, names))?;
    let mut told = Vec::new();
    let system = beside::system(&columns, names, is_text, &mut messages, &mut told)?;
    beside::read_as(&raw, &written, &mut told);
    beside::left_out(&columns, names, &mut told);
    beside::marked(&messages, &raw, &mut told);
    seen(&columns, &messages, &raw)?;
    let [rubric, reference] = [Field::Rubric, Field::Reference].map(|field| guide(&columns, names, field));
    let prompt = Arc::new(Prompt { messages, rubric: rubric?, reference: reference? });
    let held = if is_pair(&columns, names) { &[Field::Chosen, Field::Rejected][..] } else { &[Field::Responses] };
    for field in [Field::Id, Field::Prompt, Field::Rubric, Field::Reference].iter().chain(held) {
        names.of(*field).paths.iter().for_each(|path| remove(&mut columns, path));
    }
    system.iter().for_each(|path| remove(&mut columns, path));
    told.extend(doubtful(&columns, asked_by_users(&prompt.messages), raw.iter().map(|raw| &raw.extra)));
    let responses = raw.into_iter().map(|raw| Response {
        text: match raw.said {
            TurnsOrText::Text(text) => text.into(),
            TurnsOrText::Turns(turns) => dialogue(&turns).into(),
        },
        label: raw.label,
        team: raw.team,
        extra: without_odd_numbers(raw.extra),
    });
    let columns = without_odd_numbers(columns);
    Ok((Item { id, row, prompt, responses: responses.collect(), extra: columns }, told))
}

/// Refuses a row whose texts are about a picture, a film or a sound.
fn seen(columns: &Map<String, Value>, messages: &[Message], raw: &[RawResponse]) -> Result<(), RowProblem> {
    let said = messages.iter().map(|message| message.content.as_str());
    let answers = raw.iter().map(|raw| match &raw.said {
        TurnsOrText::Text(text) => text.as_str(),
        TurnsOrText::Turns(turns) => turns.last().map_or("", |turn| turn.content.as_str()),
    });
    let keys = raw.iter().map(|raw| (raw.place.as_str(), &raw.extra));
    unseen(columns, asked_by_users(messages), said.chain(answers), keys).map_or(Ok(()), Err)
}

fn asked_by_users(messages: &[Message]) -> impl Iterator<Item = &str> + Clone {
    messages.iter().filter(|message| message.role == Role::User).map(|message| message.content.as_str())
}

fn without_odd_numbers(mut columns: Map<String, Value>) -> Map<String, Value> {
    columns.values_mut().for_each(cleared);
    columns
}

/// Returns the row's id.
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

/// Returns the content of the prompt column, or `None` if the row has no such column and the responses may hold the prompt.
fn prompt(columns: &Map<String, Value>, names: &ColumnNames) -> Result<Option<TurnsOrText>, RowProblem> {
    let source = names.of(Field::Prompt);
    if source.several == ColumnRule::Joined {
        return joined(columns, names, Field::Prompt, "").map(|text| Some(TurnsOrText::Text(text)));
    }
    let place = &source.paths[0];
    match find(columns, place) {
        None if source.given => Err(missing(columns, place, Field::Prompt, "")),
        None => Ok(None),
        Some(value) => said(value, place, "text or a list of messages").map(Some),
    }
}

fn no_prompt(columns: &Map<String, Value>, names: &ColumnNames) -> RowProblem {
    no_column(columns, &names.of(Field::Prompt).paths[0], "`prompt`".to_owned(), "")
}

fn guide(columns: &Map<String, Value>, names: &ColumnNames, field: Field) -> Result<Option<String>, RowProblem> {
    if names.of(field).several == ColumnRule::Joined {
        return joined(columns, names, field, "").map(|text| Some(text).filter(|text| !text.is_empty()));
    }
    let Some((path, value)) = optional(columns, names, field, "")? else { return Ok(None) };
    scalar(value).map(Some).ok_or_else(|| wrong_type(path, "text or null", value))
}
