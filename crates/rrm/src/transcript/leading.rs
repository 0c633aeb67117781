//! A text -> the thinking that it begins with, under any mark: tags, details, comments, fences, turns of a chat, headings.
//!
//! Marks that are named after thinking count at the beginning of any line, see `marks`. The marks here are ordinary words and markup elsewhere, so they
//! count at the beginning of a text only.

use super::marks;

/// The thinking that a text begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeadingThinking {
    /// It is closed by the mark at these bytes (start, end). The mark is empty if the answer begins with a heading or tag of its own.
    Closed(usize, usize),
    /// It is never closed.
    Open,
    /// A heading or a word such as `Thinking:` begins it, and nothing shows where it ends.
    Titled,
}

/// Names of tags that hold thinking if the text begins with them, in parts between `_`, `-`, `:` and `.`.
const NAMES: [&str; 11] = [
    "analysis",
    "plan",
    "planning",
    "cot",
    "internal",
    "hidden",
    "monologue",
    "deliberation",
    "rationale",
    "draft",
    "brainstorm",
];

/// Headings of thinking.
const TITLES: [&str; 17] = [
    "thinking",
    "thought",
    "thoughts",
    "thinking process",
    "thought process",
    "my thinking",
    "my thoughts",
    "my thought process",
    "chain of thought",
    "cot",
    "internal monologue",
    "inner monologue",
    "internal thoughts",
    "internal reasoning",
    "scratchpad",
    "thinking aloud",
    "thinking out loud",
];

/// Headings of a verdict: the first of them ends thinking.
const VERDICTS: [&str; 12] = [
    "verdict",
    "my verdict",
    "final verdict",
    "decision",
    "final decision",
    "judgment",
    "judgement",
    "final judgment",
    "final judgement",
    "final answer",
    "final",
    "winner",
];

/// Headings of an answer, which may stand in thoughts too: the last of them ends thinking.
const ANSWERS: [&str; 9] =
    ["answer", "my answer", "output", "final output", "conclusion", "result", "final result", "response", "final response"];

/// Most bytes of an opening tag with its attributes, or of a summary.
const LONGEST: usize = 200;

/// Finds the thinking that `text` begins with, and its end.
pub(crate) fn leading(text: &str) -> Option<LeadingThinking> {
    let begun = text.trim_start();
    let from = text.len() - begun.len();
    let closed = |end: Option<(usize, usize)>| {
        end.map_or(LeadingThinking::Open, |(start, end)| LeadingThinking::Closed(from + start, from + end))
    };
    if let Some(mark) = marks::opening(begun) {
        return Some(closed(marks::last_end(begun, &mark.close)));
    }
    if let Some(close) = private_tag(begun) {
        let end = marks::last_end(begun, &close).or_else(|| answer_tag(begun)).or_else(|| marks::last_closing(begun));
        return Some(closed(end));
    }
    if details(begun).is_some() {
        return Some(closed(marks::last_end(begun, "</details>")));
    }
    if begun.starts_with("<!--") {
        return Some(closed(first_of(begun, "-->")));
    }
    if begun.starts_with("<|im_start|>think") {
        let ends = ["<|im_start|>answer", "<|im_start|>assistant", "<|im_end|>"];
        return Some(closed(ends.iter().find_map(|end| first_of(begun, end))));
    }
    if begun.starts_with("```") && begun.lines().next().is_some_and(|line| marks::thinks(line) && !line[3..].contains('`')) {
        return Some(closed(first_of(begun, "\n```")));
    }
    let first = begun.lines().next().unwrap_or_default();
    title(first).filter(|title| TITLES.contains(&title.as_str()))?;
    Some(titled_answer(begun).map_or(LeadingThinking::Titled, |at| LeadingThinking::Closed(from + at, from + at)))
}

/// Returns the length of an opening `<details>` whose attributes or summary are named after thinking, as chat programs show it.
pub(crate) fn details(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("<details")?;
    let end = near(rest).find('>')?;
    let (attributes, after) = (&rest[..end], near(rest[end + 1..].trim_start()));
    let summary = after.strip_prefix("<summary>").and_then(|rest| rest.split("</summary>").next()).unwrap_or_default();
    (marks::thinks(attributes) || marks::thinks(summary)).then_some("<details".len() + end + 1)
}

/// Returns the closing mark of the tag at the beginning of a text, if the tag has one of [`NAMES`].
fn private_tag(text: &str) -> Option<String> {
    let tag = marks::tag(text).filter(|tag| tag.open != "[" && !tag.name.starts_with('/'))?;
    let name = tag.name.to_ascii_lowercase();
    name.split(['_', '-', ':', '.']).any(|part| NAMES.contains(&part)).then(|| format!("{}/{}{}", tag.open, tag.name, tag.shut))
}

