//! A completion -> thinking and answer, separated at the last closing mark.

mod leading;
mod marks;
mod response;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use self::response::{JudgedText, NO_ANSWER, ResponseEnding, THINKING, bare};
use self::{
    leading::{LeadingThinking, leading},
    marks::Harmony,
};
use crate::engine::{Completion, Finish, Opening};

/// The marks around a model's thinking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thinking {
    /// Mark that opens the thinking, such as `<think>`.
    pub open: String,
    /// Mark that closes the thinking, such as `</think>`.
    pub close: String,
    /// Whether the model's chat template writes the opening mark, so that a completion begins inside the thinking.
    #[serde(default)]
    pub opened_by_template: bool,
}

/// A judge's text, split into thinking and answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// The thinking, without its marks.
    pub thinking: String,
    /// The mark that closed the thinking, as it stands in the text; empty if there is none. It may be part of a quotation that began before it.
    pub mark: String,
    /// The text after the last closing mark, the only place where a verdict counts.
    pub answer: String,
    /// Whether the thinking was closed, or the completion had none to close.
    pub closed: bool,
    /// Whether the token limit cut the text.
    pub truncated: bool,
    /// The part of the answer in which a verdict counts.
    pub place: VerdictPlace,
}

/// The part of an answer in which a verdict counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerdictPlace {
    /// Anywhere.
    #[default]
    Anywhere,
    /// At its start, or where a line ends: it is not known whether this model was thinking, and a label in the middle of a thought is no verdict.
    LineEnd,
    /// At its end: the text after it is a mark that closes nothing.
    End,
    /// At its end, alone on its line or with words that state a verdict: the answer begins with a heading such as `Thinking:`, and nothing shows
    /// where the thinking ends.
    LastLine,
}

/// Splits a completion at the last closing mark. Thinking that the server moved to another field is taken from there.
///
/// If the server moved all text and left none, as vLLM's deepseek_r1 parser does without a closing mark, the thinking was never closed, unless the
/// moved text itself holds the mark.
pub fn split(completion: &Completion, thinking: Option<&Thinking>) -> Transcript {
    split_of(completion, thinking, Opening::Model)
}

/// Splits a completion like [`split`], with the writer of the mark that opens the model's thinking.
///
/// Marks of other models than the format's are understood too, if a completion begins with one of them or holds one that closes: the text before it
/// is thinking, whatever the format says.
pub fn split_of(completion: &Completion, thinking: Option<&Thinking>, opening: Opening) -> Transcript {
    let moved = completion.reasoning.as_deref().unwrap_or("");
    let mut reader = TranscriptReader {
        own: thinking,
        opened: opening == Opening::Template || thinking.is_some_and(|own| own.opened_by_template),
        elicited: completion.elicited,
    };
    // A mark that is only mentioned, in backticks or quotation marks, opens and closes nothing.
    let masked = [&completion.text, moved].map(|text| marks::without_named(text, thinking));
    let (text, moved) = (&*masked[0], &*masked[1]);
    // Thinking that the server moved is no part of the text.
    reader.opened &= moved.is_empty() || text.trim().is_empty();
    let read = if text.trim().is_empty() && !moved.is_empty() { moved } else { text };
    let begun = leading(read);
    let mut parts = if text.trim().is_empty() && !moved.is_empty() {
        match reader.closed(moved, begun) {
            Some(parts) if thinking.is_some() => parts,
            _ if thinking.is_none() => TextParts { answer: Some(""), ..TextParts::open(moved) },
            _ => TextParts::open(moved),
        }
    } else {
        match reader.closed(text, begun) {
            Some(parts) => parts,
            None if marks::harmony(text).is_some() => TextParts::open(text),
            None if reader.may_end(text, begun) => {
                TextParts { answer: Some(text), place: VerdictPlace::LastLine, ..TextParts::open("") }
            }
            None if reader.opens(text, begun) => TextParts::open(text),
            None if !moved.is_empty() => TextParts { answer: Some(text), ..TextParts::open("") },
            None if reader.opened => TextParts::open(text),
            None => {
                let place = if opening == Opening::Unknown { VerdictPlace::LineEnd } else { VerdictPlace::Anywhere };
                TextParts { answer: Some(text), place, ..TextParts::open("") }
            }
        }
    };
    if let Some(answer) = parts.answer {
        // Thinking that the answer opens again ends where it is closed again.
        let begun = if answer.len() == read.len() { begun } else { leading(answer) };
        let (answer, again) = match begun {
            Some(LeadingThinking::Closed(_, end)) => (&answer[end..], leading(&answer[end..])),
            _ => (answer, begun),
        };
        match marks::reopened(answer, thinking) {
            _ if reader.may_end(answer, again) => parts.place = VerdictPlace::LastLine,
            _ if begun == Some(LeadingThinking::Open) => parts = TextParts::open(text),
            _ if marks::harmony(answer) == Some(Harmony::Open) => parts = TextParts::open(text),
            Err(()) => parts = TextParts::open(text),
            Ok(Some(end)) => parts.answer = Some(&answer[end..]),
            Ok(None) => parts.answer = Some(answer),
        }
    }
    let parts = parts.of(&masked, [&completion.text, completion.reasoning.as_deref().unwrap_or("")]);
    let moved = completion.reasoning.as_deref().unwrap_or("");
    let joined = match (moved.is_empty() || text.trim().is_empty(), parts.thinking.is_empty()) {
        (true, _) => Cow::Borrowed(parts.thinking),
        (false, true) => Cow::Borrowed(moved),
        (false, false) => Cow::Owned(format!("{moved}\n{}", parts.thinking)),
    };
    let thought = joined.trim_start();
    let thought = thinking.and_then(|own| thought.strip_prefix(&own.open)).unwrap_or(thought);
    Transcript {
        thinking: thought.trim().to_owned(),
        mark: parts.mark.to_owned(),
        answer: parts.answer.unwrap_or_default().trim().to_owned(),
        closed: parts.answer.is_some(),
        truncated: completion.finish == Finish::Length,
        place: parts.place,
    }
}

