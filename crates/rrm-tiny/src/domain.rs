//! Texts of a prompt and its responses -> a problem and worked answers, or the reason why they are outside of the judge's domain.

use std::fmt::Display;

use rrm::{chat::Role, dataset::Item};

use crate::problem::{FACTORS, LABELS, MOST_STEPS, Operator, Problem, ProblemStep};

/// The beginning of every prompt.
pub const INSTRUCTION: &str = "Keep two digits:";
/// An example of a prompt and its responses, for messages.
pub const EXAMPLE: &str = "prompt \"Keep two digits: 42 a+5 b-9 c*3\", responses \"a47 b38 c14\" and \"a47 b39 c17\"";

/// Most steps of a problem that the judge accepts: those of the longest problem in its training. Its verdicts on longer ones are random
/// (docs/rrm-tiny.md).
pub const MOST_JUDGED: usize = 10;

/// The reason why a text is outside of the domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}, found {found:?}")]
pub struct DomainError {
    /// The expected part.
    what: String,
    /// The part of the text found in its place.
    found: String,
}

fn outside<T>(what: impl Display, found: &str) -> Result<T, DomainError> {
    Err(DomainError { what: what.to_string(), found: found.chars().take(40).collect() })
}

/// Checks that the judge may judge a row.
///
/// # Errors
/// [`DomainError`] names the first part of prompt or responses that is outside of the domain.
pub fn row(item: &Item) -> Result<(), DomainError> {
    let asked = match item.prompt.messages.as_slice() {
        [message] if message.role == Role::User => problem(&message.content)?,
        _ => return outside("the prompt must be a single turn of the user", &format!("{} messages", item.prompt.messages.len())),
    };
    if asked.steps.len() > MOST_JUDGED {
        return outside(format_args!("a problem must have at most {MOST_JUDGED} steps"), &format!("{} steps", asked.steps.len()));
    }
    item.responses.iter().try_for_each(|response| answer(&asked, &response.text).map(|_| ()))
}

/// Parses a prompt.
///
/// # Errors
/// [`DomainError`] names the first part that does not belong to a problem.
pub fn problem(prompt: &str) -> Result<Problem, DomainError> {
    let Some(rest) = prompt.strip_prefix(INSTRUCTION) else {
        return outside(format_args!("the prompt must begin with {INSTRUCTION:?}"), prompt);
    };
    let mut words = rest.split(' ').skip(usize::from(rest.starts_with(' ')));
    let start = words.next().unwrap_or("");
    let Some(start) = two_digits(start.as_bytes()) else {
        return outside("the prompt's start value must be two digits", start);
    };
    let mut steps = Vec::new();
    let mut first_label = 0;
    for word in words {
        let &[label, operator, digit] = word.as_bytes() else {
            return outside("a step must be a letter, an operator and a digit, such as a+5", word);
        };
        let Some(label) = LABELS.iter().position(|known| *known == label) else {
            return outside("a step's label must be a letter from a to p", word);
        };
        if steps.is_empty() {
            first_label = label;
        } else if label != first_label + steps.len() {
            return outside("the labels of steps must follow each other in the alphabet", word);
        }
        let Some(step) = step(operator, digit) else {
            return outside("a step must be + or - with 1 to 9, or * with 3, 7 or 9", word);
        };
        steps.push(step);
    }
    if steps.is_empty() || steps.len() > MOST_STEPS {
        return outside(format_args!("a problem must have 1 to {MOST_STEPS} steps"), rest);
    }
    Ok(Problem { start, first_label, steps })
}

/// Parses the totals of a worked answer to `problem`. Spaces between steps may be absent.
///
/// # Errors
/// [`DomainError`] names the first part that does not belong to a worked answer.
pub fn answer(problem: &Problem, response: &str) -> Result<Vec<u8>, DomainError> {
    let mut rest = response;
    let mut totals = Vec::new();
    for index in 0..problem.steps.len() {
        let label = problem.label(index);
        let total = rest.strip_prefix(label).and_then(|rest| two_digits(rest.as_bytes().get(..2)?));
        let Some(total) = total else {
            return outside(format_args!("step {label} of a response must be {label} and two digits"), rest);
        };
        totals.push(total);
        // A letter and two digits, of one byte each.
        rest = &rest[3..];
        rest = rest.strip_prefix(' ').filter(|rest| !rest.is_empty()).unwrap_or(rest);
    }
    if rest.is_empty() { Ok(totals) } else { outside("a response must end with the total of the last step", rest) }
}

fn two_digits(text: &[u8]) -> Option<u8> {
    match text {
        [tens @ b'0'..=b'9', units @ b'0'..=b'9'] => Some((tens - b'0') * 10 + (units - b'0')),
        _ => None,
    }
}

fn step(operator: u8, digit: u8) -> Option<ProblemStep> {
    let digit = digit.checked_sub(b'0').filter(|digit| (1..=9).contains(digit))?;
    let operator = match operator {
        b'+' => Operator::Plus,
        b'-' => Operator::Minus,
        b'*' if FACTORS.contains(&digit) => Operator::Times,
        _ => return None,
    };
    Some(ProblemStep { operator, digit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_and_its_answers() {
        let read = problem("Keep two digits: 42 c+5 d-9 e*3").unwrap();
        assert_eq!((read.start, read.first_label, read.steps.len()), (42, 2, 3));
        assert_eq!(answer(&read, "c47 d38 e14").unwrap(), [47, 38, 14]);
        assert_eq!(answer(&read, "c47d39e17").unwrap(), [47, 39, 17]);
    }

    #[test]
    fn everything_else_is_named() {
        let say = |prompt: &str| problem(prompt).unwrap_err().to_string();
        assert_eq!(say("What is 2+2?"), "the prompt must begin with \"Keep two digits:\", found \"What is 2+2?\"");
        assert_eq!(say("Keep two digits: 4 a+5"), "the prompt's start value must be two digits, found \"4\"");
        assert_eq!(say("Keep two digits: 42"), "a problem must have 1 to 12 steps, found \" 42\"");
        assert_eq!(say("Keep two digits: 42 a*5"), "a step must be + or - with 1 to 9, or * with 3, 7 or 9, found \"a*5\"");
        assert_eq!(
            say("Keep two digits: 42 a+5 c+5"),
            "the labels of steps must follow each other in the alphabet, found \"c+5\""
        );
        assert_eq!(say("Keep two digits: 42 ä+"), "a step's label must be a letter from a to p, found \"ä+\"");
        let read = problem("Keep two digits: 42 a+5 b-9").unwrap();
        let say = |response: &str| answer(&read, response).unwrap_err().to_string();
        assert_eq!(say("a47"), "step b of a response must be b and two digits, found \"\"");
        assert_eq!(say("a4é"), "step a of a response must be a and two digits, found \"a4é\"");
        assert_eq!(say("a47 b38 "), "a response must end with the total of the last step, found \" \"");
        assert_eq!(say("a47 b38 c14"), "a response must end with the total of the last step, found \"c14\"");
    }
}
