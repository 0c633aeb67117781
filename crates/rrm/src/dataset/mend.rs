//! JSON as other programs write it -> values. Text that is no JSON but has one meaning is read with that meaning, and counted.
//!
//! | found | read as |
//! |---|---|
//! | half of a surrogate pair, `\ud83d` alone | U+FFFD, and a note |
//! | `NaN`, `Infinity`, `-Infinity`, a number that is too large | nothing if the value is not used, an error if it is |
//! | a byte order mark between values | left out |
//! | a comma before `]`, `}` or the end | left out |
//!
//! Valid JSON is parsed by serde_json alone.

use std::borrow::Cow;

use serde_json::Value;

use super::unique;

/// Marks the name of a value that is no finite number. It is a noncharacter, so that no text of a file begins with it.
const NO_NUMBER: char = '\u{fdd0}';

const BOM: char = '\u{feff}';

/// Counts of the repairs to a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Lone surrogates.
    pub(super) halves: usize,
    /// Values such as NaN.
    pub(super) numbers: usize,
}

/// A text after repairs, with the changes that were made.
struct MendedText {
    text: String,
    changes: Changes,
    /// Places in `text` after each repair, and the number of bytes that the repair added there.
    edits: Vec<(usize, isize)>,
}

/// The position at which a text stops being JSON, and the reason.
#[derive(Debug)]
pub(super) struct JsonError {
    /// Line, from 1.
    pub(super) line: usize,
    /// Column in bytes, from 1.
    pub(super) column: usize,
    /// Description of the error.
    pub(super) detail: String,
    /// Whether the text ends too early.
    pub(super) cut: bool,
    /// Whether an object has a name twice.
    pub(super) doubled: bool,
}

/// Parses with `parse`. If that fails, repairs the text and parses again.
pub(super) fn parse<T>(text: &str, mut parse: impl FnMut(&str) -> serde_json::Result<T>) -> Result<(T, Changes), JsonError> {
    let error = match parse(text) {
        Ok(value) => return Ok((value, Changes::default())),
        Err(error) => error,
    };
    let mended = mend(text);
    if mended.edits.is_empty() && mended.changes == Changes::default() {
        return Err(broken(text, &error, error.line(), error.column()));
    }
    match parse(&mended.text) {
        Ok(value) => Ok((value, mended.changes)),
        Err(error) => {
            let at = offset(&mended.text, error.line(), error.column());
            let grown: isize = mended.edits.iter().filter(|(place, _)| *place <= at).map(|(_, grown)| grown).sum();
            let at = at.saturating_add_signed(-grown).min(text.len());
            let line = 1 + text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
            let column = 1 + at - text.as_bytes()[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
            Err(broken(text, &error, line, column))
        }
    }
}

/// Returns the name of the number if the value stands for NaN or an infinity.
pub(super) fn no_number(value: &Value) -> Option<&str> {
    value.as_str()?.strip_prefix(NO_NUMBER)
}

/// Replaces values that stand for NaN or an infinity by null.
pub(super) fn cleared(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(cleared),
        Value::Object(keys) => keys.values_mut().for_each(cleared),
        other if no_number(other).is_some() => *other = Value::Null,
        _ => {}
    }
}

fn mend(text: &str) -> MendedText {
    let mut mended = MendedText { text: String::with_capacity(text.len()), changes: Changes::default(), edits: Vec::new() };
    let mut rest = text;
    let put = |mended: &mut MendedText, from: &str, to: &str| {
        mended.text.push_str(to);
        mended.edits.push((mended.text.len(), to.len() as isize - from.len() as isize));
    };
    while let Some(letter) = rest.chars().next() {
        let token = match letter {
            '"' => string(rest, &mut mended),
            BOM => {
                put(&mut mended, "\u{feff}", "");
                letter.len_utf8()
            }
            ',' if ends(&rest[1..]) => {
                put(&mut mended, ",", "");
                1
            }
            '-' | '+' | '.' | '0'..='9' | 'A'..='Z' | 'a'..='z' => {
                let end = rest.find(|c: char| !matches!(c, '-' | '+' | '.') && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
                match odd_number(&rest[..end]) {
                    Some(name) => {
                        mended.changes.numbers += 1;
                        put(&mut mended, &rest[..end], &format!("\"{NO_NUMBER}{name}\""));
                    }
                    None => mended.text.push_str(&rest[..end]),
                }
                end
            }
            _ => {
                mended.text.push(letter);
                letter.len_utf8()
            }
        };
        rest = &rest[token..];
    }
    mended
}

/// Returns whether only a closing bracket or the end follows a comma.
fn ends(rest: &str) -> bool {
    matches!(rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == BOM).chars().next(), None | Some(']' | '}'))
}

/// Returns the name of a number that JSON does not have, such as NaN.
fn odd_number(token: &str) -> Option<Cow<'_, str>> {
    match token.trim_start_matches(['-', '+']) {
        "NaN" | "nan" => Some("NaN".into()),
        "Infinity" | "inf" | "Inf" => Some(if token.starts_with('-') { "-Infinity" } else { "Infinity" }.into()),
        digits if digits.starts_with(|c: char| c.is_ascii_digit()) => {
            let large = token.parse::<f64>().is_ok_and(f64::is_infinite);
            large.then(|| token.chars().take(20).collect::<String>().into())
        }
        _ => None,
    }
}

