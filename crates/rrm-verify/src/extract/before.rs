//! The text right before a box -> whether the box is the whole answer. Layout, an equals sign, punctuation and the words of a sentence leave it
//! whole; anything else is a doubt.

use super::{doubt::changes_elsewhere, statement::plain_words};
use crate::words;

/// Commands that affect layout only: fonts, sizes, spaces.
pub const LAYOUT: &[&str] = &[
    "displaystyle",
    "textstyle",
    "text",
    "textbf",
    "textit",
    "textrm",
    "textnormal",
    "mbox",
    "hbox",
    "mathbf",
    "mathrm",
    "mathit",
    "mathsf",
    "boldsymbol",
    "bm",
    "bf",
    "rm",
    "it",
    "large",
    "Large",
    "LARGE",
    "huge",
    "Huge",
    "small",
    "normalsize",
    "centering",
    "underline",
    "emph",
    "quad",
    "qquad",
    "enspace",
    "thinspace",
    "left",
    "right",
    "big",
    "Big",
    "bigg",
    "Bigg",
    "hfill",
    "item",
    "noindent",
    "bullet",
    "hline",
    "newline",
];
/// Commands behind which an answer begins, such as relations and arrows.
const TELLS: &[&str] = &[
    "approx",
    "simeq",
    "thickapprox",
    "implies",
    "Rightarrow",
    "Longrightarrow",
    "rightarrow",
    "longrightarrow",
    "to",
    "therefore",
    "iff",
    "Leftrightarrow",
    "equiv",
    "in",
    "triangleq",
    "coloneqq",
    "land",
    "lor",
    "vee",
    "wedge",
];
/// Words before a box that make it a part of a larger expression, in addition to the words that change a number anywhere.
const PARTS: &str = "absolute choose up exceeding exceeds exceed beyond within past every sin cos tan \
                     cot sec csc log ln exp sqrt sine cosine tangent logarithm lim max min gcd lcm mod raised percent percentage";
/// Words that may stand between one of these and the box.
const FILLERS: &str = "equal to the a an exactly about simply just be approximately of only";

/// What the text before a box contributes: a currency sign, and open brackets.
#[derive(Default)]
pub struct BoxPrefix {
    /// A currency sign, which belongs to the answer.
    pub money: Option<&'static str>,
    /// The number of brackets that open right before the box.
    pub opened: usize,
}

fn listed(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|one| one == word)
}

/// Reads the text before a box, backwards. Returns `None` if the box is, or may be, a part of a larger expression. `math` says whether the box lies
/// in marked mathematics.
pub fn before(text: &str, inside: &str, math: bool) -> Option<BoxPrefix> {
    let mut found = BoxPrefix::default();
    // An escaped backslash: `\\boxed`.
    let mut rest = text.strip_suffix('\\').filter(|once| !once.ends_with('\\')).unwrap_or(text);
    let mut math = math;
    loop {
        let trimmed = rest.trim_end_matches(|c: char| c.is_whitespace() && (math || c != '\n'));
        let spaced = trimmed.len() < rest.len();
        match laid_out(trimmed, spaced, &mut math, &mut found) {
            Some(shorter) => rest = shorter,
            None => return stands_free(trimmed, inside, (math, spaced)).then_some(found),
        }
    }
}

/// Removes the last sign or command of a text if it affects layout only, opens a bracket or is a currency sign; otherwise returns `None`.
fn laid_out<'a>(rest: &'a str, spaced: bool, math: &mut bool, found: &mut BoxPrefix) -> Option<&'a str> {
    let last = rest.chars().next_back()?;
    let shorter = &rest[..rest.len() - last.len_utf8()];
    let opens = ["$$", "\\[", "\\("].iter().find_map(|open| rest.strip_suffix(open)).filter(|end| !end.ends_with('\\'));
    if let Some(end) = opens {
        *math = false;
        return Some(end);
    }
    match last {
        '\\' if !shorter.ends_with('\\') => Some(shorter),
        '$' if shorter.ends_with('\\') => {
            found.money = Some("\\$");
            Some(&shorter[..shorter.len() - 1])
        }
        '$' => {
            *math = false;
            Some(shorter)
        }
        ',' | ';' | ':' | '!' if shorter.ends_with('\\') => Some(&shorter[..shorter.len() - 1]),
        '~' | '"' | '“' | '`' | '«' | '’' | '\'' | '‘' | '{' => Some(shorter),
        '€' | '£' | '¥' | '￥' | '₹' => {
            found.money = ["€", "£", "¥", "￥", "₹"].into_iter().find(|sign| sign.starts_with(last));
            Some(shorter)
        }
        '*' if rest.ends_with("**") => Some(shorter.trim_end_matches('*')),
        // Emphasis with a single star.
        '*' if !spaced => Some(shorter),
        '}' => match closed(shorter) {
            Some(PrecedingText::Layout(before)) => Some(before),
            _ => None,
        },
        // `f(` in plain text is a function call.
        '(' | '[' if *math || !shorter.ends_with(char::is_alphanumeric) => {
            found.opened += 1;
            Some(shorter)
        }
        _ if last.is_ascii_alphabetic() => {
            let (command, before) = command(rest)?;
            LAYOUT.contains(&command).then_some(before)
        }
        _ => None,
    }
}

