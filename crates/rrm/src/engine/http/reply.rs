//! The JSON that comes back from a server, turned into a [`Reply`].
//!
//! Replies are read leniently where servers differ (null content, lists of parts, thinking under either name, no usage) and
//! strictly where an answer could be mistaken for another: without a choice, a message or readable text there is no reply.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::engine::{
    Finish, Usage,
    http::failure::{self, Failure},
};

/// One completion as a server gave it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub text: String,
    pub reasoning: Option<String>,
    pub finish: Finish,
    pub stopped_by: StoppedBy,
    pub usage: Usage,
    pub cached_prompt_tokens: u64,
    /// Whether log-probabilities came with it.
    pub logprobs: bool,
}

/// What ended a text, where the server tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoppedBy {
    /// This stop string.
    Text(String),
    /// The model itself.
    End,
    /// The server does not say.
    Unsaid,
}

#[derive(Deserialize)]
struct ReplyJson {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<UsageJson>,
    #[serde(default)]
    error: Option<Value>,
}

/// One choice of a reply or of a streamed chunk.
#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    message: Option<MessageJson>,
    #[serde(default)]
    delta: Option<MessageJson>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    finish_reason: Option<String>,
    /// The stop string that ended the text, or null or a token when the model ended it (vLLM).
    #[serde(default, deserialize_with = "present")]
    stop_reason: Option<Value>,
    /// The same (SGLang).
    #[serde(default, deserialize_with = "present")]
    matched_stop: Option<Value>,
    #[serde(default)]
    logprobs: Option<Value>,
}

#[derive(Default, Deserialize)]
struct MessageJson {
    #[serde(default)]
    content: Content,
    #[serde(default)]
    reasoning: Option<String>,
    #[serde(default)]
    reasoning_content: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
struct UsageJson {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Clone, Copy, Default, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

/// Text and thinking of a message: a string, null, or a list of parts.
#[derive(Default)]
struct Content {
    text: String,
    thinking: String,
}

/// Reads a whole reply; `max_tokens` is what was asked for, which tells a cut from an end where the server says neither.
pub(crate) fn parse(body: &[u8], max_tokens: u32) -> Result<Reply, Failure> {
    let reply: ReplyJson = serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string(), body))?;
    if let Some(error) = reply.error.filter(|error| !error.is_null()) {
        return Err(failure::error_object(&error));
    }
    let choice = reply.choices.and_then(|choices| choices.into_iter().next());
    let choice = choice.ok_or_else(|| unreadable("no choices", body))?;
    if choice.message.is_none() && choice.text.is_none() {
        return Err(unreadable("neither `message` nor `text` in the choice", body));
    }
    let mut written = Written { usage: reply.usage.unwrap_or_default(), ..Written::default() };
    written.add(choice, |_| ());
    if written.reason.is_none() && written.text.is_empty() && written.thinking.is_empty() {
        return Err(unreadable("an answer without text and without a reason for its end", body));
    }
    written.finished(max_tokens)
}

/// Reads one event of a stream into `written`; `tell` gets the new text, thinking included.
pub(crate) fn parse_chunk(data: &[u8], written: &mut Written, tell: impl FnMut(&str)) -> Result<(), Failure> {
    let chunk: ReplyJson = serde_json::from_slice(data).map_err(|error| unreadable(&error.to_string(), data))?;
    if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
        return Err(failure::error_object(&error));
    }
    if let Some(usage) = chunk.usage {
        written.usage = usage;
    }
    if let Some(choice) = chunk.choices.and_then(|choices| choices.into_iter().next()) {
        written.add(choice, tell);
    }
    Ok(())
}

/// What was written so far, and why it ended if it did.
#[derive(Default)]
pub(crate) struct Written {
    text: String,
    thinking: String,
    logprobs: bool,
    /// The reason for the end; a stream without one was cut off.
    pub reason: Option<String>,
    stop_reason: Option<Value>,
    usage: UsageJson,
}

impl Written {
    fn add(&mut self, choice: Choice, mut tell: impl FnMut(&str)) {
        let message = choice.message.or(choice.delta).unwrap_or_default();
        // Servers that send both names for thinking send the same thing twice.
        let named = [message.reasoning, message.reasoning_content].into_iter().flatten();
        let thinking = named.chain([message.content.thinking]).find(|text| !text.is_empty());
        // `text` is what `/v1/completions` calls it.
        let text = Some(message.content.text).filter(|text| !text.is_empty()).or(choice.text);
        for (all, new) in [(&mut self.thinking, thinking), (&mut self.text, text)] {
            let new = new.unwrap_or_default();
            if !new.is_empty() {
                tell(&new);
                // The first piece is usually the whole, and is moved instead of copied.
                if all.is_empty() { *all = new } else { all.push_str(&new) }
            }
        }
        self.logprobs |= choice.logprobs.is_some_and(|value| holds_tokens(&value));
        self.reason = choice.finish_reason.or(self.reason.take());
        self.stop_reason = choice.stop_reason.or(choice.matched_stop).or(self.stop_reason.take());
    }

