//! Response -> final answer, and the rule that found it.

mod before;
mod behind;
mod doubt;
mod find;
mod joined;
mod later;
mod marker;
mod onward;
mod phrase;
mod several;
mod statement;

use serde::{Deserialize, Serialize};

use self::{
    doubt::{disowned, foreign, hedged, retracted},
    find::{Span, boxes, math, segments},
    joined::{boxed, last_math},
    marker::markers,
    onward::{goes_on, yes_or_no},
    phrase::{changed, last_number},
    statement::{bare, behind_verb, said_twice, stands_alone, stated, told, words_behind_verb},
};

/// The final answer of a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalAnswer {
    /// The answer as written.
    pub text: String,
    /// The rule that found it.
    pub how: ExtractionRule,
    /// Whether it was written as mathematics: in a box, or between dollars or brackets.
    pub math: bool,
    /// A piece of the surrounding text that makes it doubtful whether this is the answer: a negation, a condition, a retraction, or words that change
    /// a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

/// The rule by which an answer was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExtractionRule {
    /// The content of the last `\boxed{}`; adjacent boxes are one answer.
    Boxed,
    /// The content of the last `<answer>` element.
    Tag,
    /// The text after the last `####`.
    Hashes,
    /// The text after the last "answer is" or "answer:".
    Statement,
    /// The last mathematics between dollars or brackets.
    Math,
    /// The last number.
    Number,
    /// The whole text.
    Whole,
}

/// Tokens that end a turn of a chat.
const ENDS: &[&str] =
    &["<|im_end|>", "<|eot_id|>", "<|end|>", "<|endoftext|>", "<|end_of_text|>", "<end_of_turn>", "</s>", "<|return|>"];
/// Tokens that begin a turn of the assistant.
const BEGINS: &[&str] = &[
    "<|im_start|>assistant",
    "<|start_header_id|>assistant<|end_header_id|>",
    "<start_of_turn>model",
    "<|start|>assistant<|channel|>final<|message|>",
    "<|assistant|>",
];
/// Tokens that begin a turn of any role.
const TURNS: &[&str] = &["<|im_start|>", "<|start_header_id|>", "<start_of_turn>", "<|start|>", "<|user|>"];

/// Opening and closing marks of thinking.
const THOUGHTS: &[(&str, &str)] = &[
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel|>analysis", "<|channel|>final<|message|>"),
];
/// Beginnings of lines that start another turn, where a model ran past the end of its own.
const NEXT: &[&str] = &["\nHuman:", "\nUser:", "\nQ:", "\nQuestion:", "\nProblem:", "\n### Instruction"];

/// Returns the response without its thinking and without other turns that the model wrote; `None` if the thinking is not closed.
fn response(text: &str) -> Option<&str> {
    let mut text = text;
    let begins = |at: usize| {
        let here = |mark: &&str| text[at..].starts_with(*mark);
        THOUGHTS.iter().any(|(open, close)| here(open) || here(close))
            || [BEGINS, ENDS, TURNS].iter().any(|marks| marks.iter().any(here))
    };
    if text.match_indices(['<', '[', '◁']).any(|(at, _)| begins(at)) {
        for (open, close) in THOUGHTS {
            if let Some((_, after)) = text.rsplit_once(close) {
                text = after;
            }
            if text.contains(open) {
                return None;
            }
        }
        text = BEGINS.iter().find_map(|mark| text.trim_start().strip_prefix(mark)).unwrap_or(text);
        let end = ENDS.iter().chain(TURNS).filter_map(|mark| text.find(mark)).min().unwrap_or(text.len());
        text = &text[..end];
    }
    let next = text.match_indices('\n').map(|(at, _)| at).find(|at| NEXT.iter().any(|mark| text[*at..].starts_with(mark)));
    let asked = |next: usize| {
        ["\nHuman:", "\nUser:"].iter().any(|mark| text[next..].starts_with(mark)) && !text[..next].trim().is_empty()
    };
    Some(match next {
        Some(next) if asked(next) || !boxes(&text[..next], false).is_empty() || !markers(&text[..next]).is_empty() => {
            &text[..next]
        }
        _ => text,
    })
}

