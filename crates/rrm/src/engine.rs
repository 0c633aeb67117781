//! The one open contract of the project: a [`Request`] goes into an [`Engine`], a [`Completion`] comes out.
//!
//! Engines take one request at a time and batch inside. Dropping the future of a request cancels its generation.

#[cfg(feature = "http")]
pub mod doctor;
mod error;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "in-process")]
pub mod in_process;
mod labels;
#[cfg(feature = "http")]
pub mod scalar;
mod scores;
mod stats;

use std::{fmt, sync::Arc};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::{chat::Message, comparison::Comparison};

pub mod replay;
pub mod scripted;

pub use self::{
    error::EngineError,
    labels::{LabelLogprobs, LabelProbabilities, Labels},
    scores::ScoreCache,
    stats::HttpStats,
};

/// Anything that completes a conversation: a server, a model in process, a recording, a script.
pub trait Engine: Send + Sync {
    /// Name, fingerprint and abilities of the engine. They do not change as long as the engine lives.
    fn info(&self) -> &EngineInfo;

    /// Completes one request. Dropping the future cancels the generation and frees what it held.
    ///
    /// # Errors
    /// [`EngineError`] when there is no completion. An engine that retries has made its retries by then.
    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>>;

    /// [`complete`](Engine::complete) with a meter: it is told of the tokens that the completion's own usage does not count, and it may forbid
    /// further tries. The default is for engines that make one try and ignores it.
    fn complete_metered<'a>(&'a self, request: Request, meter: &'a dyn Meter) -> BoxFuture<'a, Result<Completion, EngineError>> {
        let _ = meter;
        self.complete(request)
    }

    /// Checks whether the engine could answer a request now. Costs no completion.
    ///
    /// # Errors
    /// The reason why it could not.
    fn ready(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Check of the identity of the server, if one is due before the first completion and was not made yet; `None` if there is nothing to check.
    /// Callers that count calls wait for it first, because nothing may be asked if it fails.
    fn confirming(&self) -> Option<BoxFuture<'_, Result<(), EngineError>>> {
        None
    }

    /// Earlier fingerprints of the same weights. Completions that are stored under them are equally valid.
    fn also(&self) -> &[String] {
        &[]
    }

    /// Changes to the usual request that may change texts, of an engine whose identity a store can remember; `None` of other engines.
    fn changes(&self) -> Option<&str> {
        None
    }

    /// Ends the use of the engine: no request follows. If there is a doubt, checks that the same server answered to the end, and has its identity
    /// remembered.
    ///
    /// # Errors
    /// [`EngineError`] if it was another one, or if its identity cannot be remembered.
    fn close(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Date on which the identity of the server was last confirmed, if no request has been sent since the engine was opened. `None` of engines that
    /// no store remembers.
    fn unasked(&self) -> Option<String> {
        None
    }

    /// Cache of the scores, of an engine that scores single responses. Such an engine completes a conversation that ends with a response by the score
    /// of that response, as a number, and a comparison is judged by two scores. `None` of an engine that judges two responses at once.
    fn scores(&self) -> Option<&ScoreCache> {
        None
    }

    /// Counts of requests, answers, failures and tokens since the engine connected; `None` of engines that ask no server.
    fn stats(&self) -> Option<HttpStats> {
        None
    }

    /// The writer of the mark that opens the thinking; the same for as long as the engine lives. If it is the chat template, a completion begins
    /// inside the thinking, and one that never closes it holds no verdict.
    fn opening(&self) -> Opening {
        Opening::Model
    }
}

/// The writer of the mark that opens a model's thinking, such as `<think>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Opening {
    /// The model, if it thinks at all: its completions hold the mark.
    #[default]
    Model,
    /// The chat template: completions begin inside the thinking, without the mark.
    Template,
    /// The writer could not be determined.
    Unknown,
}

