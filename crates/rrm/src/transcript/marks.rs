//! A text -> the marks of thinking in it, of any model: the beginning and the end of leading thinking.

use std::borrow::Cow;

use super::Thinking;

/// The mark that opens a text's thinking, and the mark that would close it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Bytes of the opening mark.
    pub length: usize,
    /// Mark that closes the thinking.
    pub close: String,
}

/// A text of gpt-oss, by its channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harmony<'a> {
    /// The final channel was opened.
    Final {
        /// The thinking before it.
        thinking: &'a str,
        /// The mark that opened it.
        mark: &'a str,
        /// The text of the final channel.
        answer: &'a str,
    },
    /// The final channel was not opened, or another channel follows it.
    Open,
}

/// Marks without a name of thinking, or with different names at the two ends.
const IRREGULAR: [(&str, &str); 5] = [
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|channel>thought", "<channel|>"),
    ("<unused94>thought", "<unused95>"),
    ("<|begin_of_solution_thought|>", "<|end_of_solution_thought|>"),
    ("Here is my thought process:", "Here is my response:"),
];

/// Replaces marks in backticks or quotation marks, such as `"</think>"`, by as many spaces: they are only mentioned.
pub(crate) fn without_named<'t>(text: &'t str, own: Option<&Thinking>) -> Cow<'t, str> {
    // One quick pass over all bytes decides most texts; the last byte is the first one of the curved quotation mark.
    if !text.bytes().fold(false, |any, byte| any | (byte == b'`') | (byte == b'"') | (byte == 0xe2)) {
        return Cow::Borrowed(text);
    }
    let mut masked: Option<String> = None;
    let own = own.iter().flat_map(|own| [own.open.as_str(), own.close.as_str()]).collect::<Vec<_>>();
    let sign = |(at, c): (usize, char)| match c {
        '`' | '"' => Some((at, c, c)),
        '\u{201c}' => Some((at, c, '\u{201d}')),
        _ => None,
    };
    for (at, open, close) in text.char_indices().filter_map(sign) {
        let start = at + open.len_utf8();
        let inside = &text[start..];
        let length = own
            .iter()
            .find_map(|mark| inside.starts_with(mark).then_some(mark.len()))
            .or_else(|| opening(inside).map(|mark| mark.length))
            .or_else(|| closing(inside));
        // The quotation marks must enclose the mark alone, with no word attached.
        let apart = |rest: &str| rest.chars().next().is_none_or(|c| c.is_whitespace() || ".,;:!?)-\u{2014}".contains(c));
        let begins = text[..at].chars().next_back().is_none_or(|c| c.is_whitespace() || "([-\u{2014}".contains(c));
        let ends = |length: &usize| inside[*length..].strip_prefix(close).is_some_and(apart);
        let Some(length) = length.filter(|length| begins && ends(length)) else { continue };
        let masked = masked.get_or_insert_with(|| text.to_owned());
        masked.replace_range(start..start + length, &" ".repeat(length));
    }
    masked.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Most bytes of the name between the brackets of a mark.
const LONGEST: usize = 32;

/// Returns the opening mark of thinking at the beginning of `text`.
pub(crate) fn opening(text: &str) -> Option<Mark> {
    let irregular = IRREGULAR.iter().find(|(open, _)| text.starts_with(open));
    if let Some((open, close)) = irregular {
        return Some(Mark { length: open.len(), close: (*close).to_owned() });
    }
    let NamedTag { length, open, name, shut } = tag(text)?;
    if name.starts_with('/') || !thinks(name) || is_end_name(name) {
        return None;
    }
    let close = match ["begin", "BEGIN", "start", "START", "open", "prefix"].iter().find(|part| name.contains(**part)) {
        Some(part) => {
            let end = match *part {
                "BEGIN" | "START" => "END",
                "open" => "close",
                "prefix" => "suffix",
                _ => "end",
            };
            format!("{open}{}{shut}", name.replacen(part, end, 1))
        }
        None => format!("{open}/{name}{shut}"),
    };
    Some(Mark { length, close })
}

/// Returns the byte ranges (start, end) of closing marks of any model's thinking, the last one first.
pub(crate) fn closings(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let starts = text.char_indices().rev().filter(|(_, c)| begins(*c));
    starts.filter_map(|(at, _)| closing(&text[at..]).map(|length| (at, at + length)))
}

/// Returns the byte range of the last closing mark.
pub(crate) fn last_closing(text: &str) -> Option<(usize, usize)> {
    closings(text).next()
}

/// Returns the length in bytes of the closing mark of thinking at the beginning of `text`.
pub(crate) fn closing(text: &str) -> Option<usize> {
    if let Some((_, close)) = IRREGULAR[..4].iter().find(|(_, close)| text.starts_with(close)) {
        return Some(close.len());
    }
    let NamedTag { length, name, .. } = tag(text)?;
    (thinks(name) && (name.starts_with('/') || is_end_name(name))).then_some(length)
}

