//! What follows an answer -> a doubt where a later line states another one, where its exact value is told, or where it is said not to hold.

use super::{
    phrase::{count_numbers, last_number},
    statement::{bare, reads},
};
use crate::{Outcome, VerifyOptions, equal, parse::shortened};

/// Words with which a line begins that takes back what stands above it.
const HEADS: &[&str] = &[
    "edit",
    "edited",
    "update",
    "updated",
    "correction",
    "corrected",
    "erratum",
    "errata",
    "actually",
    "revision",
    "revised",
    "amendment",
    "on reflection",
    "on second thought",
    "it should be",
    "it should have been",
    "i meant",
    "make that",
    "let me correct that",
    "i correct",
];
/// Words between such a head and the answer that the line states.
const LEADS: &str = "the my our a correct right final real true exact new answer result value it it's that this should must have been be is was to i we \
                     meant mean think get now actually rather number choice option =";
/// Words beside an exact number.
const EXACT: &[&str] = &["exactly", "precisely", "exact", "more exactly"];
/// Words between "exactly" and its number.
const FILLERS: &str = "the value answer result is it it's number would be being";
/// Words behind an answer by which it is none.
const DENIALS: &[&str] = &[
    "does not satisfy",
    "does not work",
    "does not solve",
    "does not hold",
    "does not fit",
    "does not meet",
    "doesn't satisfy",
    "doesn't work",
    "doesn't solve",
    "doesn't hold",
    "doesn't fit",
    "doesn't meet",
    "fails",
    "is not a solution",
    "isn't a solution",
    "is no solution",
    "is not valid",
    "isn't valid",
    "is invalid",
    "is not possible",
    "is impossible",
    "is extraneous",
    "is not correct",
    "is not right",
    "is incorrect",
    "is wrong",
    "cannot be right",
    "cannot be correct",
    "must be rejected",
    "must be discarded",
];
/// Lines of this kind, and places of an answer, that are looked at.
const MOST: usize = 16;

/// A doubt from what follows an answer.
pub fn doubted(answer: &str, after: &str) -> Option<String> {
    amended(answer, after).or_else(|| exact(answer, after)).or_else(|| denied(answer, after))
}

/// A later line that begins with "Edit:" or the like and states another answer. The last one of them counts.
fn amended(answer: &str, after: &str) -> Option<String> {
    let (_, lines) = after.split_once('\n')?;
    let headed = lines.lines().rev().filter_map(|line| {
        let plain = line.trim_start_matches(|c: char| !c.is_alphanumeric());
        let head = HEADS.iter().filter(|head| starts(plain, head)).max_by_key(|head| head.len())?;
        Some((plain, &plain[head.len()..]))
    });
    let stated = headed.take(MOST).find_map(|(line, rest)| Some((line, another(answer, rest)?)));
    stated.filter(|(_, other)| *other).map(|(line, _)| shortened(line))
}

/// Whether a text begins with words in letters of any case, and no letter stands behind them.
fn starts(text: &str, words: &str) -> bool {
    text.get(..words.len()).is_some_and(|first| first.eq_ignore_ascii_case(words))
        && !text[words.len()..].starts_with(|c: char| c.is_alphanumeric())
}

/// Whether a line states another answer than this one; `None` where it states none.
fn another(answer: &str, line: &str) -> Option<bool> {
    let sentence = line.split(". ").next().unwrap_or_default();
    let mut rest =
        sentence.trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '(' | '$' | '\\' | '-' | '−' | '.'));
    while let Some((word, behind)) = rest.split_once(' ') {
        let lower = word.to_lowercase().replace('’', "'");
        if !LEADS.split_whitespace().any(|lead| lead == lower.trim_matches([',', ':', '*', '.'])) {
            break;
        }
        rest = behind.trim_start();
    }
    let told = bare(rest).trim_matches('$');
    if !told.is_empty() && reads(told) {
        // A few steps: what takes more is no correction.
        let options = VerifyOptions { max_steps: 2000, ..VerifyOptions::default() };
        return Some(equal(answer, told, &options) != Outcome::Equal);
    }
    let lower = sentence.to_lowercase();
    let should = lower.contains("should be") || lower.contains("should have been") || lower.contains("instead of");
    let number = last_number(sentence).filter(|_| should)?.0;
    Some(number.text.trim() != answer.trim())
}

