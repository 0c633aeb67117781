//! Text -> positions of its boxes and of its mathematics.

use std::collections::HashMap;

use crate::lex::group;

/// A range of a text, in bytes, and its content.
#[derive(Debug)]
pub(super) struct Span {
    pub start: usize,
    pub end: usize,
    pub text: String,
}

/// Returns all boxes in order; of nested boxes, the outer ones.
pub(super) fn boxes(text: &str, gold: bool) -> Vec<Span> {
    let mut found = Vec::new();
    let mut at = 0;
    let ends = if text.contains("box") { closing_braces(text) } else { HashMap::new() };
    loop {
        let Some(start) = text[at..].find('\\').map(|place| at + place) else { return found };
        let mark = ["\\boxed{", "\\fbox{", "\\framebox{", "\\boxed {"].iter().find(|mark| text[start..].starts_with(**mark));
        let Some(length) = mark.map(|mark| mark.len()) else {
            let sign = if gold { None } else { single_sign(text, start) };
            at = sign.as_ref().map_or(start + 1, |sign| sign.end);
            found.extend(sign);
            continue;
        };
        let open = start + length - 1;
        // An unclosed box reaches to the end of its line. Its missing part is unknown, so this is accepted in a gold answer only.
        let line = || text[open + usize::from(gold)..].lines().next().unwrap_or_default();
        let (inside, end) = match ends.get(&open) {
            Some(end) => (&text[open + 1..*end], end + 1),
            None => (line(), open + line().len() + usize::from(gold)),
        };
        // `\boxed{\boxed{3}}`
        let inside = match inside.trim().strip_prefix("\\boxed").and_then(|rest| Some((group(rest)?, rest.len()))) {
            Some(((inner, length), whole)) if length == whole => inner,
            _ => inside,
        };
        found.push(Span { start, end, text: inside.trim().to_owned() });
        at = end;
    }
}

/// The box around one sign that a box without braces is: of `\boxed34` the 3.
fn single_sign(text: &str, start: usize) -> Option<Span> {
    let behind = ["\\boxed", "\\fbox"].iter().find_map(|mark| text[start..].strip_prefix(mark))?;
    let inside = behind.trim_start_matches(' ');
    let sign = inside.chars().next().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '−' | '+' | '(' | '['))?;
    // `\boxedC` is another command.
    let another = sign.is_alphabetic() && inside.len() == behind.len();
    let end = text.len() - inside.len() + sign.len_utf8();
    (!another).then(|| Span { start, end, text: sign.to_string() })
}

/// Where each brace of a text is closed that is closed at all: in one pass, since a text may open very many.
fn closing_braces(text: &str) -> HashMap<usize, usize> {
    let mut open = Vec::new();
    let mut ends = HashMap::new();
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'{' => open.push(at),
            b'}' => {
                if let Some(begin) = open.pop() {
                    ends.insert(begin, at);
                }
            }
            _ => {}
        }
    }
    ends
}

/// Returns the mathematics between dollars or brackets, in order.
pub(super) fn segments(text: &str) -> Vec<Span> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    let mut closers = ClosingMarks { text, next: HashMap::new() };
    while at < bytes.len() {
        let (open, close) = match (bytes[at], bytes.get(at + 1)) {
            (b'$', Some(b'$')) => ("$$", "$$"),
            (b'$', _) => ("$", "$"),
            (b'\\', Some(b'[')) => ("\\[", "\\]"),
            (b'\\', Some(b'(')) => ("\\(", "\\)"),
            (b'\\', Some(_)) => {
                at += 2;
                while at < bytes.len() && !text.is_char_boundary(at) {
                    at += 1;
                }
                continue;
            }
            _ => {
                at += 1;
                continue;
            }
        };
        let begin = at + open.len();
        match closers.closing(begin, close) {
            Some(end) if !text[begin..end].trim().is_empty() => {
                found.push(Span { start: at, end: end + close.len(), text: text[begin..end].trim().to_owned() });
                at = end + close.len();
            }
            _ => at = begin,
        }
    }
    found
}

/// Finds closing marks of mathematics. Positions are remembered, because a text may have very many opening marks without a closing one.
struct ClosingMarks<'a> {
    text: &'a str,
    /// The next position of each closing mark; `None` if there is none any more.
    next: HashMap<&'static str, Option<usize>>,
}

impl ClosingMarks<'_> {
    /// Returns the position of the next closing mark at or behind `begin`. For single dollars and round brackets it must be in the same line. `begin`
    /// must not decrease between calls.
    fn closing(&mut self, begin: usize, close: &'static str) -> Option<usize> {
        let text = self.text;
        let end = match self.next.get(close) {
            Some(None) => return None,
            Some(Some(end)) if *end >= begin => *end,
            _ => {
                let escaped = |at: usize| close.starts_with('$') && text[..at].ends_with('\\');
                let mut end = text[begin..].find(close).map(|at| begin + at);
                while let Some(at) = end.filter(|at| escaped(*at)) {
                    end = text[at + 1..].find(close).map(|next| at + 1 + next);
                }
                self.next.insert(close, end);
                end?
            }
        };
        let inline = close == "$" || close == "\\)";
        (!inline || !text[begin..end].contains('\n')).then_some(end)
    }
}

/// Returns the last mathematics of a text, with the preceding mathematics that is joined to it by "and", "or" or a comma.
pub(super) fn math(text: &str, segments: &[Span]) -> String {
    if segments.is_empty() {
        return String::new();
    }
    let mut first = segments.len() - 1;
    while first > 0 && {
        let between = text[segments[first - 1].end..segments[first].start].trim();
        matches!(
            between,
            "and" | "or" | "," | ", and" | ", or" | "、" | "und" | "oder" | "et" | "ou" | "y" | "o" | "и" | "или" | "或" | "和"
        )
    } {
        first -= 1;
    }
    let parts: Vec<&str> = segments[first..].iter().map(|part| part.text.as_str()).collect();
    parts.join(", ")
}
