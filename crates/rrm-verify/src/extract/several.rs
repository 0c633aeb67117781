//! Several answers where one is looked for: lines that each tell one, parts with letters, mathematics in a remark.

use super::{find::Span, statement::plain_words};
use crate::{parse::shortened, words};

/// The last lines of a text, where two that stand alone tell different numbers: `x = 2` and `x = 3`.
pub fn alike(text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).rev();
    let (last, before) = (lines.next()?, lines.next()?);
    let (one, other) = (lone(last)?, lone(before)?);
    (one.1 != other.1 && one.0.is_empty() == other.0.is_empty()).then(|| shortened(&format!("{before} {last}")))
}

/// Two names with a value each, right behind each other in the last line: `x = 1 and y = 2`.
pub fn named(text: &str) -> Option<String> {
    let line = text.trim_end().lines().next_back()?;
    let plain: String = line.chars().filter(|c| !matches!(c, '*' | '$' | ',' | '&')).collect();
    let words: Vec<&str> = plain.split_whitespace().filter(|word| *word != "and").collect();
    let value = |word: &str| word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    let name = |word: &str| word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    let pair = |three: &[&str]| name(three[0]) && matches!(three[1], "=" | "is") && value(three[2]);
    let two = |six: &&[&str]| pair(&six[..3]) && pair(&six[3..]) && six[0] != six[3];
    words.windows(6).find(two).map(|six| shortened(&six.join(" ")))
}

/// The name and the number of a line with nothing else, behind a bullet, a letter in brackets or "Case 1:".
fn lone(line: &str) -> Option<(String, String)> {
    let plain: String = line.replace("\\boxed{", "").chars().filter(|c| !matches!(c, '$' | '*' | '}' | '`')).collect();
    let mut rest = plain.trim().trim_end_matches(['.', ',', ';']).trim_start_matches(['-', '•', ' ']).trim();
    for mark in [") ", ": ", ". "] {
        if let Some((before, behind)) = rest.split_once(mark)
            && before.chars().filter(|c| c.is_alphanumeric()).count() <= 8
        {
            rest = behind.trim();
        }
    }
    let (name, value) = rest.split_once('=').unwrap_or(("", rest));
    let (name, value) = (name.trim(), value.trim());
    let number = !value.is_empty() && value.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '.' | '/'));
    let short = name.chars().filter(|c| c.is_alphabetic()).count() <= 1 && name.len() <= 4;
    (number && short && value.chars().any(|c| c.is_ascii_digit())).then(|| (name.to_owned(), value.to_owned()))
}

/// The last two boxes, where the text between them says that the second is one of several.
pub fn boxes(text: &str, boxes: &[Span]) -> Option<String> {
    let [.., one, last] = boxes else { return None };
    let between = text.get(one.end..last.start).filter(|between| between.len() <= 60)?;
    let part = ["(b)", "(c)", "(d)", "(ii)", "(2)", "(3)"].iter().any(|mark| between.contains(mark));
    let words = plain_words(between);
    let other = words.iter().any(|word| matches!(word.as_str(), "second" | "third" | "other" | "another" | "also" | "case"));
    (one.text != last.text && (part || other)).then(|| shortened(&text[one.start..last.end]))
}

/// The words before the last mathematics, where its sentence has other mathematics and none of them tells the answer: "`15`, attained at `x = 2`".
pub fn remark(text: &str, segments: &[Span]) -> Option<String> {
    const TELLS: &str = "is are was were be equals equal to have has get gets gives give yields yield obtain find becomes so thus hence therefore then \
                         that of by an a the exactly about simply just approximately only number value values answer solution solutions point pair";
    let [.., one, last] = segments else { return None };
    let between = &text[one.end..last.start];
    let ends = |at: usize| between[at + 1..].starts_with(char::is_whitespace);
    if between.contains('\n') || between.match_indices(['.', '!', '?', ':']).any(|(at, _)| ends(at)) {
        return None;
    }
    let said = plain_words(between);
    let word = said.last()?;
    let joint = said.len() == 1 && words::joint(word, true).is_some();
    // "of" and "the" tell behind a verb only.
    let verb = said.iter().any(|word| TELLS.split_whitespace().take(22).any(|tells| tells == word));
    let tells = TELLS.split_whitespace().any(|tells| tells == word) && verb;
    let side =
        said.iter().any(|word| matches!(word.as_str(), "when" | "where" | "at" | "if" | "using" | "since" | "because" | "from"));
    (word.is_ascii() && !joint && (!tells || side && !verb)).then(|| shortened(between.trim()))
}
