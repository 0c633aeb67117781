//! What a judge is shown: a prompt and exactly two responses, in an order.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::chat::Message;

/// A prompt and what belongs to it: everything of a comparison but the two responses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The conversation up to the turn that the responses answer; never empty.
    pub messages: Vec<Message>,
    /// What this row asks to be judged by, for formats that show it.
    pub rubric: Option<String>,
    /// A reference answer, for formats that show it.
    pub reference: Option<String>,
}

impl Prompt {
    /// A single user turn without rubric or reference.
    pub fn text(text: impl Into<String>) -> Self {
        Prompt { messages: vec![Message::user(text)], rubric: None, reference: None }
    }
}

impl From<&str> for Prompt {
    /// A single user turn.
    fn from(text: &str) -> Self {
        Prompt::text(text)
    }
}

impl From<String> for Prompt {
    /// A single user turn.
    fn from(text: String) -> Self {
        Prompt::text(text)
    }
}

impl From<Vec<Message>> for Prompt {
    /// A conversation up to the turn that the responses answer.
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
    /// Which one is labelled better, where that is known. Never shown to a judge; scripted engines and evaluation read it.
    pub label: Option<Side>,
}

impl Comparison {
    /// The same comparison with the two responses in the other order.
    pub fn swapped(&self) -> Self {
        Comparison {
            prompt: self.prompt.clone(),
            first: self.second.clone(),
            second: self.first.clone(),
            label: self.label.map(Side::other),
        }
    }
}

/// One of the two places of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The response that is shown first.
    First,
    /// The response that is shown second.
    Second,
}

impl Side {
    /// The other place.
    pub fn other(self) -> Self {
        match self {
            Side::First => Side::Second,
            Side::Second => Side::First,
        }
    }
}
