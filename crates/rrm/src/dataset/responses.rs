//! The response columns of a row -> the text or turns of each response, with its label and other fields.

use serde_json::{Map, Value};

use super::{
    columns::{ColumnNames, ColumnRule, Field, find, found, missing, no_column, remove},
    labels::{self, BetterDirection},
    messages::{self, TurnsOrText, said, scalar},
    named::named,
    problem::{RowProblem, WHOLE, wrong_type},
    roles,
};
use crate::chat::Role;

/// A response before the prompt of its row is known.
#[derive(Debug)]
pub(super) struct RawResponse {
    /// Place of the response, for messages.
    pub(super) place: String,
    pub(super) said: TurnsOrText,
    /// Form that a conversation was read from, for messages.
    pub(super) what: &'static str,
    pub(super) label: Option<f64>,
    pub(super) team: Option<String>,
    pub(super) extra: Map<String, Value>,
}

impl RawResponse {
    /// Returns a response with only its text or turns.
    pub(super) fn new(place: String, said: TurnsOrText) -> Self {
        RawResponse { place, said, what: WHOLE, label: None, team: None, extra: Map::new() }
    }
}

/// Returns whether the row is a pair of `chosen` and `rejected` instead of a list of responses.
pub(super) fn is_pair(row: &Map<String, Value>, columns: &ColumnNames) -> bool {
    let has = |field| find(row, &columns.of(field).paths[0]).is_some_and(|value| !value.is_null());
    let given = |field| columns.of(field).given;
    if given(Field::Responses) {
        return false;
    }
    given(Field::Chosen) || given(Field::Rejected) || (!has(Field::Responses) && (has(Field::Chosen) || has(Field::Rejected)))
}

/// Reads the responses of a row, labels included.
pub(super) fn responses(row: &Map<String, Value>, columns: &ColumnNames) -> Result<Vec<RawResponse>, RowProblem> {
    let pair = is_pair(row, columns);
    if pair && columns.of(Field::Label).given {
        let named = |field| columns.of(field).paths.join(",");
        let [chosen, rejected, label] = [Field::Chosen, Field::Rejected, Field::Label].map(named);
        return Err(RowProblem::PairAndLabel { chosen, rejected, label });
    }
    if pair && let Some(problem) = named(row, columns) {
        return Err(problem);
    }
    let mut responses = if pair {
        let mut pair = side(row, columns, Field::Chosen, 1.0)?;
        pair.append(&mut side(row, columns, Field::Rejected, 0.0)?);
        pair
    } else {
        listed(row, columns)?
    };
    if columns.of(Field::Label).given
        && let Some(labels) = labels::labels(row, columns)?
    {
        let [first, second] = responses.as_mut_slice() else {
            return Err(RowProblem::LabelCount { found: responses.len() });
        };
        [first.label, second.label] = labels.map(Some);
    }
    Ok(responses)
}

fn listed(row: &Map<String, Value>, columns: &ColumnNames) -> Result<Vec<RawResponse>, RowProblem> {
    let source = columns.of(Field::Responses);
    let value = |path: &String| find(row, path).ok_or_else(|| missing(row, path, Field::Responses, ""));
    if source.several == ColumnRule::Each {
        return source.paths.iter().map(|path| response(value(path)?, path.clone(), columns)).collect();
    }
    let path = &source.paths[0];
    let list = found(row, path).ok_or_else(|| match source.given {
        true => missing(row, path, Field::Responses, ""),
        false => no_column(row, path, "`responses` (nor `chosen` and `rejected`)".to_owned(), ""),
    })?;
    let Value::Array(list) = &*list else { return Err(wrong_type(path, "a list of responses", &list)) };
    list.iter().enumerate().map(|(i, value)| response(value, format!("{path}[{i}]"), columns)).collect()
}

const SIDE: &str = "a response: text (a number in quotes), an object with the text, or a list of messages";

