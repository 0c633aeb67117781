//! What a server can do, found out by trying: whether seeds repeat, and whether log-probabilities come.

use futures::future::{join, join_all};

use crate::{
    chat::Message,
    engine::{
        EngineError, Sampling,
        http::{
            body::{Body, BodyInput},
            continuation::{CHAT, send},
            fingerprint::{NOTHING, probe, said, story},
            server::ServerPool,
        },
    },
};

/// A seed as large as they come, so that a service which takes only small ones says so here.
const LARGEST_SEED: u64 = (1 << 53) - 1;

/// Whether the same seed gives the same text, alone and beside longer requests of other people. On some servers sums depend on what is
/// computed together, so that a text differs once a sum tips a token over. With `stories`, also what is answered at these two times to the greedy
/// request that tells weights apart.
pub(crate) async fn seeds_repeat(server: &ServerPool, model: &str, stories: bool) -> Result<(bool, Vec<String>), EngineError> {
    let sampling = Sampling { temperature: 1.0, max_tokens: 48, ..Sampling::default() };
    let messages = [Message::user("Name three things that nobody expects in a kitchen drawer.")];
    let alone = said(&probe(server, model, &messages, &sampling, LARGEST_SEED).await?);
    let greedy = || async {
        match stories {
            true => story(server, model).await.ok(),
            false => None,
        }
    };
    let story_alone = greedy().await;
    let asked = async { join(probe(server, model, &messages, &sampling, LARGEST_SEED), greedy()).await };
    let (beside, story_beside) = beside_others(server, model, &sampling, asked).await;
    let repeats = alone == said(&beside?) && alone != NOTHING;
    Ok((repeats, story_alone.into_iter().chain(story_beside).collect()))
}

/// What is answered to the greedy request that tells weights apart beside longer requests, as by a server at work.
///
/// # Errors
/// What the server said to that request.
pub(super) async fn story_beside(server: &ServerPool, model: &str) -> Result<String, EngineError> {
    let sampling = Sampling { temperature: 1.0, max_tokens: 48, ..Sampling::default() };
    beside_others(server, model, &sampling, story(server, model)).await
}

/// What is `asked`, beside longer requests. Whether these are answered does not matter.
async fn beside_others<T>(server: &ServerPool, model: &str, sampling: &Sampling, asked: impl Future<Output = T>) -> T {
    let others: Vec<[Message; 1]> = OTHERS.iter().map(|subject| [Message::user(long_request(subject))]).collect();
    let others = join_all(others.iter().enumerate().map(|(n, other)| probe(server, model, other, sampling, n as u64)));
    join(asked, others).await.0
}

/// What the requests beside are about.
const OTHERS: [&str; 3] = ["trains", "gardens", "clocks"];

/// A request of some 300 words.
fn long_request(subject: &str) -> String {
    let notes: String =
        (1..=30).map(|n| format!("Note {n}: in the book about {subject} page {} was missing.\n", n * 7)).collect();
    format!("These are notes about {subject}.\n{notes}Write a letter to the printer about the missing pages.")
}

/// Whether log-probabilities come with a completion that asks for them. A server that refuses them has none.
pub(crate) async fn logprobs(server: &ServerPool, model: &str) -> Result<bool, EngineError> {
    let messages = [Message::user("Say yes.")];
    let sampling = Sampling { temperature: 0.0, max_tokens: 1, ..Sampling::default() };
    let mut body = Body::new(model, BodyInput::ask(&messages), &sampling, 0);
    body.logprobs = true;
    body.terms.may_be_empty = true;
    let _permit = server.permit().await?;
    match send(server, CHAT, body, None, server.max_retries.min(2)).await {
        Ok(reply) => Ok(reply.logprobs),
        Err(error @ (EngineError::Unreachable { .. } | EngineError::TimedOut { .. })) => Err(error),
        Err(_) => Ok(false),
    }
}