/// What stands between the last `<answer>` and its end, and what follows it.
fn tagged(text: &str) -> Option<(&str, &str)> {
    let lower = text.to_ascii_lowercase();
    let tags = ["answer", "final_answer"].iter().filter_map(|tag| {
        let end = lower.rfind(&format!("</{tag}>"))?;
        let open = format!("<{tag}>");
        Some((lower[..end].rfind(&open)? + open.len(), end))
    });
    tags.max().map(|(start, end)| (text[start..end].trim(), text[end..].split_once('>').map_or("", |(_, after)| after)))
}

/// An answer before its extraction rule is known.
struct AnswerCandidate {
    text: String,
    math: bool,
    doubt: Option<String>,
}

impl AnswerCandidate {
    /// A candidate of plain text without a doubt.
    fn plain(text: &str) -> Self {
        AnswerCandidate { text: text.to_owned(), math: false, doubt: None }
    }

    fn by(self, how: ExtractionRule) -> FinalAnswer {
        FinalAnswer { text: self.text, how, math: self.math, doubt: self.doubt }
    }
}

/// Finds the final answer of a response. Rules in order: an answer element; the last box, or a statement after it; then the last `####` or "answer
/// is", the last mathematics, the last number, and a text of a few words as a whole. Returns `None` if no rule finds an answer or if the thinking is
/// not closed.
pub fn extract(text: &str) -> Option<FinalAnswer> {
    let text = response(text)?;
    if let Some((inside, after)) = tagged(text) {
        let found = (!inside.is_empty()).then(|| in_tag(inside))?;
        let doubt = found.doubt.or_else(|| retracted(after)).or_else(|| later::doubted(&found.text, after));
        return Some(FinalAnswer { doubt, ..found });
    }
    let boxes = boxes(text, false);
    let last_box = boxes.last().map_or(0, |last| last.end);
    for marker in markers(text).into_iter().rev().filter(|marker| marker.end >= last_box) {
        if let Some(found) = stated(text, &marker, boxes.is_empty())
            && (boxes.is_empty() || found.doubt.is_none())
        {
            let doubt = found.doubt.or_else(|| later::doubted(&found.text, &text[marker.end..]));
            return Some(AnswerCandidate { doubt, ..found }.by(marker.how));
        }
    }
    if !boxes.is_empty() {
        return in_boxes(text, &boxes).map(|found| found.by(ExtractionRule::Boxed));
    }
    let found = unmarked(text)?;
    Some(FinalAnswer {
        doubt: found.doubt.or_else(|| several::alike(text)).or_else(|| several::named(text)).or_else(|| asked(text)),
        ..found
    })
}

/// Returns the answer in the last box or in several adjacent ones, with doubts from the surrounding text.
fn in_boxes(text: &str, boxes: &[Span]) -> Option<AnswerCandidate> {
    let found = boxed(text, boxes)?;
    let last = boxes.last()?;
    let after = &text[last.end..];
    let doubt = retracted(after)
        .or(found.doubt)
        .or_else(|| disowned(&text[..last.start]))
        .or_else(|| goes_on(&last.text, after.split_once('\n').map_or("", |(_, next)| next)))
        .or_else(|| several::alike(&text[..last.end]))
        .or_else(|| later::doubted(&found.text, after));
    Some(AnswerCandidate { doubt, ..found })
}

/// Returns a doubt if the text ends with a question mark: "Paris?" is a guess.
fn asked(text: &str) -> Option<String> {
    text.trim_end().ends_with('?').then(|| "?".to_owned())
}

