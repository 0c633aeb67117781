//! A response -> the answer that it ends with, and by which rule it was found.

mod find;

use serde::{Deserialize, Serialize};

use self::find::{boxed, boxes, math, number, segments};

/// The final answer of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extracted {
    /// The answer as it is written.
    pub text: String,
    /// How it was found.
    pub how: How,
}

/// The rule by which an answer was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// In the last `\boxed{}`; boxes that follow each other are one answer.
    Boxed,
    /// After the last `####`.
    Hashes,
    /// After the last "answer is" or "answer:".
    Statement,
    /// The last mathematics between dollars or brackets.
    Math,
    /// The last number.
    Number,
    /// All of it.
    Whole,
}

/// What introduces an answer, in lower case.
const MARKERS: [&str; 7] = ["####", "final answer", "answer is", "answers are", "answer:", "answer**:", "\na:"];

/// What separates thinking from the response, and what ends it where a model ran on.
const THOUGHT: &str = "</think>";
const RUN_ON: [&str; 2] = ["<|im_start|>", "<|im_end|>"];

/// Finds the final answer of a response: what is boxed, or what is stated after it; else the last `####`, the last "answer is", the last
/// mathematics, the last number, and a text of a few words as it is.
pub fn extract(response: &str) -> Option<Extracted> {
    let text = response.rsplit_once(THOUGHT).map_or(response, |(_, after)| after);
    let text = RUN_ON.iter().fold(text, |text, mark| text.split_once(mark).map_or(text, |(before, _)| before));
    let boxes = boxes(text);
    let marked = marked(text);
    let after_box = |at: usize| boxes.last().is_none_or(|last| last.end <= at);
    if let Some((at, how)) = marked
        && after_box(at)
        && let Some((answer, told)) = statement(&text[at..])
        && (told || boxes.is_empty())
    {
        return Some(Extracted { text: answer, how });
    }
    if let Some(answer) = boxed(text, &boxes) {
        return Some(Extracted { text: answer, how: How::Boxed });
    }
    let segments = segments(text);
    let number = number(text);
    if let Some(last) = segments.last()
        && number.as_ref().is_none_or(|number| number.start < last.end)
    {
        return Some(Extracted { text: math(text, &segments), how: How::Math });
    }
    let whole = text.trim();
    if !whole.is_empty() && segments.is_empty() && is_expression(whole) {
        return Some(Extracted { text: whole.to_owned(), how: How::Whole });
    }
    if let Some(number) = number {
        return Some(Extracted { text: number.text, how: How::Number });
    }
    let short = !whole.is_empty() && whole.split_whitespace().count() <= 12;
    short.then(|| Extracted { text: whole.to_owned(), how: How::Whole })
}

/// The right answer, bare or at the end of a solution: what is boxed, after `####` or after a marker, between dollars, or all of it.
pub fn of_gold(gold: &str) -> Option<Extracted> {
    let boxes = boxes(gold);
    if let Some(answer) = boxed(gold, &boxes) {
        return Some(Extracted { text: answer, how: How::Boxed });
    }
    if let Some(at) = gold.rfind("####") {
        return Some(Extracted { text: gold[at + 4..].trim().to_owned(), how: How::Hashes });
    }
    if gold.trim().contains('\n') && marked(gold).is_some() {
        return extract(gold);
    }
    let segments = segments(gold);
    if !segments.is_empty() {
        return Some(Extracted { text: math(gold, &segments), how: How::Math });
    }
    (!gold.trim().is_empty()).then(|| Extracted { text: gold.trim().to_owned(), how: How::Whole })
}

/// Where the last marker ends.
fn marked(text: &str) -> Option<(usize, How)> {
    // Letters whose lower case has another length would move the places.
    let lower = text.to_ascii_lowercase();
    let last = MARKERS.iter().filter_map(|marker| lower.rfind(marker).map(|at| (at + marker.len(), *marker))).max();
    let last = last.or_else(|| lower.starts_with("a:").then_some((2, "\na:")))?;
    Some((last.0, if last.1 == "####" { How::Hashes } else { How::Statement }))
}

