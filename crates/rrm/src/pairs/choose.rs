//! A question and its responses -> pairs of a right and a wrong one.

use std::collections::HashSet;

use super::{
    PairSettings, UnusedReason,
    check::{self, AnswerCheck},
    question::{Question, QuestionResponse},
};
use crate::{
    keyed,
    transcript::{self, ResponseEnding},
};

/// A response that can be used.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct UsableResponse {
    pub index: usize,
    pub text: String,
    pub model: Option<String>,
    pub answer: Option<String>,
    /// Whether the file says that it is right or wrong, in place of a check.
    pub flagged: bool,
}

/// The usable responses of a question, separated into right and wrong ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sides {
    pub right: Vec<UsableResponse>,
    pub wrong: Vec<UsableResponse>,
    pub unused: Vec<UnusedReason>,
}

/// Removes thinking, leaves out responses that cannot be used, and checks the others.
pub(super) fn sides(question: &Question, candidates: Vec<QuestionResponse>, settings: &PairSettings) -> Sides {
    let mut sides = Sides::default();
    let mut seen = HashSet::new();
    for candidate in candidates {
        let text = match shown(&candidate, settings) {
            Ok(text) => text,
            Err(unused) => {
                sides.unused.push(unused);
                continue;
            }
        };
        if !seen.insert(text.clone()) {
            sides.unused.push(UnusedReason::Repeated);
            continue;
        }
        let QuestionResponse { index, model, answer, correct, .. } = candidate;
        let (right, answer, flagged) = match correct.filter(|_| !settings.verify) {
            Some(correct) => (correct, answer, true),
            None => match check::check(&question.gold, &text) {
                AnswerCheck::Known(right, read) => (right, read.or(answer), false),
                AnswerCheck::Unknown => {
                    sides.unused.push(UnusedReason::Unverifiable);
                    continue;
                }
            },
        };
        let usable = UsableResponse { index, text, model, answer, flagged };
        if right { sides.right.push(usable) } else { sides.wrong.push(usable) }
    }
    sides
}

/// Returns the part of a response that is judged: the text after its thinking.
fn shown(candidate: &QuestionResponse, settings: &PairSettings) -> Result<String, UnusedReason> {
    let bare = transcript::bare(&candidate.text);
    if candidate.cut || bare.ending == ResponseEnding::Unfinished {
        return Err(UnusedReason::Unfinished);
    }
    let text = if bare.ending == ResponseEnding::Silent { "" } else { bare.text.trim() };
    let chars = text.chars().count();
    match () {
        () if text.is_empty() => Err(UnusedReason::Empty),
        () if chars < settings.min_chars => Err(UnusedReason::TooShort),
        () if settings.max_chars.is_some_and(|most| chars > most) => Err(UnusedReason::TooLong),
        () => Ok(text.to_owned()),
    }
}

/// Returns at most `settings.per_question` pairs, as indices of `right` and `wrong`. No pair occurs twice, the responses of each side occur about
/// equally often, and the choice is drawn by seed.
pub(super) fn pairs(question: &str, right: usize, wrong: usize, settings: &PairSettings) -> Vec<(usize, usize)> {
    if right == 0 || wrong == 0 {
        return Vec::new();
    }
    let drawn = |n, what| keyed::shuffle(n, settings.seed, question, what);
    let (rights, wrongs) = (drawn(right, "pairs right"), drawn(wrong, "pairs wrong"));
    // Two wheels that turn together meet in lcm(right, wrong) ways; after that, one step of the second wheel gives new pairs.
    let turn = right / gcd(right, wrong) * wrong;
    let pair = |i: usize| (rights[i % right], wrongs[(i + i / turn) % wrong]);
    (0..settings.per_question.min(right * wrong)).map(pair).collect()
}

/// Returns whether the right response of a pair is shown first, drawn by seed.
pub(super) fn right_first(pair_id: &str, settings: &PairSettings) -> bool {
    keyed::coin(settings.seed, pair_id, "pairs order", (0, 1))
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pairs_are_distinct_and_balanced(right in 0_usize..9, wrong in 0_usize..9, k in 0_usize..90, seed: u64) {
            let settings = PairSettings { per_question: k, seed, ..PairSettings::default() };
            let pairs = pairs("q", right, wrong, &settings);
            prop_assert_eq!(pairs.len(), k.min(right * wrong));
            prop_assert_eq!(pairs.iter().collect::<HashSet<_>>().len(), pairs.len());
            let uses = |of: &dyn Fn(&(usize, usize)) -> usize, n| {
                let counts = (0..n).map(|i| pairs.iter().filter(|pair| of(pair) == i).count());
                counts.clone().max().unwrap_or(0) - counts.min().unwrap_or(0)
            };
            prop_assert!(uses(&|pair| pair.0, right) <= 1);
            prop_assert!(uses(&|pair| pair.1, wrong) <= 1);
        }
    }

    #[test]
    fn thinking_is_taken_away_and_what_never_ends_is_not_used() {
        let candidate = |text: &str, cut| {
            let candidate = QuestionResponse { index: 0, text: text.into(), model: None, answer: None, correct: None, cut };
            shown(&candidate, &PairSettings { max_chars: Some(9), ..PairSettings::default() })
        };
        assert_eq!(candidate("<think>no</think> yes ", false), Ok("yes".to_owned()));
        assert_eq!(candidate("no</think>yes", false), Ok("yes".to_owned()));
        assert_eq!(candidate("<think>yes", false), Err(UnusedReason::Unfinished));
        assert_eq!(candidate("yes", true), Err(UnusedReason::Unfinished));
        assert_eq!(candidate("<think>no</think> ", false), Err(UnusedReason::Empty));
        assert_eq!(candidate("0123456789", false), Err(UnusedReason::TooLong));
    }
}
