//! The ways to make a server continue its own text, a test of which of them works, and the continuation itself.

use serde::{Deserialize, Serialize};

use crate::{
    chat::Message,
    engine::{
        EngineError, Meter, Sampling, TokenSink,
        http::{
            Continuation,
            body::{AnswerTerms, Body, BodyInput, Conversation, StreamOptions, TemplateFlags, Truncation},
            echo,
            fields::RequestFields,
            reply::ServerReply,
            server::{CompletionCall, ServerPool},
        },
    },
};

/// Route of chat completions.
pub(crate) const CHAT: &str = "v1/chat/completions";

/// A method that makes a server continue a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContinuationMethod {
    /// An assistant message with `continue_final_message` (vLLM, SGLang).
    Flags,
    /// A trailing assistant message, which the server continues without flags (llama.cpp and some hosted services).
    Trailing,
    /// `/apply-template` renders the prompt and `/v1/completions` continues it (llama.cpp).
    Template,
    /// `/tokenize` renders the prompt to ids and `/v1/completions` continues them (vLLM). It also works if the template drops the thinking of
    /// assistant messages, as those of DeepSeek-R1 and its distillations do.
    Tokens,
    /// An assistant message, after which the template's `tail` tokens (end of turn, head of the next) are cut off by truncation. A one-token request
    /// counts them, which only the statistics show (`transformers serve`).
    Truncated { tail: u64 },
}

/// The beginning of a text that is to be continued.
#[derive(Clone, Copy)]
pub(crate) struct TextStart<'a> {
    /// The conversation before it.
    pub messages: &'a [Message],
    /// The text as an assistant's message, with all thinking marks that belong to it.
    pub message: &'a str,
    /// The part of `message` after its thinking.
    pub answer: &'a str,
    /// The text as it follows the rendered prompt, without a mark that the template itself sets.
    pub after_prompt: &'a str,
    /// Sampling parameters and the token limit.
    pub sampling: &'a Sampling,
    /// Seed of this completion.
    pub seed: u64,
    /// Stop strings.
    pub stop: &'a [String],
    /// Receiver of the text while it is written; `None` if no one watches.
    pub sink: Option<&'a TokenSink>,
    /// Meter of the tokens.
    pub meter: Option<&'a dyn Meter>,
}

/// A method of continuation that works at a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorkingMethod {
    way: ContinuationMethod,
    /// Whether the server repeats the beginning before the continuation (llama.cpp), or a part of it (behind a gateway that removes the thinking).
    echoes: bool,
}

impl WorkingMethod {
    /// Returns a description of the method.
    pub fn describe(self) -> &'static str {
        self.way.describe()
    }

    /// Continues `begun`. The text of the reply is the new text, in whichever field the server put it, without the repeated beginning.
    pub async fn go_on(
        self,
        server: &ServerPool,
        model: &str,
        begun: TextStart<'_>,
        retries: u32,
    ) -> Result<ServerReply, EngineError> {
        let reply = self.way.go_on(server, model, begun, retries).await?;
        if self.echoes {
            let detail =
                "the server repeats what is to be continued, and did not this time: where the text goes on cannot be told";
            let bad = || EngineError::BadReply { engine: server.name.clone(), detail: detail.to_owned() };
            return echo::cut_off(reply, begun.message, begun.answer).ok_or_else(bad);
        }
        Ok(echo::joined(reply))
    }
}

impl ContinuationMethod {
    /// Returns a description of the method.
    pub fn describe(self) -> &'static str {
        match self {
            ContinuationMethod::Flags => "an assistant message is continued with continue_final_message",
            ContinuationMethod::Trailing => "a trailing assistant message is continued",
            ContinuationMethod::Template => "the prompt is rendered by /apply-template and continued by /v1/completions",
            ContinuationMethod::Tokens => "the prompt is rendered by /tokenize and continued by /v1/completions",
            ContinuationMethod::Truncated { .. } => {
                "an assistant message is continued by cutting the template's tail off (chat_template_kwargs)"
            }
        }
    }

    fn is_message(self) -> bool {
        matches!(self, ContinuationMethod::Flags | ContinuationMethod::Trailing | ContinuationMethod::Truncated { .. })
    }

    /// Continues `begun`. Returns the reply without changes.
    async fn go_on(
        self,
        server: &ServerPool,
        model: &str,
        begun: TextStart<'_>,
        retries: u32,
    ) -> Result<ServerReply, EngineError> {
        let conversation = Conversation { messages: begun.messages, begun: Some(begun.message) };
        let mut extra = TemplateFlags::default();
        let (rendered, text, tokens): (_, String, Vec<u32>);
        let input = match self {
            ContinuationMethod::Trailing => BodyInput::Messages { messages: conversation, extra },
            ContinuationMethod::Flags => {
                extra.continue_final_message = Some(true);
                extra.add_generation_prompt = Some(false);
                BodyInput::Messages { messages: conversation, extra }
            }
            ContinuationMethod::Truncated { tail } => {
                let counted = count(server, model, conversation, retries).await?;
                let max_length = counted.checked_sub(tail).ok_or_else(|| uncut(server))?;
                extra.chat_template_kwargs = Some(Truncation { truncation: true, max_length });
                BodyInput::Messages { messages: conversation, extra }
            }
            ContinuationMethod::Template => {
                rendered = render(server, model, begun.messages).await?;
                text = rendered + begun.after_prompt;
                BodyInput::Text { prompt: &text }
            }
            ContinuationMethod::Tokens => {
                tokens = tokenize(server, model, begun).await?;
                BodyInput::Tokens { prompt: &tokens }
            }
        };
        let path = if self.is_message() { CHAT } else { "v1/completions" };
        let mut body = Body::new(model, input, begun.sampling, begun.seed);
        body.stop = begun.stop;
        // The beginning may be complete already, or a stop string may follow at once.
        body.terms = AnswerTerms { may_be_empty: true, meter: begun.meter };
        let reply = send(server, path, body, begun.sink, retries).await?;
        if extra.chat_template_kwargs.is_some_and(|cut| cut.max_length != reply.usage.prompt_tokens) {
            return Err(uncut(server));
        }
        Ok(reply)
    }
}

