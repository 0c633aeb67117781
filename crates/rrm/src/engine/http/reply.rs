//! The JSON of a server's answer -> a [`ServerReply`].
//!
//! Replies are read leniently if servers differ in form (null content, lists of parts, thinking under either name, usage of any kind or none), and
//! strictly if an answer could be mistaken for another: a reply needs a choice, readable text, and a finish reason that is known to be an end or a
//! limit. Half an answer may state the opposite of the whole.

mod ends;
mod fields;
pub(super) mod mend;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use self::ends::FinishMeaning;
use crate::engine::{
    Finish, Usage,
    http::failure::{self, TryFailure},
};

/// One completion of a server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ServerReply {
    pub text: String,
    pub reasoning: Option<String>,
    pub finish: Finish,
    pub stopped_by: StoppedBy,
    /// Token counts of the server; 0 for those that it does not state.
    pub usage: Usage,
    /// Whether the server counted the tokens of the prompt, and whether it counted those written.
    pub counted: (bool, bool),
    pub cached_prompt_tokens: u64,
    /// Whether log-probabilities came with it.
    pub logprobs: bool,
    /// Whether the server stated why the text ends.
    pub reasoned: bool,
}

/// The rules by which a reply is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplyRules {
    /// Token limit of the request, which distinguishes a cut from an end if the server states neither.
    pub max_tokens: u32,
    /// Whether a complete reply may have no finish reason: only from a server that never states one.
    pub unreasoned: bool,
    /// Whether an empty text is a valid answer, because a stop string may end it before its first character.
    pub empty: bool,
}

/// The cause of a text's end, as far as the server tells.
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
    choices: Option<Vec<ChoiceJson>>,
    #[serde(default)]
    usage: Value,
    #[serde(default)]
    error: Value,
}

/// One choice of a reply or of a streamed chunk.
#[derive(Deserialize)]
struct ChoiceJson {
    /// Index of the choice, if several were written.
    #[serde(default)]
    index: Value,
    #[serde(default)]
    message: Option<MessageJson>,
    #[serde(default)]
    delta: Option<MessageJson>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    finish_reason: Value,
    #[serde(default)]
    error: Value,
    /// The stop string that ended the text, or null or a token when the model ended it (vLLM).
    #[serde(default, deserialize_with = "present")]
    stop_reason: Option<Value>,
    /// The same field of SGLang.
    #[serde(default, deserialize_with = "present")]
    matched_stop: Option<Value>,
    #[serde(default)]
    logprobs: Option<Value>,
}

#[derive(Default, Deserialize)]
struct MessageJson {
    #[serde(default)]
    content: Value,
    #[serde(default)]
    reasoning: Value,
    #[serde(default)]
    reasoning_content: Value,
    /// Text that the model gave in place of an answer that it refused.
    #[serde(default)]
    refusal: Value,
}

/// Reads a whole reply.
pub(crate) fn parse(body: &[u8], reading: ReplyRules) -> Result<ServerReply, TryFailure> {
    let reply: ReplyJson = mend::read(body).map_err(|error| unreadable(&error.to_string(), body))?;
    if fields::is_error(&reply.error) {
        return Err(failure::error_object(&reply.error));
    }
    let mut choices = reply.choices.unwrap_or_default();
    let first = choices.iter().position(is_first).unwrap_or(0);
    let choice = (first < choices.len()).then(|| choices.swap_remove(first));
    let choice = choice.ok_or_else(|| unreadable("no choices", body))?;
    let bare = choice.message.is_none() && choice.text.is_none();
    // A service that reaches its limit while the model thinks may return a choice without a message.
    let cut = fields::reason(&choice.finish_reason).is_some_and(|reason| ends::meaning(&reason) == FinishMeaning::Limit);
    if bare && !cut && !fields::is_error(&choice.error) {
        return Err(unreadable("neither `message` nor `text` in the choice", body));
    }
    let mut written = StreamedText { usage: UsageJson::read(&reply.usage), ..StreamedText::default() };
    written.add(choice, |_| ()).map_err(|what| what.failure(body))?;
    if written.reason.is_none() && !reading.unreasoned {
        return Err(unreadable("no `finish_reason`, which this server gives elsewhere: the answer may be half of one", body));
    }
    if written.reason.is_none() && written.text.is_empty() && written.thinking.is_empty() {
        return Err(unreadable("an answer without text and without a reason for its end", body));
    }
    written.finished(reading)
}

