//! Wrapped texts of an answer, in any spelling -> plain text that can be compared with labels. LaTeX and Markdown around it, full-width and invisible
//! characters, case and white space do not count.

use std::{borrow::Cow, ops::Range};

use super::words::is_of;

/// A wrapped text of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WrappedText<'a> {
    /// Byte range of the whole wrap.
    pub at: Range<usize>,
    /// The text inside.
    pub text: &'a str,
    /// Whether the wrap only resembles the format's own, such as `\fbox{`. Then it counts only if it holds a label.
    pub loose: bool,
}

/// Returns whether [`fold`] returns a text as it is.
pub(super) fn is_folded(text: &str) -> bool {
    // One quick pass over all bytes decides most texts.
    let plain = text.bytes().fold(true, |plain, byte| plain & byte.is_ascii() & (byte != 8) & (byte != b'&'));
    plain || text.is_ascii() && !text.contains('\u{8}') && !text.contains("&quot;")
}

/// Replaces full-width characters by plain ones and unusual spaces by spaces, and removes invisible characters. Plain text is not copied.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if is_folded(text) {
        return Cow::Borrowed(text);
    }
    let text = &*if text.contains("&quot;") { Cow::Owned(text.replace("&quot;", "\"")) } else { Cow::Borrowed(text) };
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // A `\b` that was read as an escape, as in "\boxed".
            '\u{8}' => folded.push_str("\\b"),
            '\u{ff01}'..='\u{ff5e}' => folded.extend(char::from_u32(c as u32 - 0xfee0)),
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}' => {}
            '\n' | '\r' | '\t' => folded.push(c),
            c if c.is_whitespace() => folded.push(' '),
            c => folded.push(c),
        }
    }
    Cow::Owned(folded)
}

/// All wrapped texts of a folded answer; wraps may overlap, as in `[[[A>B]]`. No label is longer than `reach` bytes: looking no further
/// keeps hostile text from costing quadratic time.
pub(super) fn wrapped<'a>(answer: &'a str, (before, after): (&str, &str), reach: usize) -> Vec<WrappedText<'a>> {
    match (before, after) {
        ("\\boxed{", "}") => answer.match_indices("box").filter_map(|(at, _)| boxed(answer, at, reach)).collect(),
        ("[[", "]]") => answer.match_indices('[').filter_map(|(at, _)| bracketed(answer, at, reach)).collect(),
        _ => literal(answer, before, after, reach),
    }
}

fn literal<'a>(answer: &'a str, before: &str, after: &str, reach: usize) -> Vec<WrappedText<'a>> {
    let step = before.chars().next().map_or(1, char::len_utf8);
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(at) = answer[from..].find(before).map(|at| from + at) {
        let start = at + before.len();
        let rest = first(&answer[start..], reach + after.len());
        // A text that is never closed, or longer than any label, is kept: as the last one it must count as no label.
        let text = rest.find(after).map_or(rest, |close| &rest[..close]);
        let end = (start + text.len() + after.len()).min(answer.len());
        found.push(WrappedText { at: at..floor(answer, end), text: text.trim(), loose: false });
        from = at + step;
    }
    found
}

/// Reads `\boxed{LABEL}` and similar commands, with `box` at `at`.
fn boxed(answer: &str, at: usize, reach: usize) -> Option<WrappedText<'_>> {
    let own = answer[at..].starts_with("boxed");
    let name = if own { at } else { ["frame", "f"].iter().find_map(|front| answer[..at].strip_suffix(front))?.len() };
    let command = answer[..name].ends_with('\\');
    // "unboxed{" is a plain word, and so is "fbox" without its backslash.
    if !command && (!own || answer[..name].ends_with(char::is_alphanumeric)) {
        return None;
    }
    let behind = &answer[at + if own { "boxed".len() } else { "box".len() }..];
    let open = behind.trim_start();
    let open = open.strip_prefix('\\').unwrap_or(open);
    let closing = match open.chars().next()? {
        '{' => '}',
        '(' if command => ')',
        '[' if command => ']',
        _ => return None,
    };
    let inside = first(&open[1..], reach + 1);
    let text = inside_of(inside, closing);
    // A wrap that is never closed and holds another one is no label; the other one is found by itself.
    let text = if text.len() == inside.len() && text.contains("box") { "" } else { text };
    let start = answer.len() - open.len() + 1;
    let end = floor(answer, (start + text.len() + 1).min(answer.len()));
    let loose = !(own && command && closing == '}');
    Some(WrappedText { at: name - usize::from(command)..end, text: text.trim(), loose })
}

