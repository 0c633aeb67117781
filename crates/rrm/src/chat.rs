//! Conversations: the messages of a user's prompt and the messages of a request.

use serde::{Deserialize, Serialize};

/// The speaker of a [`Message`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The operator of the model, with instructions; `developer` is read as the same.
    #[serde(alias = "developer")]
    System,
    /// The person who asks.
    User,
    /// The model that answers.
    Assistant,
    /// A tool that the model called, with its reply.
    Tool,
}

impl Role {
    /// Returns the role's name in JSON.
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
    /// Role of the speaker.
    pub role: Role,
    /// Content, as plain text.
    pub content: String,
}

impl Message {
    /// Returns a user's turn.
    pub fn user(content: impl Into<String>) -> Self {
        Message { role: Role::User, content: content.into() }
    }
}

/// Returns turns as one text, each with the name of its speaker, separated by empty lines.
pub fn dialogue(messages: &[Message]) -> String {
    let name = |role| match role {
        Role::System => "System",
        Role::User => "User",
        Role::Assistant => "Assistant",
        Role::Tool => "Tool",
    };
    messages.iter().map(|m| format!("{}: {}", name(m.role), m.content)).collect::<Vec<_>>().join("\n\n")
}
