//! What a text says after "the answer is", `####` and their kin, and the last number of a text with the words that belong to it.

use super::{
    How,
    find::{Span, math, segments},
    phrase::{STOPS, end_of_number, last_number},
};
use crate::{
    lex::{Commas, Mode},
    parse::{Node, parse},
    words,
};

/// Where a marker of an answer ends, and which rule it belongs to.
pub struct Marker {
    /// The byte behind it.
    pub end: usize,
    /// `####` or a statement.
    pub how: How,
}

/// Words that announce an answer, in lower case, in several languages.
const ANSWERS: &[&str] = &[
    "answer",
    "answers",
    "antwort",
    "lösung",
    "respuesta",
    "réponse",
    "reponse",
    "resposta",
    "risposta",
    "ответ",
    "答案",
    "答え",
    "option",
    "choice",
];
/// What follows such a word.
const COLONS: &[&str] = &[":", "：", "is:", "is", "are", "=", "ist", "es", "est", "é", "è", "是", "为", "は"];
/// Words of remarks about an answer, which state none.
const REMARKS: &[&str] = &[
    "helpful",
    "correct",
    "right",
    "wrong",
    "useful",
    "clear",
    "larger",
    "smaller",
    "than",
    "checked",
    "found",
    "given",
    "obtained",
    "below",
    "above",
    "reasonable",
    "consistent",
    "follows",
    "form",
    "same",
    "different",
    "unique",
    "verified",
    "incorrect",
    "that",
    "which",
    "because",
    "expected",
    "complete",
];

/// All markers, in their order.
pub fn markers(text: &str) -> Vec<Marker> {
    // Letters whose lower case has another length would move the places.
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<Marker> =
        lower.match_indices("####").map(|(at, mark)| Marker { end: at + mark.len(), how: How::Hashes }).collect();
    found.retain(|marker| !lower[marker.end..].starts_with('#'));
    for word in ANSWERS {
        for (at, _) in lower.match_indices(word) {
            let before = lower[..at].chars().next_back();
            let latin = word.is_ascii();
            let rest = &lower[at + word.len()..];
            if latin && (before.is_some_and(char::is_alphanumeric) || rest.starts_with(char::is_alphanumeric)) {
                continue;
            }
            let short = matches!(*word, "option" | "choice");
            if short && !lower[..at].trim_end().ends_with("correct") {
                continue;
            }
            let after = rest.trim_start_matches([' ', '*', '_', '\t']);
            let colon = COLONS.iter().filter(|colon| after.starts_with(**colon)).max_by_key(|colon| colon.len());
            let Some(colon) = colon else { continue };
            let whole =
                !colon.chars().all(|c| c.is_ascii_alphabetic()) || !after[colon.len()..].starts_with(char::is_alphanumeric);
            if whole {
                found.push(Marker { end: lower.len() - after.len() + colon.len(), how: How::Statement });
            }
        }
    }
    // A heading: "Final answer", and the answer on the next line.
    for (at, heading) in lower.match_indices("final answer") {
        let rest = &lower[at + heading.len()..];
        let line = rest.trim_start_matches([' ', '*', '_', '#']);
        if line.starts_with('\n') || line.starts_with('$') {
            found.push(Marker { end: at + heading.len(), how: How::Statement });
        }
    }
    // `A: 18` in a line of its own is an answer; beside `B:` it is a choice.
    let lettered = |letter: char| lower.lines().any(|line| line.trim_start().starts_with(&format!("{letter}:")));
    if !lettered('b') {
        let starts = lower.match_indices("\na:").map(|(at, mark)| at + mark.len());
        found.extend(starts.chain(lower.starts_with("a:").then_some(2)).map(|end| Marker { end, how: How::Statement }));
    }
    found.sort_by_key(|marker| marker.end);
    found.dedup_by_key(|marker| marker.end);
    found
}

/// Whether a text is an answer by itself and no words.
pub fn stands_alone(text: &str) -> bool {
    !text.contains('\n') && reads(text)
}

fn reads(text: &str) -> bool {
    let mode = if text.contains('\\') { Mode::Math } else { Mode::Prose };
    text.len() <= 400 && matches!(parse(text, mode, Commas::Usual), Ok(node) if !matches!(node, Node::Text(_)))
}

/// An answer, and whether it was set as mathematics.
pub struct Stated {
    /// The answer.
    pub text: String,
    /// Whether it stood between dollars or brackets.
    pub math: bool,
}

