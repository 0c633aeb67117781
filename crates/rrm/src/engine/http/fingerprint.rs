//! Which weights answer: a name that was given, or what the server states of a model and how the model behaves, turned into a hash.

use futures::future::join_all;
use serde_json::Value;

use crate::{
    chat::Message,
    engine::{
        EngineError, Sampling,
        http::{
            body::{Body, BodyInput},
            continuation::{CHAT, send},
            fields::RequestFields,
            listing::ModelEntry,
            reply::ServerReply,
            server::ServerPool,
        },
    },
};

/// The answers of a server to one greedy request that was sent several times.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct GreedyAnswers {
    /// The different answers, the first one first.
    pub texts: Vec<String>,
    /// Whether those that came at once were the same; otherwise they say nothing about the weights.
    pub repeat: bool,
}

impl GreedyAnswers {
    /// Adds what was answered at another time.
    pub fn add(&mut self, texts: impl IntoIterator<Item = String>) {
        for text in texts {
            if text != NOTHING && !self.texts.contains(&text) {
                self.texts.push(text);
            }
        }
    }
}

/// The request whose greedy answer tells weights apart.
const STORY: &str = "Tell me a story about a lighthouse keeper who finds something strange on the beach.";

/// Asks the greedy request three times at once, or else one after the other.
///
/// # Errors
/// What the server said to the first that failed.
pub(crate) async fn answers(server: &ServerPool, model: &str, at_once: bool) -> Result<GreedyAnswers, EngineError> {
    let asked = || async { story(server, model).await };
    let texts = match at_once {
        true => join_all([(); 3].map(|()| asked())).await.into_iter().collect::<Result<Vec<_>, _>>()?,
        false => vec![asked().await?, asked().await?, asked().await?],
    };
    let mut answers = GreedyAnswers { repeat: texts.iter().all(|text| text == &texts[0] && text != NOTHING), texts: Vec::new() };
    answers.add(texts);
    Ok(answers)
}

/// One greedy answer.
pub(crate) async fn story(server: &ServerPool, model: &str) -> Result<String, EngineError> {
    let sampling = Sampling { temperature: 0.0, max_tokens: 24, ..Sampling::default() };
    Ok(said(&probe(server, model, &[Message::user(STORY)], &sampling, 0).await?))
}

/// The fingerprint of weights that nobody named: of the model's name without the path or gateway before it, of what is stated of the weights, and of
/// the greedy answer, where that repeats.
pub(crate) fn of_behaviour(listed: &ModelEntry, answers: &GreedyAnswers) -> String {
    let facts: Vec<String> = listed.facts.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let answer = answers.texts.first().filter(|_| answers.repeat).map_or("", String::as_str);
    hash(&["identity", last_name(&listed.id), &facts.join(","), answer])
}

/// The fingerprint that versions before identities were remembered gave: of the whole name and of all that is listed.
pub(crate) fn of_before(listed: &ModelEntry, answers: &GreedyAnswers) -> String {
    match answers.texts.first().filter(|_| answers.repeat) {
        Some(answer) => hash(&["probe", &listed.id, listed.stable(), answer]),
        None => hash(&["listed", &listed.id, listed.stable()]),
    }
}

/// A model's name without the path or the gateway's prefix before it.
pub(crate) fn last_name(model: &str) -> &str {
    let name = model.trim_end_matches(['/', '\\']);
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// The fingerprint where a revision names the weights: no server has to be asked.
pub(crate) fn of_revision(model: &str, revision: &str) -> String {
    hash(&["revision", model, revision])
}

/// `fingerprint` of requests that are sent with these changes: where they may change a text, it is another.
pub(crate) fn with_fields(fingerprint: String, fields: &RequestFields) -> String {
    match fields.address() {
        Some(changes) => hash(&["fields", &fingerprint, &changes]),
        None => fingerprint,
    }
}

/// One plain completion in a place of its own; what says nothing is one too.
pub(crate) async fn probe(
    server: &ServerPool,
    model: &str,
    messages: &[Message],
    sampling: &Sampling,
    seed: u64,
) -> Result<ServerReply, EngineError> {
    let _permit = server.permit().await?;
    let ask = |sampling: Sampling| async move {
        let mut body = Body::new(model, BodyInput::ask(messages), &sampling, seed);
        body.terms.may_be_empty = true;
        send(server, CHAT, body, None, server.max_retries).await
    };
    match ask(sampling.clone()).await {
        // OpenAI refuses afterwards what thinking used up before the first word.
        Err(EngineError::Status { status: 400, detail, .. }) if detail.contains("output limit was reached") => {
            ask(Sampling { max_tokens: sampling.max_tokens.max(ROOM_TO_THINK), ..sampling.clone() }).await
        }
        done => done,
    }
}

/// Tokens for a probe of a model that thinks before its first word.
const ROOM_TO_THINK: u32 = 2048;

pub(super) const NOTHING: &str = "\u{0}";

pub(super) fn said(reply: &ServerReply) -> String {
    format!("{}{NOTHING}{}", reply.reasoning.as_deref().unwrap_or_default(), reply.text)
}

/// JSON with the keys of objects in order: a server may list them in any.
pub(super) fn sorted(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<String> = map.iter().map(|(key, value)| format!("{key:?}:{}", sorted(value))).collect();
            fields.sort_unstable();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(sorted).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

/// A hash of texts, in order.
pub(crate) fn hash(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        // With its length in front no part can pass for the end of another.
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
