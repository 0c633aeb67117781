//! A completion -> thinking and answer, told apart at the last closing marker.

use serde::{Deserialize, Serialize};

use crate::engine::{Completion, Finish};

/// How a model marks its thinking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thinking {
    /// Opens the thinking, such as `<think>`.
    pub open: String,
    /// Closes it, such as `</think>`.
    pub close: String,
    /// Whether the model's chat template writes the opening marker, so that a completion begins inside the thinking.
    #[serde(default)]
    pub opened_by_template: bool,
}

/// What a judge wrote, thinking and answer told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// The reasoning, without its markers.
    pub thinking: String,
    /// What follows the last closing marker: the only place where a verdict counts.
    pub answer: String,
    /// Whether the thinking was closed, or the completion had none to close.
    pub closed: bool,
    /// Whether the token limit cut the text.
    pub truncated: bool,
}

/// Splits a completion at the last closing marker; thinking that the server moved away is taken from where it put it.
///
/// When the server moved everything away and left no text, as vLLM's deepseek_r1 parser does without a closing marker, the
/// thinking was never closed, unless the moved text itself holds the marker.
pub fn split(completion: &Completion, thinking: Option<&Thinking>) -> Transcript {
    let truncated = completion.finish == Finish::Length;
    let moved = completion.reasoning.as_deref().unwrap_or("");
    let Some(markers) = thinking else {
        return Transcript { thinking: moved.to_owned(), answer: completion.text.clone(), closed: true, truncated };
    };
    if completion.text.trim().is_empty() && !moved.is_empty() {
        return match moved.rsplit_once(&markers.close) {
            Some((before, after)) => transcript(markers, before, after, true, truncated),
            None => transcript(markers, moved, "", false, truncated),
        };
    }
    if let Some((before, after)) = completion.text.rsplit_once(&markers.close) {
        let joined = if moved.is_empty() { before.to_owned() } else { format!("{moved}\n{before}") };
        return transcript(markers, &joined, after, true, truncated);
    }
    if !moved.is_empty() {
        return transcript(markers, moved, &completion.text, true, truncated);
    }
    let text = &completion.text;
    if markers.opened_by_template || text.contains(&markers.open) {
        transcript(markers, text, "", false, truncated)
    } else {
        transcript(markers, "", text, true, truncated)
    }
}

fn transcript(markers: &Thinking, thinking: &str, answer: &str, closed: bool, truncated: bool) -> Transcript {
    let thinking = thinking.trim_start();
    let thinking = thinking.strip_prefix(&markers.open).unwrap_or(thinking);
    Transcript { thinking: thinking.trim().to_owned(), answer: answer.trim().to_owned(), closed, truncated }
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
