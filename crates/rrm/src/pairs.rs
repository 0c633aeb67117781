//! Questions with verifiable answers and responses to them -> preference pairs, one right and one wrong.
//!
//! Two passes over the input. [`decide`] reads everything, costs nothing and says of each row whether it is kept or why not; [`work`] reads
//! again, asks engines for the kept rows only, and makes the pairs. Both are pure functions of files, settings and completions, so a
//! run that was killed and started again writes the same bytes. Memory holds some 140 bytes for each row.

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
    /// Where it lies.
    pub path: PathBuf,
    /// What messages call it.
    pub name: String,
    /// How much of the mixture is of it, relative to the other files; `None` in all files takes everything.
    pub weight: Option<f64>,
}

/// The settings by which pairs are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PairSettings {
    /// Responses to sample for each question; 0 takes those of the file.
    pub samples: u32,
    /// What is said after a question when responses to it are sampled; `None` says it by the kind of answer.
    pub instruction: Option<String>,
    /// Whether to check responses also where the file says whether they are right.
    pub verify: bool,
    /// Pairs of one question at most.
    pub per_question: usize,
    /// Estimated similarity from which a question counts as a near-duplicate of an earlier one; `None` keeps all.
    pub near_duplicates: Option<f64>,
    /// Words in an n-gram, for decontamination.
    pub ngram: usize,
    /// Share of n-grams from which a question counts as one of a benchmark.
    pub overlap: f64,
    /// Characters that a response has at least.
    pub min_chars: usize,
    /// Characters that a response has at most.
    pub max_chars: Option<usize>,
    /// Characters that a prompt has at most.
    pub max_prompt_chars: Option<usize>,
    /// Whether prompts and responses are written as lists of messages.
    pub conversational: bool,
    /// Whether rows hold `responses` and `label`, in the drawn order, in place of `chosen` and `rejected`.
    pub as_responses: bool,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for PairSettings {
    /// One pair a question. Eight words and half of the n-grams are those of Tulu 3's decontamination; similarity 0.8 is common for MinHash.
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

/// The reason why a row gives no pair, or why a pair was not written. Spelled so in the file of what was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DropReason {
    /// The columns are those of no known layout.
    UnknownLayout,
    /// There is no question.
    NoPrompt,
    /// The prompt has several turns, and rows are written as text.
    SeveralTurns,
    /// There is no answer to check against.
    NoAnswer,
    /// The answer is of a kind that no rule checks, such as tests of code.
    UnverifiableAnswer,
    /// The id was met before.
    DoubledId,
    /// The prompt is longer than allowed.
    PromptTooLong,
    /// No response is left: the row has none, or none can be used.
    NoResponses,
    /// Of none of the responses can it be told whether it is right.
    NoneVerifiable,
    /// All that are left are wrong.
    NoneRight,
    /// All that are left are right.
    NoneWrong,
    /// The question is one of a benchmark.
    Contaminated,
    /// The question is nearly the same as an earlier one that was kept.
    NearDuplicate,
    /// The mixture has enough of this file.
    NotDrawn,
    /// The engine's context cannot hold the question, or the pair.
    TooLongForEngine,
    /// The base judge was right about the pair every time.
    TooEasy,
}

/// The reason why a response is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnusedReason {
    /// Nothing is left once thinking is taken away.
    Empty,
    /// The token limit cut it, or its thinking was never closed.
    Unfinished,
    /// It is shorter than allowed.
    TooShort,
    /// It is longer than allowed.
    TooLong,
    /// It is the same text as an earlier response.
    Repeated,
    /// Whether it is right cannot be told.
    Unverifiable,
}
