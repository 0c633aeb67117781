//! A row -> a [`Question`] with its right answer and the file's responses, or the reason why it is none.

use serde_json::{Map, Value};

use rrm_verify as verify;

use super::{DropReason, columns::PairColumns, layout::QuestionLayout};
use crate::{
    chat::Message,
    dataset::{TurnsOrText, find, said},
};

/// One question.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Question {
    /// `LAYOUT/ID`; without an id, the file's name and the row stand in its place.
    pub id: String,
    pub layout: QuestionLayout,
    pub category: String,
    pub messages: Vec<Message>,
    pub gold: GoldAnswers,
    pub candidates: Vec<QuestionResponse>,
}

/// The right answers of a question.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GoldAnswers {
    /// Right answers, of which any may be given; at least one.
    pub answers: Vec<String>,
    /// The options to choose from, if the answers are their letters.
    pub options: Vec<String>,
}

/// A response from the file, or a sampled one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct QuestionResponse {
    pub index: usize,
    pub text: String,
    pub model: Option<String>,
    pub answer: Option<String>,
    pub correct: Option<bool>,
    /// Whether the token limit cut the response.
    pub cut: bool,
}

impl Question {
    /// Returns the whole prompt as one text.
    pub(super) fn text(&self) -> String {
        self.messages.iter().map(|message| message.content.as_str()).collect::<Vec<_>>().join("\n")
    }
}

/// The file's stem and the row that a question comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct QuestionOrigin<'a> {
    /// The file's name without folders and extensions.
    pub stem: &'a str,
    pub row: usize,
}

/// Returns the row's id. Rows that are no questions have one too, for messages.
pub(super) fn id(
    row: &Map<String, Value>,
    layout: Option<QuestionLayout>,
    columns: &PairColumns,
    place: QuestionOrigin<'_>,
) -> String {
    let layout = layout.unwrap_or(QuestionLayout::Plain);
    let id = columns.value(row, "id", layout.id()).and_then(scalar);
    format!("{layout}/{}", id.unwrap_or_else(|| format!("{}-row-{}", place.stem, place.row)))
}

/// Reads a row as a question.
pub(super) fn question(
    row: &Map<String, Value>,
    columns: &PairColumns,
    place: QuestionOrigin<'_>,
) -> Result<Question, (String, DropReason)> {
    let layout = if columns.named("prompt").is_some() { Some(QuestionLayout::Plain) } else { QuestionLayout::of(row) };
    let id = id(row, layout, columns, place);
    let Some(layout) = layout else { return Err((id, DropReason::UnknownLayout)) };
    let read = || -> Result<Question, DropReason> {
        let mut messages = prompt(row, layout, columns)?;
        let gold = gold(row, layout, columns)?;
        if let Some(last) = messages.last_mut().filter(|_| !gold.options.is_empty()) {
            let option = |(letter, option): (char, &String)| format!("\n{letter}. {option}");
            last.content = format!("{}\n{}", last.content, ('A'..='Z').zip(&gold.options).map(option).collect::<String>());
        }
        let category = columns.value(row, "category", layout.category()).and_then(first_text).unwrap_or_default();
        let candidates = candidates(row, layout, columns);
        Ok(Question { id: id.clone(), layout, category, messages, gold, candidates })
    };
    read().map_err(|reason| (id.clone(), reason))
}

/// Returns the layout, the id and the text of a question, even if its answer is not known.
pub(super) fn asked(row: &Map<String, Value>, place: QuestionOrigin<'_>) -> Option<(QuestionLayout, String, String)> {
    let (columns, layout) = (PairColumns::default(), QuestionLayout::of(row)?);
    let messages = prompt(row, layout, &columns).ok()?;
    let options = gold(row, layout, &columns).map(|gold| gold.options).unwrap_or_default();
    let texts: Vec<String> = messages.into_iter().map(|message| message.content).chain(options).collect();
    Some((layout, id(row, Some(layout), &columns, place), texts.join("\n")))
}

fn prompt(row: &Map<String, Value>, layout: QuestionLayout, columns: &PairColumns) -> Result<Vec<Message>, DropReason> {
    let value = columns.value(row, "prompt", layout.prompt()).ok_or(DropReason::NoPrompt)?;
    let messages = match said(value, "prompt", "a text").map_err(|_| DropReason::NoPrompt)? {
        TurnsOrText::Text(text) => vec![Message::user(text)],
        TurnsOrText::Turns(turns) => turns,
    };
    if messages.iter().all(|message| message.content.trim().is_empty()) { Err(DropReason::NoPrompt) } else { Ok(messages) }
}

