//! Who opens a served model's thinking: read from the prompt that the server renders, or from what the model says to a short question.

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

/// Time for what only few servers have; one that hangs there is one that does not have it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Finds out who opens the thinking. That nothing can be found out is no error; `None` where nobody answered.
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
        // Who refuses this will refuse it again.
        Err(EngineError::Status { status: 400..=428, .. } | EngineError::Unsupported { .. }) => Some(Opening::Unknown),
        Err(_) => None,
    }
}

/// What one reply says: thinking that is closed and was not opened was opened by the template.
pub(crate) fn of_reply(reply: &ServerReply) -> Opening {
    match () {
        // Where the server moves thinking away, it knows where that begins.
        () if reply.reasoning.is_some() => Opening::Model,
        () if closes_unopened(&reply.text) => Opening::Template,
        () if is_marked(&reply.text) => Opening::Model,
        // A model that does not think, or that is still thinking.
        () => Opening::Unknown,
    }
}

/// The conversation as the chat template renders it: by `/apply-template` (llama.cpp), or by `/tokenize` and `/detokenize` (vLLM, SGLang).
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
    // Another server's `/tokenize` that reads other fields finds nothing to do.
    if tokens.as_array().is_none_or(Vec::is_empty) {
        return None;
    }
    let text = asked(server, "detokenize", json!({"model": model, "tokens": tokens}).to_string().into_bytes()).await?;
    let text = ["prompt", "text"].iter().find_map(|name| text[*name].as_str())?;
    // What does not hold the question is no rendering of it.
    text.contains("2 + 2").then(|| text.to_owned())
}

async fn asked(server: &ServerPool, path: &str, body: Vec<u8>) -> Option<Value> {
    server.post_tried::<Value>(path, body, None, 0).await.ok()
}
