//! JSON that comes in and goes out. Unknown keys of the project's own routes are refused: a misspelt option must not pass for a default.

use rrm::{
    chat::{Message, Role},
    rating::Score,
};
use serde::{Deserialize, Serialize};

use crate::{
    error::ApiError,
    settings::{OnPartial, Scale},
};

/// Text, or a conversation.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Said {
    /// As it is.
    Text(String),
    /// Messages with role and content.
    Turns(Vec<Message>),
}

/// How [`Said`] is described.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "a description, which is never built")]
pub enum TextOrTurns {
    /// As it is.
    Text(String),
    /// Messages with role and content.
    Turns(Vec<Turn>),
}

/// How a message is described.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "a description, which is never built")]
pub struct Turn {
    /// Who speaks.
    #[schema(value_type = TurnRole)]
    role: (),
    /// What is said.
    #[schema(value_type = String)]
    content: (),
}

/// Who speaks.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "a description, which is never built")]
pub enum TurnRole {
    /// Rules of the conversation.
    System,
    /// Whoever asks.
    User,
    /// Whoever answers.
    Assistant,
}

impl Said {
    /// As the conversation that responses answer.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] if nothing is said.
    pub fn prompt(self) -> Result<Vec<Message>, ApiError> {
        let messages = match self {
            Said::Text(text) => vec![Message::user(text)],
            Said::Turns(turns) => turns,
        };
        match messages.iter().all(|message| message.content.trim().is_empty()) {
            true => Err(ApiError::Invalid("`prompt` is empty; a text or a list of messages was expected".to_owned())),
            false => Ok(messages),
        }
    }

    /// As a response: a text, or the content of one assistant's message.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for other conversations.
    pub fn response(self) -> Result<String, ApiError> {
        match self {
            Said::Text(text) => Ok(text),
            Said::Turns(mut turns) => match turns.pop() {
                Some(Message { role: Role::Assistant, content }) if turns.is_empty() => Ok(content),
                _ => Err(ApiError::Invalid("a response is a text or a list with one message of the assistant".to_owned())),
            },
        }
    }
}

/// `POST /v1/groups`.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupRequest {
    /// The group's key; one for each prompt of each step.
    pub group: String,
    /// Members of the group; left out where the server was told.
    pub size: Option<usize>,
    /// Which member this is, so that a retry joins itself.
    pub member: Option<String>,
    /// What the responses answer.
    #[schema(value_type = TextOrTurns)]
    pub prompt: Said,
    /// This member's response.
    #[schema(value_type = TextOrTurns)]
    pub response: Said,
    /// Seconds from the first member to the deadline.
    pub deadline_seconds: Option<f64>,
    /// What happens then, if somebody is missing.
    pub on_partial: Option<OnPartial>,
    /// How scores become rewards.
    pub scale: Option<Scale>,
}

/// Its answer.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct GroupReply {
    /// The group's key.
    pub group: String,
    /// As asked.
    pub member: Option<String>,
    /// The scaled score.
    pub reward: f64,
    /// Place in the group, the best is 1.
    pub rank: usize,
    /// The score that `rrm rank` gives; null where all members have one text.
    #[schema(value_type = Option<Object>)]
    pub score: Option<Score>,
    /// Members of the group.
    pub size: usize,
    /// Members that were judged.
    pub present: usize,
    /// Different texts among them; with one there was nothing to compare.
    pub distinct: usize,
    /// Matches of the group whose votes named nobody.
    pub undecided: u32,
    /// Of these, matches that a coin decided.
    pub coins: u32,
    /// Whether members were missing.
    pub partial: bool,
    /// Whether this member had asked before.
    pub reused: bool,
    /// Prompt markup found in the response; it was judged as text.
    pub flags: Vec<String>,
    /// Tokens of the whole group's counted votes.
    #[schema(value_type = Object)]
    pub usage: rrm::engine::Usage,
    /// Who judged.
    pub judge: String,
}

/// OpenRLHF's `POST /get_reward`.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
pub struct OpenRlhfRequest {
    /// Templated prompt and response, special tokens kept.
    pub query: Vec<String>,
    /// Templated prompts.
    pub prompts: Vec<String>,
    /// The label column, or nulls.
    #[serde(default)]
    #[schema(value_type = Vec<Value>)]
    pub labels: Vec<Option<serde_json::Value>>,
}

/// Its answer: lists in the order of the samples.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct OpenRlhfReply {
    /// Scaled rewards.
    pub rewards: Vec<f64>,
    /// Rewards from 0 to 1.
    pub scores: Vec<f64>,
    /// Numbers for logs, the same keys every time.
    pub extra_logs: OpenRlhfLogs,
}

/// Numbers for OpenRLHF's logs.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct OpenRlhfLogs {
    /// Places in the group, the best is 1.
    pub rrm_rank: Vec<f64>,
    /// Members that were judged.
    pub rrm_present: Vec<f64>,
    /// Different texts among them.
    pub rrm_distinct: Vec<f64>,
    /// Matches that a coin decided.
    pub rrm_coins: Vec<f64>,
}

/// `POST /v1/judge` and `/v1/rank`: one row.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RowRequest {
    /// Names the row; what is random about it depends on it.
    #[serde(default)]
    pub id: Option<String>,
    /// What the responses answer.
    #[schema(value_type = TextOrTurns)]
    pub prompt: Said,
    /// The responses: two for `/v1/judge`, two or more for `/v1/rank`.
    #[schema(value_type = Vec<TextOrTurns>, min_items = 2)]
    pub responses: Vec<Said>,
}