/// Returns the error of a prompt that was not cut to the requested length, so that the text continues from another place.
fn uncut(server: &ServerPool) -> EngineError {
    let detail = "the prompt was not cut where it was asked to be (chat_template_kwargs)".to_owned();
    EngineError::BadReply { engine: server.name.clone(), detail }
}

/// Sends a body to `path`, as a stream if someone watches or if all answers are requested as streams.
pub(crate) async fn send(
    server: &ServerPool,
    path: &str,
    mut body: Body<'_>,
    sink: Option<&TokenSink>,
    retries: u32,
) -> Result<ServerReply, EngineError> {
    body.stream = sink.is_some() || server.streams();
    body.stream_options = body.stream.then_some(StreamOptions { include_usage: true });
    let (max_tokens, words, terms) = (body.max_tokens, body.input.words(), body.terms);
    let body = server.json(path, &body)?;
    server.complete(CompletionCall { path, body, max_tokens, sink, retries, words, terms }).await
}

/// Tests the methods that `allowed` names by continuing a text. Returns the first one that works.
///
/// # Errors
/// [`EngineError`] if the server cannot be reached or refuses the key. A method that does not work is no error.
pub(crate) async fn find(server: &ServerPool, model: &str, allowed: Continuation) -> Result<Option<WorkingMethod>, EngineError> {
    let ways: &[ContinuationMethod] = match allowed {
        Continuation::Auto => &[
            ContinuationMethod::Flags,
            ContinuationMethod::Trailing,
            ContinuationMethod::Template,
            ContinuationMethod::Tokens,
            UNMEASURED,
        ],
        Continuation::Message => &[ContinuationMethod::Flags, ContinuationMethod::Trailing, UNMEASURED],
        Continuation::Completion => &[ContinuationMethod::Template, ContinuationMethod::Tokens],
        Continuation::None => &[],
    };
    for way in ways {
        let way = match way {
            ContinuationMethod::Truncated { .. } => match or_unable(tail(server, model).await)?.flatten() {
                Some(tail) => ContinuationMethod::Truncated { tail },
                None => continue,
            },
            way => *way,
        };
        if let Some(echoes) = works(server, model, way).await? {
            return Ok(Some(WorkingMethod { way, echoes }));
        }
    }
    Ok(None)
}

const UNMEASURED: ContinuationMethod = ContinuationMethod::Truncated { tail: 0 };

/// Retries of a test: enough for a short failure, and too few to wait for a server that answers unknown requests with 500.
const RETRIES: u32 = 2;

/// Thinking before the text to be continued, which reveals a template that drops thinking. It has more than [`THOUGHT_TOKENS`] tokens with every
/// tokenizer.
const THOUGHT: &str = "<think>\nLet me think about the letters and the numbers and about their order first, before I write \
    them down, because the order matters more than anything else here.\n</think>\n\n";
const THOUGHT_TOKENS: u64 = 20;

/// Beginnings, and the continuation of every model. A new turn would begin with neither of them: the question does not ask for such a text, and both
/// continuations start in the middle, the first one inside a number.
const BEGUN: [(&str, &str); 2] = [("1 2 3 4 5 6 7 8 9 1", "0"), ("A B C D E F G H", "I J")];

/// Tests whether `way` really continues a text and keeps the thinking before it. Returns whether the server repeats the beginning, or `None` if the
/// method does not work.
async fn works(server: &ServerPool, model: &str, way: ContinuationMethod) -> Result<Option<bool>, EngineError> {
    for (begun, goes_on) in BEGUN {
        let message = format!("{THOUGHT}{begun}");
        let Some(with) = continued(server, model, way, &message, begun, 6).await? else { return Ok(None) };
        let follows = |reply: &ServerReply| reply.text.trim_start().starts_with(goes_on);
        let echoes = match echo::cut_off(with.clone(), &message, begun) {
            Some(rest) if follows(&rest) => true,
            _ if follows(&echo::joined(with.clone())) => false,
            _ => continue,
        };
        let Some(without) = continued(server, model, way, begun, begun, 1).await? else { return Ok(None) };
        let (with, without) = (with.usage.prompt_tokens, without.usage.prompt_tokens);
        return Ok((without == 0 || with >= without + THOUGHT_TOKENS).then_some(echoes));
    }
    Ok(None)
}

