//! A text -> the same text without marks of HTML and Markdown and without invisible characters, for comparing its words.

use std::borrow::Cow;

/// Elements of HTML that separate words.
const BLOCKS: &str = "br p div li ul ol tr td th table h1 h2 h3 h4 h5 h6 pre blockquote hr";
/// Elements of HTML inside a line, also inside a word.
const INLINE: &str = "b i em strong u s span font mark small code a sub sup tt";
/// Names of characters in HTML.
const ENTITIES: [(&str, &str); 22] = [
    ("nbsp", " "),
    ("ensp", " "),
    ("emsp", " "),
    ("thinsp", " "),
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("lsquo", "'"),
    ("rsquo", "'"),
    ("ldquo", "\""),
    ("rdquo", "\""),
    ("ndash", "-"),
    ("mdash", " "),
    ("hellip", " "),
    ("times", "*"),
    ("minus", "-"),
    ("shy", ""),
    ("zwnj", ""),
    ("zwj", ""),
    ("middot", " "),
];

/// Returns the text without marks. A text that holds none is not copied.
pub(super) fn unmarked(text: &str) -> Cow<'_, str> {
    if !text.contains(|c: char| matches!(c, '&' | '<' | '*' | '>' | '=' | '+') || is_invisible(c)) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (length, put) = mark(rest, c, &plain).unwrap_or((c.len_utf8(), None));
        match put {
            Some(put) => plain.push_str(&put),
            None => plain.push(c),
        }
        rest = &rest[length..];
    }
    Cow::Owned(plain)
}

/// Returns the length of the mark that `rest` begins with, and what is put in its place; `before` is the plain text before it.
fn mark(rest: &str, c: char, before: &str) -> Option<(usize, Option<Cow<'static, str>>)> {
    let with = |length: usize, put: &'static str| Some((length, Some(Cow::Borrowed(put))));
    match c {
        c if is_invisible(c) => with(c.len_utf8(), ""),
        '&' => entity(rest).map(|(length, put)| (length, Some(put))),
        '<' => element(rest).and_then(|(length, put)| with(length, put)),
        '*' => {
            let run = rest.len() - rest.trim_start_matches('*').len();
            let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            let (left, right) = (before.chars().next_back(), rest[run..].chars().next());
            let blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
            // Emphasis touches a word at one side; a product has operands or blanks at both. A bullet begins its line.
            let emphasis = apart(left) != apart(right) || (!blank(left) || !blank(right)) && apart(left) && apart(right);
            let bullet = begins_line(before) && blank(right);
            (emphasis || bullet).then_some((run, Some(Cow::Borrowed(""))))
        }
        '>' | '+'
            if begins_line(before) && rest[1..].starts_with(' ') && !rest[2..].starts_with(|c: char| c.is_ascii_digit()) =>
        {
            with(1, "")
        }
        '=' => {
            let run = rest.len() - rest.trim_start_matches('=').len();
            (run > 2).then_some((run, Some(Cow::Borrowed(""))))
        }
        _ => None,
    }
}

fn begins_line(before: &str) -> bool {
    before.trim_end_matches([' ', '\t']).chars().next_back().is_none_or(|c| c == '\n')
}

/// Returns whether a character shows nothing: a soft hyphen, a space without width, a mark of direction, a selector of a variant.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// Reads `&nbsp;` or `&#39;`: its length and its character.
fn entity(rest: &str) -> Option<(usize, Cow<'static, str>)> {
    let end = rest.bytes().take(10).position(|byte| byte == b';')?;
    let name = &rest[1..end];
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        let c = char::from_u32(code)?;
        return Some((end + 1, if is_invisible(c) { Cow::Borrowed("") } else { Cow::Owned(c.to_string()) }));
    }
    let (_, put) = ENTITIES.iter().find(|(known, _)| *known == name)?;
    Some((end + 1, Cow::Borrowed(put)))
}

/// Reads a tag of a known element: its length and what stands for it.
fn element(rest: &str) -> Option<(usize, &'static str)> {
    let end = rest.bytes().take(300).position(|byte| byte == b'>')?;
    let inside = rest[1..end].trim_start_matches('/');
    let name = inside.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let attributes = inside[name.len()..].trim_matches(['/', ' ']);
    let named = |list: &str| list.split_whitespace().any(|known| known.eq_ignore_ascii_case(name));
    // "a <b and c> d" is no tag.
    if !attributes.is_empty() && !attributes.contains('=') {
        return None;
    }
    match () {
        () if named(BLOCKS) => Some((end + 1, " ")),
        () if named(INLINE) => Some((end + 1, "")),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::words::words, *};

    #[test]
    fn marks_make_no_other_words() {
        let plain = "Natalia sold clips to 48 friends, and half as many in May. It's 3 * 4 < 20.";
        for marked in [
            "Natalia sold **clips** to **48** friends, and *half* as many in ***May***. It's 3 * 4 < 20.",
            "Natalia sold __clips__ to `48` friends, and _half_ as many in ~~May~~. It's 3 * 4 < 20.",
            "Natalia sold cl\u{ad}ips to 48 fri\u{200b}ends, and ha\u{200d}lf as\u{2060} many in \u{feff}May. It's 3 * 4 < 20.",
            "Natalia&nbsp;sold clips to&#160;48&ensp;friends, and half as many in May. It&#39;s 3 &times; 4 &lt; 20.",
            "<p>Natalia sold clips<br>to 48<br/>friends, and <b>half</b> as many in <i class=\"x\">Ma</i>y. It's 3 * 4 < 20.</p>",
            "* Natalia sold clips\n* to 48 friends,\n> and half as many in May.\n=====\nIt&rsquo;s 3 * 4 &#x3c; 20.",
            "**Natalia** sold (*clips*) to \"**48**\" friends, and half as many in **May.** It's 3 * 4 < 20.",
        ] {
            assert_eq!(words(marked), words(plain), "{marked}");
        }
        // Signs of arithmetic and comparisons stay.
        for (one, other) in [
            ("What is 2*3?", "What is 2 3?"),
            ("What is 2 * 3?", "What is 2 3?"),
            ("What is 2**3?", "What is 2 3?"),
            ("What is a*b?", "What is ab?"),
            ("Is a <b and c> d?", "Is a d?"),
            ("Is x = 3?", "Is x 3?"),
            ("Is x == 3?", "Is x 3?"),
            ("+ 3", "3"),
            ("R&D", "RD"),
        ] {
            assert_ne!(words(one), words(other), "{one}");
        }
        assert!(matches!(unmarked("What is it?"), Cow::Borrowed(_)));
    }
}
