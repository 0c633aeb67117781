//! Boxes, or mathematics at the end of a text -> one answer, with its unit and currency.

use std::collections::HashSet;

use super::{
    AnswerCandidate,
    before::{LAYOUT, before},
    behind::{AnswerSuffix, behind, dressed},
    find::{Span, math, segments},
    several,
};
use crate::parse::shortened;

/// Reads the last box, the boxes right before it that are joined to it, and a unit or percent sign behind it. The answer has a doubt if any of these
/// is a part of a larger expression.
pub fn boxed(text: &str, boxes: &[Span]) -> Option<AnswerCandidate> {
    let last = boxes.last().filter(|last| !last.text.is_empty())?;
    let mut first = boxes.len() - 1;
    while first > 0 && joins(&text[boxes[first - 1].end..boxes[first].start]) {
        first -= 1;
    }
    let start = boxes[first].start;
    let mut parts: Vec<&str> = boxes[first..].iter().map(|part| part.text.as_str()).collect();
    let mut seen = HashSet::new();
    parts.retain(|part| !part.is_empty() && seen.insert(*part));
    let joined = parts.join(", ");
    let segments = segments(text);
    // Spans are in order: only the last span that begins before a position can contain it.
    let within = |at: usize| {
        let begun = segments.partition_point(|segment| segment.start < at);
        begun > 0 && at < segments[begun - 1].end
    };
    let near = || text.get(start.saturating_sub(20)..last.end).or(text.get(start..last.end)).unwrap_or_default().trim();
    let between = || {
        let mut two = boxes[first..].windows(2).filter(|two| two[0].text != two[1].text);
        two.find(|two| !parts_list(&text[two[0].end..two[1].start], within(two[1].start))).map(|_| shortened(near()))
    };
    let before = before(&text[..start], &joined, within(start));
    // Brackets around several boxes make a tuple.
    let before = before.filter(|before| before.opened == 0 || parts.len() == 1);
    let opened = before.as_ref().map_or(0, |before| before.opened);
    let behind = behind(&text[last.end..], &joined, within(last.end.saturating_sub(1)), opened);
    let (Some(before), Some(behind)) = (before, behind) else {
        return Some(AnswerCandidate { text: joined, math: true, doubt: Some(shortened(near())) });
    };
    let (text_of, unread) = dressed(&joined, before.money, &behind);
    let doubt = between().or(unread).or_else(|| several::boxes(text, boxes, first));
    Some(AnswerCandidate { text: text_of, math: true, doubt })
}

/// Whether the text between two joined boxes only separates them: it is not empty, and has no operator, no brackets around each box, and nothing that
/// belongs to one of them.
fn parts_list(between: &str, math: bool) -> bool {
    let (mut rest, mut parted) = (between, false);
    let behind =
        between.trim_start_matches([' ', '$', '*', '}', '~']).trim_start_matches("\\)").trim_start_matches("\\]").trim_start();
    let word: String = behind.chars().take_while(|c| c.is_alphanumeric()).collect();
    let letter = word.chars().count() == 1 && crate::words::joint(&word, true).is_none();
    if letter || word.starts_with(|c: char| c.is_ascii_digit()) || word.len() > 1 && crate::units::known(&word) {
        return false;
    }
    let ahead = between.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '$' | '*'));
    let ahead =
        ["\\quad", "\\qquad", "\\(", "\\[", "\\,", "\\ "].iter().fold(ahead, |text, sign| text.trim_end_matches(sign)).trim_end();
    if !ahead.ends_with([',', ';', '、', '，']) && !ahead.is_empty() && before(between, "", math).is_none() {
        return false;
    }
    let bare = between.trim_matches(|c: char| c.is_whitespace() || c == '$');
    if bare.starts_with('=') || bare.starts_with(')') || bare.ends_with('(') && bare.len() < 3 {
        return false;
    }
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        match next {
            '\\' => {
                let name: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
                let joint = matches!(name.as_str(), "lor" | "vee" | "land" | "wedge" | "quad" | "qquad");
                if !name.is_empty() && !LAYOUT.contains(&name.as_str()) && !joint && !matches!(name.as_str(), "begin" | "end") {
                    return false;
                }
                parted |= joint || rest.starts_with(['\\', '[', ']', '(', ')']);
                rest = &rest[name.len().max(usize::from(name.is_empty() && rest.is_ascii() && !rest.is_empty()))..];
            }
            '+' | '*' | '/' | '^' | '<' | '>' | '|' | '!' | '×' | '·' | '÷' | '%' | '°' | '√' | '±' | '−' | '∪' => {
                // `**` is emphasis.
                let stars = next == '*' && (rest.starts_with('*') || between.contains("**"));
                if !stars {
                    return false;
                }
            }
            '-' if !between.contains("\n-") && !between.contains("\n -") => return false,
            ',' | ';' | '\n' | '$' | '，' | '、' => parted = true,
            _ => parted |= next.is_alphabetic(),
        }
    }
    parted
}

/// Whether the text between two answers joins them into one: only signs, or a few words with "and" or "or".
fn joins(between: &str) -> bool {
    let mut letters = String::new();
    let mut rest = between;
    while let Some(next) = rest.chars().next() {
        let after = &rest[next.len_utf8()..];
        if next == '\\' {
            let name = after.bytes().take_while(u8::is_ascii_alphabetic).count();
            rest = &after[name..];
            letters.push(' ');
            continue;
        }
        letters.push(if next.is_alphanumeric() || next == '.' { next } else { ' ' });
        rest = after;
    }
    let words: Vec<&str> = letters.split_whitespace().collect();
    let named = |word: &&str| word.len() <= 3 && word.starts_with(|c: char| c.is_ascii_lowercase());
    match words.as_slice() {
        [] => between.len() <= 40,
        // A comma and the name of the next value: `, y_2 =`.
        [name] if named(name) && between.contains(['=', ',']) => true,
        _ => words.iter().any(|word| matches!(*word, "and" | "or")) && between.len() <= 60 && !letters.contains('.'),
    }
}

/// Reads the last mathematics of a text with a unit or percent sign behind it. The answer has a doubt if the expression continues.
pub fn last_math(text: &str, segments: &[Span]) -> Option<AnswerCandidate> {
    let end = segments.last()?.end;
    let answer = math(text, segments);
    // The closing dollar is part of the segment, so the text behind is outside of mathematics.
    let Some(behind) = behind(&text[end..], &answer, false, 0) else {
        return Some(AnswerCandidate { doubt: Some(shortened(text[end..].trim())), text: answer, math: true });
    };
    let (text, doubt) = dressed(&answer, None, &behind);
    Some(AnswerCandidate { text, math: true, doubt })
}

/// Returns a gold answer with the unit or percent sign behind it.
pub fn of_gold(answer: &str, after: &str) -> String {
    let behind =
        behind(after, answer, false, 0).unwrap_or_else(|| AnswerSuffix { percent: percent(after), ..AnswerSuffix::default() });
    dressed(answer, None, &behind).0
}

fn percent(after: &str) -> bool {
    let after = after.trim_start_matches(['$', ')', '}', ' ']);
    let after = after.strip_prefix("\\)").unwrap_or(after).trim_start();
    ["%", "\\%", "percent", "pct"].iter().any(|mark| after.starts_with(mark))
}
