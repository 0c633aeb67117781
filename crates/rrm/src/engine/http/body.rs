//! The JSON bodies of requests.

use serde::{Serialize, Serializer};

use super::prompt_size;
use crate::{
    chat::{Message, Role},
    engine::{Meter, Sampling},
};

/// Body of `/v1/chat/completions` and of `/v1/completions`.
#[derive(Serialize)]
pub(crate) struct Body<'a> {
    pub model: &'a str,
    #[serde(flatten)]
    pub input: BodyInput<'a>,
    pub temperature: f64,
    pub top_p: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    pub max_tokens: u32,
    pub seed: u64,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub stop: &'a [String],
    pub stream: bool,
    /// Needed to get the usage at the end of a stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// Sent only to probe whether a server supports it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub logprobs: bool,
    /// Terms that are not sent.
    #[serde(skip)]
    pub terms: AnswerTerms<'a>,
}

/// The conditions for an answer.
#[derive(Clone, Copy, Default)]
pub(crate) struct AnswerTerms<'a> {
    /// Whether an empty text is a valid answer, see [`ReplyRules::empty`](super::reply::ReplyRules::empty).
    pub may_be_empty: bool,
    /// Meter of retries, and of tokens that are billed without a completion.
    pub meter: Option<&'a dyn Meter>,
}

/// The input of a request: messages, text or tokens.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum BodyInput<'a> {
    /// A conversation, which the server renders.
    Messages {
        messages: Conversation<'a>,
        #[serde(flatten)]
        extra: TemplateFlags,
    },
    /// A rendered prompt.
    Text { prompt: &'a str },
    /// A rendered prompt as token ids.
    Tokens { prompt: &'a [u32] },
}

/// Messages, and an unfinished message of the assistant after them.
#[derive(Clone, Copy)]
pub(crate) struct Conversation<'a> {
    pub messages: &'a [Message],
    pub begun: Option<&'a str>,
}

/// The flags by which a server continues the last message.
#[derive(Clone, Copy, Default, Serialize)]
pub(crate) struct TemplateFlags {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continue_final_message: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add_generation_prompt: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_template_kwargs: Option<Truncation>,
}

/// Cuts the rendered conversation after `max_length` tokens (`transformers serve`).
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Truncation {
    pub truncation: bool,
    pub max_length: u64,
}

#[derive(Clone, Copy, Serialize)]
pub(crate) struct StreamOptions {
    pub include_usage: bool,
}

impl<'a> Body<'a> {
    /// Returns a body without streaming, stop strings and extras.
    pub fn new(model: &'a str, input: BodyInput<'a>, sampling: &Sampling, seed: u64) -> Self {
        Body {
            model,
            input,
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            top_k: sampling.top_k,
            min_p: sampling.min_p,
            max_tokens: sampling.max_tokens,
            seed,
            stop: &[],
            stream: false,
            stream_options: None,
            logprobs: false,
            terms: AnswerTerms::default(),
        }
    }
}

impl<'a> BodyInput<'a> {
    /// Returns the number of words of a prompt, see [`words`](prompt_size::words), without an unfinished message after it; token ids are counted
    /// exactly.
    pub fn words(&self) -> u64 {
        match self {
            BodyInput::Messages { messages, .. } => {
                messages.messages.iter().map(|message| prompt_size::words(&message.content)).sum()
            }
            BodyInput::Text { prompt } => prompt_size::words(prompt),
            BodyInput::Tokens { prompt } => prompt.len() as u64,
        }
    }

    /// Returns the input of a conversation that the assistant answers.
    pub fn ask(messages: &'a [Message]) -> Self {
        BodyInput::Messages { messages: Conversation { messages, begun: None }, extra: TemplateFlags::default() }
    }
}

impl Serialize for Conversation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Turn<'a> {
            role: &'static str,
            content: &'a str,
        }
        let turns = self.messages.iter().map(|message| Turn { role: message.role.as_str(), content: &message.content });
        serializer.collect_seq(turns.chain(self.begun.map(|content| Turn { role: Role::Assistant.as_str(), content })))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_hold_only_what_is_set() {
        let messages = [Message::user("hi")];
        let mut body = Body::new("m", BodyInput::ask(&messages), &Sampling::default(), 7);
        let plain = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 0.6, "top_p": 1.0,
            "max_tokens": 8192, "seed": 7, "stream": false});
        assert_eq!(serde_json::to_value(&body).unwrap(), plain);
        let extra =
            TemplateFlags { continue_final_message: Some(true), add_generation_prompt: Some(false), chat_template_kwargs: None };
        body.input = BodyInput::Messages { messages: Conversation { messages: &messages, begun: Some("on") }, extra };
        let value = serde_json::to_value(&body).unwrap();
        assert_eq!(value["messages"][1], json!({"role": "assistant", "content": "on"}));
        assert_eq!((&value["continue_final_message"], &value["add_generation_prompt"]), (&json!(true), &json!(false)));
        body.input = BodyInput::Tokens { prompt: &[1, 2] };
        assert_eq!(serde_json::to_value(&body).unwrap()["prompt"], json!([1, 2]));
    }
}