    /// The reply, now that it is complete.
    ///
    /// `content_filter` is an error and not a completion: the text is the service's, not the judge's.
    pub fn finished(self, max_tokens: u32) -> Result<Reply, Failure> {
        let completion_tokens = self.usage.completion_tokens.unwrap_or_default();
        let finish = match self.reason.as_deref() {
            Some("length" | "max_tokens" | "max_length" | "model_length") => Finish::Length,
            Some("stop") => Finish::Stop,
            Some("content_filter") => {
                return Err(Failure::Withheld(
                    "the service's content filter withheld the answer (finish_reason content_filter)".to_owned(),
                ));
            }
            Some(reason @ ("abort" | "error")) => {
                return Err(Failure::Unreadable(format!("the server gave up (finish_reason {reason})")));
            }
            // Another word, or none: only the count can tell.
            _ if completion_tokens >= u64::from(max_tokens) => Finish::Length,
            _ => Finish::Stop,
        };
        Ok(Reply {
            text: self.text,
            reasoning: Some(self.thinking).filter(|text| !text.is_empty()),
            finish,
            stopped_by: match self.stop_reason {
                None => StoppedBy::Unsaid,
                Some(Value::String(text)) => StoppedBy::Text(text),
                Some(_) => StoppedBy::End,
            },
            usage: Usage { prompt_tokens: self.usage.prompt_tokens.unwrap_or_default(), completion_tokens },
            cached_prompt_tokens: self.usage.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or_default(),
            logprobs: self.logprobs,
        })
    }
}

fn holds_tokens(logprobs: &Value) -> bool {
    ["content", "token_logprobs"]
        .iter()
        .any(|name| logprobs.get(name).and_then(Value::as_array).is_some_and(|list| !list.is_empty()))
}

/// The failure of an answer that is not what it should be, with its first words.
pub(crate) fn unreadable(what: &str, body: &[u8]) -> Failure {
    Failure::Unreadable(format!("{what}: {}", failure::excerpt(&String::from_utf8_lossy(body))))
}

/// Keeps a null that was sent apart from a field that was not.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> de::Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("text, null or a list of parts")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::default())
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content { text: text.to_owned(), ..Content::default() })
    }

    fn visit_string<E>(self, text: String) -> Result<Content, E> {
        Ok(Content { text, ..Content::default() })
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut parts: A) -> Result<Content, A::Error> {
        #[derive(Deserialize)]
        struct Part {
            #[serde(default)]
            text: Option<String>,
            #[serde(default)]
            thinking: Option<Content>,
        }
        let mut content = Content::default();
        while let Some(part) = parts.next_element::<Part>()? {
            content.text.push_str(part.text.as_deref().unwrap_or_default());
            content.thinking.push_str(&part.thinking.unwrap_or_default().text);
        }
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(reply: Value) -> Result<Reply, Failure> {
        parse(reply.to_string().as_bytes(), 8)
    }

    fn choice(choice: Value) -> Reply {
        read(json!({"choices": [choice]})).unwrap()
    }

    #[test]
    fn content_is_text_null_or_parts() {
        let reply =
            choice(json!({"finish_reason": "stop", "message": {"content": null, "reasoning_content": "why", "reasoning": ""}}));
        assert_eq!((reply.text.as_str(), reply.reasoning.as_deref(), reply.finish), ("", Some("why"), Finish::Stop));
        let parts = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
        let reply = choice(json!({"finish_reason": "length", "message": {"content": parts}}));
        assert_eq!((reply.text.as_str(), reply.reasoning.as_deref(), reply.finish), ("ab", Some("hm"), Finish::Length));
        let twice =
            choice(json!({"finish_reason": "stop", "message": {"content": "x", "reasoning": "r", "reasoning_content": "r"}}));
        assert_eq!(twice.reasoning.as_deref(), Some("r"));
    }

    #[test]
    fn who_stopped_it_is_kept_where_it_is_said() {
        let by = |extra: Value| choice(extra).stopped_by;
        let message = json!({"content": "x"});
        assert_eq!(by(json!({"message": message, "finish_reason": "stop"})), StoppedBy::Unsaid);
        assert_eq!(by(json!({"message": message, "finish_reason": "stop", "stop_reason": null})), StoppedBy::End);
        assert_eq!(by(json!({"message": message, "finish_reason": "stop", "stop_reason": "}"})), StoppedBy::Text("}".to_owned()));
        assert_eq!(by(json!({"message": message, "finish_reason": "stop", "matched_stop": 2})), StoppedBy::End);
    }

    #[test]
    fn a_missing_reason_is_read_from_the_count() {
        let reply = |tokens: u64| {
            read(json!({"choices": [{"message": {"content": "x"}}], "usage": {"completion_tokens": tokens}})).unwrap()
        };
        assert_eq!((reply(8).finish, reply(7).finish), (Finish::Length, Finish::Stop));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let bad = [
            json!({}),
            json!({"choices": []}),
            json!({"choices": null}),
            json!({"choices": [{}]}),
            json!({"choices": [{"message": {}}]}),
            json!({"choices": [{"message": {"content": 7}, "finish_reason": "stop"}]}),
            json!({"choices": [{"message": "text", "finish_reason": "stop"}]}),
            json!({"choices": [{"message": {"content": "x"}, "finish_reason": "abort"}]}),
            json!({"choices": "x"}),
            json!([]),
        ];
        for reply in bad {
            assert!(matches!(read(reply.clone()), Err(Failure::Unreadable(_))), "{reply}");
        }
        let filtered = read(json!({"choices": [{"message": {"content": "x"}, "finish_reason": "content_filter"}]}));
        assert!(matches!(filtered, Err(Failure::Withheld(_))));
        let error = read(json!({"error": {"message": "busy", "code": 503}, "choices": []}));
        assert!(matches!(error, Err(Failure::Status { status: 503, .. })));
    }
}
