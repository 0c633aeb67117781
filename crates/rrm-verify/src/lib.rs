//! A right answer and a response -> the same, different, or unknown with a reason: mathematics, numbers with units, choices, short texts.
//!
//! Two steps: [`extract`] finds what a text gives as its final answer, [`equal`] compares two answers. "Equal" and "unequal" are said only where
//! one of both is shown: exact fractions of any size are compared exactly, other numbers between bounds in enough digits, expressions with
//! variables at points of both signs and several sizes. What is not understood to its end is unknown, and [`UnknownReason`] says which piece.
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

/// How strictly answers are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VerifyOptions {
    /// Decimal places that a rounded number must have: `0.333333` answers `1/3`, `0.333` is unknown. Two numbers that end are compared exactly.
    pub decimals: u32,
    /// Whether variables must have the same names. Without it they are matched in the order in which they first occur.
    pub same_names: bool,
    /// Whether an inequality may answer where the right answer is an interval; without it that is unequal. The other way round it always may.
    pub inequality_for_interval: bool,
    /// Longest answer that is compared, in bytes.
    pub max_bytes: usize,
    /// Steps after which a comparison is given up, bigger numbers taking more of them: the limit of time, the same on every machine.
    pub max_steps: u32,
}

impl Default for VerifyOptions {
    /// Six decimals, names matter, an inequality is as good as its interval.
    fn default() -> Self {
        VerifyOptions { decimals: 6, same_names: true, inequality_for_interval: true, max_bytes: 8192, max_steps: 200_000 }
    }
}

/// What a comparison says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// The same answer.
    Equal,
    /// Another answer.
    Unequal,
    /// Neither is proven.
    Unknown(UnknownReason),
}

/// The reason why neither result is proven, and the piece of the answers that it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownReason {
    /// The kind of reason.
    pub why: UnknownKind,
    /// The piece that was not understood, or what is missing for a proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub piece: Option<String>,
}

/// The kind of reason why neither "equal" nor "unequal" is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownKind {
    /// The response states no answer.
    NoAnswer,
    /// Both are texts, and other words may say the same.
    Texts,
    /// A piece of an answer is not understood.
    NotUnderstood,
    /// An answer can be read in several ways that differ in the outcome.
    SeveralReadings,
    /// The answers agree as far as they can be compared, and that is no proof.
    NotProven,
    /// An answer is longer than the limit.
    TooLong,
    /// The comparison took more steps than the limit.
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

/// Compares the final answers that two texts state. `gold` may be a bare answer or a whole solution.
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

/// Compares two answers as they stand, such as `\frac12` and `0.5`.
pub fn equal(gold: &str, answer: &str, options: &VerifyOptions) -> Outcome {
    let bare = |text: &str| FinalAnswer { text: text.trim().to_owned(), how: ExtractionRule::Whole, math: false, doubt: None };
    compare::compare(&bare(gold), &bare(answer), options)
}
