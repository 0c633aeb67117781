//! The text right behind a box or mathematics -> the unit or percent sign that belongs to it, or a doubt if the expression continues.

use super::{
    doubt::conditional,
    phrase::{relative, stops},
    statement::plain_words,
};
use crate::{
    lex::{NumberStyle, TextMode},
    parse::{Node, parse},
    units, words,
};

/// Commands behind a box that do not continue its content.
const ENDS: &[&str] = &[
    "pmod",
    "bmod",
    "mod",
    "end",
    "square",
    "blacksquare",
    "Box",
    "qed",
    "checkmark",
    "tag",
    "label",
    "because",
    "implies",
    "Rightarrow",
    "approx",
    "in",
    "newline",
    "hfill",
];
/// Commands that affect layout only.
const SPACE: &[&str] = &["quad", "qquad", "enspace", "thinspace", "right", "left", "big", "Big", "displaystyle"];
/// Commands with a group of words.
const WORDS: &[&str] =
    &["text", "textbf", "textit", "textrm", "textnormal", "mbox", "mathrm", "mathbf", "rm", "hbox", "operatorname"];
/// Words behind a number that are not counted nouns.
const NO_NOUNS: &str = "total altogether exactly approximately roughly about indeed here now overall remaining left again respectively too also only \
                        instead already first last answer correct right done finally please note because";
/// Words behind a number that multiply or otherwise change it.
const MULTIPLIES: &str =
    "million squared cubed factorial more less fewer greater larger smaller out times bound choose percentage";

fn listed(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|one| one == word)
}

/// What the text behind an answer adds to it: a unit or a percent sign.
#[derive(Default, Debug, PartialEq)]
pub struct AnswerSuffix {
    /// The words of a unit, or a single counted noun.
    pub unit: Option<String>,
    /// Whether all of these units are known.
    pub known: bool,
    /// Whether a percent sign follows.
    pub percent: bool,
}

/// Reads the text behind an answer, beginning inside of mathematics if `math` is true. Returns `None` if the answer is, or may be, a part of a larger
/// expression.
pub fn behind(text: &str, inside: &str, math: bool, opened: usize) -> Option<AnswerSuffix> {
    let mut found = AnswerSuffix::default();
    let mut place = SuffixState { math, left: false, spaced: false, opened };
    let mut rest = text;
    loop {
        let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() && (place.math || c != '\n') || c == '~');
        place.spaced |= trimmed.len() < rest.len();
        match laid_out(trimmed, &mut place, &mut found) {
            Some(shorter) => rest = shorter,
            None => return ends(trimmed, inside, &place, found),
        }
    }
}

/// The state of reading the text behind an answer.
struct SuffixState {
    /// Whether the position is inside of mathematics.
    math: bool,
    /// Whether mathematics has ended.
    left: bool,
    /// Whether a blank or other space was passed.
    spaced: bool,
    /// The number of open brackets from before the answer.
    opened: usize,
}

/// Removes the first sign or command of a text if it affects layout only, closes a bracket, or is a percent or degree sign; otherwise returns `None`.
fn laid_out<'a>(rest: &'a str, place: &mut SuffixState, found: &mut AnswerSuffix) -> Option<&'a str> {
    let first = rest.chars().next()?;
    let next = &rest[first.len_utf8()..];
    if let Some(end) = ["$$", "\\]", "\\)"].iter().find_map(|close| rest.strip_prefix(close)) {
        (place.math, place.left) = (false, true);
        return Some(end);
    }
    match first {
        '\\' => match command(next) {
            "" if next.starts_with([',', ';', ':', '!', ' ']) => {
                place.spaced = true;
                Some(&next[1..])
            }
            "" if next.starts_with('%') && !found.percent => {
                found.percent = true;
                Some(&next[1..])
            }
            "hspace" | "vspace" | "phantom" | "hphantom" => {
                place.spaced = true;
                crate::lex::group(&next[command(next).len()..]).map(|(_, length)| &next[command(next).len() + length..])
            }
            name if SPACE.contains(&name) => {
                place.spaced |= name.contains("space") || name.contains("quad");
                Some(&next[name.len()..])
            }
            _ => None,
        },
        '$' if place.math || !place.left && !place.spaced => {
            (place.math, place.left) = (false, true);
            Some(next)
        }
        // A group that begins with a command may be layout: `{\\text{ km}}`.
        '{' if next.starts_with('\\') => Some(next),
        '}' | '"' | '”' | '`' | '»' => Some(next),
        ')' | ']' if place.opened > 0 || place.math => {
            place.opened = place.opened.saturating_sub(1);
            Some(next)
        }
        '%' if !found.percent => {
            found.percent = true;
            Some(next)
        }
        '*' => {
            let stars = next.trim_start_matches('*');
            let times = place.spaced || stars.starts_with(|c: char| c.is_alphanumeric() || c == '\\');
            (rest.starts_with("**") || !times).then_some(stars)
        }
        '^' | '°' if !place.spaced => {
            let signs = ["°", "^\\circ", "^{\\circ}", "^{\\degree}", "^\\degree"];
            let sign = signs.iter().find_map(|sign| rest.strip_prefix(sign))?;
            let more = sign.trim_start_matches(['$', ' ', '}']).trim_start_matches("\\text{").trim_start_matches("\\mathrm{");
            // Temperatures are left to the parser.
            let other = more.starts_with(|c: char| matches!(c, 'C' | 'F' | '^' | '!' | '°') || c.is_ascii_digit());
            (found.unit, found.known) = (Some("degrees".to_owned()), true);
            (!other).then_some(sign)
        }
        _ => None,
    }
}

