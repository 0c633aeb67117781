//! The last number of a text, with the words around it that belong to it.

use super::find::Span;
use crate::words;

/// Words behind a number with which something else begins.
pub const STOPS: &[&str] = &[
    "which",
    "that",
    "who",
    "because",
    "so",
    "for",
    "in",
    "with",
    "as",
    "since",
    "when",
    "if",
    "of",
    "and",
    "or",
    "on",
    "at",
    "by",
    "is",
    "are",
    "was",
    "were",
    "it",
    "therefore",
    "but",
    "then",
    "we",
    "he",
    "she",
    "they",
    "will",
    "can",
    "has",
    "have",
    "had",
    "each",
    "left",
    "when",
];

/// The last number of a text that is no part of a word, with the words around it that change what it says.
pub fn last_number(text: &str) -> Option<Span> {
    let bytes = text.as_bytes();
    let mut last = None;
    let mut at = 0;
    while at < bytes.len() {
        let pointed = bytes[at] == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !bytes[at].is_ascii_digit() && !pointed {
            at += 1;
            continue;
        }
        let end = end_of_number(text, at);
        let before = text[..at].chars().next_back();
        let latin = |c: char| c.is_alphanumeric() && !('\u{2e80}'..'\u{fb00}').contains(&c);
        if !before.is_some_and(|c| latin(c) || c == '_' || c == '^' || c == '\\') {
            last = Some((at, end));
        }
        at = end;
    }
    let (start, end) = last?;
    Some(Span { start, end, text: phrase(text, start, end) })
}

/// A number with its sign, with what stands behind it up to a word with which something else begins, and with a word before it that changes it.
fn phrase(text: &str, start: usize, end: usize) -> String {
    let after = &text[end..];
    let tight: String = after
        .chars()
        .take_while(|c| {
            !c.is_whitespace() && !matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '*' | '。' | '，' | '"' | ')' | ']')
        })
        .collect();
    let mut said = tight.clone();
    let rest = &after[tight.len()..];
    if rest.starts_with(' ') {
        let clause =
            &rest[..rest.find(['.', ',', ';', '!', '?', '\n', '(', '*', '。', '，', '=', '"', '<']).unwrap_or(rest.len())];
        for word in clause.split_whitespace().take(4) {
            let lower = word.to_lowercase();
            // "12 and a half"
            let half = lower == "and" && clause.contains("and a ") || lower == "a" || words::part(&lower).is_some();
            if STOPS.contains(&lower.as_str()) && !half {
                break;
            }
            said.push(' ');
            said.push_str(word);
        }
    }
    let before = &text[..start];
    let unsigned = before.trim_end_matches('$');
    let minus = unsigned.strip_suffix(['-', '−', '‑', '‐', '–']);
    let sign = minus.filter(|before| !before.ends_with(|c: char| c.is_alphanumeric() || c == ')')).map_or("", |_| "-");
    let clause = unsigned.rsplit(['.', ',', ';', ':', '\n', '(', '。', '，']).next().unwrap_or_default();
    let mut words: Vec<&str> = clause.split_whitespace().collect();
    if !sign.is_empty() {
        words.pop();
    }
    format!("{}{sign}{}{said}", changed(&words), &text[start..end])
}

/// The words before a number that change it: a negation, another bound, another number that is joined to it.
fn changed(words: &[&str]) -> String {
    const FILLERS: &[&str] = &["equal", "to", "the", "a", "exactly", "about", "simply", "just", "be", "approximately", "of"];
    let number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let joined = |at: usize| format!("{} ", words[at..].join(" "));
    if let [.., before, joint] = words
        && number(before)
        && matches!(joint.to_lowercase().as_str(), "and" | "or" | "to" | "through" | "-" | "–")
    {
        let open = lower.len() >= 3 && matches!(lower[lower.len() - 3].as_str(), "between" | "from");
        return joined(words.len() - if open { 3 } else { 2 });
    }
    let last = lower.iter().rposition(|word| !FILLERS.contains(&word.as_str()));
    match last {
        Some(at) if words::changes(&lower[at]) && lower[at] != "to" && lower[at] != "from" => joined(at),
        _ => String::new(),
    }
}

/// Where a number ends that begins there, with its thousands, decimals, denominator, minutes.
pub fn end_of_number(text: &str, begin: usize) -> usize {
    let bytes = text.as_bytes();
    let digits = |at: usize| bytes[at.min(bytes.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = begin + digits(begin);
    loop {
        let next = digits(end + 1);
        match bytes.get(end) {
            Some(b',' | b'.') if next > 0 => end += 1 + next,
            Some(b' ') if next == 3 && (text[begin..end].contains(' ') || end - begin <= 3) => end += 4,
            _ => break,
        }
    }
    // `3/4`, `333 1/3`, `3:45`, `2021-03-05`
    if bytes.get(end) == Some(&b' ') {
        let over = digits(end + 1);
        if over > 0 && bytes.get(end + 1 + over) == Some(&b'/') && digits(end + over + 2) > 0 {
            end += 1 + over;
        }
    }
    for sign in [b'/', b':', b'-', b'-'] {
        if bytes.get(end) == Some(&sign) && digits(end + 1) > 0 {
            end += 1 + digits(end + 1);
        }
    }
    end
}