/// Returns the text before the closing bracket, where brackets inside come in pairs; all of `rest` if it is never closed.
fn inside_of(rest: &str, closing: char) -> &str {
    let mut depth = 0;
    for (at, c) in rest.char_indices() {
        match c {
            '{' if closing == '}' => depth += 1,
            c if c == closing && depth == 0 => return &rest[..at],
            '}' if closing == '}' => depth -= 1,
            _ => {}
        }
    }
    rest
}

/// Reads `[[LABEL]]`, also with spaces between the brackets or escaped as in Markdown, with the first `[` at `at`.
fn bracketed(answer: &str, at: usize, reach: usize) -> Option<WrappedText<'_>> {
    let second = |rest: &str, bracket: char| {
        let next = rest.trim_start_matches([' ', '\t']);
        let next = next.strip_prefix('\\').unwrap_or(next);
        next.strip_prefix(bracket).map(|next| rest.len() - next.len())
    };
    let start = at + 1 + second(&answer[at + 1..], '[')?;
    let rest = first(&answer[start..], reach + 2);
    let close = rest.match_indices(']').find_map(|(at, _)| second(&rest[at + 1..], ']').map(|more| (at, at + 1 + more)));
    let (inside, end) = close.unwrap_or((rest.len(), rest.len()));
    let loose = start != at + 2;
    Some(WrappedText { at: at..start + end, text: rest[..inside].trim(), loose })
}

/// Returns the first `bytes` of a text, extended to the end of a character.
pub(super) fn first(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end += 1;
    }
    &text[..end]
}

/// Returns the last `bytes` of a text, extended to the beginning of a character.
pub(super) fn last(text: &str, bytes: usize) -> &str {
    &text[floor(text, text.len().saturating_sub(bytes))..]
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// LaTeX commands that change only the appearance of a text.
const STYLES: &str = "text textbf textit textrm textsf texttt textnormal textup textmd textsc textsl mathrm mathbf mathit mathsf \
    mathtt mathnormal mathbb mathcal checkmark blacksquare square boldsymbol bm pmb operatorname mbox hbox emph \
    underline boxed fbox bf it rm sf tt em bfseries large Large huge displaystyle textstyle";
/// LaTeX commands that are spaces.
const BLANKS: &str = "quad qquad space enspace thinspace nobreakspace";
/// HTML with the same effect as [`STYLES`], and escaped characters.
const HTML: [(&str, &str); 11] = [
    ("<b>", ""),
    ("</b>", ""),
    ("<strong>", ""),
    ("</strong>", ""),
    ("<i>", ""),
    ("</i>", ""),
    ("<em>", ""),
    ("</em>", ""),
    ("&gt;", ">"),
    ("&lt;", "<"),
    ("&nbsp;", " "),
];

/// Returns the content of a wrapped text or a label: without styles, spaces, quotes and a full stop, in lower case. `None` for a text with anything
/// other than words and signs, such as a fraction, or with words that are crossed out.
pub(super) fn plain(text: &str) -> Option<String> {
    if text.contains("~~") {
        return None;
    }
    let mut text = Cow::Borrowed(text);
    if text.contains(['<', '&']) {
        for (html, plain) in HTML {
            text = Cow::Owned(text.replace(html, plain));
        }
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => rest = command(rest, &mut plain)?,
            '{' | '}' | '$' | '*' | '`' | '_' | '~' | '#' => {}
            // `Assistant-1`; before other text the minus stays.
            '-' | '\u{2010}' | '\u{2011}'
                if plain.ends_with(char::is_alphabetic) && rest.starts_with(|c: char| c.is_ascii_digit()) => {}
            c if c.is_whitespace() => {}
            '\u{226b}' => plain.push_str(">>"),
            '\u{226a}' => plain.push_str("<<"),
            c => plain.extend(c.to_lowercase()),
        }
    }
    Some(bare(&plain).to_owned())
}