/// Finds the answer of a text without a box, an element or an announcement.
fn unmarked(text: &str) -> Option<FinalAnswer> {
    let segments = segments(text);
    let number = last_number(text);
    let whole = bare(text);
    if let Some(found) = yes_or_no(whole).filter(|_| !whole.contains(|c: char| c.is_ascii_digit())) {
        return Some(found.by(ExtractionRule::Whole));
    }
    if segments.is_empty() && !stands_alone(whole) {
        let last = whole.rsplit(". ").next().unwrap_or_default().rsplit('\n').next().unwrap_or_default();
        if let Some(told) = behind_verb(last).or_else(|| words_behind_verb(last)) {
            return Some(
                AnswerCandidate { doubt: foreign(told, false), ..AnswerCandidate::plain(told) }.by(ExtractionRule::Statement),
            );
        }
    }
    if let Some(last) = segments.last()
        && number.as_ref().is_none_or(|(number, _)| number.start < last.end)
    {
        let before = segments.first().map_or("", |first| &text[..first.start]);
        let word = before.ends_with(' ').then(|| changed(before)).flatten().filter(|_| segments.len() == 1);
        let found = last_math(text, &segments)?;
        let found = lettered(text, &segments).unwrap_or(found);
        let doubt = retracted(&text[last.end..])
            .or_else(|| hedged(&text[..last.start]))
            .or(word)
            .or(found.doubt)
            .or_else(|| several::remark(text, &segments));
        return Some(AnswerCandidate { doubt, ..found }.by(ExtractionRule::Math));
    }
    if !whole.is_empty() && stands_alone(whole) {
        return Some(
            AnswerCandidate { doubt: foreign(whole, false).or_else(|| said_twice(whole)), ..AnswerCandidate::plain(whole) }
                .by(ExtractionRule::Whole),
        );
    }
    if let Some((number, doubt)) = number {
        return Some(AnswerCandidate { doubt, ..AnswerCandidate::plain(&number.text) }.by(ExtractionRule::Number));
    }
    if let Some(letter) =
        whole.strip_suffix(" is correct").or(whole.strip_suffix(" is the answer")).or(whole.strip_suffix(" is right"))
        && stands_alone(letter)
    {
        return Some(AnswerCandidate::plain(letter).by(ExtractionRule::Statement));
    }
    let short = !whole.is_empty() && whole.split_whitespace().count() <= 12;
    short.then(|| AnswerCandidate::plain(whole).by(ExtractionRule::Whole))
}

/// Reads "**B) `x^2+1`**": a choice and its content. It is doubtful if other lines begin with other letters, or if words follow the content.
fn lettered(text: &str, segments: &[Span]) -> Option<AnswerCandidate> {
    let last = segments.last()?;
    let start = text[..last.start].rfind('\n').map_or(0, |at| at + 1);
    let label = |line: &str| {
        let line = line.trim_start_matches(['*', '(', ' ', '-']);
        let letter = line.chars().next().filter(|c| ('A'..='J').contains(c))?;
        line[1..].starts_with([')', '.', ':']).then_some(letter)
    };
    let letter = label(&text[start..last.start]).filter(|_| bare(&text[start..last.start]).len() < 4)?;
    let others = text.lines().filter_map(label).any(|other| other != letter);
    let whole = format!("({letter}) {}", last.text);
    let doubt = (others || !bare(&text[last.end..]).is_empty()).then(|| whole.clone());
    Some(AnswerCandidate { text: whole, math: true, doubt })
}

fn in_tag(inside: &str) -> FinalAnswer {
    let boxes = boxes(inside, false);
    if let Some(found) = in_boxes(inside, &boxes) {
        return found.by(ExtractionRule::Boxed);
    }
    if let Some(marker) = markers(inside).pop()
        && let Some(found) = stated(inside, &marker, true)
    {
        return found.by(ExtractionRule::Tag);
    }
    let found = if inside.contains('\n') { None } else { told(inside, true, true) };
    found.unwrap_or_else(|| AnswerCandidate::plain(inside)).by(ExtractionRule::Tag)
}