/// Returns the end of the thinking that a line of `text` opens again, by the `own` mark or any other: after its last closing mark, or `Err` if it is
/// never closed. `Ok(None)` if no line opens it.
pub(crate) fn reopened(text: &str, own: Option<&Thinking>) -> Result<Option<usize>, ()> {
    let close = |line: &str| {
        let own = own.filter(|own| line.starts_with(&own.open)).map(|own| own.close.clone());
        own.or_else(|| opening(line).map(|mark| mark.close))
    };
    let Some((line, close)) = text.lines().map(str::trim_start).find_map(|line| Some((line, close(line)?))) else {
        return Ok(None);
    };
    let from = line.as_ptr() as usize - text.as_ptr() as usize;
    last_end(&text[from..], &close).map(|(_, end)| Some(from + end)).ok_or(())
}

/// Returns the byte ranges of `mark` in `text`: as it is written, or else in upper or lower case, or else with blanks or attributes in it.
pub(crate) fn ends_of(text: &str, mark: &str) -> Vec<(usize, usize)> {
    let literal = |text: &str, mark: &str| text.match_indices(mark).map(|(at, _)| (at, at + mark.len())).collect::<Vec<_>>();
    let mut found = literal(text, mark);
    if found.is_empty() {
        found = literal(&text.to_ascii_lowercase(), &mark.to_ascii_lowercase());
    }
    if found.is_empty() {
        let same = |tag: &NamedTag<'_>| format!("{}{}{}", tag.open, tag.name, tag.shut).eq_ignore_ascii_case(mark);
        let starts = text.char_indices().filter(|(_, c)| begins(*c));
        found = starts.filter_map(|(at, _)| tag(&text[at..]).filter(same).map(|tag| (at, at + tag.length))).collect();
    }
    found
}

/// Returns the byte range of the last `mark` in `text`, see [`ends_of`].
pub(crate) fn last_end(text: &str, mark: &str) -> Option<(usize, usize)> {
    ends_of(text, mark).last().copied()
}

/// Returns whether a mark may begin with this character.
fn begins(c: char) -> bool {
    matches!(c, '<' | '[' | '&' | '\\' | '\u{25c1}')
}

/// A name in brackets.
pub(crate) struct NamedTag<'a> {
    /// Bytes of the whole tag.
    pub length: usize,
    /// Opening bracket.
    pub open: &'a str,
    /// Name; a closing tag's begins with `/`.
    pub name: &'a str,
    /// Closing bracket.
    pub shut: &'a str,
}

/// Returns the tag at the beginning of `text`. Blanks and attributes do not count.
pub(crate) fn tag(text: &str) -> Option<NamedTag<'_>> {
    const BRACKETS: [(&str, &str); 7] = [
        ("<|", "|>"),
        ("<\u{ff5c}", "\u{ff5c}>"),
        ("<", ">"),
        ("[", "]"),
        ("\u{25c1}", "\u{25b7}"),
        ("&lt;", "&gt;"),
        ("\\<", "\\>"),
    ];
    let (open, shut) = BRACKETS.into_iter().find(|(open, _)| text.starts_with(open))?;
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '/' | '.' | '\u{2581}');
    let inside = head(text[open.len()..].trim_start_matches([' ', '\t']), MOST_ATTRIBUTES);
    let end = inside.find(|c: char| !part(c))?;
    let (name, rest) = inside.split_at(end);
    let length = (2..=LONGEST).contains(&end).then(|| attributes(rest, shut)).flatten()?;
    let length = rest.as_ptr() as usize - text.as_ptr() as usize + length + shut.len();
    Some(NamedTag { length, open, name, shut })
}

/// Most bytes of a tag that are read.
const MOST_ATTRIBUTES: usize = 200;

/// Returns the number of bytes before `shut` if they are blanks and attributes such as `type="x"`.
fn attributes(rest: &str, shut: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let blanks = rest[at..].len() - rest[at..].trim_start().len();
        at += blanks;
        if rest[at..].starts_with(shut) {
            return Some(at);
        }
        let name = rest[at..].find(|c: char| !(c.is_ascii_alphanumeric() || "-_:".contains(c)))?;
        let value = rest[at + name..].strip_prefix('=').filter(|_| blanks > 0 && name > 0)?;
        let length = match value.chars().next()? {
            quote @ ('"' | '\'') => value[1..].find(quote)? + 2,
            _ => value.find(|c: char| c.is_whitespace() || ">|&\\".contains(c))?,
        };
        at += name + 1 + length;
    }
}

