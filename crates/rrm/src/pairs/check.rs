//! A response and the right answer -> right, wrong, or not to be told.

use super::question::Gold;

/// What a check says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Checked {
    /// Right or wrong, with the answer that was read.
    Known(bool, Option<String>),
    /// No rule can tell.
    Unknown,
}

/// Checks a response whose thinking was taken away. One that states no answer is neither right nor wrong: it may only say it otherwise.
pub(super) fn check(gold: &Gold, response: &str) -> Checked {
    let Some(answer) = stated(response) else { return Checked::Unknown };
    let mut unknown = false;
    for right in &gold.answers {
        match if gold.options.is_empty() { equal(right, &answer) } else { chosen(gold, right, &answer) } {
            Some(true) => return Checked::Known(true, Some(answer)),
            Some(false) => {}
            None => unknown = true,
        }
    }
    if unknown { Checked::Unknown } else { Checked::Known(false, Some(answer)) }
}

/// Whether the answer names the option with the right letter, by letter or by its text.
fn chosen(gold: &Gold, right: &str, answer: &str) -> Option<bool> {
    let letter = |text: &str| {
        let text = text.trim_matches(|c: char| !c.is_alphanumeric());
        let mut letters = text.chars();
        let first = letters.next().filter(char::is_ascii_alphabetic)?;
        // `B`, `B) Paris`, `B. Paris`, but not `But`.
        letters.next().is_none_or(|next| !next.is_alphanumeric()).then(|| first.to_ascii_uppercase())
    };
    let right = letter(right)?;
    let named = letter(answer).filter(|named| (*named as usize) < 'A' as usize + gold.options.len());
    let by_text = || {
        let place = gold.options.iter().position(|option| plain(option) == plain(answer))?;
        ('A'..='Z').nth(place)
    };
    named.or_else(by_text).map(|named| named == right)
}

/// The final answer that a text states: in its last box, after its last `####`, or after its last "answer is".
pub(super) fn stated(text: &str) -> Option<String> {
    const BEFORE: [&str; 4] = ["####", "answer is", "answer:", "\na:"];
    if let Some(boxed) = boxed(text) {
        return Some(boxed.to_owned());
    }
    // Letters whose lower case has another length would move the places.
    let lower = text.to_ascii_lowercase();
    let end = BEFORE.iter().filter_map(|marker| lower.rfind(marker).map(|at| at + marker.len())).max();
    let end = end.or_else(|| lower.starts_with("a:").then_some(2))?;
    let line = text[end..].trim_start_matches([':', ' ', '*']).lines().next().unwrap_or_default();
    let sentence = line.split_once(". ").map_or(line, |(first, rest)| if first.len() < 2 { rest } else { first });
    let answer = sentence.trim().trim_end_matches('.').trim();
    (!answer.is_empty()).then(|| answer.to_owned())
}

/// What is in the last `\boxed{}` of a text.
pub(super) fn boxed(text: &str) -> Option<&str> {
    let at = text.rfind("\\boxed{")? + "\\boxed{".len();
    let mut depth = 1;
    for (place, letter) in text[at..].char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&text[at..at + place]);
        }
    }
    None
}

/// Whether two answers are the same number or the same text; `None` where they are neither and at least one is no number.
fn equal(right: &str, answer: &str) -> Option<bool> {
    if plain(right) == plain(answer) {
        return Some(true);
    }
    let (right, answer) = (number(right)?, number(answer)?);
    Some((right - answer).abs() <= 1e-9 * right.abs().max(1.0))
}

fn plain(text: &str) -> String {
    let text = text.trim().trim_end_matches('.').trim_matches('$').to_lowercase();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn number(text: &str) -> Option<f64> {
    let text: String = text.chars().filter(|c| !matches!(c, ',' | '$' | ' ' | '\\' | '*')).collect();
    let text = text.trim_end_matches(['.', '%']);
    if let Some((over, under)) = text.split_once('/') {
        return Some(over.parse::<f64>().ok()? / under.parse::<f64>().ok().filter(|under| *under != 0.0)?);
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}
