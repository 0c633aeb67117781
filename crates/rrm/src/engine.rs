//! The one open contract of the project: a [`Request`] goes into an [`Engine`], a [`Completion`] comes out.
//!
//! Engines take one request at a time and batch inside; whoever drops the future cancels the generation.

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

/// Whatever can complete a conversation: a server, a model in process, a recording, a script.
pub trait Engine: Send + Sync {
    /// What this engine is and what it can do; the same for as long as the engine lives.
    fn info(&self) -> &EngineInfo;

    /// Completes one request. Dropping the future cancels the generation and frees what it held.
    ///
    /// # Errors
    /// [`EngineError`] when no completion can be had; retries that make sense have been made by then.
    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>>;

    /// [`complete`](Engine::complete), where `meter` is told what it takes beyond the completion's own usage and may forbid further tries.
    /// An engine that makes no tries of its own has nothing to tell.
    fn complete_metered<'a>(&'a self, request: Request, meter: &'a dyn Meter) -> BoxFuture<'a, Result<Completion, EngineError>> {
        let _ = meter;
        self.complete(request)
    }

    /// Whether a request could be answered now; costs no completion.
    ///
    /// # Errors
    /// Why none would be.
    fn ready(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Makes sure of who answers, where that is to be done before the first completion and was not; `None` where there is nothing to do. Whoever
    /// counts calls waits for it first, since nothing is asked for where it fails.
    fn confirming(&self) -> Option<BoxFuture<'_, Result<(), EngineError>>> {
        None
    }

    /// Other fingerprints under which the same weights answered before; what is stored under them is as good.
    fn also(&self) -> &[String] {
        &[]
    }

    /// What is sent otherwise than usual and may change texts, of an engine that a store can remember.
    fn changes(&self) -> Option<&str> {
        None
    }

    /// Nothing more is asked for: makes sure that it was the same engine to the end where there is a doubt, and has it remembered.
    ///
    /// # Errors
    /// [`EngineError`] where it was not, or where it cannot be remembered.
    fn close(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Of an engine that a store remembers: the day on which it was last seen to be the same, where nobody has asked it since.
    fn unasked(&self) -> Option<String> {
        None
    }

    /// Of an engine that scores single responses: it completes a conversation that ends with a response by the response's score, as a number,
    /// and a comparison is judged by two of them. `None` of an engine that judges two responses at once.
    fn scores(&self) -> Option<&ScoreCache> {
        None
    }

    /// What was asked of a server and what it took, since the engine was opened; `None` of engines that ask none.
    fn stats(&self) -> Option<HttpStats> {
        None
    }

    /// Who opens this model's thinking; the same for as long as the engine lives. Where it is the chat template, a completion begins inside
    /// the thinking, and one that never closes it holds no verdict.
    fn opening(&self) -> Opening {
        Opening::Model
    }
}

/// The writer of the mark that opens a model's thinking, such as `<think>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Opening {
    /// The model, if it thinks at all: then its completions hold the mark.
    #[default]
    Model,
    /// The chat template: completions begin inside the thinking, without the mark.
    Template,
    /// Nobody could tell.
    Unknown,
}

/// Who counts what one completion takes beyond what the completion itself says.
pub trait Meter: Send + Sync {
    /// Whether the request may be sent once more after a try that failed; then it counts as sent.
    fn again(&self) -> bool;

    /// Tokens that may be billed and are in no completion's usage: of tries that failed, or of replies whose usage cannot be read.
    /// `estimated` where nobody counted them.
    fn besides(&self, usage: Usage, estimated: bool);

    /// Takes the call back: the engine refuses the request and has sent nothing for it.
    fn unsent(&self) {}
}

/// Who counts what is asked to get to know an engine, before anything is asked of it.
pub trait Probing: Send + Sync {
    /// Counts one request that is about to be sent.
    ///
    /// # Errors
    /// Which limit forbids it; nothing was counted then.
    fn probe(&self) -> Result<(), String>;

    /// Tokens that it took; `estimated` where nobody counted them.
    fn took(&self, usage: Usage, estimated: bool);
}

/// What an engine is and what it can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// For people: model and place, such as `RRM-7B at http://127.0.0.1:8000`.
    pub name: String,
    /// Hash that changes when the weights change; part of the address of every stored completion.
    pub fingerprint: String,
    /// Whether the same seed gives the same text, alone and beside other requests.
    pub seeds: bool,
    /// Whether log-probabilities of tokens can be had.
    pub logprobs: bool,
    /// Whether thinking can be cut at a budget and a verdict elicited after it.
    pub budget: bool,
    /// Whether a completion costs anything worth keeping: false for scripted engines and replays.
    pub paid: bool,
}