/// Reads one event of a stream into `written`; `tell` receives the new text, thinking included.
pub(crate) fn parse_chunk(data: &[u8], written: &mut StreamedText, tell: impl FnMut(&str)) -> Result<(), TryFailure> {
    let chunk: ReplyJson = mend::read(data).map_err(|error| unreadable(&error.to_string(), data))?;
    if fields::is_error(&chunk.error) {
        return Err(failure::error_object(&chunk.error));
    }
    if !chunk.usage.is_null() {
        written.usage = UsageJson::read(&chunk.usage);
    }
    // Parts of other choices belong to other answers.
    if let Some(choice) = chunk.choices.and_then(|choices| choices.into_iter().find(is_first)) {
        written.add(choice, tell).map_err(|what| what.failure(data))?;
    }
    Ok(())
}

/// Returns whether a choice is the first one; a choice without an index is.
fn is_first(choice: &ChoiceJson) -> bool {
    choice.index.as_u64().is_none_or(|index| index == 0)
}

/// The token counts of a server; `None` where it gave none, or an invalid one.
#[derive(Clone, Copy, Default)]
struct UsageJson {
    prompt: Option<u64>,
    completion: Option<u64>,
    cached: Option<u64>,
}

impl UsageJson {
    fn read(usage: &Value) -> Self {
        let count = |name: &str| usage.get(name).and_then(fields::count);
        let detail = usage.get("prompt_tokens_details").and_then(|details| details.get("cached_tokens")).and_then(fields::count);
        let names = ["cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens"];
        let cached = detail.or_else(|| names.iter().find_map(|name| count(name)));
        UsageJson { prompt: count("prompt_tokens"), completion: count("completion_tokens"), cached }
    }

    fn usage(self) -> Usage {
        Usage { prompt_tokens: self.prompt.unwrap_or_default(), completion_tokens: self.completion.unwrap_or_default() }
    }

    fn known(self) -> Option<Usage> {
        (self.prompt.is_some() || self.completion.is_some()).then(|| self.usage())
    }
}

/// The reason why a choice cannot be read.
enum ChoiceError {
    /// Its content is no text.
    Content,
    /// It holds an error.
    Error(Value),
}

impl ChoiceError {
    fn failure(self, body: &[u8]) -> TryFailure {
        match self {
            ChoiceError::Content => unreadable("`content` is neither text, null nor a list of parts", body),
            ChoiceError::Error(error) => failure::error_object(&error),
        }
    }
}

/// The text that was streamed so far, and the reason why it ended, if it did.
#[derive(Default)]
pub(crate) struct StreamedText {
    text: String,
    thinking: String,
    logprobs: bool,
    /// The reason for the end; a stream without one was cut off.
    pub reason: Option<String>,
    stop_reason: Option<Value>,
    usage: UsageJson,
}

