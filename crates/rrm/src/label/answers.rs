//! A ranking -> rows with the texts of responses, their places and scores, for people and for loaders of datasets.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{ColumnType, OutputRow};
use crate::{
    chat::Role,
    comparison::Prompt,
    dataset::Item,
    ranking::rating::Score,
    result::{Row, RowResult},
};

/// The rows that `rrm rank` writes of a ranking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerRows {
    /// One row with indices of responses, scores, matches and votes: [`Row`].
    #[default]
    Ranking,
    /// One row with the text of the best response.
    Best,
    /// One row for each response, best first.
    All,
}

impl AnswerRows {
    /// Columns of [`AnswerRows::Best`] and [`AnswerRows::All`], in their order.
    pub const SCHEMA: [(&'static str, ColumnType); 7] = [
        ("id", ColumnType::Text),
        ("prompt", ColumnType::Text),
        ("response", ColumnType::Text),
        ("index", ColumnType::Count),
        ("rank", ColumnType::MaybeCount),
        ("score", ColumnType::MaybeNumber),
        ("extra", ColumnType::Text),
    ];

    /// Returns whether several responses share the best place.
    pub fn shares_the_best(row: &Row) -> bool {
        row.result.as_ref().is_some_and(|result| result.places().iter().filter(|rank| **rank == Some(1)).count() > 1)
    }

    /// Returns the rows of one ranking, best first. Responses without a place come last, in the order of the file, with a null as `rank`; they are
    /// never the best. A row without a result gives none.
    ///
    /// `prompt` is the text of a prompt with one user turn, and otherwise the JSON text of its messages. `index` counts the responses of the input
    /// row from 0. `extra` is the JSON text of the input's other columns and of the response's other fields.
    pub fn rows(self, item: &Item, row: &Row) -> Vec<OutputRow> {
        let Some(result) = &row.result else { return Vec::new() };
        let ranks = result.places();
        let mut order: Vec<usize> = (0..item.responses.len()).collect();
        order.sort_by_key(|index| (ranks[*index].unwrap_or(usize::MAX), *index));
        if let Some(best) = &result.order {
            order.clone_from(best);
        }
        if self == AnswerRows::Best {
            order.retain(|index| ranks[*index] == Some(1));
            order.truncate(1);
        }
        order
            .into_iter()
            .filter(|index| *index < item.responses.len())
            .map(|index| answer(item, result, index, ranks[index]))
            .collect()
    }
}

fn answer(item: &Item, result: &RowResult, index: usize, rank: Option<usize>) -> OutputRow {
    let score = result.scores.get(index).copied().flatten().map(|score: Score| score.value);
    let response = &item.responses[index];
    let mut extra = item.extra.clone();
    extra.extend(response.extra.clone());
    let values = [
        json!(item.id),
        prompt(&item.prompt).into(),
        json!(&*response.text),
        json!(index),
        json!(rank),
        json!(score),
        json!(Value::Object(extra).to_string()),
    ];
    AnswerRows::SCHEMA.iter().zip(values).map(|((name, _), value)| ((*name).to_owned(), value)).collect::<Map<_, _>>()
}

fn prompt(prompt: &Prompt) -> String {
    match prompt.messages.as_slice() {
        [turn] if turn.role == Role::User => turn.content.clone(),
        turns => json!(turns).to_string(),
    }
}