/// Returns what was found if the rest of the text does not continue the answer.
fn ends(rest: &str, inside: &str, place: &SuffixState, found: AnswerSuffix) -> Option<AnswerSuffix> {
    let Some(first) = rest.chars().next() else { return Some(found) };
    let next = &rest[first.len_utf8()..];
    let digit = |c: char| c.is_ascii_digit();
    let free = match first {
        '\n' | '。' | '，' | '；' | '！' | '：' | '✓' | '∎' | '■' | '□' => true,
        '\u{2600}'..='\u{27bf}' | '\u{1f000}'.. => true,
        '\\' => match command(next) {
            // An escaped backslash, or the closing mark of mathematics with another opening mark.
            "" => next.is_empty() || next.starts_with(['\\', '\n', '"']),
            name if WORDS.contains(&name) => return worded(found, rest, inside),
            name => ENDS.contains(&name),
        },
        '$' => {
            let sign =
                ["\\square", "\\blacksquare", "\\checkmark", "\\qed"].iter().any(|sign| next.trim_start().starts_with(sign));
            next.trim().is_empty() || sign
        }
        ')' | ']' => true,
        // `5.\overline{3}` continues behind the point.
        '.' => {
            let repeats = ["\\over", "\\dot", "\\bar", "\\ldots"].iter().any(|mark| next.starts_with(mark));
            !(next.starts_with(digit) || next.starts_with("..") || place.math && repeats)
        }
        ',' | ';' => listless(next, place.math),
        ':' => !next.trim_start_matches(' ').starts_with(|c: char| digit(c) || matches!(c, '$' | '\\')),
        '—' | '–' | '-' | '−' => {
            let words = next.trim_start().starts_with(char::is_alphabetic)
                && plain_words(next).first().is_some_and(|word| word.len() > 1);
            !place.math && words && (first == '—' || place.spaced && next.starts_with(' '))
        }
        '(' | '[' => {
            let said = next.split([')', ']']).next().unwrap_or_default();
            let words = said.split_whitespace().any(|word| word.len() > 2 && word.chars().all(char::is_alphabetic));
            let words = words && !said.split_whitespace().any(|word| word.len() > 1 && word != "in" && units::known(word));
            let bound =
                ["or more", "or less", "or fewer", "at least", "at most", "up to"].iter().any(|bound| said.starts_with(bound));
            (!place.math && place.spaced || said.starts_with("\\text")) && words && !bound
        }
        '=' | '≈' => {
            let name = !inside.is_empty() && !inside.chars().any(digit) && inside.chars().count() <= 4;
            !name && !next.starts_with('/')
        }
        '<' => next.starts_with(|c: char| c == '/' || c == '|' || c.is_alphabetic()),
        _ if first.is_alphabetic() => return lettered(found, rest, inside, (place.math, place.spaced || place.left)),
        _ => false,
    };
    free.then_some(found)
}

fn command(after: &str) -> &str {
    &after[..after.bytes().take_while(u8::is_ascii_alphabetic).count()]
}