/// Returns a plain text without remarks around a label that say the same as the label, and with its number in digits: `assistanttwoisbetter`.
pub(super) fn without_remarks(plain: &str) -> String {
    const BEFORE: [&str; 8] =
        ["finalverdict:", "finalanswer:", "final:", "verdict:", "winner:", "better:", "answer:", "thebetterresponseis"];
    const BEHIND: [&str; 7] = ["isthebetterresponse", "isthebetterone", "isthewinner", "isthebest", "isbetter", "isbest", "wins"];
    let text = BEFORE.iter().find_map(|words| plain.strip_prefix(words)).unwrap_or(plain);
    let text = BEHIND.iter().find_map(|words| text.strip_suffix(words)).unwrap_or(text);
    let number =
        [("one", "1"), ("two", "2")].iter().find_map(|(word, digit)| Some(format!("{}{digit}", text.strip_suffix(word)?)));
    number.unwrap_or_else(|| text.to_owned())
}

/// Reads the command at the start of `rest`, after its backslash. Returns the text after it; `None` for a command that has content.
fn command<'a>(rest: &'a str, plain: &mut String) -> Option<&'a str> {
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    if name.is_empty() {
        // `\ `, `\,`, `\_`, `\(`, a second backslash, or nothing at all.
        let sign = after.chars().next().filter(|c| !c.is_alphanumeric());
        return Some(sign.map_or(after, |c| if c == '\\' { after } else { &after[c.len_utf8()..] }));
    }
    match name {
        "gt" | "textgreater" => plain.push('>'),
        "gg" => plain.push_str(">>"),
        "lt" | "textless" => plain.push('<'),
        "ll" => plain.push_str("<<"),
        "textcolor" | "color" => {
            let colour = after.trim_start().strip_prefix('{')?;
            return colour.split_once('}').map(|(_, after)| after);
        }
        // Their argument is a length, or the layout of a table.
        "hspace" | "vspace" | "hskip" | "begin" | "end" => {
            let mut after = after.trim_start_matches('*').trim_start();
            for _ in 0..2 {
                let Some((_, behind)) = after.strip_prefix('{').and_then(|rest| rest.split_once('}')) else { break };
                after = behind;
            }
            return Some(after);
        }
        name if is_of(STYLES, name) || is_of(BLANKS, name) => {}
        _ => return None,
    }
    Some(after)
}

/// Returns the text without quotes and brackets around it, and without its end mark.
fn bare(mut text: &str) -> &str {
    const QUOTES: [char; 8] = ['"', '\'', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}', '\u{ab}', '\u{bb}'];
    loop {
        let mut shorter = text.trim_end_matches(['.', ',', ';', ':', '!', '\u{3002}']).trim_matches(QUOTES);
        for (open, close) in [('(', ')'), ('[', ']')] {
            shorter = shorter.strip_prefix(open).and_then(|inner| inner.strip_suffix(close)).unwrap_or(shorter);
        }
        if shorter.len() == text.len() {
            return text;
        }
        text = shorter;
    }
}