/// Reads one side of a pair: a response, or a list of responses that are all on this side (as in RewardBench 2, RM-Bench and RMB).
fn side(row: &Map<String, Value>, columns: &ColumnNames, field: Field, label: f64) -> Result<Vec<RawResponse>, RowProblem> {
    let path = &columns.of(field).paths[0];
    let value = found(row, path).ok_or_else(|| missing(row, path, field, ""))?;
    // A list of messages or of parts is one response.
    let said = |value: &Value| ["role", "from", "type"].iter().any(|key| value.get(key).is_some());
    let bare = |value: &Value| value.is_number() || value.is_boolean();
    let numbers = value.as_array().and_then(|list| list.iter().position(bare));
    if let Some(place) = numbers {
        return Err(wrong_type(&format!("{path}[{place}]"), SIDE, &value[place]));
    }
    // A number may be the index or the score of a response.
    if bare(&value) {
        return Err(wrong_type(path, SIDE, &value));
    }
    let mut side = match &*value {
        Value::Array(list) if !list.iter().any(Value::is_object) || !list.iter().any(said) => list
            .iter()
            .enumerate()
            .map(|(i, value)| response(value, format!("{path}[{i}]"), columns))
            .collect::<Result<Vec<_>, _>>()?,
        value => vec![response(value, path.clone(), columns)?],
    };
    side.iter_mut().for_each(|response| response.label = Some(label));
    Ok(side)
}

fn response(value: &Value, place: String, columns: &ColumnNames) -> Result<RawResponse, RowProblem> {
    const EXPECTED: &str = "a response: text, an object with the text, or a list of messages";
    let Value::Object(keys) = value else {
        let said = said(value, &place, EXPECTED)?;
        return Ok(RawResponse::new(place, said));
    };
    let (said, read) = text(keys, &place, columns)?;
    let [score, rank] = [Field::Score, Field::Rank].map(|field| number(keys, &place, columns, field));
    let label = match (boolean(keys, &place, columns)?, score?) {
        // The lowest rank is the best one.
        _ if columns.of(Field::Rank).given => rank?.map(|rank| -rank),
        (Some(correct), _) => Some(f64::from(correct)),
        (None, score) if columns.scores == BetterDirection::Lower => score.map(|score| -score),
        (None, score) => score,
    };
    let team = optional(keys, columns, Field::Answer, &place)?.map(|(path, answer)| {
        scalar(answer)
            .ok_or_else(|| wrong_type(&format!("{place}.{path}"), "an answer: text, a number, a boolean or null", answer))
    });
    let team = team.transpose()?.filter(|answer| !answer.is_empty());
    let mut extra = keys.clone();
    let others = [Field::Correct, Field::Score, Field::Answer, Field::Rank];
    let others = others.into_iter().filter_map(|field| columns.of(field).paths.first()).map(String::as_str);
    read.into_iter().chain(others).for_each(|path| remove(&mut extra, path));
    Ok(RawResponse { place, said, what: WHOLE, label, team, extra })
}

