//! Questions with verifiable answers and responses to them -> preference pairs, one right and one wrong.
//!
//! There are two passes over the input. [`decide`] reads everything without cost and decides for each row whether it is kept, and if not, why.
//! [`work`] reads it again, sends requests for the kept rows only, and makes the pairs. Both are pure functions of files, settings and completions,
//! so a run that was killed and started again writes the same bytes. Memory takes about 140 bytes for each row.

mod benchmarks;
mod check;
mod choose;
mod columns;
mod decide;
mod layout;
mod near;
mod question;
mod row;
mod sample;
#[cfg(test)]
#[path = "../../../tests/skipping.rs"]
mod skipping;
mod tally;
mod unmarked;
mod words;
mod work;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use self::{
    benchmarks::{Benchmarks, BenchmarksError},
    columns::{ColumnSpecError, PairColumns},
    decide::{RowFates, decide},
    layout::QuestionLayout,
    row::{DroppedPair, FilterLine, Overlap, PairRow},
    tally::PairTotals,
    work::{Judges, PairsError, RowPairs, work},
};

/// A file of questions.
#[derive(Clone, Debug, PartialEq)]
pub struct QuestionFile {
    /// Path of the file.
    pub path: PathBuf,
    /// Name of the file in messages.
    pub name: String,
    /// Weight of the file in the mixture, relative to the other files; `None` for all files takes all questions.
    pub weight: Option<f64>,
}

/// The settings by which pairs are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PairSettings {
    /// Number of responses to sample for each question; 0 uses those of the file.
    pub samples: u32,
    /// Instruction after a question when responses are sampled; `None` chooses one by the kind of answer.
    pub instruction: Option<String>,
    /// Whether to check responses even if the file says whether they are right.
    pub verify: bool,
    /// Most pairs of one question.
    pub per_question: usize,
    /// Estimated similarity, from 0 to 1, from which a question counts as a near-duplicate of an earlier one; `None` keeps all.
    pub near_duplicates: Option<f64>,
    /// Number of words in an n-gram, for decontamination.
    pub ngram: usize,
    /// Share of common n-grams, from 0 to 1, from which a question counts as contaminated.
    pub overlap: f64,
    /// Fewest characters of a response.
    pub min_chars: usize,
    /// Most characters of a response.
    pub max_chars: Option<usize>,
    /// Most characters of a prompt.
    pub max_prompt_chars: Option<usize>,
    /// Whether prompts and responses are written as lists of messages.
    pub conversational: bool,
    /// Whether rows hold `responses` and `label`, in the drawn order, in place of `chosen` and `rejected`.
    pub as_responses: bool,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for PairSettings {
    /// One pair for each question. Eight words and half of the n-grams are the values of Tulu 3's decontamination; similarity 0.8 is common for
    /// MinHash.
    fn default() -> Self {
        PairSettings {
            samples: 0,
            instruction: None,
            verify: false,
            per_question: 1,
            near_duplicates: Some(0.8),
            ngram: 8,
            overlap: 0.5,
            min_chars: 1,
            max_chars: None,
            max_prompt_chars: None,
            conversational: false,
            as_responses: false,
            seed: 0,
        }
    }
}

/// The reason why a row gives no pair, or why a pair was not written, as spelled in the file of dropped rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DropReason {
    /// The columns fit no known layout.
    UnknownLayout,
    /// There is no question.
    NoPrompt,
    /// The prompt has several turns, and rows are written as text.
    SeveralTurns,
    /// There is no answer to check against.
    NoAnswer,
    /// The answer is of a kind that no rule can check, such as tests of code.
    UnverifiableAnswer,
    /// The id occurred before.
    DoubledId,
    /// The prompt is longer than allowed.
    PromptTooLong,
    /// No response is left: the row has none, or none is usable.
    NoResponses,
    /// No response can be checked.
    NoneVerifiable,
    /// All responses that are left are wrong.
    NoneRight,
    /// All responses that are left are right.
    NoneWrong,
    /// A good part of the question is also in a benchmark.
    Contaminated,
    /// The question is nearly the same as an earlier one that is kept.
    NearDuplicate,
    /// The mixture has enough of this file.
    NotDrawn,
    /// The question or the pair does not fit into the engine's context.
    TooLongForEngine,
    /// The base judge was right about the pair in every vote.
    TooEasy,
}

/// The reason why a response is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnusedReason {
    /// No text is left without the thinking.
    Empty,
    /// The token limit cut it, or its thinking was never closed.
    Unfinished,
    /// It is shorter than allowed.
    TooShort,
    /// It is longer than allowed.
    TooLong,
    /// It is the same text as an earlier response.
    Repeated,
    /// It cannot be checked whether the response is right.
    Unverifiable,
}