/// Meter of one completion: counts requests and tokens that the completion's own usage does not count.
pub trait Meter: Send + Sync {
    /// Asks for permission to send the request once more after a failed try. If it is true, the new try counts as sent.
    fn again(&self) -> bool;

    /// Adds tokens that may be billed and are in no completion's usage: of failed tries, and of replies whose usage cannot be read. `estimated` is
    /// true where no server counted them.
    fn besides(&self, usage: Usage, estimated: bool);

    /// Takes the call back: the engine refuses the request and has sent nothing for it.
    fn unsent(&self) {}
}

/// Meter of the probes: counts the requests that find out who judges and what a server can do.
pub trait Probing: Send + Sync {
    /// Counts one request that is about to be sent.
    ///
    /// # Errors
    /// The limit that forbids it. Nothing was counted then.
    fn probe(&self) -> Result<(), String>;

    /// Adds the tokens of a probe; `estimated` is true where no server counted them.
    fn took(&self, usage: Usage, estimated: bool);
}

/// Name, fingerprint and abilities of an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// Name for people: model and place, such as `RRM-7B at http://127.0.0.1:8000`.
    pub name: String,
    /// Hash that changes with the weights. It is part of the address of every stored completion.
    pub fingerprint: String,
    /// Whether the same seed gives the same text, alone and beside other requests.
    pub seeds: bool,
    /// Whether the engine can give the log-probabilities of tokens.
    pub logprobs: bool,
    /// Whether thinking can be cut at a budget and a verdict elicited after it.
    pub budget: bool,
    /// Whether a completion costs anything worth keeping: false for scripted engines and replays.
    pub paid: bool,
}

impl EngineInfo {
    /// Returns the description of a paid engine with this name, without seeds, log-probabilities and thinking budget. The name is also its
    /// fingerprint.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        EngineInfo { fingerprint: name.clone(), name, seeds: false, logprobs: false, budget: false, paid: true }
    }
}

/// Request for one completion.
#[derive(Clone)]
pub struct Request {
    /// The conversation to be continued by the assistant; votes about one comparison share it.
    pub messages: Arc<[Message]>,
    /// Sampling parameters and the token limit.
    pub sampling: Sampling,
    /// Seed of this one completion, below 2^53 so that every JSON reader keeps it exact.
    pub seed: u64,
    /// Thinking budget and elicitation; `None` lets the model finish.
    pub budget: Option<Budget>,
    /// The comparison itself, for engines that do not read the messages (scripted judges, scalar reward models).
    pub comparison: Option<Arc<Comparison>>,
    /// Labels of the format that wrote this request. An engine that can returns the log-probability of each of them.
    pub labels: Option<Arc<Labels>>,
    /// Receiver of the text while it is written; `None` if no one watches.
    pub sink: Option<TokenSink>,
}

/// Sampling parameters of a completion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Temperature of the softmax, from 0; 0 is greedy.
    pub temperature: f64,
    /// Mass of nucleus sampling, up to 1; 1 keeps all tokens.
    pub top_p: f64,
    /// Number of the likeliest tokens that are kept (top-k).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Smallest probability of a token that is kept, relative to the likeliest token (min-p).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    /// Most new tokens of the completion. With a [`Budget`] the tokens of the elicited verdict come on top.
    pub max_tokens: u32,
}

impl Default for Sampling {
    /// The decoding of the paper's released evaluation: temperature 0.6, top-p 1, at most 8192 new tokens (confirmed).
    fn default() -> Self {
        Sampling { temperature: 0.6, top_p: 1.0, top_k: None, min_p: None, max_tokens: 8192 }
    }
}