/// Splits a command off the end of a text: its name, and the text before it.
fn command(text: &str) -> Option<(&str, &str)> {
    let before = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let slash = before.strip_suffix('\\').filter(|slash| !slash.ends_with('\\'))?;
    Some((&text[before.len()..], slash))
}

/// Whether the end of the text before a box leaves the box as a whole answer.
fn stands_free(rest: &str, inside: &str, (math, spaced): (bool, bool)) -> bool {
    let Some(last) = rest.chars().next_back() else { return true };
    let shorter = &rest[..rest.len() - last.len_utf8()];
    let begins = || shorter.rsplit('\n').next().unwrap_or_default().trim_matches(['*', '#', '>', ' ']).is_empty();
    match last {
        '\n' => line_above(rest),
        // A new row or column.
        '\\' | '&' => !in_matrix(rest),
        '*' | '#' | '>' if begins() => true,
        '>' => shorter.ends_with(['-', '=']),
        '}' => match closed(shorter) {
            Some(PrecedingText::Words(before, words)) => sentence(&format!("{before} {words}"), inside),
            _ => false,
        },
        '=' => {
            let bare = shorter.trim_end();
            !bare.ends_with(['!', '<', '>', '/', '≠']) && !bare.ends_with("\\not")
        }
        '≈' | '⇒' | '→' | '∴' | '⟹' | '➜' | '：' | '。' | '，' | '；' | '！' | '？' | '】' | '」' => true,
        '—' | '–' => !math && spaced && shorter.ends_with(' '),
        '?' => !math,
        '!' => !math && !shorter.ends_with(|c: char| c.is_ascii_digit()),
        '.' | ',' | ';' | ':' => punctuated(last, shorter, (math, spaced)),
        ')' | ']' => !math && spaced && remark(shorter),
        _ if last.is_alphabetic() => match command(rest) {
            Some((name, before)) => TELLS.contains(&name) && !before.ends_with("\\not"),
            None => word_before(rest, inside, (math, spaced)),
        },
        _ if last.is_ascii_digit() => !math && spaced && same(rest, inside),
        // Symbols outside of mathematics: ticks, hands, faces.
        '\u{2600}'..='\u{27bf}' | '\u{1f000}'.. => true,
        _ => false,
    }
}

/// Whether the last word before a box equals its content: "it is 5 `\boxed{5}`".
fn same(rest: &str, inside: &str) -> bool {
    rest.split_whitespace().next_back().is_some_and(|word| word.trim_matches(['$', '*', '(', ')']) == inside)
}

/// Whether the previous line leaves a box at the beginning of a line as a whole answer: a sentence may run over the end of its line.
fn line_above(rest: &str) -> bool {
    let above = rest.trim_end();
    !above.ends_with(char::is_alphabetic) || sentence(above, "")
}

/// Whether the rows or columns before a box are those of a matrix.
fn in_matrix(rest: &str) -> bool {
    let begun = rest.rfind("\\begin{").map_or("", |at| &rest[at + 7..]);
    ["pmatrix", "bmatrix", "vmatrix", "matrix", "Bmatrix", "Vmatrix", "array", "cases", "tabular", "smallmatrix"]
        .iter()
        .any(|name| begun.starts_with(name))
}

/// The text before a group that is closed right before a box.
enum PrecedingText<'a> {
    /// The group affects layout only; the text before it.
    Layout(&'a str),
    /// The group holds words, as `\text{}` does: the text before it, and the words.
    Words(&'a str, &'a str),
}

