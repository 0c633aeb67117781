//! What a server would be sent and would answer, for batches that no server of ours sees.

use std::time::Duration;

use super::{
    body::{Body, BodyInput},
    budget, fingerprint,
    reply::{self, ReplyRules},
    secrets::Secrets,
};
use crate::engine::{Completion, Request};

/// The body of a request for chat.
pub(crate) type ChatBody<'a> = Body<'a>;

/// What a server is sent for a request without a budget.
pub(crate) fn chat_body<'a>(model: &'a str, request: &'a Request) -> ChatBody<'a> {
    Body::new(model, BodyInput::ask(&request.messages), &request.sampling, request.seed)
}

/// The completion in the body of a server's answer to such a request, or what is wrong with it.
pub(crate) fn read_chat(body: &[u8], max_tokens: u32) -> Result<Completion, String> {
    // Whoever answers batches says why a text ends.
    let reading = ReplyRules { max_tokens, unreasoned: false, empty: false };
    let error =
        |failure: super::failure::TryFailure| failure.into_error("batch", Duration::ZERO, &Secrets::default()).to_string();
    let reply = reply::parse(body, reading).map_err(error)?;
    Ok(budget::plain(reply))
}

/// The fingerprint of every server of this model that is opened with this revision.
pub(crate) fn revision_fingerprint(model: &str, revision: &str) -> String {
    fingerprint::of_revision(model, revision)
}