/// Returns whether a rendered prompt ends with an opening mark of thinking.
pub fn ends_open(prompt: &str) -> bool {
    let prompt = prompt.trim_end();
    let starts = prompt.char_indices().rev().filter(|(_, c)| matches!(c, '<' | '[' | '\u{25c1}')).take(2);
    starts.into_iter().any(|(at, _)| marks::opening(&prompt[at..]).is_some_and(|mark| at + mark.length == prompt.len()))
}

/// Returns whether a completion closes thinking that it did not open.
pub fn closes_unopened(text: &str) -> bool {
    marks::harmony(text).is_none() && marks::opening(text.trim_start()).is_none() && marks::last_closing(text).is_some()
}

/// Returns whether a completion holds known marks of thinking.
pub fn is_marked(text: &str) -> bool {
    marks::harmony(text).is_some() || marks::opening(text.trim_start()).is_some() || marks::last_closing(text).is_some()
}

/// Returns whether a response begins with reasoning in marks that [`bare`] leaves in it, because they may be part of the answer that was asked for.
pub fn reasons_in_marks(response: &str) -> bool {
    let judged = bare(response);
    let begun = judged.text.trim_start();
    let known = matches!(leading(begun), Some(LeadingThinking::Closed(..) | LeadingThinking::Open));
    known && begun.starts_with(['<', '[', '&', '\\', '\u{25c1}']) && !begun.starts_with("<!--") && &*judged.text != NO_ANSWER
}

/// A text, split into thinking and answer.
struct TextParts<'a> {
    thinking: &'a str,
    /// Mark that closed the thinking; empty if there is none.
    mark: &'a str,
    /// The answer; `None` if the thinking was never closed.
    answer: Option<&'a str>,
    place: VerdictPlace,
}

impl<'a> TextParts<'a> {
    fn open(thinking: &'a str) -> Self {
        TextParts { thinking, mark: "", answer: None, place: VerdictPlace::Anywhere }
    }

    /// Returns the same parts of the original texts, if these are parts of masked texts of the same length.
    fn of<'t>(&self, masked: &[Cow<'_, str>; 2], texts: [&'t str; 2]) -> TextParts<'t> {
        let place = |part: &str| {
            let inside = |masked: &str| {
                let at = (part.as_ptr() as usize).checked_sub(masked.as_ptr() as usize)?;
                (at + part.len() <= masked.len()).then_some(at)
            };
            let found = masked.iter().zip(texts).find_map(|(masked, text)| Some((inside(masked)?, text)));
            found.map_or("", |(at, text)| &text[at..at + part.len()])
        };
        TextParts { thinking: place(self.thinking), mark: place(self.mark), answer: self.answer.map(place), place: self.place }
    }
}

/// A reader of completions, with what is known before the text is read.
struct TranscriptReader<'a> {
    own: Option<&'a Thinking>,
    /// Whether the chat template opened the thinking.
    opened: bool,
    elicited: bool,
}

