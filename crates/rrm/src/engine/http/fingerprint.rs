//! Weights -> a hash: of a declared revision, or of what the server states about the model and of its answers.

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
    /// Whether answers to simultaneous requests were the same. If not, they say nothing about the weights.
    pub repeat: bool,
}

impl GreedyAnswers {
    /// Adds answers from another time.
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

/// Sends the greedy request three times, at once or one after the other.
///
/// # Errors
/// The error of the first request that failed.
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

/// Returns one greedy answer.
pub(crate) async fn story(server: &ServerPool, model: &str) -> Result<String, EngineError> {
    let sampling = Sampling { temperature: 0.0, max_tokens: 24, ..Sampling::default() };
    Ok(said(&probe(server, model, &[Message::user(STORY)], &sampling, 0).await?))
}

/// Returns the fingerprint of weights without a declared revision: a hash of the model's name without its path or gateway, of the facts about the
/// weights, and of the greedy answer if it repeats.
pub(crate) fn of_behaviour(listed: &ModelEntry, answers: &GreedyAnswers) -> String {
    let facts: Vec<String> = listed.facts.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let answer = answers.texts.first().filter(|_| answers.repeat).map_or("", String::as_str);
    hash(&["identity", last_name(&listed.id), &facts.join(","), answer])
}

/// Returns the fingerprint of earlier versions, which remembered no identities: a hash of the whole name and of all listed fields.
pub(crate) fn of_before(listed: &ModelEntry, answers: &GreedyAnswers) -> String {
    match answers.texts.first().filter(|_| answers.repeat) {
        Some(answer) => hash(&["probe", &listed.id, listed.stable(), answer]),
        None => hash(&["listed", &listed.id, listed.stable()]),
    }
}

/// Returns a model's name without the path or the gateway's prefix before it.
pub(crate) fn last_name(model: &str) -> &str {
    let name = model.trim_end_matches(['/', '\\']);
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// Returns the fingerprint of a declared revision. No server has to be asked.
pub(crate) fn of_revision(model: &str, revision: &str) -> String {
    hash(&["revision", model, revision])
}

/// Returns `fingerprint` for requests with these changes: another one if the changes may change a text.
pub(crate) fn with_fields(fingerprint: String, fields: &RequestFields) -> String {
    match fields.address() {
        Some(changes) => hash(&["fields", &fingerprint, &changes]),
        None => fingerprint,
    }
}

/// Returns one plain completion, which takes its own place among the requests in flight. An answer without text is valid, too.
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
        // OpenAI refuses the answer afterwards if thinking used all tokens before the first word.
        Err(EngineError::Status { status: 400, detail, .. }) if detail.contains("output limit was reached") => {
            ask(Sampling { max_tokens: sampling.max_tokens.max(ROOM_TO_THINK), ..sampling.clone() }).await
        }
        done => done,
    }
}

/// Token limit of a probe for a model that thinks before its first word.
const ROOM_TO_THINK: u32 = 2048;

pub(super) const NOTHING: &str = "\u{0}";

pub(super) fn said(reply: &ServerReply) -> String {
    format!("{}{NOTHING}{}", reply.reasoning.as_deref().unwrap_or_default(), reply.text)
}

/// Returns JSON with sorted keys, because a server may list them in any order.
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

/// Returns a hash of texts, in order.
pub(crate) fn hash(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        // The length before each part keeps it from being mistaken for the end of another one.
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