/// The answer that a text begins with after its marker; `None` where it states none. `words` says whether words count as one.
pub fn stated(text: &str, how: How, words: bool) -> Option<Stated> {
    let plain = |text: &str| Some(Stated { text: text.to_owned(), math: false });
    let text = text.trim_start_matches([':', '：', ' ', '*', '\n', '\r', '\t', '"', '_', '>', '=']);
    if how == How::Hashes {
        let line = text.lines().next().unwrap_or_default().trim();
        let bare = bare(line);
        let last = text.trim_end() == line;
        let digits = bare.bytes().take_while(u8::is_ascii_digit).count();
        let numbered = [". ", ") ", ": "].iter().any(|mark| bare[digits..].starts_with(mark));
        if digits > 0 && numbered && bare[digits + 2..].starts_with(char::is_alphabetic) {
            // `#### 2. Conclusion` is a heading.
            return None;
        }
        return if !bare.is_empty() && (reads(bare) || last) { plain(bare) } else { None };
    }
    if lists_options(text) {
        return None;
    }
    let sentence = sentence(text);
    let segments = segments(sentence);
    if !segments.is_empty() {
        return Some(with_math(sentence, &segments));
    }
    let bare = bare(sentence);
    if bare.is_empty() {
        return None;
    }
    if reads(bare) {
        return plain(bare);
    }
    if let Some(told) = behind_copula(bare) {
        return plain(told);
    }
    if bare.chars().any(|c| c.is_ascii_digit()) {
        // One number among words that leave it as it is; else all of it, which is not understood then.
        return match (last_number(bare), count_numbers(bare)) {
            (Some(number), 1) if reads(&number.text) => plain(&number.text),
            _ => plain(bare),
        };
    }
    let remark =
        bare.split_whitespace().any(|word| REMARKS.contains(&word.to_lowercase().trim_matches(|c: char| !c.is_alphanumeric())));
    if words && !remark { plain(bare) } else { None }
}

/// Whether a text begins with lines of different choices, which names none of them.
fn lists_options(text: &str) -> bool {
    let letter = |line: &str| {
        let mut letters = line.trim().trim_start_matches(['(', '*']).chars();
        let letter = letters.next().filter(char::is_ascii_uppercase)?;
        matches!(letters.next(), Some('.' | ')' | ':')).then_some(letter)
    };
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).map(letter);
    matches!((lines.next(), lines.next()), (Some(Some(one)), Some(Some(other))) if one != other)
}

/// A text without emphasis, quotation marks and the points around it.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '"' | '_' | '`' | '“' | '”'))
        .trim_end_matches("\\]")
        .trim_end_matches(['.', '*', '。', ' '])
        .trim()
}

/// What stands behind the last "is" of a sentence, where it can be read.
fn behind_copula(text: &str) -> Option<&str> {
    let found = [" is ", " are ", " was ", " equals ", " = "]
        .iter()
        .filter_map(|mark| text.rfind(mark).map(|at| at + mark.len()))
        .max()?;
    let told = text[found..].trim();
    reads(told).then_some(told)
}

fn count_numbers(text: &str) -> usize {
    let mut count = 0;
    let mut at = 0;
    while let Some(start) = text[at..].find(|c: char| c.is_ascii_digit()) {
        count += 1;
        at = end_of_number(text, at + start);
    }
    count
}

/// A sentence with mathematics in it: the mathematics, with the words behind it that say how much it is; a number behind it instead; all of
/// it, where words change what it says.
fn with_math(sentence: &str, segments: &[Span]) -> Stated {
    let plain = |text: &str| Stated { text: text.to_owned(), math: false };
    let (Some(first), Some(last)) = (segments.first(), segments.last()) else { return plain(sentence) };
    let tail = bare(sentence[last.end..].trim_start_matches(['*', '"']));
    if tail.chars().any(|c| c.is_ascii_digit()) {
        if let Some(told) = behind_copula(&format!("{} {tail}", "x")) {
            return plain(told);
        }
        if let Some(number) = last_number(tail) {
            return plain(if reads(&number.text) { &number.text } else { sentence });
        }
    }
    let before: Vec<String> = plain_words(&sentence[..first.start]);
    let negated = before.iter().rev().take(3).any(|word| words::changes(word) && word != "to" && word != "from");
    let between =
        segments.windows(2).any(|two| plain_words(&sentence[two[0].end..two[1].start]).iter().any(|word| words::changes(word)));
    if negated || between {
        return plain(format!("{} {}", before.join(" "), sentence[first.start..].replace('$', " ")).trim());
    }
    let answer = math(sentence, segments);
    let next = plain_words(tail);
    // "$5$ million", "$5$ feet": what is counted, or more than that.
    let counted = next.iter().take(3).take_while(|word| !STOPS.contains(&word.as_str())).cloned().collect::<Vec<_>>();
    let says = |word: &String| words::changes(word) || words::magnitude(word).is_some() || crate::units::known(word);
    if counted.iter().any(says) && !sentence[last.end..].starts_with([',', '.', ';']) {
        return Stated { text: format!("{answer} \\text{{ {}}}", counted.join(" ")), math: true };
    }
    Stated { text: answer, math: true }
}

fn plain_words(text: &str) -> Vec<String> {
    let words = text.split_whitespace().map(|word| word.to_lowercase());
    words
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'').to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Up to the end of the first line or sentence; mathematics that spans lines is not cut.
fn sentence(text: &str) -> &str {
    for open in ["$$", "\\["] {
        if text.starts_with(open) {
            let close = if open == "$$" { "$$" } else { "\\]" };
            if let Some(end) = text[2..].find(close) {
                return &text[..2 + end + 2];
            }
        }
    }
    let line = text.lines().next().unwrap_or_default();
    let line = line.split_once('。').map_or(line, |(first, _)| first);
    let abbreviated = |at: usize| line[..at].ends_with(|c: char| c.is_ascii_alphabetic()) && line[..at].len() == 1;
    let ends = line
        .match_indices(". ")
        .map(|(at, _)| at)
        .find(|at| !abbreviated(*at) && line[at + 2..].starts_with(|c: char| c.is_uppercase() || c == '<'));
    ends.map_or(line, |at| &line[..at])
}