/// Returns the content of a response, and the keys that hold it.
fn text<'a>(keys: &Map<String, Value>, place: &str, columns: &'a ColumnNames) -> Result<(TurnsOrText, Vec<&'a str>), RowProblem> {
    let source = columns.of(Field::Text);
    let named = |key: &str| source.given && source.paths.iter().all(|path| path == key);
    if let Some(role) = of_message(keys) {
        let spoken = !source.given || named("content") || named("value");
        if spoken && role != Role::Assistant {
            return Err(RowProblem::LastTurn { place: place.to_owned(), role: role.as_str() });
        }
        if !source.given {
            let (key, text) = messages::content(keys, place)?;
            return Ok((TurnsOrText::Text(text), vec![key]));
        }
    }
    if source.several == ColumnRule::Joined {
        return Ok((
            TurnsOrText::Text(joined(keys, columns, Field::Text, place)?),
            source.paths.iter().map(String::as_str).collect(),
        ));
    }
    let lists: &[&'static str] = if source.given { &[] } else { &["messages", "conversations", "conversation"] };
    let paths = source.paths.iter().map(String::as_str).chain(lists.iter().copied());
    let mut all = paths.into_iter().filter_map(|path| Some((path, find(keys, path)?)));
    let held = all.next();
    if let Some((one, Value::String(text))) = held
        && let Some((other, more)) = all.find_map(|(path, value)| Some((path, value.as_str()?)).filter(|(_, more)| more != text))
    {
        let [one, other] = [one, other].map(|key| format!("`{place}.{key}`"));
        let found = Box::new([messages::beginning(text), messages::beginning(more)]);
        let hint = ": --column responses.text=KEY says which";
        return Err(RowProblem::Contradiction { one, other, found, hint });
    }
    let Some((path, value)) = held else {
        let names = source.paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", nor ");
        return Err(no_column(keys, &source.paths[0], names, place));
    };
    Ok((said(value, &format!("{place}.{path}"), "text or a list of messages")?, vec![path]))
}

/// Returns the role of a response that is a message, from `role` or, beside `value`, `from`. Beside `text` or `response` these keys may name the
/// source of a text.
fn of_message(keys: &Map<String, Value>) -> Option<Role> {
    let has = |key: &str| keys.contains_key(key);
    let (key, name) = roles::speaker(keys)?;
    let message = if key == "from" { has("value") } else { !has("text") && !has("response") };
    if message { roles::role(name.as_str()?) } else { None }
}

/// Returns the texts of several columns, joined by line breaks. Null and empty ones are left out.
pub(super) fn joined(row: &Map<String, Value>, columns: &ColumnNames, field: Field, place: &str) -> Result<String, RowProblem> {
    let mut texts = Vec::new();
    for path in &columns.of(field).paths {
        match find(row, path).ok_or_else(|| missing(row, path, field, place))? {
            Value::Null => {}
            value => {
                let place = if place.is_empty() { path.clone() } else { format!("{place}.{path}") };
                texts.push(scalar(value).ok_or_else(|| wrong_type(&place, "text", value))?);
            }
        }
    }
    texts.retain(|text| !text.is_empty());
    Ok(texts.join("\n"))
}

/// Returns the value of an optional field that is read from one column. Null counts as absent; a missing column is an error only if a spec names it.
pub(super) fn optional<'r, 'c>(
    row: &'r Map<String, Value>,
    columns: &'c ColumnNames,
    field: Field,
    place: &str,
) -> Result<Option<(&'c str, &'r Value)>, RowProblem> {
    let source = columns.of(field);
    let Some(path) = source.paths.first().map(String::as_str) else { return Ok(None) };
    match find(row, path) {
        Some(Value::Null) => Ok(None),
        Some(value) => Ok(Some((path, value))),
        None if source.given => Err(missing(row, path, field, place)),
        None => Ok(None),
    }
}

fn boolean(keys: &Map<String, Value>, place: &str, columns: &ColumnNames) -> Result<Option<bool>, RowProblem> {
    let Some((path, value)) = optional(keys, columns, Field::Correct, place)? else { return Ok(None) };
    let place = format!("{place}.{path}");
    if let Some(tests) = &columns.correct {
        return labels::is_right(tests, &place, value).map(Some);
    }
    let bad = || wrong_type(&place, "true, false, 1, 0 or null", value);
    Ok(Some(value.as_bool().or(value.as_u64().filter(|n| *n < 2).map(|n| n == 1)).ok_or_else(bad)?))
}

fn number(keys: &Map<String, Value>, place: &str, columns: &ColumnNames, field: Field) -> Result<Option<f64>, RowProblem> {
    let Some((path, value)) = optional(keys, columns, field, place)? else { return Ok(None) };
    value.as_f64().map(Some).ok_or_else(|| wrong_type(&format!("{place}.{path}"), "a number or null", value))
}
