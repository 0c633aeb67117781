//! A place in an answer -> the quotation, code or block that encloses it.

/// The enclosure of a place: a quotation, code or a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Enclosure {
    /// Byte at which its content begins, in the text before the place.
    pub start: usize,
    /// Whether it consists of whole lines: a fence, a block quote, an indented block.
    pub block: bool,
}

/// Quotation marks: opening and closing.
pub(super) const SIGNS: [(char, char); 11] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('\u{201c}', '\u{201d}'),
    ('\u{201e}', '\u{201c}'),
    ('\u{2018}', '\u{2019}'),
    ('\u{ab}', '\u{bb}'),
    ('\u{2039}', '\u{203a}'),
    ('\u{300c}', '\u{300d}'),
    ('\u{300e}', '\u{300f}'),
    ('\u{3010}', '\u{3011}'),
];

/// LaTeX environments and HTML elements that quote: opening and closing.
pub(super) const ELEMENTS: [(&str, &str); 16] = [
    ("<q>", "</q>"),
    ("<blockquote", "</blockquote"),
    ("<pre", "</pre"),
    ("<code", "</code"),
    ("<cite", "</cite"),
    ("<details", "</details"),
    ("<quote", "</quote"),
    ("<response", "</response"),
    ("<assistant", "</assistant"),
    ("<text", "</text"),
    ("<example", "</example"),
    ("\\begin{quote}", "\\end{quote}"),
    ("\\begin{quotation}", "\\end{quotation}"),
    ("\\begin{verbatim}", "\\end{verbatim}"),
    ("\\begin{lstlisting}", "\\end{lstlisting}"),
    ("``", "''"),
];

/// Returns the innermost enclosure of the place between two texts, if there is one.
pub(super) fn enclosure(before: &str, after: &str) -> Option<Enclosure> {
    let paragraph = before.rfind("\n\n").map_or(0, |at| at + 2);
    let (text, rest) = (&before[paragraph..], after.split("\n\n").next().unwrap_or(after));
    // A quotation at the end of a text may be left open.
    let open_end = after.chars().all(|c| !c.is_alphanumeric());
    let pairs = SIGNS.iter().filter_map(|(open, close)| {
        let rest_closes = open_end || rest.contains(*close);
        let at = match open {
            '\'' => opened(text).filter(|_| closed(rest)).map(|at| at - 1)?,
            open if open == close => odd(text, *open).filter(|_| rest_closes)?,
            _ => text.rfind(*open).filter(|at| !text[*at..].contains(*close) && rest_closes)?,
        };
        Some(paragraph + at + open.len_utf8())
    });
    let elements = ELEMENTS.iter().filter_map(|(open, close)| {
        // Two backticks that are part of a fence do not open a quotation.
        let at = before.rfind(open).filter(|at| !before[*at..].contains(close) && after.contains(close))?;
        (*open != "``" || (!before[..at].ends_with('`') && !before[at + 2..].starts_with('`'))).then_some(at + open.len())
    });
    let inline = pairs.chain(elements).map(|start| Enclosure { start, block: false });
    inline.chain(block(before).map(|start| Enclosure { start, block: true })).max_by_key(|one| one.start)
}

/// Returns the start of a quotation in single quotes that is never closed: a `'` before a word and not after one, unlike an apostrophe.
pub(super) fn opened(text: &str) -> Option<usize> {
    let mut open = None;
    let mut before = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        if c == '\'' {
            let begins = before.is_none_or(|before: char| before.is_whitespace() || "([:\u{2014}".contains(before));
            match open {
                None if begins && next.is_none_or(|next| !next.is_whitespace()) => open = Some(at + 1),
                Some(_) if closes(before, next) => open = None,
                _ => {}
            }
        }
        before = Some(c);
    }
    open
}

/// Returns whether a `'` between these characters closes a quotation.
fn closes(before: Option<char>, next: Option<char>) -> bool {
    before.is_some_and(|before| !before.is_whitespace()) && next.is_none_or(|next| !next.is_alphanumeric())
}

/// Returns whether a quotation in single quotes ends in a text that begins inside it.
pub(super) fn closed(text: &str) -> bool {
    let close = |(at, _): (usize, &str)| {
        let (before, next) = (text[..at].chars().next_back(), text[at + 1..].chars().next());
        at == 0 || closes(before, next)
    };
    text.match_indices('\'').any(close)
}

/// Returns the place of the last sign if the text has an odd number of them.
fn odd(text: &str, sign: char) -> Option<usize> {
    (text.matches(sign).count() % 2 == 1).then(|| text.rfind(sign)).flatten()
}

/// Returns the start of the block in which the text ends: a fence, a block quote, an indented block.
fn block(before: &str) -> Option<usize> {
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let (mut fence, mut at): (Option<(&str, usize)>, usize) = (None, 0);
    for line in before[..line_start].split_inclusive('\n') {
        at += line.len();
        let line = line.trim_start_matches([' ', '\t', '>']);
        // A fence begins its line; one that opens may also end a line: "It says: ~~~".
        let opens = |mark: &&str| fence.is_none() && line.trim_end().ends_with(mark) && line.matches(mark).count() == 1;
        let sign = ["```", "~~~"].into_iter().find(|mark| line.starts_with(mark) || opens(mark));
        fence = match (fence, sign) {
            (None, Some(sign)) => Some((sign, at)),
            (Some((open, _)), Some(sign)) if open == sign => None,
            (fence, _) => fence,
        };
    }
    if let Some((_, start)) = fence {
        return Some(start);
    }
    let line = &before[line_start..];
    let indented = line.starts_with("    ") || line.starts_with('\t');
    if line.trim_start().starts_with('>') || indented {
        // From the first line of the block on.
        let mut start = line_start;
        for above in before[..line_start].split_inclusive('\n').rev() {
            let same =
                if indented { above.starts_with("    ") || above.starts_with('\t') } else { above.trim_start().starts_with('>') };
            if !same {
                break;
            }
            start -= above.len();
        }
        return Some(start);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotations_code_and_blocks_enclose_what_is_in_them() {
        let inside = [
            ("He said \"a ", "\""),
            ("\u{201e}a ", "\u{201c}"),
            ("\u{201c}a ", "\u{201d}"),
            ("``a ", "''"),
            ("\u{300c}a ", "\u{300d}"),
            ("<q>a ", "</q>"),
            ("It:\n```\na ", "\n```"),
            ("It:\n~~~\na ", "\n~~~"),
            ("It:\n\n> b\n> a ", ""),
            ("It:\n\n    a ", ""),
            ("It says 'a ", "'"),
        ];
        for (before, after) in inside {
            let found = enclosure(before, after).map(|one| before[one.start..].trim_start_matches(['>', ' ']).to_owned());
            assert!(found.is_some_and(|text| text == "a " || text.starts_with("b\n")), "{before}|{after}");
        }
        for (before, after) in [("It's a ", "."), ("\"b\" a ", ""), ("```\nb\n```\na ", ""), ("\"a ", " b"), ("> b\n\na ", "")] {
            assert_eq!(enclosure(before, after), None, "{before}|{after}");
        }
    }
}
