//! Compares a response with a gold answer: equal, unequal, or unknown with a reason. It understands mathematics, numbers with units, choices and
//! short texts.
//!
//! Two steps: [`extract`] finds the final answer of a text, and [`equal`] compares two answers. "Equal" and "unequal" are reported only if they are
//! shown by calculation. Fractions of any size are compared exactly, other numbers by error bounds with as many digits as needed, and expressions with
//! variables at points of both signs and several sizes. An answer that is not understood completely is unknown, and [`UnknownReason`] names the piece.
//!
//! ```
//! use rrm_verify::{Outcome, VerifyOptions, UnknownKind, verify};
//!
//! let told = |gold: &str, response: &str| verify(gold, response, &VerifyOptions::default());
//! assert_eq!(told("1/2", r"So it is \boxed{0.5}."), Outcome::Equal);
//! assert_eq!(told("17", r"\boxed{\infty}"), Outcome::Unequal);
//! let Outcome::Unknown(unknown) = told("12", "The answer is not 12.") else { panic!() };
//! assert_eq!(unknown.why, UnknownKind::NotUnderstood);
//! ```

mod compare;
mod expr;
mod extract;
mod lex;
mod number;
mod parse;
mod relate;
mod units;
mod words;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::{
    compare::choice,
    extract::{ExtractionRule, FinalAnswer, extract, of_gold},
};

/// Options of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VerifyOptions {
    /// Decimal places that a rounded number needs (default 6): `0.333333` equals `1/3`, `0.333` is unknown. Two numbers with finitely many decimals
    /// are compared exactly.
    pub decimals: u32,
    /// Whether variables must have the same names (default true). Otherwise they are matched in the order of their first occurrence.
    pub same_names: bool,
    /// Whether an inequality may answer a gold answer that is an interval (default true); otherwise it is unequal. An interval may always answer a
    /// gold inequality.
    pub inequality_for_interval: bool,
    /// Length in bytes of the longest answer that is compared (default 8192).
    pub max_bytes: usize,
    /// Steps after which a comparison is given up (default 200000). Bigger numbers take more steps. This bounds the work in the same way on every
    /// machine.
    pub max_steps: u32,
}

impl Default for VerifyOptions {
    /// Six decimals, names must agree, an inequality may answer an interval, 8192 bytes, 200000 steps.
    fn default() -> Self {
        VerifyOptions { decimals: 6, same_names: true, inequality_for_interval: true, max_bytes: 8192, max_steps: 200_000 }
    }
}

/// The outcome of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// The answers are the same.
    Equal,
    /// The answers differ.
    Unequal,
    /// Neither is shown; the reason says why.
    Unknown(UnknownReason),
}

/// The reason for an unknown outcome, and the piece of an answer that it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownReason {
    /// The kind of reason.
    pub why: UnknownKind,
    /// The piece that was not understood, or what is missing for a proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub piece: Option<String>,
}

/// The kind of reason for an unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownKind {
    /// The response, or the gold text, states no answer.
    NoAnswer,
    /// Both answers are in words, and different words may mean the same.
    Texts,
    /// A piece of an answer is not understood.
    NotUnderstood,
    /// An answer has several readings with different outcomes.
    SeveralReadings,
    /// The answers agree as far as they can be compared, but this is not a proof.
    NotProven,
    /// An answer is longer than the limit.
    TooLong,
    /// The comparison took more steps than [`VerifyOptions::max_steps`].
    TooManySteps,
}

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UnknownKind::NoAnswer => "the response states no answer",
            UnknownKind::Texts => "both are texts, and other words may say the same",
            UnknownKind::NotUnderstood => "a piece of an answer is not understood",
            UnknownKind::SeveralReadings => "an answer can be read in several ways",
            UnknownKind::NotProven => "neither equal nor unequal is proven",
            UnknownKind::TooLong => "an answer is too long",
            UnknownKind::TooManySteps => "the comparison took too many steps",
        })
    }
}

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.piece {
            Some(piece) => write!(f, "{}: {piece}", self.why),
            None => self.why.fmt(f),
        }
    }
}

impl From<UnknownKind> for Outcome {
    fn from(why: UnknownKind) -> Self {
        Outcome::Unknown(UnknownReason { why, piece: None })
    }
}

/// Compares the final answer of a response with that of `gold`, which may be a bare answer or a whole solution. Returns an unknown outcome if either
/// text states no answer.
pub fn verify(gold: &str, response: &str, options: &VerifyOptions) -> Outcome {
    match extract(response) {
        Some(answer) => verify_found(gold, &answer, options),
        None => UnknownKind::NoAnswer.into(),
    }
}

/// Compares a right answer, bare or at the end of a solution, with an answer that [`extract`] found. A doubt about it makes the outcome unknown.
pub fn verify_found(gold: &str, answer: &FinalAnswer, options: &VerifyOptions) -> Outcome {
    match of_gold(gold) {
        Some(gold) => compare::compare(&gold, answer, options),
        None => UnknownKind::NoAnswer.into(),
    }
}

/// Compares two bare answers, such as `\frac12` and `0.5`, without extraction.
pub fn equal(gold: &str, answer: &str, options: &VerifyOptions) -> Outcome {
    let bare = |text: &str| FinalAnswer { text: text.trim().to_owned(), how: ExtractionRule::Whole, math: false, doubt: None };
    compare::compare(&bare(gold), &bare(answer), options)
}
