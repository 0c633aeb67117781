//! Conversations: the messages that a user typed and the messages that an engine is sent.

use serde::{Deserialize, Serialize};

/// Who speaks in a [`Message`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions of whoever runs the model; `developer` is read as the same.
    #[serde(alias = "developer")]
    System,
    /// The person who asks.
    User,
    /// The model that answers.
    Assistant,
    /// The reply of a tool that the model called.
    Tool,
}

impl Role {
    /// The role's name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        }
    }
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, as plain text.
    pub content: String,
}

impl Message {
    /// A user's turn.
    pub fn user(content: impl Into<String>) -> Self {
        Message { role: Role::User, content: content.into() }
    }
}

/// Turns as one text, each with the name of who speaks, and empty lines between them.
pub fn dialogue(messages: &[Message]) -> String {
    let name = |role| match role {
        Role::System => "System",
        Role::User => "User",
        Role::Assistant => "Assistant",
        Role::Tool => "Tool",
    };
    messages.iter().map(|m| format!("{}: {}", name(m.role), m.content)).collect::<Vec<_>>().join("\n\n")
}