impl TranscriptReader<'_> {
    /// Splits the text at the last mark that closes thinking; `None` if there is none.
    fn closed<'t>(&self, text: &'t str, leading: Option<LeadingThinking>) -> Option<TextParts<'t>> {
        match marks::harmony(text) {
            Some(Harmony::Final { thinking, mark, answer }) => {
                return Some(TextParts { mark, answer: Some(answer), ..TextParts::open(thinking) });
            }
            Some(Harmony::Open) => return None,
            None => {}
        }
        let own = self.own.map(|own| own.close.as_str());
        let begun = text.trim_start();
        let begins_own = self.own.is_some_and(|own| begun.starts_with(&own.open));
        // Other words and tags than those of thinking say nothing about thinking that the chat template opened.
        let named = marks::opening(begun).is_some();
        let other = leading.filter(|other| !begins_own && (named || !self.opened) && *other != LeadingThinking::Titled);
        let cut = match (other, own) {
            // Another model's thinking is closed by its own mark, or by the format's if the text was cut and the elicitation closed it.
            (Some(LeadingThinking::Closed(start, end)), _) => (start, end),
            (Some(LeadingThinking::Open), _) => self.elicited.then(|| last_of(text, own?)).flatten()?,
            (_, Some(own)) if begins_own || self.opened => last_of(text, own).or_else(|| marks::last_closing(text))?,
            (_, own) => own.and_then(|own| last_of(text, own)).max(marks::last_closing(text))?,
        };
        let cut = match own.and_then(|own| last_of(&text[cut.1..], own)) {
            Some((start, end)) => (cut.1 + start, cut.1 + end),
            None => cut,
        };
        Some(behind(text, cut))
    }

    /// Returns whether the text begins with thinking that may have ended without a mark: under a heading, or where the elicitation ended it.
    fn may_end(&self, text: &str, leading: Option<LeadingThinking>) -> bool {
        match leading {
            Some(LeadingThinking::Titled) => !self.opened,
            Some(LeadingThinking::Open) => self.elicited && !self.opened && marks::opening(text.trim_start()).is_none(),
            _ => false,
        }
    }

    /// Returns whether the text opens thinking, which is then never closed.
    fn opens(&self, text: &str, leading: Option<LeadingThinking>) -> bool {
        self.own.is_some_and(|own| text.lines().any(|line| line.trim_start().starts_with(&own.open)))
            || matches!(leading, Some(LeadingThinking::Open | LeadingThinking::Closed(..)))
    }
}

fn last_of(text: &str, mark: &str) -> Option<(usize, usize)> {
    text.rfind(mark).map(|at| (at, at + mark.len()))
}

/// Returns the parts around the closing mark at `cut`. If no text follows it and the same mark stands before it too, the second mark closed nothing.
fn behind(text: &str, (start, end): (usize, usize)) -> TextParts<'_> {
    let (thinking, answer, mark) = (&text[..start], &text[end..], &text[start..end]);
    if mark.is_empty() {
        return TextParts { answer: Some(answer), ..TextParts::open(thinking) };
    }
    let mut front = thinking.trim_end();
    while let Some(shorter) = front.strip_suffix(mark) {
        front = shorter.trim_end();
    }
    match front.rsplit_once(mark) {
        Some((thinking, between)) if answer.trim().is_empty() => {
            TextParts { thinking, mark, answer: Some(between), place: VerdictPlace::End }
        }
        _ => TextParts { mark, answer: Some(answer), ..TextParts::open(thinking) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Usage;

    fn markers(opened_by_template: bool) -> Thinking {
        Thinking { open: "<think>".into(), close: "</think>".into(), opened_by_template }
    }

    fn completion(text: &str, reasoning: Option<&str>) -> Completion {
        Completion {
            text: text.into(),
            reasoning: reasoning.map(Into::into),
            finish: Finish::Stop,
            elicited: false,
            usage: Usage::default(),
            label_logprobs: None,
        }
    }

    #[test]
    fn the_last_closing_marker_counts() {
        let t = split(&completion("<think>a </think> b</think> c", None), Some(&markers(false)));
        assert_eq!((t.thinking.as_str(), t.answer.as_str(), t.closed), ("a </think> b", "c", true));
    }

    #[test]
    fn a_marker_opened_by_the_template_need_not_be_in_the_text() {
        let t = split(&completion("a </think> c", None), Some(&markers(true)));
        assert_eq!((t.thinking.as_str(), t.answer.as_str()), ("a", "c"));
        assert!(!split(&completion("never closed", None), Some(&markers(true))).closed);
    }

    #[test]
    fn thinking_moved_by_the_server_leaves_the_content_as_answer() {
        let t = split(&completion("c", Some("a")), Some(&markers(true)));
        assert_eq!((t.thinking.as_str(), t.answer.as_str(), t.closed), ("a", "c", true));
    }

    #[test]
    fn everything_moved_and_nothing_closed_is_not_an_answer() {
        let t = split(&completion("", Some("I think \\boxed{Assistant 1}")), Some(&markers(true)));
        assert!(!t.closed && t.answer.is_empty());
        let t = split(&completion("", Some("a</think>c")), Some(&markers(true)));
        assert_eq!((t.answer.as_str(), t.closed), ("c", true));
    }

    #[test]
    fn a_model_that_does_not_think_answers_with_the_whole_text() {
        let t = split(&completion("just this", None), Some(&markers(false)));
        assert_eq!((t.answer.as_str(), t.closed), ("just this", true));
    }
}
