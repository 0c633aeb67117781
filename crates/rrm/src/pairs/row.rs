//! Output rows: a line for each pair, for each row that was dropped, and for each pair that a judge was asked about.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{DropReason, PairSettings, choose::UsableResponse, layout::QuestionLayout, question::Question};

/// A preference pair. Fields have TRL's names if TRL has one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairRow {
    /// `QUESTION_ID/CHOSEN-REJECTED`, with the indices of the two responses.
    pub id: String,
    /// Prompt, as a text or a list of messages.
    pub prompt: Value,
    /// The right response; absent if rows have `responses`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Value>,
    /// The wrong response; absent if rows have `responses`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Value>,
    /// Both responses in the drawn order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responses: Option<[Value; 2]>,
    /// The right one of `responses`: 1 or 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<u8>,
    /// The question's id, with its layout before it.
    pub question_id: String,
    /// The layout of the row.
    pub source: QuestionLayout,
    /// Name of the file.
    pub file: String,
    /// Row of the file, from 1.
    pub row: usize,
    /// Category of the question; empty if the file does not have one.
    pub category: String,
    /// The right answer.
    pub reference: String,
    /// The answer of the right response, if it is known.
    pub chosen_answer: Option<String>,
    /// The answer of the wrong response, if it is known.
    pub rejected_answer: Option<String>,
    /// The writer of the right response, if it is known.
    pub chosen_model: Option<String>,
    /// The writer of the wrong response, if it is known.
    pub rejected_model: Option<String>,
    /// Index of the right response among all responses to the question.
    pub chosen_index: usize,
    /// Index of the wrong response among all responses to the question.
    pub rejected_index: usize,
    /// Order in which a judge is to see them: `chosen-first` or `rejected-first`, drawn by seed.
    pub order: String,
    /// `file` if the file says which response is right, `rule` if both were checked.
    pub checked: String,
    /// Number of the base judge's verdicts that were right about the pair.
    pub base_right: Option<u32>,
    /// Number of verdicts that the base judge was asked for.
    pub base_of: Option<u32>,
}

/// A row that gives no pair, or a pair that was left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DroppedPair {
    /// The question's id, or the pair's.
    pub id: String,
    /// Name of the file.
    pub file: String,
    /// Row of the file, from 1.
    pub row: usize,
    /// Reason why it was dropped.
    pub reason: DropReason,
    /// The overlap of contaminated rows and near-duplicates.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub met: Option<Overlap>,
}

/// The benchmark row or the earlier row that a dropped row overlaps with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Overlap {
    /// A prompt of a benchmark.
    Benchmark {
        /// Name of the benchmark.
        benchmark: String,
        /// Id of the benchmark's row.
        benchmark_row: String,
        /// Share of common n-grams, from 0 to 1.
        overlap: f32,
    },
    /// An earlier question of the input.
    Earlier {
        /// File of the earlier question.
        earlier_file: String,
        /// Row of the earlier question, from 1.
        earlier_row: usize,
        /// Estimated share of common runs of words, from 0 to 1.
        similarity: f32,
    },
}

/// A filter line for `rrm train`: the number of the base judge's verdicts that were right about a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterLine {
    /// Id of the pair.
    pub id: String,
    /// Number of verdicts for the right response.
    pub right: u32,
    /// Number of verdicts that were asked for.
    pub of: u32,
    /// Whether the pair was written.
    pub kept: bool,
}

/// Returns the row of a pair.
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