impl StreamedText {
    fn add(&mut self, choice: ChoiceJson, mut tell: impl FnMut(&str)) -> Result<(), ChoiceError> {
        if fields::is_error(&choice.error) {
            return Err(ChoiceError::Error(choice.error));
        }
        let message = choice.message.or(choice.delta).unwrap_or_default();
        let (content, thought) = fields::content(&message.content).ok_or(ChoiceError::Content)?;
        // Servers that send thinking under both names send the same text twice.
        let named = [&message.reasoning, &message.reasoning_content].map(fields::thinking);
        let thinking = named.into_iter().chain([thought]).find(|text| !text.is_empty());
        let refusal = || message.refusal.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        // `text` is the name in `/v1/completions`.
        let text = Some(content).filter(|text| !text.is_empty()).or(choice.text).or_else(refusal);
        for (all, new) in [(&mut self.thinking, thinking), (&mut self.text, text)] {
            let new = new.unwrap_or_default();
            if !new.is_empty() {
                tell(&new);
                // The first part is usually the whole, and is moved instead of copied.
                if all.is_empty() { *all = new } else { all.push_str(&new) }
            }
        }
        self.logprobs |= choice.logprobs.is_some_and(|value| holds_tokens(&value));
        self.reason = fields::reason(&choice.finish_reason).or(self.reason.take());
        self.stop_reason = choice.stop_reason.or(choice.matched_stop).or(self.stop_reason.take());
        Ok(())
    }

    /// Returns the bytes of all text so far.
    pub fn len(&self) -> usize {
        self.text.len() + self.thinking.len()
    }

    /// Returns the reply, now that it is complete.
    ///
    /// A text that a service withheld is an error and not a completion, because it is the service's and not the judge's.
    pub fn finished(self, reading: ReplyRules) -> Result<ServerReply, TryFailure> {
        let usage = self.usage.known();
        let completion_tokens = self.usage.completion.unwrap_or_default();
        let finish = match self.reason.as_deref().map(|reason| (reason, ends::meaning(reason))) {
            Some((_, FinishMeaning::Stop)) => Finish::Stop,
            Some((_, FinishMeaning::Limit)) => Finish::Length,
            Some((reason, FinishMeaning::Withheld)) => {
                let detail = format!("the service's content filter withheld the answer (finish_reason {reason})");
                return Err(TryFailure::Withheld { detail, usage });
            }
            Some((reason, FinishMeaning::Other)) => {
                let detail = format!("the answer did not come to a proper end (finish_reason {reason})");
                return Err(TryFailure::NoAnswer { detail, usage });
            }
            // Only the count can tell whether the limit was reached.
            None if completion_tokens >= u64::from(reading.max_tokens) => Finish::Length,
            None => Finish::Stop,
        };
        if finish == Finish::Stop && !reading.empty && self.text.trim().is_empty() && self.thinking.trim().is_empty() {
            return Err(TryFailure::NoAnswer { detail: "the answer is empty".to_owned(), usage });
        }
        Ok(ServerReply {
            text: self.text,
            reasoning: Some(self.thinking).filter(|text| !text.is_empty()),
            finish,
            stopped_by: match self.stop_reason {
                None => StoppedBy::Unsaid,
                Some(Value::String(text)) => StoppedBy::Text(text),
                Some(_) => StoppedBy::End,
            },
            usage: self.usage.usage(),
            counted: (self.usage.prompt.is_some(), self.usage.completion.is_some()),
            cached_prompt_tokens: self.usage.cached.unwrap_or_default(),
            logprobs: self.logprobs,
            reasoned: self.reason.is_some(),
        })
    }
}

fn holds_tokens(logprobs: &Value) -> bool {
    ["content", "token_logprobs"]
        .iter()
        .any(|name| logprobs.get(name).and_then(Value::as_array).is_some_and(|list| !list.is_empty()))
}

/// Most bytes of an invalid answer that are kept for the error: far more than are shown, so that secrets are removed before the text is cut.
const KEPT: usize = 4096;

/// Returns the failure of an invalid answer, with its first words.
pub(crate) fn unreadable(what: &str, body: &[u8]) -> TryFailure {
    TryFailure::Unreadable(format!("{what}: {}", String::from_utf8_lossy(&body[..body.len().min(KEPT)])))
}

/// Distinguishes a null that was sent from a missing field.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[cfg(test)]
#[path = "reply/tests.rs"]
mod tests;