/// Returns whether only signs follow that close a sentence, a style, a fence or a turn.
pub(super) fn is_end(mut rest: &str) -> bool {
    loop {
        let mut next = rest.trim_start_matches(is_end_sign);
        while let Some(after) = next.strip_prefix("quad").or_else(|| next.strip_prefix("blacksquare")) {
            next = after.trim_start_matches(is_end_sign);
        }
        let Some(tag) = next.strip_prefix('<') else { return next.is_empty() };
        // `</answer>`, `<|im_end|>`
        let Some((name, after)) = tag.split_once('>').filter(|(name, _)| name.len() < 32 && name.starts_with(['/', '|'])) else {
            return false;
        };
        if name.contains(char::is_whitespace) {
            return false;
        }
        rest = after;
    }
}

/// Returns whether a sign may stand after a verdict: signs that close something, and emoji.
fn is_end_sign(c: char) -> bool {
    c.is_whitespace()
        || ".,;!*_`~$#)]}>\"'\\|-".contains(c)
        || (!c.is_ascii() && !c.is_alphanumeric() && !"\u{ff1f}\u{2026}".contains(c))
}

/// Returns the same for the line alone, where a remark in brackets may follow: `(confidence: high)`.
pub(super) fn is_line_end(rest: &str) -> bool {
    let line = rest.split('\n').next().unwrap_or(rest);
    let remark = line.trim_start_matches(is_end_sign).strip_prefix('(').and_then(|rest| rest.split_once(')'));
    is_end(remark.filter(|(inside, _)| inside.len() <= 60).map_or(line, |(_, after)| after))
}

/// Returns whether only spaces and marks of style come before.
pub(super) fn is_start(head: &str) -> bool {
    head.chars().all(|c| c.is_whitespace() || "*_`~$#>\"'([\\\u{201c}".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_it_says() {
        let same = [
            "Assistant 1",
            "assistant 1",
            "ASSISTANT 1",
            "Assistant 1.",
            "Assistant~1",
            r"Assistant\ 1",
            r"Assistant\,1",
            "**Assistant 1**",
            "`Assistant 1`",
            "\"Assistant 1\"",
            "(Assistant 1)",
            r"\text{Assistant 1}",
            r"\textbf{Assistant 1}",
            r"\mathrm{Assistant\ 1}",
            r"\textbf{\text{Assistant 1}}",
            r"\text{Assistant}~1",
            r"\text{Assistant}_{1}",
            "Assistant1",
            "Assistant_1",
            r"Assistant\_1",
            "Assistant-1",
            "Assistant #1",
            "<b>Assistant 1</b>",
            r"\textcolor{red}{Assistant 1}",
            "{Assistant 1}",
            r"\bf Assistant 1",
        ];
        for text in same {
            assert_eq!(plain(text).as_deref(), Some("assistant1"), "{text}");
        }
        let other =
            ["Assistant 12", "not Assistant 1", "Assistant 1?", "Assistant 1: better", "Assistant 2", "!Assistant 1", "1", "-1"];
        for text in other {
            assert_ne!(plain(text).as_deref(), Some("assistant1"), "{text}");
        }
        for text in [r"\frac{1}{2}", r"\cancel{Assistant 1}", "~~Assistant 1~~", r"\neg Assistant 1"] {
            assert_eq!(plain(text), None, "{text}");
        }
        assert_eq!(plain("A &gt; B").as_deref(), Some("a>b"));
        assert_eq!(plain(r"A \gg B").as_deref(), Some("a>>b"));
    }

    #[test]
    fn characters_that_look_alike_are_alike() {
        assert_eq!(fold("\\boxed\u{ff5b}Assistant\u{200b}\u{a0}\u{ff11}\u{ff5d}"), "\\boxed{Assistant 1}");
        assert_eq!(fold("\u{8}oxed{x}"), "\\boxed{x}");
        assert!(matches!(fold("plain \\boxed{x}\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn an_end_is_seen_behind_signs() {
        for rest in ["", ".", "**\n", "$.", "\n```\n", "</answer>", ".<|im_end|>\n", "}\\]"] {
            assert!(is_end(rest), "{rest}");
        }
        for rest in [" is better", "?", ". But wait", "<think>", "</answer>\nno", " 42"] {
            assert!(!is_end(rest), "{rest}");
        }
    }
}
