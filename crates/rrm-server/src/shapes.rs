//! JSON of requests and replies. Unknown keys on the project's own routes are refused, so that a misspelt option is not taken for a default.

use rrm::{
    chat::{Message, Role},
    dataset,
    ranking::rating::Score,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::ApiError,
    settings::{OnPartial, Scale},
};

/// A text or a conversation. It is parsed once its group is known, so that waiting members learn what is wrong with it.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct TextInput(Value);

/// How [`TextInput`] is described.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "a description, which is never built")]
pub enum TextOrTurns {
    /// As it is.
    Text(String),
    /// Messages with role and content.
    Turns(Vec<TurnShape>),
}

/// How a message is described.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "a description, which is never built")]
pub struct TurnShape {
    /// Who speaks.
    #[schema(value_type = TurnRole)]
    role: (),
    /// What is said; null is empty text.
    #[schema(value_type = Option<TextOrParts>)]
    content: (),
}

/// How what a message says is described.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "a description, which is never built")]
pub enum TextOrParts {
    /// As it is.
    Text(String),
    /// Parts, which are joined.
    Parts(Vec<PartShape>),
}

/// How a part is described.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "a description, which is never built")]
pub struct PartShape {
    /// What it is.
    #[schema(value_type = PartType)]
    r#type: (),
    /// What it says.
    #[schema(value_type = String)]
    text: (),
}

/// What a part is: nothing but text can be judged.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "a description, which is never built")]
pub enum PartType {
    /// Text.
    Text,
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

impl TextInput {
    /// Makes the input of a plain text.
    pub fn text(text: impl Into<String>) -> Self {
        TextInput(Value::String(text.into()))
    }

    /// Parses the conversation that responses answer.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] if it is empty, or neither a text nor messages of text.
    pub fn prompt(self) -> Result<Vec<Message>, ApiError> {
        let messages = match self.read("prompt", PROMPT)? {
            dataset::TurnsOrText::Text(text) => vec![Message::user(text)],
            dataset::TurnsOrText::Turns(turns) => turns,
        };
        dataset::check_prompt(&messages, "prompt").map_err(invalid)?;
        Ok(messages)
    }

    /// Parses a response to `prompt`: a text, or the last message of the assistant. Results of tools behind that message are not part of the
    /// response.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for messages without one of the assistant, for a conversation about another prompt, and for anything but a text or
    /// messages of text.
    pub fn response(self, prompt: &[Message], place: &str) -> Result<String, ApiError> {
        match self.read(place, RESPONSE)? {
            dataset::TurnsOrText::Text(text) => Ok(text),
            dataset::TurnsOrText::Turns(turns) => {
                dataset::check_response(prompt, &turns, place).map_err(invalid)?;
                last(turns, place).map(|turn| turn.content)
            }
        }
    }

    /// Parses a prompt and its responses with the rules for rows of files.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for anything that is an error in a file.
    pub fn row(prompt: Self, responses: Vec<Self>) -> Result<(Vec<Message>, Vec<String>), ApiError> {
        let prompt = prompt.read("prompt", PROMPT)?;
        let response = |(i, said): (usize, TextInput)| {
            let place = format!("responses[{i}]");
            Ok(match said.read(&place, RESPONSE)? {
                dataset::TurnsOrText::Turns(mut turns)
                    if turns.iter().any(|turn| matches!(turn.role, Role::User | Role::System)) =>
                {
                    // Results of tools behind the assistant's last message are not part of the response.
                    let end = turns.iter().rposition(|turn| turn.role != Role::Tool).map_or(0, |at| at + 1);
                    turns.truncate(end);
                    dataset::TurnsOrText::Turns(turns)
                }
                dataset::TurnsOrText::Turns(turns) => dataset::TurnsOrText::Turns(vec![last(turns, &place)?]),
                text => text,
            })
        };
        let responses = responses.into_iter().enumerate().map(response).collect::<Result<Vec<_>, ApiError>>()?;
        dataset::answers(prompt, responses).map_err(invalid)
    }

    /// Parses as in files of rows, except that a number is not a text, and null in a message is an empty text.
    fn read(mut self, place: &str, expected: &'static str) -> Result<dataset::TurnsOrText, ApiError> {
        if !(self.0.is_string() || self.0.as_array().is_some_and(|list| !list.is_empty())) {
            return Err(ApiError::Invalid(dataset::wrong_type(place, expected, &self.0).to_string()));
        }
        for content in self.0.as_array_mut().into_iter().flatten().filter_map(|turn| turn.get_mut("content")) {
            if content.is_null() {
                *content = Value::String(String::new());
            } else if !(content.is_string() || content.is_array()) {
                const TEXT: &str = "text or a list of text parts";
                return Err(ApiError::Invalid(dataset::wrong_type(&format!("{place}: content"), TEXT, content).to_string()));
            }
        }
        dataset::said(&self.0, place, expected).map_err(invalid)
    }
}

const PROMPT: &str = "a text or a list of messages";
const RESPONSE: &str = "a text, or messages of which the assistant's last one is judged";

pub(crate) fn invalid(problem: dataset::RowProblem) -> ApiError {
    ApiError::Invalid(problem.to_string())
}

/// Returns the last message of the assistant.
fn last(turns: Vec<Message>, place: &str) -> Result<Message, ApiError> {
    let none = || ApiError::Invalid(format!("`{place}` has no message of the assistant, which is what is judged"));
    turns.into_iter().rfind(|turn| turn.role == Role::Assistant).ok_or_else(none)
}

/// `POST /v1/groups`.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupRequest {
    /// The group's key; one for each prompt of each step.
    pub group: String,
    /// Members of the group; left out where the server was told.
    pub size: Option<usize>,
    /// Which member this is, so that a retry joins itself. A key has one group of members with names.
    pub member: Option<String>,
    /// In place of `member`, any text that only the retries of this request have too: a retry joins itself, and a key may have several
    /// groups, filled one after the other.
    pub idempotency_key: Option<String>,
    /// What the responses answer.
    #[schema(value_type = TextOrTurns)]
    pub prompt: TextInput,
    /// This member's response.
    #[schema(value_type = TextOrTurns)]
    pub response: TextInput,
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
    /// What was taken off the response before it was judged: tokens at its ends, and `thinking` before the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taken_off: Vec<String>,
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
    pub prompt: TextInput,
    /// The responses: two for `/v1/judge`, two or more for `/v1/rank`.
    #[schema(value_type = Vec<TextOrTurns>, min_items = 2)]
    pub responses: Vec<TextInput>,
}

/// Parses a body as JSON; errors name the position. A name that comes twice in one of its objects is an error at any depth.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    rrm::dataset::check_names(body)
        .map_err(|twice| ApiError::Invalid(format!("the body is not what this route takes: {twice}")))?;
    serde_json::from_slice(body).map_err(|error| ApiError::Invalid(format!("the body is not what this route takes: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_comes_twice_in_a_body_is_an_error_at_any_depth() {
        let said =
            |body: &str| parse::<RowRequest>(body.as_bytes()).map(|row| row.responses.len()).map_err(|error| error.to_string());
        assert_eq!(said(r#"{"prompt": "Q", "responses": ["a", "b"]}"#), Ok(2));
        for body in [
            r#"{"prompt": "Q", "responses": ["a", "b"], "responses": ["b", "a"]}"#,
            r#"{"prompt": "Q", "responses": [[{"role": "assistant", "content": "a", "content": "longer"}], "b"]}"#,
        ] {
            assert!(said(body).is_err_and(|error| error.contains("comes twice")), "{body}");
        }
    }
}