/// Returns the place of the first tag of an answer at the beginning of a line.
fn answer_tag(text: &str) -> Option<(usize, usize)> {
    let named = |line: &str| {
        let name = marks::tag(line.trim_start())?.name.to_ascii_lowercase().replace(['_', '-'], " ");
        (VERDICTS.contains(&name.as_str()) || ANSWERS.contains(&name.as_str())).then_some(())
    };
    lines(text).find(|(_, line)| named(line).is_some()).map(|(at, _)| (at, at))
}

/// Returns the place of the heading that ends thinking under a heading.
fn titled_answer(text: &str) -> Option<usize> {
    let of = |list: &'static [&'static str]| {
        lines(text).filter(move |(_, line)| title(line).is_some_and(|title| list.contains(&title.as_str())))
    };
    of(&VERDICTS).next().or_else(|| of(&ANSWERS).last()).map(|(at, _)| at)
}

/// Returns the heading of a line in lower case: all of it, or the words before a colon, without marks of style.
fn title(line: &str) -> Option<String> {
    const STYLE: [char; 7] = ['#', '*', '_', '>', ' ', '\t', '\r'];
    let line = near(line.trim_start_matches(STYLE));
    let (head, colon) = line.split_once([':', '\u{ff1a}']).map_or((line, false), |(head, _)| (head, true));
    let head = head.trim_end_matches(STYLE);
    (colon || line.len() < LONGEST).then(|| head.to_lowercase())
}

/// Returns the lines of a text after its first one, with their places.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('\n').map(|(at, _)| (at + 1, text[at + 1..].lines().next().unwrap_or_default()))
}

fn first_of(text: &str, mark: &str) -> Option<(usize, usize)> {
    text.find(mark).map(|at| (at, at + mark.len()))
}

/// Returns the first [`LONGEST`] bytes of a text, to the beginning of a character.
fn near(text: &str) -> &str {
    marks::head(text, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text after the thinking, or what is known of its end.
    fn behind(text: &str) -> String {
        match leading(text) {
            Some(LeadingThinking::Closed(_, end)) => text[end..].trim().to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn thinking_ends_where_its_mark_says() {
        for text in [
            "<think>a</think>b",
            "<think >a</think >b",
            "< think>a</think>b",
            "<think type=\"long\">a</think>b",
            "<Thinking>a</thinking>b",
            "&lt;think&gt;a&lt;/think&gt;b",
            "\\<think\\>a\\</think\\>b",
            "<analysis>a</analysis>\nb",
            "<Analysis n='1'>a</analysis>\nb",
            "<internal_analysis>a</internal_analysis>b",
            "<plan>a</plan>b",
            "<cot>a</cot>b",
            "<|plan|>a<|/plan|>b",
            "<plan>a</think>b",
            "<details type=\"reasoning\" done=\"true\">\n<summary>3 seconds</summary>\na</details>\nb",
            "<details><summary>Thought for a second</summary>a</details>b",
            "<!-- a -->b",
            "<|im_start|>think\na<|im_end|>\nb",
            "<|im_start|>think\na<|im_start|>answer\nb",
            "```thinking\na\n```\nb",
        ] {
            assert_eq!(behind(text), "b", "{text}");
        }
        assert_eq!(behind("<analysis>\na\n<answer>b</answer>"), "<answer>b</answer>");
        assert_eq!(behind("Thinking:\na\n\nAnswer: b"), "Answer: b");
        assert_eq!(
            behind("**Thinking:** a\nAnswer: c\n\n## Final verdict\nb\n\nConclusion: d"),
            "## Final verdict\nb\n\nConclusion: d"
        );
        for text in
            ["<think >a", "<analysis>a", "<plan>a", "&lt;think&gt;a", "<details type=\"reasoning\">a", "<!-- a", "```think\na"]
        {
            assert_eq!(behind(text), "Some(Open)", "{text}");
        }
        for text in ["Thinking:\na", "**Thinking**\na", "### Thought process\na", "Thought: a"] {
            assert_eq!(behind(text), "Some(Titled)", "{text}");
        }
        for text in [
            "",
            "[Analysis]\na",
            "Analysis: a",
            "**Reasoning:** a",
            "Thinking about it, a",
            "<answer>a</answer>",
            "</analysis>a",
            "<details><summary>Text of A</summary>a</details>",
            "if a < think and b > c",
            "```rust\nthink()\n```",
            "a <analysis>b",
        ] {
            assert_eq!(leading(text), None, "{text}");
        }
    }
}