/// Classifies a group that is closed right before a box: colours and environments are layout, `\text{}` holds words, and anything else is a factor
/// (`None`).
fn closed(inside: &str) -> Option<PrecedingText<'_>> {
    let mut depth = 0;
    let open = inside.char_indices().rev().take(400).find(|(_, c)| {
        depth += i32::from(*c == '}') - i32::from(*c == '{');
        depth < 0
    });
    let (before, group) = (&inside[..open?.0], &inside[open?.0 + 1..]);
    let command = before.rsplit('\\').next().unwrap_or_default();
    let behind = || before[..before.len() - command.len()].strip_suffix('\\');
    match command {
        "color" | "textcolor" | "colorbox" | "hspace" | "vspace" | "bbox" | "tag" | "label" => {
            behind().map(PrecedingText::Layout)
        }
        "begin" if !in_matrix(inside) => behind().map(PrecedingText::Layout),
        "end" => Some(PrecedingText::Layout("")),
        "mathrm" | "mathbf" if group.trim().is_empty() => behind().map(PrecedingText::Layout),
        "text" | "textbf" | "textit" | "textrm" | "textnormal" | "mbox" | "underline" | "emph" => {
            let before = behind()?;
            Some(if group.trim().is_empty() { PrecedingText::Layout(before) } else { PrecedingText::Words(before, group) })
        }
        // An adjacent box is handled where boxes are joined.
        "boxed" | "fbox" | "framebox" => Some(PrecedingText::Layout("")),
        _ => None,
    }
}

/// Whether a full stop, comma or colon before a box ends something that the box is not part of.
fn punctuated(sign: char, shorter: &str, (math, spaced): (bool, bool)) -> bool {
    let bare = shorter.trim_end();
    let value = bare.ends_with(|c: char| c.is_ascii_digit() || matches!(c, ')' | ']' | '}' | '$'));
    match sign {
        '.' => spaced || !bare.ends_with(|c: char| c.is_ascii_digit()),
        ':' if math => {
            !bare.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | '}')) || bare.ends_with('}') && words_end(bare)
        }
        ':' => spaced && bare.len() == shorter.len() || !value,
        _ if math => bare.ends_with('}') && words_end(bare),
        _ if bare.ends_with('$') => {
            // "For all `n`, ..." is not a list; "`2`, ..." is one.
            let inside = bare.trim_end_matches('$').rsplit('$').next().unwrap_or_default();
            inside.chars().all(|c| c.is_alphabetic() || c == ' ')
        }
        _ => !value && !bare.ends_with(['.', '…']),
    }
}

/// Whether a text ends with `\text{...}`.
fn words_end(text: &str) -> bool {
    text.strip_suffix('}').is_some_and(|inside| matches!(closed(inside), Some(PrecedingText::Words(..))))
}

/// Whether a bracket that closes before a box holds words: "(see above)".
fn remark(shorter: &str) -> bool {
    let inside = shorter.rsplit(['(', '[']).next().unwrap_or_default();
    inside.split_whitespace().any(|word| word.len() > 2 && word.chars().all(char::is_alphabetic))
}

/// Whether the word right before a box leaves it as a whole answer.
fn word_before(rest: &str, inside: &str, (math, spaced): (bool, bool)) -> bool {
    let word = &rest[rest.trim_end_matches(char::is_alphabetic).len()..];
    let lower = word.to_lowercase();
    if word.chars().any(|c| c >= '\u{2e80}') {
        return sentence(rest, inside);
    }
    let long = word.chars().count() > 3;
    let known =
        words::leaves(&lower) || words::introduces(&lower) || words::is_known(&lower) || matches!(lower.as_str(), "and" | "or");
    if math && !(spaced && (long || known)) || !spaced && !long {
        return false;
    }
    if word.chars().count() == 1 && !matches!(word, "a" | "I") && !same(rest, inside) {
        return false;
    }
    sentence(rest, inside)
}

/// Whether the last words of a sentence leave the box behind them as a whole answer.
pub fn sentence(rest: &str, inside: &str) -> bool {
    let line = rest.rsplit('\n').find(|line| !line.trim().is_empty()).unwrap_or_default();
    let clause = line.rsplit(['.', ',', ';', ':', '。']).next().unwrap_or_default();
    let words = plain_words(clause);
    let filler = |word: &&String| listed(FILLERS, word);
    let mut own = words.iter().rev().skip_while(filler).peekable();
    let Some(last) = own.peek().copied() else { return true };
    let of = words.last().is_some_and(|word| *word == "of") || words.iter().rev().take_while(filler).any(|word| word == "of");
    let part = |word: &String| listed(PARTS, word) || changes_elsewhere(word) && word != "from" && word != "to";
    // "the sum of 2 and 3" is not 2 and 3; "a sum of 5" is 5.
    let far = of
        && inside.contains(", ")
        && own.take(3).any(|word| listed("sum product difference quotient ratio average mean absolute half", word));
    // "divisible by"
    let by = *last == "by" && words.iter().rev().nth(1).is_some_and(|word| changes_elsewhere(word));
    let digit = last.starts_with(|c: char| c.is_ascii_digit()) && last != inside;
    let number = words::number(last).is_some_and(|_| words.last() == Some(last)) && last != inside;
    !(part(last) || by || far || digit || number || last.contains("box"))
}