/// The answer that a text begins with after its marker, and whether it is one that can be told from other words.
fn statement(text: &str) -> Option<(String, bool)> {
    let text = text.trim_start_matches([':', ' ', '*', '\n', '\r', '\t', '"']);
    let sentence = sentence(text);
    let segments = segments(sentence);
    if let Some(last) = segments.last() {
        let number = number(sentence).filter(|number| number.start >= last.end);
        return Some((number.map_or_else(|| math(sentence, &segments), |number| number.text), true));
    }
    let bare =
        sentence.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '.' | '"' | '_' | '`')).trim_end_matches("\\]");
    if bare.is_empty() {
        return None;
    }
    if let Some(letter) = choice(bare) {
        return Some((letter.to_string(), true));
    }
    if is_expression(bare) {
        return Some((bare.to_owned(), true));
    }
    match number(bare) {
        Some(number) => Some((
            if bare.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '$' | '-')) { first_number(bare) } else { None }
                .unwrap_or(number.text),
            true,
        )),
        None => Some((bare.to_owned(), false)),
    }
}

fn first_number(text: &str) -> Option<String> {
    let end = text.char_indices().find(|(_, c)| c.is_whitespace()).map_or(text.len(), |(at, _)| at);
    number(&text[..end]).map(|number| number.text)
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
    let ends =
        line.match_indices(". ").map(|(at, _)| at).find(|at| line[at + 2..].starts_with(|c: char| c.is_uppercase() || c == '<'));
    ends.map_or(line, |at| &line[..at])
}

/// The letter of a choice at the start of a statement: `C`, `(C)`, `C.`, `C) 12`.
fn choice(text: &str) -> Option<char> {
    let inside = text.strip_prefix('(').unwrap_or(text);
    let mut letters = inside.chars();
    let letter = letters.next().filter(char::is_ascii_uppercase)?;
    let closed = inside.len() < text.len();
    match letters.next() {
        None => Some(letter),
        Some(')') => Some(letter),
        Some('.' | ':' | ',' | '*') if !closed => Some(letter),
        _ => None,
    }
}

/// Whether a text is a term or a relation rather than a sentence: no word stands in it that mathematics does not know.
fn is_expression(text: &str) -> bool {
    const KNOWN: [&str; 19] = [
        "and", "or", "in", "sin", "cos", "tan", "cot", "sec", "csc", "ln", "log", "exp", "sqrt", "pi", "max", "min", "percent",
        "pct", "infinity",
    ];
    if text.len() > 400 || text.contains('\n') {
        return false;
    }
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut any = false;
    while at < bytes.len() {
        let run = bytes[at..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
        if run == 0 {
            any |= bytes[at].is_ascii_digit();
            at += 1;
            continue;
        }
        let command = at > 0 && bytes[at - 1] == b'\\';
        let word = &text[at..at + run];
        let joined = ["or", "and"].iter().any(|joint| word.starts_with(joint) && word[joint.len()..].len() <= 1);
        if !command && run > 1 && !joined && !KNOWN.contains(&word.to_ascii_lowercase().as_str()) {
            return false;
        }
        any |= run == 1 || command;
        at += run;
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_found_where_they_are_stated() {
        for (text, answer, how) in [
            ("so 3+4.\n#### 7", "7", How::Hashes),
            ("First \\boxed{1}, then much more, then \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}", How::Boxed),
            ("\\boxed{1} and \\boxed{2}", "1, 2", How::Boxed),
            ("It is \\boxed{5}. Let me check. Yes, \\boxed{5}", "5", How::Boxed),
            ("The answer is (C).", "C", How::Statement),
            ("**Answer: B. Paris**", "B", How::Statement),
            ("12 eggs\nA: 1,200", "1,200", How::Statement),
            ("The answer is Rome. It is old.", "Rome", How::Statement),
            ("Hence $x = 3$ or $x = 4$.", "x = 3, x = 4", How::Math),
            ("He pays 12 dollars and 5.50 more, 17.50 in all", "17.50", How::Number),
            ("It grows by 20 percent.", "20 \\%", How::Number),
            ("<think>\\boxed{3}</think> Paris", "Paris", How::Whole),
            ("Final Answer: The final answer is $\\frac{3}{4}$. I hope it is correct.", "\\frac{3}{4}", How::Statement),
        ] {
            assert_eq!(extract(text), Some(Extracted { text: answer.into(), how }), "{text}");
        }
        assert_eq!(extract("I do not know what this could be, since too much of it is missing, and so I say nothing"), None);
        assert_eq!(extract(""), None);
    }
}
