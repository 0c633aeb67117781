//! A question and its responses -> which right one stands against which wrong one.

use std::collections::HashSet;

use super::{
    Settings, Unused,
    check::{self, Checked},
    question::{Candidate, Question},
};
use crate::{
    keyed,
    transcript::{self, Ending},
};

/// A response that can be used.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Usable {
    pub index: usize,
    pub text: String,
    pub model: Option<String>,
    pub answer: Option<String>,
    /// Whether the file said so, in place of the check.
    pub flagged: bool,
}

/// The usable responses of a question, told apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sides {
    pub right: Vec<Usable>,
    pub wrong: Vec<Usable>,
    pub unused: Vec<Unused>,
}

/// Takes thinking away, leaves out what cannot be used, and checks the rest.
pub(super) fn sides(question: &Question, candidates: Vec<Candidate>, settings: &Settings) -> Sides {
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
            sides.unused.push(Unused::Repeated);
            continue;
        }
        let Candidate { index, model, answer, correct, .. } = candidate;
        let (right, answer, flagged) = match correct.filter(|_| !settings.verify) {
            Some(correct) => (correct, answer, true),
            None => match check::check(&question.gold, &text) {
                Checked::Known(right, read) => (right, read.or(answer), false),
                Checked::Unknown => {
                    sides.unused.push(Unused::Unverifiable);
                    continue;
                }
            },
        };
        let usable = Usable { index, text, model, answer, flagged };
        if right { sides.right.push(usable) } else { sides.wrong.push(usable) }
    }
    sides
}

/// What of a response is judged: the text after its thinking.
fn shown(candidate: &Candidate, settings: &Settings) -> Result<String, Unused> {
    let bare = transcript::bare(&candidate.text);
    if candidate.cut || bare.ending == Ending::Unfinished {
        return Err(Unused::Unfinished);
    }
    let text = if bare.ending == Ending::Silent { "" } else { bare.text.trim() };
    let chars = text.chars().count();
    match () {
        () if text.is_empty() => Err(Unused::Empty),
        () if chars < settings.min_chars => Err(Unused::TooShort),
        () if settings.max_chars.is_some_and(|most| chars > most) => Err(Unused::TooLong),
        () => Ok(text.to_owned()),
    }
}

/// At most `settings.per_question` pairs as places in `right` and `wrong`: no pair twice, every response about as often as the others of
/// its side, and which ones drawn by seed.
pub(super) fn pairs(question: &str, right: usize, wrong: usize, settings: &Settings) -> Vec<(usize, usize)> {
    if right == 0 || wrong == 0 {
        return Vec::new();
    }
    let drawn = |n, what| keyed::shuffle(n, settings.seed, question, what);
    let (rights, wrongs) = (drawn(right, "pairs right"), drawn(wrong, "pairs wrong"));
    // Two wheels that turn together meet in lcm(right, wrong) ways; one step of the second then gives new ones.
    let turn = right / gcd(right, wrong) * wrong;
    let pair = |i: usize| (rights[i % right], wrongs[(i + i / turn) % wrong]);
    (0..settings.per_question.min(right * wrong)).map(pair).collect()
}

/// Whether the right response of a pair is shown first.
pub(super) fn right_first(pair_id: &str, settings: &Settings) -> bool {
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
            let settings = Settings { per_question: k, seed, ..Settings::default() };
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
            let candidate = Candidate { index: 0, text: text.into(), model: None, answer: None, correct: None, cut };
            shown(&candidate, &Settings { max_chars: Some(9), ..Settings::default() })
        };
        assert_eq!(candidate("<think>no</think> yes ", false), Ok("yes".to_owned()));
        assert_eq!(candidate("no</think>yes", false), Ok("yes".to_owned()));
        assert_eq!(candidate("<think>yes", false), Err(Unused::Unfinished));
        assert_eq!(candidate("yes", true), Err(Unused::Unfinished));
        assert_eq!(candidate("<think>no</think> ", false), Err(Unused::Empty));
        assert_eq!(candidate("0123456789", false), Err(Unused::TooLong));
    }
}