/// Returns the server's continuation of a text within `max_tokens`; `None` if it refuses.
async fn continued(
    server: &ServerPool,
    model: &str,
    way: ContinuationMethod,
    text: &str,
    answer: &str,
    max_tokens: u32,
) -> Result<Option<ServerReply>, EngineError> {
    let begun = TextStart {
        messages: &[Message::user("Please write something.")],
        message: text,
        answer,
        after_prompt: text,
        sampling: &greedy(max_tokens),
        seed: 0,
        stop: &[],
        sink: None,
        meter: None,
    };
    let _permit = server.permit().await?;
    or_unable(way.go_on(server, model, begun, server.max_retries.min(RETRIES)).await)
}

/// Returns the number of tokens that the chat template puts after an assistant's message: how much longer the prompt is with a message of one letter
/// (one token everywhere) than without it, minus that letter. `None` if the server does not count.
async fn tail(server: &ServerPool, model: &str) -> Result<Option<u64>, EngineError> {
    let messages = [Message::user("x")];
    let retries = server.max_retries.min(RETRIES);
    let without = count(server, model, Conversation { messages: &messages, begun: None }, retries).await?;
    let with = count(server, model, Conversation { messages: &messages, begun: Some("a") }, retries).await?;
    Ok(with.checked_sub(without + 1).filter(|tail| *tail > 0 && without > 0))
}

/// Returns the tokens of the rendered conversation, by a completion of one token.
async fn count(server: &ServerPool, model: &str, conversation: Conversation<'_>, retries: u32) -> Result<u64, EngineError> {
    let input = BodyInput::Messages { messages: conversation, extra: TemplateFlags::default() };
    let sampling = greedy(1);
    let mut body = Body::new(model, input, &sampling, 0);
    body.terms.may_be_empty = true;
    let reply = send(server, CHAT, body, None, retries).await?;
    Ok(reply.usage.prompt_tokens)
}

/// Returns the conversation as the server's chat template renders it, up to where the assistant begins.
async fn render(server: &ServerPool, model: &str, messages: &[Message]) -> Result<String, EngineError> {
    #[derive(Serialize)]
    struct Ask<'a> {
        model: &'a str,
        messages: Conversation<'a>,
    }
    #[derive(Deserialize)]
    struct Rendered {
        prompt: String,
    }
    let ask = Ask { model, messages: Conversation { messages, begun: None } };
    Ok(server.post_json::<Rendered>("apply-template", server.bytes(&ask, RequestFields::apply_to_rendering)?).await?.prompt)
}

/// Returns the token ids of the rendered conversation and of the text after it.
async fn tokenize(server: &ServerPool, model: &str, begun: TextStart<'_>) -> Result<Vec<u32>, EngineError> {
    #[derive(Serialize)]
    struct Chat<'a> {
        model: &'a str,
        messages: Conversation<'a>,
        add_generation_prompt: bool,
    }
    #[derive(Serialize)]
    struct Text<'a> {
        model: &'a str,
        prompt: &'a str,
        add_special_tokens: bool,
    }
    #[derive(Deserialize)]
    struct Tokenized {
        tokens: Vec<u32>,
    }
    let messages = Conversation { messages: begun.messages, begun: None };
    let chat = server.bytes(&Chat { model, messages, add_generation_prompt: true }, RequestFields::apply_to_rendering)?;
    let text = server.bytes(&Text { model, prompt: begun.after_prompt, add_special_tokens: false }, |_, text| text)?;
    let (chat, text) =
        futures::try_join!(server.post_json::<Tokenized>("tokenize", chat), server.post_json::<Tokenized>("tokenize", text))?;
    // A `/tokenize` of another kind of server, which reads other fields, returns no tokens.
    if chat.tokens.is_empty() || text.tokens.is_empty() {
        let detail = "/tokenize gave no tokens for a conversation".to_owned();
        return Err(EngineError::BadReply { engine: server.name.clone(), detail });
    }
    let mut tokens = chat.tokens;
    tokens.extend(text.tokens);
    Ok(tokens)
}

/// Returns `None` if the result says that the server does not support this, and an error if it says nothing about that.
fn or_unable<T>(result: Result<T, EngineError>) -> Result<Option<T>, EngineError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(
            error @ (EngineError::Unreachable { .. } | EngineError::TimedOut { .. } | EngineError::Status { status: 429, .. }),
        ) => Err(error),
        Err(_) => Ok(None),
    }
}

fn greedy(max_tokens: u32) -> Sampling {
    Sampling { temperature: 0.0, max_tokens, ..Sampling::default() }
}
