//! Requests and answers of batches, in the form of a server's, without a connection.

use std::time::Duration;

use super::{
    body::{Body, BodyInput},
    budget, fingerprint,
    reply::{self, ReplyRules},
    secrets::Secrets,
};
use crate::engine::{Completion, Request};

/// Body of a chat request.
pub(crate) type ChatBody<'a> = Body<'a>;

/// Returns the body for a request without a budget.
pub(crate) fn chat_body<'a>(model: &'a str, request: &'a Request) -> ChatBody<'a> {
    Body::new(model, BodyInput::ask(&request.messages), &request.sampling, request.seed)
}

/// Returns the completion in the body of an answer, or a description of the error.
pub(crate) fn read_chat(body: &[u8], max_tokens: u32) -> Result<Completion, String> {
    // Programs that answer batches state why a text ends.
    let reading = ReplyRules { max_tokens, unreasoned: false, empty: false };
    let error =
        |failure: super::failure::TryFailure| failure.into_error("batch", Duration::ZERO, &Secrets::default()).to_string();
    let reply = reply::parse(body, reading).map_err(error)?;
    Ok(budget::plain(reply))
}

/// Returns the fingerprint of every server of this model with this revision.
pub(crate) fn revision_fingerprint(model: &str, revision: &str) -> String {
    fingerprint::of_revision(model, revision)
}
