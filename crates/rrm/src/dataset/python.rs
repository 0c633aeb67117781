//! Text that Python writes for lists and dictionaries -> the same value as JSON.
//!
//! `str(messages)` and pandas' `to_csv` write `[{'role': 'user', 'content': 'Hi'}]`. Only texts that are such a literal from the first letter to the
//! last are read. Of NumPy's arrays, which have no commas, only those of dictionaries are read, because `'a' 'b'` is one text in Python.

use std::{iter::Peekable, str::CharIndices};

use serde_json::{Map, Value};

/// Deepest nesting of lists and dictionaries that is read.
const DEEPEST: usize = 64;

/// Returns the list or dictionary of a text that is a Python literal.
pub(super) fn literal(text: &str) -> Option<Value> {
    let text = text.trim();
    let looks = text.starts_with('[') && text.ends_with(']') || text.starts_with('{') && text.ends_with('}');
    if !looks {
        return None;
    }
    let mut reader = LiteralReader { text, chars: text.char_indices().peekable() };
    let value = reader.value(0)?;
    reader.chars.peek().is_none().then_some(value)
}

/// Returns whether a text begins and ends like Python's text of messages, even if it is not one.
pub(super) fn looks_like_messages(text: &str) -> bool {
    let text = text.trim();
    let begins = ["[{'role'", "[{'from'", "[{'content'", "[{'value'"].iter().any(|head| text.starts_with(head));
    begins && text.ends_with(']')
}

/// A reader of Python literals.
struct LiteralReader<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
}

impl LiteralReader<'_> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        self.blanks();
        let (at, c) = *self.chars.peek()?;
        match c {
            '[' if depth < DEEPEST => self.list(depth),
            '{' if depth < DEEPEST => self.dictionary(depth),
            '\'' | '"' => self.string().map(Value::String),
            _ => {
                while self.chars.peek().is_some_and(|(_, c)| c.is_ascii_alphanumeric() || "+-.".contains(*c)) {
                    self.chars.next();
                }
                let end = self.chars.peek().map_or(self.text.len(), |(end, _)| *end);
                match &self.text[at..end] {
                    "None" => Some(Value::Null),
                    "True" => Some(Value::Bool(true)),
                    "False" => Some(Value::Bool(false)),
                    number => serde_json::from_str::<serde_json::Number>(number).ok().map(Value::Number),
                }
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        self.chars.next();
        let mut list = Vec::new();
        loop {
            self.blanks();
            if self.takes(']') {
                return Some(Value::Array(list));
            }
            list.push(self.value(depth + 1)?);
            self.blanks();
            let both = list.last().is_some_and(Value::is_object) && self.chars.peek().is_some_and(|(_, c)| *c == '{');
            if !self.takes(',') && !both && self.chars.peek()?.1 != ']' {
                return None;
            }
        }
    }

    fn dictionary(&mut self, depth: usize) -> Option<Value> {
        self.chars.next();
        let mut keys = Map::new();
        loop {
            self.blanks();
            if self.takes('}') {
                return Some(Value::Object(keys));
            }
            let key = self.string()?;
            self.blanks();
            if !self.takes(':') {
                return None;
            }
            let value = self.value(depth + 1)?;
            if keys.insert(key, value).is_some() {
                return None;
            }
            self.blanks();
            if !self.takes(',') && self.chars.peek()?.1 != '}' {
                return None;
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let (_, quote) = self.chars.next().filter(|(_, c)| ['\'', '"'].contains(c))?;
        let mut text = String::new();
        loop {
            match self.chars.next()?.1 {
                c if c == quote => return Some(text),
                '\n' => return None,
                '\\' => match self.chars.next()?.1 {
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    'a' => text.push('\u{7}'),
                    'b' => text.push('\u{8}'),
                    'f' => text.push('\u{c}'),
                    'v' => text.push('\u{b}'),
                    'x' => text.push(self.code(2)?),
                    'u' => text.push(self.code(4)?),
                    'U' => text.push(self.code(8)?),
                    c @ ('\\' | '\'' | '"') => text.push(c),
                    c if c.is_ascii_digit() || c == 'N' || c == '\n' => return None,
                    c => text.extend(['\\', c]),
                },
                c => text.push(c),
            }
        }
    }

    /// Reads a character given by this number of hexadecimal digits.
    fn code(&mut self, digits: usize) -> Option<char> {
        let digits: Option<String> = (0..digits).map(|_| self.chars.next().map(|(_, c)| c)).collect();
        char::from_u32(u32::from_str_radix(&digits?, 16).ok()?)
    }

    fn blanks(&mut self) {
        while self.chars.peek().is_some_and(|(_, c)| c.is_ascii_whitespace()) {
            self.chars.next();
        }
    }

    fn takes(&mut self, wanted: char) -> bool {
        self.chars.next_if(|(_, c)| *c == wanted).is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_are_what_python_says_they_are() {
        for (text, value) in [
            (r#"[{'role': 'user', 'content': "It's"}]"#, json!([{"role": "user", "content": "It's"}])),
            (r"['a\nb\\n\'\xe9\u20ac\U0001f600\d']", json!(["a\nb\\n'\u{e9}\u{20ac}\u{1f600}\\d"])),
            ("{'a': None, 'b': [True, False, 1, -2.5],}", json!({"a": null, "b": [true, false, 1, -2.5]})),
            ("[{'a': 1}\n {'a': 2}]", json!([{"a": 1}, {"a": 2}])),
            ("[]", json!([])),
        ] {
            assert_eq!(literal(text), Some(value), "{text}");
        }
        for text in [
            "['a' 'b']",
            "['a', x]",
            "[1 2]",
            "['a'] and",
            "{'a': 1, 'a': 2}",
            "['a\nb']",
            "[nan]",
            "[1",
            "'a'",
            r"['\ud83d']",
            "",
        ] {
            assert_eq!(literal(text), None, "{text}");
        }
        assert_eq!(literal(&"[".repeat(100_000)), None);
        assert_eq!(literal(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))), None);
    }
}
