//! A right answer and a response -> the same, different, or not to be told: mathematics, numbers with units, choices, short texts.
//!
//! Two steps: [`extract`] finds what a text gives as its final answer, [`equal`] compares two answers. Expressions are compared by their
//! values, at fixed points where they have variables, so that no rule of algebra needs to be known: an identity that holds at all of these
//! points is taken for one. docs/verify.md has the rules and what they miss.

mod compare;
mod exact;
mod expr;
mod extract;
mod lex;
mod parse;
mod relate;
mod text;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::extract::{Extracted, How, extract, of_gold};

/// How strictly answers are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VerifyOptions {
    /// Decimal places to which a decimal number must agree with what it is compared to. Whole numbers and fractions must agree exactly.
    pub decimals: u32,
    /// Whether variables must have the same names. Without it they are matched in the order in which they first occur.
    pub same_names: bool,
    /// Whether an inequality may answer where the right answer is an interval; the other way round it always may.
    pub inequality_for_interval: bool,
    /// Longest answer that is compared, in bytes.
    pub max_bytes: usize,
    /// Evaluations of parts of expressions after which a comparison is given up: the limit of time, the same on every machine.
    pub max_steps: u32,
}

impl Default for VerifyOptions {
    /// Six decimals, names matter, an interval is asked for by an interval.
    fn default() -> Self {
        VerifyOptions { decimals: 6, same_names: true, inequality_for_interval: false, max_bytes: 8192, max_steps: 200_000 }
    }
}

/// What a comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "why")]
pub enum Outcome {
    /// The same answer.
    Equal,
    /// Another answer.
    Unequal,
    /// No rule can tell.
    Unknown(Why),
}

/// Why no rule can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The response states no answer.
    NoAnswer,
    /// Both are texts, and other words may say the same.
    Texts,
    /// An answer is longer than the limit.
    TooLong,
    /// The comparison took more steps than the limit.
    TooManySteps,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Why::NoAnswer => "the response states no answer",
            Why::Texts => "both are texts, and other words may say the same",
            Why::TooLong => "an answer is too long",
            Why::TooManySteps => "the comparison took too many steps",
        })
    }
}

/// Compares the final answers that two texts state. `gold` may be a bare answer or a whole solution.
pub fn verify(gold: &str, response: &str, options: &VerifyOptions) -> Outcome {
    let Some(answer) = extract(response) else { return Outcome::Unknown(Why::NoAnswer) };
    match of_gold(gold) {
        Some(gold) => compare::compare(&gold, &answer, options),
        None => Outcome::Unknown(Why::NoAnswer),
    }
}

/// Compares two answers as they stand, such as `\frac12` and `0.5`.
pub fn equal(gold: &str, answer: &str, options: &VerifyOptions) -> Outcome {
    let bare = |text: &str| Extracted { text: text.trim().to_owned(), how: How::Whole };
    compare::compare(&bare(gold), &bare(answer), options)
}