/// The exact number beside an answer that is near it: "(approximately; exactly 12.4)". On the line of the answer or the next one.
fn exact(answer: &str, after: &str) -> Option<String> {
    let word = |word: &str| EXACT.contains(&word.trim_matches(|c: char| !c.is_alphabetic()).to_lowercase().as_str());
    if answer.split_whitespace().skip(1).any(word) && count_numbers(answer) > 1 {
        // "Approximately 12, exactly 12.4"
        return Some(shortened(answer));
    }
    let value = number(answer.trim_start_matches(|c: char| c.is_alphabetic() || c.is_whitespace() || c == '='))?;
    let near = window(after);
    let lower = near.to_ascii_lowercase();
    let mut places = EXACT.iter().flat_map(|word| lower.match_indices(word));
    places.by_ref().take(MOST).find_map(|(at, word)| {
        let letter = |c: char| c.is_alphanumeric();
        if lower[..at].ends_with(letter) || lower[at + word.len()..].starts_with(letter) {
            return None;
        }
        let differs = |other: &str| {
            let root =
                ["\\sqrt", "\\frac", "\\dfrac", "\\pi", "√"].iter().any(|sign| other.starts_with(sign)) && answer.contains('.');
            let close = |other: f64| other != value && (other - value).abs() <= (value.abs() * 0.1).max(1.0);
            root || number(other).is_some_and(close)
        };
        let mut behind = near[at + word.len()..].trim_start_matches(opening);
        while let Some((filler, rest)) = behind.split_once(' ')
            && FILLERS.split_whitespace().any(|one| filler.trim_matches([',', ':']).eq_ignore_ascii_case(one))
        {
            behind = rest.trim_start_matches(opening);
        }
        // "Exactly 12 roots" counts something else.
        let end = |c: char| c.is_whitespace() || matches!(c, ')' | ';' | ']');
        let (first, rest) = behind.split_at(behind.find(end).unwrap_or(behind.len()));
        let ends = !rest.trim_start_matches(['$', ' ']).starts_with(letter);
        let before = near[..at].trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '$' | '(' | ','));
        let before = before.strip_suffix("to be").unwrap_or(before).trim_end();
        let last = before.rsplit([' ', '(', '$', '\n']).next().unwrap_or_default();
        let found = ends && differs(first.trim_end_matches(['.', ',', '$', ':'])) || differs(last);
        found.then(|| shortened(near.trim()))
    })
}

fn opening(c: char) -> bool {
    c.is_whitespace() || matches!(c, ':' | ',' | '(' | '$' | '*' | '=' | '≈')
}

/// Up to the end of the next line that is not blank.
fn window(after: &str) -> &str {
    let line = |at: usize| after[at..].find('\n').map_or(after.len(), |length| at + length);
    let first = line(0);
    let second = after[first..].find(|c: char| !c.is_whitespace()).map_or(after.len(), |blank| first + blank);
    &after[..line(second)]
}

/// The number that a text begins with, where it has no other one.
fn number(text: &str) -> Option<f64> {
    let text = text.trim().trim_start_matches(['$', '\\', '~', '≈']);
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '-'))).unwrap_or(text.len());
    let (first, rest) = text.split_at(end);
    (!rest.contains(|c: char| c.is_ascii_digit())).then(|| first.replace(',', "").parse().ok())?
}

/// A later sentence that says of the answer that it does not hold: "12 does not satisfy the equation".
fn denied(answer: &str, after: &str) -> Option<String> {
    let answer = answer.trim();
    if answer.is_empty() || answer.len() > 40 {
        return None;
    }
    let part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '−' | '–' | '+' | '^' | '_' | '{' | '/' | '.' | '*' | '\\');
    after.match_indices(answer).take(MOST).find_map(|(at, _)| {
        let behind = &after[at + answer.len()..];
        let words = behind.trim_start_matches(['$', '*', ' ', '}', '`', '"', ')', '\\']);
        let whole = !behind.starts_with(|c: char| c.is_alphanumeric()) && words.len() < behind.len();
        let signed = after[..at].ends_with(part);
        let denial = DENIALS.iter().any(|denial| starts(words, denial));
        (whole && !signed && denial).then(|| shortened(&after[at..]))
    })
}