/// Whether the text behind a comma is not another answer.
fn listless(next: &str, math: bool) -> bool {
    let said = next.trim_start_matches([' ', '~']);
    if math {
        let said = said.trim_start_matches("\\,").trim_start_matches("\\quad").trim_start_matches("\\;").trim_start();
        let end = ["$", "\\)", "\\]", "\\\\", "\\end", "\\qquad"].iter().any(|end| said.starts_with(end));
        return said.is_empty() || end || said.strip_prefix("\\text{").is_some_and(|words| listless(words, false));
    }
    let value = |said: &str| said.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '$' | '\\' | '-' | '−'));
    let joined = ["or ", "and ", "or\n", "und ", "oder "].iter().find_map(|joint| said.strip_prefix(joint));
    let first = plain_words(said).into_iter().next().unwrap_or_default();
    let unit = said.strip_prefix("in ").and_then(|said| said.split([' ', '.', ',', '\n']).next()).is_some_and(units::known);
    !value(said) && !unit && !conditional(&first) && joined.is_none_or(|joined| !another(joined))
}

/// Whether the text behind "and" or "or" is another answer.
fn another(said: &str) -> bool {
    let said = said.trim_start();
    let first = plain_words(said).into_iter().next().unwrap_or_default();
    said.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '$' | '\\' | '-' | '−'))
        || words::number(&first).is_some()
        || conditional(&first)
        || first.chars().count() == 1
}

/// Reads letters behind an answer: words of a sentence are accepted, a factor is not.
fn lettered(found: AnswerSuffix, rest: &str, inside: &str, (math, spaced): (bool, bool)) -> Option<AnswerSuffix> {
    let word: String = rest.chars().take_while(|c| c.is_alphabetic()).collect();
    if word.chars().any(|c| c >= '\u{2e80}') && !spaced {
        return None;
    }
    let unit = units::known(&word) && word.chars().count() > 1;
    let said = spaced && word.chars().count() > 3;
    if math && !unit && !said || !spaced && !unit {
        return None;
    }
    worded(found, rest, inside)
}

/// Returns the first line as plain words without layout, up to a sign that begins something else. At most 160 letters are read.
fn flat(rest: &str) -> String {
    let mut plain = String::new();
    let mut left = rest.chars().take(160).collect::<String>();
    left =
        left.replace("\\cdot", "·").replace("\\times", "·").replace("\\Omega", "Ω").replace("\\circ", "°").replace("\\mu", "μ");
    let mut rest = left.as_str();
    while let Some(first) = rest.chars().next() {
        rest = &rest[first.len_utf8()..];
        match first {
            '\\' => {
                let name = command(rest);
                let space = name.is_empty() && rest.starts_with([',', ';', ' ', '!', ')', ']', '%']);
                if !(space || WORDS.contains(&name) || SPACE.contains(&name)) {
                    plain.push_str(" \\ ");
                    return plain;
                }
                rest = &rest[name.len().max(usize::from(name.is_empty()))..];
                plain.push(' ');
            }
            '{' | '}' | '*' => {}
            '~' => plain.push(' '),
            '$' if !rest.trim_start().is_empty() && plain.ends_with(' ') => {
                plain.push_str(" \\ ");
                return plain;
            }
            '$' => plain.push(' '),
            '.' | ',' | ';' | ':' | '!' | '?' | '\n' | '<' | '=' | '"' | '。' | '，' => return plain,
            '(' if plain.ends_with(' ') || plain.is_empty() => return plain,
            other => plain.push(other),
        }
    }
    plain
}

