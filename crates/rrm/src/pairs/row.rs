//! What is written: a line for each pair, and beside it a line for each row that was dropped and each pair that a judge was asked about.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{DropReason, PairSettings, choose::UsableResponse, layout::QuestionLayout, question::Question};

/// A preference pair; the names are TRL's where TRL has one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairRow {
    /// `QUESTION_ID/CHOSEN-REJECTED`, by the places of the two responses.
    pub id: String,
    /// A text, or messages.
    pub prompt: Value,
    /// The right response; absent where rows have `responses`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Value>,
    /// The wrong response; absent where rows have `responses`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Value>,
    /// Both responses in the drawn order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responses: Option<[Value; 2]>,
    /// Which of `responses` is right: 1 or 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<u8>,
    /// The question's id, with its layout before it.
    pub question_id: String,
    /// The layout of the row.
    pub source: QuestionLayout,
    /// The file.
    pub file: String,
    /// Its row, from 1.
    pub row: usize,
    /// What the question is about; empty where the file does not say.
    pub category: String,
    /// The right answer.
    pub reference: String,
    /// The answer of the right response, where it is known.
    pub chosen_answer: Option<String>,
    /// The answer of the wrong response, where it is known.
    pub rejected_answer: Option<String>,
    /// Who wrote the right response, where it is known.
    pub chosen_model: Option<String>,
    /// Who wrote the wrong response, where it is known.
    pub rejected_model: Option<String>,
    /// Place of the right response among all of the question, from 0.
    pub chosen_index: usize,
    /// Place of the wrong response among all of the question, from 0.
    pub rejected_index: usize,
    /// `chosen-first` or `rejected-first`, drawn by seed: in which order a judge is to see them.
    pub order: String,
    /// `file` if the file says which one is right, `rule` if both were checked.
    pub checked: String,
    /// How often the base judge was right about the pair.
    pub base_right: Option<u32>,
    /// How often it was asked.
    pub base_of: Option<u32>,
}

/// A row that gives no pair, or a pair that was left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DroppedPair {
    /// The question's id, or the pair's.
    pub id: String,
    /// The file.
    pub file: String,
    /// Its row, from 1.
    pub row: usize,
    /// Why.
    pub reason: DropReason,
    /// What it met, for contaminated rows and near-duplicates.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub met: Option<Overlap>,
}

/// The benchmark row or the earlier row that a dropped row overlaps with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Overlap {
    /// A benchmark's prompt.
    Benchmark {
        /// Its name.
        benchmark: String,
        /// The id of its row.
        benchmark_row: String,
        /// Share of n-grams in common.
        overlap: f32,
    },
    /// An earlier question.
    Earlier {
        /// Its file.
        earlier_file: String,
        /// Its row.
        earlier_row: usize,
        /// Estimated share of runs of words in common.
        similarity: f32,
    },
}

/// A filter line for `rrm train`: how often the base judge was right about a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterLine {
    /// The pair.
    pub id: String,
    /// Verdicts for the right response.
    pub right: u32,
    /// Verdicts asked for.
    pub of: u32,
    /// Whether the pair was written.
    pub kept: bool,
}

/// The row of a pair.
pub(super) fn pair(
    question: &Question,
    file: &str,
    row: usize,
    (right, wrong): (&UsableResponse, &UsableResponse),
    settings: &PairSettings,
) -> PairRow {
    let id = format!("{}/{}-{}", question.id, right.index, wrong.index);
    let first = super::choose::right_first(&id, settings);
    let (chosen, rejected) = (said(right, settings), said(wrong, settings));
    let (pair, both) = match (settings.as_responses, first) {
        (false, _) => (Some((chosen, rejected)), None),
        (true, true) => (None, Some([chosen, rejected])),
        (true, false) => (None, Some([rejected, chosen])),
    };
    let (chosen, rejected) = pair.unzip();
    PairRow {
        id,
        prompt: match question.messages.as_slice() {
            [only] if !settings.conversational => only.content.clone().into(),
            messages => json!(messages),
        },
        chosen,
        rejected,
        label: both.as_ref().map(|_| if first { 1 } else { 2 }),
        responses: both,
        question_id: question.id.clone(),
        source: question.layout,
        file: file.to_owned(),
        row,
        category: question.category.clone(),
        reference: question.gold.answers.join(" | "),
        chosen_answer: right.answer.clone(),
        rejected_answer: wrong.answer.clone(),
        chosen_model: right.model.clone(),
        rejected_model: wrong.model.clone(),
        chosen_index: right.index,
        rejected_index: wrong.index,
        order: if first { "chosen-first" } else { "rejected-first" }.to_owned(),
        checked: if right.flagged && wrong.flagged { "file" } else { "rule" }.to_owned(),
        base_right: None,
        base_of: None,
    }
}

fn said(response: &UsableResponse, settings: &PairSettings) -> Value {
    match settings.conversational && !settings.as_responses {
        true => json!([{"role": "assistant", "content": response.text}]),
        false => response.text.clone().into(),
    }
}
