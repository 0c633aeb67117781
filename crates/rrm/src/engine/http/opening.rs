//! The writer of the mark that opens a served model's thinking, found in the prompt that the server renders, or in the model's answer to a short
//! question.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    chat::Message,
    engine::{
        EngineError, Opening, Sampling,
        http::{
            body::{Body, BodyInput},
            continuation::{CHAT, send},
            reply::ServerReply,
            server::ServerPool,
        },
    },
    transcript::{closes_unopened, ends_open, is_marked},
};

/// Time limit of routes that only few servers have. A server that does not answer in time counts as one without the route.
const PATIENCE: Duration = Duration::from_secs(20);

/// Finds the writer of the opening mark. If it cannot be determined, the result is [`Opening::Unknown`]; `None` if no server answered.
pub(crate) async fn find(server: &ServerPool, model: &str) -> Option<Opening> {
    let messages = [Message::user("What is 2 + 2? Answer with the number.")];
    if let Ok(Some(prompt)) = timeout(PATIENCE, rendered(server, model, &messages)).await {
        return Some(if ends_open(&prompt) { Opening::Template } else { Opening::Model });
    }
    let sampling = Sampling { temperature: 0.0, max_tokens: 160, ..Sampling::default() };
    let mut body = Body::new(model, BodyInput::ask(&messages), &sampling, 0);
    body.terms.may_be_empty = true;
    let _permit = server.permit().await.ok()?;
    match send(server, CHAT, body, None, server.max_retries.min(1)).await {
        Ok(reply) => Some(of_reply(&reply)),
        // A server that refuses this request will refuse it again.
        Err(EngineError::Status { status: 400..=428, .. } | EngineError::Unsupported { .. }) => Some(Opening::Unknown),
        Err(_) => None,
    }
}

/// Returns the writer of the opening mark by one reply: thinking that is closed but was not opened was opened by the template.
pub(crate) fn of_reply(reply: &ServerReply) -> Opening {
    match () {
        // A server that moves thinking to another field knows where it begins.
        () if reply.reasoning.is_some() => Opening::Model,
        () if closes_unopened(&reply.text) => Opening::Template,
        () if is_marked(&reply.text) => Opening::Model,
        // The model does not think, or is still thinking.
        () => Opening::Unknown,
    }
}

/// Returns the conversation as the chat template renders it: by `/apply-template` (llama.cpp), or by `/tokenize` and `/detokenize` (vLLM, SGLang).
async fn rendered(server: &ServerPool, model: &str, messages: &[Message]) -> Option<String> {
    #[derive(Serialize)]
    struct Chat<'a> {
        model: &'a str,
        messages: &'a [Message],
        add_generation_prompt: bool,
    }
    let chat = serde_json::to_vec(&Chat { model, messages, add_generation_prompt: true }).ok()?;
    if let Some(prompt) = asked(server, "apply-template", chat.clone()).await.as_ref().and_then(|value| value["prompt"].as_str())
    {
        return Some(prompt.to_owned());
    }
    let tokens = asked(server, "tokenize", chat).await?["tokens"].clone();
    // A `/tokenize` of another kind of server, which reads other fields, returns no tokens.
    if tokens.as_array().is_none_or(Vec::is_empty) {
        return None;
    }
    let text = asked(server, "detokenize", json!({"model": model, "tokens": tokens}).to_string().into_bytes()).await?;
    let text = ["prompt", "text"].iter().find_map(|name| text[*name].as_str())?;
    // A text without the question is no rendering of it.
    text.contains("2 + 2").then(|| text.to_owned())
}

async fn asked(server: &ServerPool, path: &str, body: Vec<u8>) -> Option<Value> {
    server.post_tried::<Value>(path, body, None, 0).await.ok()
}