/// Reads words behind an answer: a unit at their beginning, or a single counted noun.
fn worded(mut found: AnswerSuffix, rest: &str, inside: &str) -> Option<AnswerSuffix> {
    let flat = flat(rest);
    let words: Vec<&str> = flat.split_whitespace().collect();
    let Some(first) = words.first() else { return Some(found) };
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let value = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) || matches!(*word, "\\" | "-" | "+");
    if matches!(*first, "percent" | "pct" | "percents") && !found.percent {
        found.percent = true;
        let of = lower.get(1).is_some_and(|word| matches!(word.as_str(), "of" | "points" | "point"))
            && words.get(2).is_some_and(value);
        return (!of && lower.get(1).is_none_or(|word| !word.starts_with("point"))).then_some(found);
    }
    let units = counted(&words);
    // "5 in miles" names a unit to convert to, not inches.
    if units == 0 && lower[0] == "in" && counted(&words[1..]) > 0 {
        return None;
    }
    let joint = |word: &String| matches!(word.as_str(), "and" | "or" | "und" | "oder" | "plus" | "minus" | "to");
    let (next, more) = (lower.get(units), words.get(units + 1));
    let goes_on = next.is_some_and(|word| {
        listed(MULTIPLIES, word)
            || words::magnitude(word).is_some()
            || conditional(word)
            || matches!(word.as_str(), "of" | "x" | "by" | "th" | "st" | "nd" | "rd")
                && (more.is_none() || more.is_some_and(value))
            || joint(word)
                && more.is_some_and(|more| {
                    another(more)
                        || listed(MULTIPLIES, more)
                        || *more == "\\"
                        || matches!(*more, "a" | "an") && flat.contains("and a ")
                })
            || value(&word.as_str())
            || word.starts_with(['/', '^', '·', '+', '|', '>', '<', '_'])
    });
    let bound = lower.iter().take(4).any(|word| word == "bound");
    if goes_on || bound || relative(&words) {
        return None;
    }
    let one = words.len() == 1 && units == 0 && first.chars().all(char::is_alphabetic) && first.chars().count() > 2;
    let noun = one && !words::changes(&lower[0]) && !words::verb(&lower[0]) && !stops(&lower[0]) && !listed(NO_NOUNS, &lower[0]);
    if units > 0 {
        (found.unit, found.known) = (Some(words[..units].join(" ")), true);
    } else if noun && first.is_ascii() && counts(inside) {
        found.unit = Some((*first).to_owned());
    } else if units == 0 && counts(inside) {
        found.unit = described(&words).map(|count| words[..count].join(" "));
    }
    Some(found)
}

/// Counts the first words that form a unit with qualifying words before it, as in "nautical miles".
fn described(words: &[&str]) -> Option<usize> {
    let which = |word: &&str| {
        let lower = word.to_lowercase();
        let plain = word.len() > 2 && word.chars().all(|c| c.is_ascii_alphabetic());
        plain && !stops(&lower) && !words::verb(&lower) && !words::changes(&lower) && !words::is_known(&lower)
    };
    let before = words.iter().take(2).take_while(|word| counted(&[**word]) == 0 && which(word)).count();
    let unit = words.get(before).filter(|unit| unit.len() > 2).map_or(0, |_| counted(&words[before..]));
    (before > 0 && unit > 0).then_some(before + unit)
}

fn counts(inside: &str) -> bool {
    inside.chars().any(|c| c.is_ascii_digit())
}

/// Counts the first words that are units with their powers and "per".
fn counted(words: &[&str]) -> usize {
    let known = |word: &str| {
        let mut parts = word.split(|c: char| !c.is_alphabetic() && c != '°').filter(|part| !part.is_empty()).peekable();
        parts.peek().is_some() && parts.all(|part| units::known(part) || matches!(part, "°" | "°C" | "°F"))
    };
    let mut count = 0;
    for (at, word) in words.iter().enumerate() {
        let lower = word.to_lowercase();
        let next = words.get(at + 1);
        let joined = || next.is_some_and(|next| known(next) || units::square(next).is_some());
        let unit = match lower.as_str() {
            // "in" is inches only right behind the number, and not in "5 in the end".
            "in" => at == 0 && next.is_none_or(|next| next.starts_with('^')),
            "per" | "/" | "·" | "a" | "an" | "each" => at > 0 && joined(),
            "square" | "cubic" | "sq" | "cu" => joined() || next.is_some_and(|next| next.starts_with("unit")),
            "squared" | "cubed" => at > 0,
            _ if at > 0 && word.starts_with('^') => true,
            _ => known(word),
        };
        if !unit {
            break;
        }
        count = at + 1;
    }
    count
}

/// Combines an answer with the currency sign before it and the unit behind it. The second value is a doubt if the combination cannot be read.
pub fn dressed(inside: &str, money: Option<&str>, behind: &AnswerSuffix) -> (String, Option<String>) {
    let plain = || if behind.percent { format!("{inside} \\%") } else { inside.to_owned() };
    if money.is_none() && behind.unit.is_none() {
        return (plain(), None);
    }
    let unit = behind.unit.as_ref().map_or(String::new(), |unit| format!(" \\text{{ {unit}}}"));
    let whole = format!("{}{}{unit}", money.unwrap_or_default(), plain());
    let read = |text: &str| parse(text, TextMode::Math, NumberStyle::Usual);
    match read(&whole) {
        Ok(Node::Quantity(_, Some(_)) | Node::Compound(_)) if read(&plain()).is_ok() => (whole, None),
        _ if behind.known || money.is_some() => (plain(), Some(crate::parse::shortened(&whole))),
        _ => (plain(), None),
    }
}