/// Copies a quoted text, with U+FFFD in place of lone surrogates. Returns its length in `rest`.
fn string(rest: &str, mended: &mut MendedText) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    let mut copied = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at += 1;
                break;
            }
            b'\\' => match unit(&rest[at..]) {
                Some(0xd800..0xdc00) if matches!(unit(&rest[at + 6..]), Some(0xdc00..0xe000)) => at += 12,
                Some(0xd800..0xe000) => {
                    mended.text.push_str(&rest[copied..at]);
                    mended.text.push_str("\\ufffd");
                    mended.changes.halves += 1;
                    at += 6;
                    copied = at;
                }
                Some(_) => at += 6,
                // The next character is escaped, so that it does not end the text.
                None => at += 1 + rest[at + 1..].chars().next().map_or(0, char::len_utf8),
            },
            _ => at += 1,
        }
    }
    let at = at.min(bytes.len());
    mended.text.push_str(&rest[copied..at]);
    at
}

/// Returns the number of a `\uXXXX` at the beginning of the text.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| all)
}

/// Returns the byte offset of a line and a column in a text.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
    (start + column.saturating_sub(1)).min(text.len())
}

/// Describes a parser's error, with the text at its place.
fn broken(text: &str, error: &serde_json::Error, line: usize, column: usize) -> JsonError {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or(&said);
    let at = offset(text, line, column);
    let there: String = String::from_utf8_lossy(&text.as_bytes()[at..]).chars().take(20).collect();
    let there = there.lines().next().unwrap_or_default();
    let found = if there.is_empty() { String::new() } else { format!("; found `{there}`") };
    let (cut, doubled) = (error.is_eof(), unique::is_doubled(error));
    let detail = match said {
        "EOF while parsing an object" => "the text ends inside an object".to_owned(),
        "EOF while parsing a list" => "the text ends inside a list".to_owned(),
        "EOF while parsing a string" => "the text ends inside quotes".to_owned(),
        "EOF while parsing a value" => "the text ends where a value belongs".to_owned(),
        "key must be a string" => format!("a name in double quotes belongs here{found}"),
        "expected value" => format!("no value of JSON begins here{found}"),
        "expected ident" => format!("a word other than true, false and null{found}"),
        "trailing characters" => format!("the value ended before here, and more follows{found}"),
        "invalid escape" => format!("a backslash before something that it does not go with{found}"),
        "invalid number" => format!("a number that is written in another way than JSON does{found}"),
        "recursion limit exceeded" => "lists and objects lie more than 127 deep in each other".to_owned(),
        said if said.starts_with("control character") => {
            "a line break, a tab or another control character inside quotes; JSON writes \\n, \\t".to_owned()
        }
        said if said.starts_with("expected") => format!("{}{found}", said.replace("expected ", "there must be ")),
        said if doubled => said.to_owned(),
        said => format!("{said}{found}"),
    };
    JsonError { line, column, detail, cut, doubled }
}

#[cfg(test)]
mod tests {
    use super::{super::unique::object, *};

    fn value(text: &str) -> (String, Changes) {
        let (mut value, changes) = parse(text, |text| serde_json::from_str::<Value>(text)).unwrap();
        cleared(&mut value);
        (value.to_string(), changes)
    }

    #[test]
    fn what_means_one_thing_is_read_as_that() {
        let changes = |halves, numbers| Changes { halves, numbers };
        assert_eq!(
            value(r#"{"a": NaN, "b": [Infinity, -Infinity, 1e400, 1.5]}"#),
            (r#"{"a":null,"b":[null,null,null,1.5]}"#.into(), changes(0, 4))
        );
        assert_eq!(
            value(r#"["a\ud83d", "\ude00b", "\ud83d\ude00", "\ud83d\ud83d\ude00"]"#),
            (r#"["a�","�b","😀","�😀"]"#.into(), changes(3, 0))
        );
        assert_eq!(value("\u{feff}[1, 2,\n]\u{feff},"), ("[1,2]".into(), changes(0, 0)));
        assert_eq!(
            value(r#"{"NaN": "NaN, \" -Infinity,]", "x": [NaN,]}"#),
            (r#"{"NaN":"NaN, \" -Infinity,]","x":[null]}"#.into(), changes(0, 1))
        );
        assert_eq!(value(r#""\\ud83d""#), (r#""\\ud83d""#.into(), changes(0, 0)));
    }

    #[test]
    fn what_is_broken_is_named_where_it_stands_in_the_file() {
        let said = |text: &str| {
            parse(text, object).map(|(value, _)| value).map_err(|b| format!("{}:{} {}", b.line, b.column, b.detail)).unwrap_err()
        };
        insta::assert_snapshot!(said(r#"{"a": NaN, "b" 5}"#), @"1:16 there must be `:`; found `5}`");
        insta::assert_snapshot!(said(r#"{"a": nul}"#), @"1:10 a word other than true, false and null; found `}`");
        insta::assert_snapshot!(said("{'a': 1}"), @"1:2 a name in double quotes belongs here; found `'a': 1}`");
        insta::assert_snapshot!(said(r#"{"a": 1, "a": 2}"#), @"1:16 the column `a` comes twice");
        insta::assert_snapshot!(said(r#"{"a": "\x"}"#), @r#"1:9 a backslash before something that it does not go with; found `x"}`"#);
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in "[\\[\\]{}\",:\\\\udD8Nan0-9eéI\u{feff}\n -]{0,40}") {
            let _ = parse(&text, object);
            let mended = mend(&text);
            proptest::prop_assert!(mended.text.len() <= text.len() * 8);
        }

        #[test]
        fn json_is_left_as_it_is(text in "\\PC{0,20}", number: i64) {
            let json = serde_json::json!({"t": text, "n": number, "l": [text, number]}).to_string();
            let (read, changes) = parse(&json, object).unwrap();
            proptest::prop_assert_eq!((read.to_string(), changes), (json, Changes::default()));
        }
    }
}
