//! Probes of a server: whether seeds repeat a text, and whether it returns log-probabilities.

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

/// The largest seed, which shows whether a service takes only small ones.
const LARGEST_SEED: u64 = (1 << 53) - 1;

/// Probes whether the same seed gives the same text, alone and beside longer requests. On some servers sums depend on what is computed together, so
/// that a text differs once such a difference changes a token. With `stories`, also returns the answers at these two times to the greedy request that
/// tells weights apart.
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

/// Returns the answer to the greedy request that tells weights apart, beside longer requests, as on a busy server.
///
/// # Errors
/// The error of that request.
pub(super) async fn story_beside(server: &ServerPool, model: &str) -> Result<String, EngineError> {
    let sampling = Sampling { temperature: 1.0, max_tokens: 48, ..Sampling::default() };
    beside_others(server, model, &sampling, story(server, model)).await
}

/// Awaits `asked` beside longer requests. It does not matter whether these are answered.
async fn beside_others<T>(server: &ServerPool, model: &str, sampling: &Sampling, asked: impl Future<Output = T>) -> T {
    let others: Vec<[Message; 1]> = OTHERS.iter().map(|subject| [Message::user(long_request(subject))]).collect();
    let others = join_all(others.iter().enumerate().map(|(n, other)| probe(server, model, other, sampling, n as u64)));
    join(asked, others).await.0
}

/// Subjects of the requests beside it.
const OTHERS: [&str; 3] = ["trains", "gardens", "clocks"];

/// Returns a request of about 300 words.
fn long_request(subject: &str) -> String {
    let notes: String =
        (1..=30).map(|n| format!("Note {n}: in the book about {subject} page {} was missing.\n", n * 7)).collect();
    format!("These are notes about {subject}.\n{notes}Write a letter to the printer about the missing pages.")
}

/// Probes whether log-probabilities come with a completion that asks for them. A server that refuses them has none.
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
