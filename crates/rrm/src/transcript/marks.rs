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
    let mut masked: Option<String> = None;
    let own = own.iter().flat_map(|own| [own.open.as_str(), own.close.as_str()]).collect::<Vec<_>>();
    const SIGNS: [(&str, &str); 3] = [("`", "`"), ("\"", "\""), ("\u{201c}", "\u{201d}")];
    for (open, close, at) in SIGNS.iter().flat_map(|(open, close)| text.match_indices(open).map(move |(at, _)| (open, close, at)))
    {
        let start = at + open.len();
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
    let (length, open, name, shut) = tag(text)?;
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
    let starts = text.char_indices().rev().filter(|(_, c)| matches!(c, '<' | '[' | '\u{25c1}'));
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
    let (length, _, name, _) = tag(text)?;
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
    rfind(&text[from..], &close).map(|at| Some(from + at + close.len())).ok_or(())
}

/// Returns the last place of `mark` in `text`, in upper or lower case.
pub(crate) fn rfind(text: &str, mark: &str) -> Option<usize> {
    text.rfind(mark).or_else(|| text.to_ascii_lowercase().rfind(&mark.to_ascii_lowercase()))
}

/// Returns the bracketed name at the beginning of `text`: its length, opening bracket, name, closing bracket.
fn tag(text: &str) -> Option<(usize, &str, &str, &str)> {
    const BRACKETS: [(&str, &str); 5] =
        [("<|", "|>"), ("<\u{ff5c}", "\u{ff5c}>"), ("<", ">"), ("[", "]"), ("\u{25c1}", "\u{25b7}")];
    let (open, shut) = BRACKETS.into_iter().find(|(open, _)| text.starts_with(open))?;
    let inside = &text[open.len()..];
    let end = inside.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '/' | '.' | '\u{2581}')))?;
    let name = &inside[..end];
    let named = (2..=LONGEST).contains(&end) && inside[end..].starts_with(shut);
    named.then_some((open.len() + end + shut.len(), open, name, shut))
}

fn thinks(name: &str) -> bool {
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
        for text in ["<answer>", "[1]", "[[A>B]]", "<b>", "< think>", "<|im_end|>", "think", "<response>", ""] {
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