/// Returns the first `bytes` of a text, cut at the beginning of a character.
pub(crate) fn head(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Returns whether a name is that of thinking.
pub(crate) fn thinks(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["think", "thought", "reason", "scratchpad", "reflection", "inner_monologue"].iter().any(|part| name.contains(part))
}

fn is_end_name(name: &str) -> bool {
    name.to_ascii_lowercase().split(['_', '-', ':', '\u{2581}']).any(|part| matches!(part, "end" | "close" | "stop" | "suffix"))
}

/// Reads a text of gpt-oss, whose thinking and answer are channels, with or without its special tokens; `None` for any other text.
pub(crate) fn harmony(text: &str) -> Option<Harmony<'_>> {
    const CHANNEL: &str = "<|channel|>";
    let begun = text.trim_start();
    let begun = begun.strip_prefix("<|start|>assistant").unwrap_or(begun);
    if begun.starts_with(CHANNEL) {
        let (thinking, last) = text.rsplit_once(CHANNEL)?;
        let Some(answer) = last.trim_start().strip_prefix("final") else { return Some(Harmony::Open) };
        let answer = answer.split_once("<|message|>").map_or(answer, |(_, answer)| answer);
        let mark = &text[thinking.len()..text.len() - answer.len()];
        let answer = answer.trim_end();
        let answer = ["<|return|>", "<|end|>"].iter().find_map(|end| answer.strip_suffix(end)).unwrap_or(answer);
        return Some(Harmony::Final { thinking, mark, answer });
    }
    // Without special tokens, the name of a channel is joined to the text after it.
    let glued = ["analysis", "commentary"].iter().find_map(|name| begun.strip_prefix(name))?;
    if !glued.starts_with(|c: char| !c.is_whitespace() && !":,.;-*_)/'".contains(c)) {
        return None;
    }
    let last = |name: &str| begun.rfind(&format!("assistant{name}"));
    let other = last("analysis").max(last("commentary"));
    Some(match last("final") {
        Some(at) if other.is_none_or(|other| other < at) => {
            let (mark, answer) = begun[at..].split_at("assistantfinal".len());
            Harmony::Final { thinking: &begun[..at], mark, answer }
        }
        _ => Harmony::Open,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_many_models_are_known() {
        let pairs = [
            ("<think>", "</think>"),
            ("<thinking>", "</thinking>"),
            ("<thought>", "</thought>"),
            ("<reasoning>", "</reasoning>"),
            ("[THINK]", "[/THINK]"),
            ("\u{25c1}think\u{25b7}", "\u{25c1}/think\u{25b7}"),
            ("<seed:think>", "</seed:think>"),
            ("<|begin_of_thought|>", "<|end_of_thought|>"),
            ("<|START_THINKING|>", "<|END_THINKING|>"),
            ("<|thinking|>", "<|/thinking|>"),
            ("<think_start>", "<think_end>"),
            ("<|inner_prefix|>", "<|inner_suffix|>"),
            ("<|channel>thought", "<channel|>"),
            ("<scratchpad>", "</scratchpad>"),
            ("<THINK>", "</THINK>"),
        ];
        for (open, close) in pairs {
            assert_eq!(opening(open), Some(Mark { length: open.len(), close: close.to_owned() }), "{open}");
            assert_eq!(closing(close), Some(close.len()), "{close}");
            assert_eq!((closing(open), opening(close)), (None, None), "{open}");
            assert_eq!(last_closing(&format!("a{close}b{close} c <x>")), Some((2 + close.len(), 2 + 2 * close.len())), "{close}");
        }
        for (open, close) in [
            ("<think >", "</think >"),
            ("< think>", "</think\n>"),
            ("<think type=\"a b\" n=1>", "</think>"),
            ("&lt;think&gt;", "&lt;/think&gt;"),
            ("\\<think\\>", "\\</think\\>"),
        ] {
            let text = format!("{open}a{close}");
            let mark = opening(&text).unwrap();
            assert_eq!((mark.length, closing(close)), (open.len(), Some(close.len())), "{text}");
            assert_eq!(last_end(&text, &mark.close), Some((text.len() - close.len(), text.len())), "{text}");
        }
        for text in [
            "<answer>",
            "[1]",
            "[[A>B]]",
            "<b>",
            "<|im_end|>",
            "think",
            "<response>",
            "",
            "< think and y>",
            "<think = x>",
            "<analysis>",
            "</plan>",
        ] {
            assert_eq!((opening(text), closing(text)), (None, None), "{text}");
        }
    }

    #[test]
    fn channels_are_read_with_tokens_and_without() {
        let final_of = |text| match harmony(text) {
            Some(Harmony::Final { answer, .. }) => answer.to_owned(),
            other => format!("{other:?}"),
        };
        let whole = "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|return|>";
        assert_eq!(final_of(whole), "b");
        assert_eq!(final_of("<|channel|>final<|message|>b"), "b");
        assert_eq!(final_of("analysisWe compare.assistantfinalb"), "b");
        for open in ["<|channel|>analysis<|message|>a", "analysisWe compare", "analysisaassistantfinalbassistantanalysisc"] {
            assert_eq!(harmony(open), Some(Harmony::Open), "{open}");
        }
        for other in ["analysis of both", "Analysis: a", "b", "analysis: b", "the assistantfinal"] {
            assert_eq!(harmony(other), None, "{other}");
        }
    }
}
