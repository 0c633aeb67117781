//! A prompt and exactly two responses, in the order in which a judge sees them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::chat::Message;

/// A prompt with its rubric and reference answer: all of a comparison except the two responses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The conversation up to the turn that the responses answer; never empty.
    pub messages: Vec<Message>,
    /// Rubric of this row, for formats that show it.
    pub rubric: Option<String>,
    /// A reference answer, for formats that show it.
    pub reference: Option<String>,
}

impl Prompt {
    /// Returns a prompt of a single user turn, without rubric and reference.
    pub fn text(text: impl Into<String>) -> Self {
        Prompt { messages: vec![Message::user(text)], rubric: None, reference: None }
    }
}

impl From<&str> for Prompt {
    /// Returns a prompt of a single user turn.
    fn from(text: &str) -> Self {
        Prompt::text(text)
    }
}

impl From<String> for Prompt {
    /// Returns a prompt of a single user turn.
    fn from(text: String) -> Self {
        Prompt::text(text)
    }
}

impl From<Vec<Message>> for Prompt {
    /// Returns a prompt of a conversation up to the turn that the responses answer.
    fn from(messages: Vec<Message>) -> Self {
        Prompt { messages, rubric: None, reference: None }
    }
}

/// A prompt and two responses, in the order in which a judge sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The prompt, shared by all comparisons of one ranking.
    pub prompt: Arc<Prompt>,
    /// The response that is shown first.
    pub first: Arc<str>,
    /// The response that is shown second.
    pub second: Arc<str>,
    /// Position of the response that is labelled better, if one is. It is never shown to a judge; scripted engines and evaluation read it.
    pub label: Option<Side>,
}

impl Comparison {
    /// Returns the same comparison with the two responses in the other order.
    pub fn swapped(&self) -> Self {
        Comparison {
            prompt: self.prompt.clone(),
            first: self.second.clone(),
            second: self.first.clone(),
            label: self.label.map(Side::other),
        }
    }
}

/// One of the two positions of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The response that is shown first.
    First,
    /// The response that is shown second.
    Second,
}

impl Side {
    /// Returns the other position.
    pub fn other(self) -> Self {
        match self {
            Side::First => Side::Second,
            Side::Second => Side::First,
        }
    }
}