impl EngineInfo {
    /// An engine of this name that can do nothing more than complete, whose completions are worth keeping, and whose weights are told by its name.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        EngineInfo { fingerprint: name.clone(), name, seeds: false, logprobs: false, budget: false, paid: true }
    }
}

/// One generation that is asked for.
#[derive(Clone)]
pub struct Request {
    /// The conversation to be continued by the assistant; votes about one comparison share it.
    pub messages: Arc<[Message]>,
    /// How to draw tokens and how many.
    pub sampling: Sampling,
    /// Seed of this one completion, below 2^53 so that every JSON reader keeps it exact.
    pub seed: u64,
    /// Where to cut the thinking and how to ask for the verdict then; `None` lets the model finish.
    pub budget: Option<Budget>,
    /// What is compared, for engines that do not read prose (scripted judges, scalar reward models).
    pub comparison: Option<Arc<Comparison>>,
    /// The texts that state a verdict in the format that wrote this request: an engine that can tells how likely each of them was.
    pub labels: Option<Arc<Labels>>,
    /// Where text goes as it is written, when somebody watches.
    pub sink: Option<TokenSink>,
}

/// How tokens are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Softmax temperature; 0 is greedy.
    pub temperature: f64,
    /// Nucleus mass; 1 keeps all.
    pub top_p: f64,
    /// Keep this many likeliest tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Keep tokens at least this likely relative to the likeliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    /// At most this many new tokens; with a [`Budget`] the elicited verdict comes on top.
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
    /// Tokens of thinking before the cut.
    pub max_thinking_tokens: u32,
    /// What is appended after the cut when the thinking was still open, such as `\n</think>\n\nThe better one is \boxed{`.
    pub elicit: String,
    /// What is appended instead when the thinking was closed already, or never opened.
    pub elicit_answer: String,
    /// The text that opens thinking, such as `<think>`; empty where the format has none.
    pub open: String,
    /// The text that closes thinking, such as `</think>`; empty where the format has none.
    pub close: String,
    /// Whether the chat template opens the thinking, so that a completion begins inside it.
    pub opened_by_template: bool,
    /// Tokens for the verdict after the cut.
    pub max_verdict_tokens: u32,
    /// Strings that complete the verdict.
    pub stop: Vec<String>,
    /// Texts that state a verdict, such as `\boxed{Assistant 1}`: a completion that ends by itself without one is asked for it too.
    pub verdicts: Vec<String>,
    /// Whether the text ends where the first of `verdicts` is complete in the answer, instead of where the model ends it. Spares tokens, and
    /// can change what is read: a later verdict, which may contradict the first or be the one that counts, is never written. Engines
    /// that do not see the text as it is written let the model finish.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stop_at_verdict: bool,
}

impl Budget {
    /// Whether text that ended by itself states no verdict after its thinking, so that one has to be elicited.
    pub fn wants_verdict(&self, written: &str) -> bool {
        let answer = &written[self.answer(written)..];
        let open = self.is_open(written);
        open || !self.verdicts.iter().any(|verdict| answer.contains(verdict))
    }

    /// At which byte of `written` the answer begins: behind the last closing marker of thinking.
    pub fn answer(&self, written: &str) -> usize {
        if self.close.is_empty() { 0 } else { written.rfind(&self.close).map_or(0, |at| at + self.close.len()) }
    }

    /// Whether thinking was opened and not closed.
    fn is_open(&self, written: &str) -> bool {
        let opened = self.opened_by_template || (!self.open.is_empty() && written.contains(&self.open));
        opened && (self.close.is_empty() || !written.contains(&self.close))
    }

    /// The text to append to `written` (all text so far) when it is cut: depends on whether thinking is still open.
    pub fn elicitation(&self, written: &str) -> &str {
        if self.is_open(written) { &self.elicit } else { &self.elicit_answer }
    }
}

/// Receives text as it is generated.
pub type TokenSink = Arc<dyn Fn(&str) + Send + Sync>;

/// The text that an engine wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The text, with thinking in it unless the server moved it away.
    pub text: String,
    /// Thinking that the server moved to `reasoning` or `reasoning_content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// Why the text ends.
    pub finish: Finish,
    /// Whether the verdict was elicited under a budget; the appended elicitation is part of `text`.
    #[serde(default)]
    pub elicited: bool,
    /// What it took.
    pub usage: Usage,
    /// How likely each of the request's labels was where the verdict is stated; `None` from engines that cannot tell, and where the
    /// text states none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_logprobs: Option<LabelLogprobs>,
}

impl Completion {
    /// A text that the model ended by itself, without a count of tokens.
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
    /// The model ended it, or a stop string did.
    Stop,
    /// The token limit cut it: never a verdict.
    Length,
}

/// The token counts of one completion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the request.
    pub prompt_tokens: u64,
    /// Tokens written, the appended elicitation not counted.
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