/// A thinking budget: the thinking is cut after `max_thinking_tokens`, `elicit` is appended, and the model goes on for at most
/// `max_verdict_tokens`, or until one of `stop` appears (the stop string is kept in the text). The same is appended to a completion
/// that ended by itself and states no verdict, see [`Budget::wants_verdict`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Most tokens of thinking before the cut.
    pub max_thinking_tokens: u32,
    /// Text that is appended after the cut if the thinking was still open, such as `\n</think>\n\nThe better one is \boxed{`.
    pub elicit: String,
    /// Text that is appended instead if the thinking was closed already or never opened.
    pub elicit_answer: String,
    /// Text that opens the thinking, such as `<think>`; empty if the format has none.
    pub open: String,
    /// Text that closes the thinking, such as `</think>`; empty if the format has none.
    pub close: String,
    /// Whether the chat template opens the thinking, so that a completion begins inside it.
    pub opened_by_template: bool,
    /// Most tokens of the verdict after the cut.
    pub max_verdict_tokens: u32,
    /// Stop strings: the verdict is complete where one of them appears.
    pub stop: Vec<String>,
    /// Texts that state a verdict, such as `\boxed{Assistant 1}`. A verdict is also elicited from a completion that ends by itself without one of
    /// them.
    pub verdicts: Vec<String>,
    /// Whether the text ends where the first of `verdicts` is complete in the answer, instead of where the model ends it. This saves tokens and can
    /// change the verdict: a later verdict, which may contradict the first one or be the one that counts, is never written. Engines that do not see
    /// the text while it is written let the model finish.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stop_at_verdict: bool,
}

impl Budget {
    /// Returns whether `written`, which ended by itself, states no verdict after its thinking, so that one has to be elicited.
    pub fn wants_verdict(&self, written: &str) -> bool {
        let answer = &written[self.answer(written)..];
        let open = self.is_open(written);
        open || !self.verdicts.iter().any(|verdict| answer.contains(verdict))
    }

    /// Returns the byte of `written` at which the answer begins: after the last closing mark of the thinking, and 0 without one.
    pub fn answer(&self, written: &str) -> usize {
        if self.close.is_empty() { 0 } else { written.rfind(&self.close).map_or(0, |at| at + self.close.len()) }
    }

    /// Returns whether the thinking was opened and not closed.
    fn is_open(&self, written: &str) -> bool {
        let opened = self.opened_by_template || (!self.open.is_empty() && written.contains(&self.open));
        opened && (self.close.is_empty() || !written.contains(&self.close))
    }

    /// Returns the text to append to `written` (the whole text so far) when it is cut: [`elicit`](Budget::elicit) while the thinking is open, and
    /// [`elicit_answer`](Budget::elicit_answer) after it.
    pub fn elicitation(&self, written: &str) -> &str {
        if self.is_open(written) { &self.elicit } else { &self.elicit_answer }
    }
}

/// Function that receives each piece of text as it is generated.
pub type TokenSink = Arc<dyn Fn(&str) + Send + Sync>;

/// The text that an engine wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The text, including the thinking unless the server moved it to another field.
    pub text: String,
    /// Thinking that the server moved to `reasoning` or `reasoning_content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// Reason why the text ends.
    pub finish: Finish,
    /// Whether the verdict was elicited under a budget; the appended elicitation is part of `text`.
    #[serde(default)]
    pub elicited: bool,
    /// Token counts.
    pub usage: Usage,
    /// Log-probability of each label of the request at the place where the verdict is stated. `None` from engines that cannot tell, and if the text
    /// states no verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_logprobs: Option<LabelLogprobs>,
}

impl Completion {
    /// Returns a text that the model ended by itself, with token counts of 0.
    pub fn new(text: impl Into<String>) -> Self {
        Completion {
            text: text.into(),
            reasoning: None,
            finish: Finish::Stop,
            elicited: false,
            usage: Usage::default(),
            label_logprobs: None,
        }
    }
}

/// The reason why a text ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finish {
    /// The model ended it, or a stop string was reached.
    Stop,
    /// The token limit was reached; such a text holds no verdict.
    Length,
}

/// The token counts of one completion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the request.
    pub prompt_tokens: u64,
    /// Tokens written, without the appended elicitation.
    pub completion_tokens: u64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("messages", &self.messages)
            .field("sampling", &self.sampling)
            .field("seed", &self.seed)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