fn gold(row: &Map<String, Value>, layout: QuestionLayout, columns: &PairColumns) -> Result<GoldAnswers, DropReason> {
    let value = columns.value(row, "reference", layout.reference()).ok_or(DropReason::NoAnswer)?;
    // Skywork-OR1's programming problems are checked by running tests.
    if find(row, "ability").and_then(Value::as_str) == Some("code") {
        return Err(DropReason::UnverifiableAnswer);
    }
    let options = match (layout, row.get("options")) {
        (QuestionLayout::MmluPro | QuestionLayout::Plain, Some(Value::Array(options))) => {
            options.iter().filter_map(scalar).collect()
        }
        _ => Vec::new(),
    };
    let answers: Vec<String> = match value {
        Value::Array(list) => list.iter().filter_map(scalar).collect(),
        value => {
            let text = scalar(value).ok_or(DropReason::UnverifiableAnswer)?;
            match layout {
                QuestionLayout::SkyworkOr1 => serde_json::from_str::<Vec<String>>(&text).unwrap_or_else(|_| vec![text]),
                QuestionLayout::Gsm8k => text.rsplit_once("####").map(|(_, answer)| vec![answer.to_owned()]).unwrap_or_default(),
                QuestionLayout::Gsm8kSolutions => vec![verify::of_gold(&text).map_or(text, |gold| gold.text)],
                QuestionLayout::Math => vec![verify::of_gold(&text).map_or(text, |gold| gold.text)],
                _ => vec![text],
            }
        }
    };
    let answers: Vec<String> = answers.iter().map(|a| a.trim().to_owned()).filter(|a| !a.is_empty()).collect();
    if answers.is_empty() { Err(DropReason::NoAnswer) } else { Ok(GoldAnswers { answers, options }) }
}

fn candidates(row: &Map<String, Value>, layout: QuestionLayout, columns: &PairColumns) -> Vec<QuestionResponse> {
    let value = columns.value(row, "responses", &["responses", "completions", "generations"]);
    let listed: Vec<(Option<String>, &Value)> = match value {
        Some(Value::Array(list)) => list.iter().map(|value| (None, value)).collect(),
        Some(Value::Object(models)) => models.iter().map(|(model, value)| (Some(model.clone()), value)).collect(),
        _ if layout == QuestionLayout::Gsm8kSolutions => {
            row.iter().filter(|(_, v)| v.get("solution").is_some()).map(|(model, value)| (Some(model.clone()), value)).collect()
        }
        _ => Vec::new(),
    };
    let candidate = |(index, (model, value)): (usize, (Option<String>, &Value))| candidate(index, model, value, columns);
    listed.into_iter().enumerate().filter_map(candidate).collect()
}

fn candidate(index: usize, model: Option<String>, value: &Value, columns: &PairColumns) -> Option<QuestionResponse> {
    let Value::Object(keys) = value else {
        return Some(QuestionResponse { index, text: text(value)?, model, answer: None, correct: None, cut: false });
    };
    let of = |field: &str, usual: &[&str]| columns.value(keys, field, usual);
    let truth = |value: &Value| value.as_bool().or(value.as_u64().filter(|n| *n < 2).map(|n| n == 1));
    Some(QuestionResponse {
        index,
        text: of("responses.text", &["text", "content", "response", "solution", "generation"]).and_then(text)?,
        model: of("responses.model", &["model"]).and_then(scalar).or(model),
        answer: of("responses.answer", &["answer", "pred"]).and_then(scalar),
        correct: of("responses.correct", &["correct", "is_correct"]).and_then(truth),
        cut: false,
    })
}

/// Returns a response's text; of a list of messages, the text of the last one.
fn text(value: &Value) -> Option<String> {
    match said(value, "responses", "a text").ok()? {
        TurnsOrText::Text(text) => Some(text),
        TurnsOrText::Turns(turns) => turns.into_iter().next_back().map(|message| message.content),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Returns a text, or the first of a list of texts, as in Big-Math's `domain`.
fn first_text(value: &Value) -> Option<String> {
    if let Value::Array(list) = value { list.first().and_then(scalar) } else { scalar(value) }
}