/// Finds the right answer in `gold`, which is a bare answer or a solution: in a box, after `####` or another marker, between dollars, or the whole
/// text.
pub fn of_gold(gold: &str) -> Option<FinalAnswer> {
    let boxes = boxes(gold, true);
    if let (Some(found), Some(last)) = (boxed(gold, &boxes), boxes.last()) {
        // Doubts apply to responses only; a gold answer is right by definition.
        let text = if found.doubt.is_some() { joined::of_gold(&found.text, &gold[last.end..]) } else { found.text };
        return Some(FinalAnswer { text, how: ExtractionRule::Boxed, math: true, doubt: None });
    }
    if let Some(at) = gold.rfind("####") {
        return Some(FinalAnswer {
            text: gold[at + 4..].trim().to_owned(),
            how: ExtractionRule::Hashes,
            math: false,
            doubt: None,
        });
    }
    if gold.trim().contains('\n') && !markers(gold).is_empty() {
        return extract(gold);
    }
    let segments = segments(gold);
    if let Some(last) = segments.last() {
        // A bare answer with mathematics in it, such as `$12$ and $13$`, or a solution that ends with mathematics.
        let outside = gold[last.end..].trim();
        let answer = joined::of_gold(&math(gold, &segments), &gold[last.end..]);
        let text =
            if segments.len() == 1 && !outside.is_empty() && last.start == 0 { gold.trim().replace('$', " ") } else { answer };
        return Some(FinalAnswer { text, how: ExtractionRule::Math, math: true, doubt: None });
    }
    (!gold.trim().is_empty()).then(|| FinalAnswer {
        text: gold.trim().to_owned(),
        how: ExtractionRule::Whole,
        math: false,
        doubt: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_found_where_they_are_stated() {
        for (text, answer, how) in [
            ("so 3+4.\n#### 7", "7", ExtractionRule::Hashes),
            ("First \\boxed{1}, then much more, then \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}", ExtractionRule::Boxed),
            ("\\boxed{1} and \\boxed{2}", "1, 2", ExtractionRule::Boxed),
            ("It is \\boxed{5}. Let me check. Yes, \\boxed{5}", "5", ExtractionRule::Boxed),
            ("The answer is (C).", "(C)", ExtractionRule::Statement),
            ("**Answer: B. Paris**", "B. Paris", ExtractionRule::Statement),
            ("12 eggs\nA: 1,200", "1,200", ExtractionRule::Statement),
            ("The answer is Rome. It is old.", "Rome", ExtractionRule::Statement),
            ("Hence $x = 3$ or $x = 4$.", "x = 3, x = 4", ExtractionRule::Math),
            ("He pays 12 dollars and 5.50 more, 17.50 in all", "17.50", ExtractionRule::Number),
            ("It grows by 20 percent.", "20 percent", ExtractionRule::Number),
            ("<think>\\boxed{3}</think> Paris", "Paris", ExtractionRule::Whole),
            (
                "Final Answer: The final answer is $\\frac{3}{4}$. I hope it is correct.",
                "\\frac{3}{4}",
                ExtractionRule::Statement,
            ),
            ("<think>no</think><answer> \\frac{3}{8} </answer>", "\\frac{3}{8}", ExtractionRule::Tag),
            ("<|im_start|>assistant\nIt is \\boxed{4}<|im_end|>", "4", ExtractionRule::Boxed),
        ] {
            let found = extract(text).map(|found| (found.text, found.how));
            assert_eq!(found, Some((answer.to_owned(), how)), "{text}");
        }
        assert_eq!(extract("I do not know what this could be, since too much of it is missing, and so I say nothing"), None);
        assert_eq!(extract("<think> it may be \\boxed{3}"), None);
        assert_eq!(extract(""), None);
    }
}
