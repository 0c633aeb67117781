//! A question -> responses of an engine, each with its own seed and kept in the store like every completion.

use std::sync::Arc;

use futures::future::join_all;

use super::{
    PairSettings,
    question::{Question, QuestionResponse},
};
use crate::{
    address::{KeyParts, completion_key},
    chat::{Message, Role},
    engine::Request,
    judge::{Judge, JudgeError},
    keyed,
    store::Origin,
    transcript::{self, Thinking},
};

/// Takes the place of the hash of a judge format in the address: no format writes these requests.
const SAMPLES: &str = "rrm pairs samples 1";

/// Asks for `settings.samples` responses at once. If one fails, the others still end, so that what they paid for is stored.
pub(super) async fn sample(
    judge: &Judge,
    question: &Question,
    settings: &PairSettings,
) -> Result<Vec<QuestionResponse>, JudgeError> {
    let messages: Arc<[Message]> = asked(question, settings).into();
    let all = (0..settings.samples).map(|index| one(judge, question, messages.clone(), index, settings.seed));
    join_all(all).await.into_iter().collect()
}

/// Returns the question with the instruction on how to answer.
fn asked(question: &Question, settings: &PairSettings) -> Vec<Message> {
    let usual = match question.gold.options.is_empty() {
        true => "Reason step by step, and put your final answer in \\boxed{}.",
        false => "Reason step by step, and put the letter of the right option in \\boxed{}.",
    };
    let instruction = settings.instruction.as_deref().unwrap_or(usual);
    let mut messages = question.messages.clone();
    if let Some(last) = messages.last_mut().filter(|last| last.role == Role::User && !instruction.is_empty()) {
        last.content = format!("{}\n\n{instruction}", last.content);
    }
    messages
}

async fn one(
    judge: &Judge,
    question: &Question,
    messages: Arc<[Message]>,
    index: u32,
    seed: u64,
) -> Result<QuestionResponse, JudgeError> {
    let ready = judge.places.prepare().await;
    let request = Request {
        messages,
        sampling: judge.settings.sampling.clone(),
        // A response never meets itself in a match, so no vote has this seed.
        seed: keyed::seed(seed, &question.id, (0, 0), false, index),
        budget: None,
        comparison: None,
        labels: None,
        sink: judge.sink.clone(),
    };
    let info = judge.engine.info();
    let parts = KeyParts { fingerprint: &info.fingerprint, format_hash: SAMPLES, request: &request, vote: index };
    let key = completion_key(&parts);
    let origin = || Origin {
        engine: info.name.clone(),
        fingerprint: info.fingerprint.clone(),
        format_hash: SAMPLES.to_owned(),
        item: question.id.clone(),
        shown: (0, 0),
        vote: index,
    };
    let completion = judge.complete(&ready, Some(key), origin, request.clone()).await?;
    if let Some(recorder) = &judge.recorder {
        recorder.record(&request, &completion)?;
    }
    let thinking = Thinking { open: "<think>".to_owned(), close: "</think>".to_owned(), opened_by_template: false };
    let said = transcript::split(&completion, Some(&thinking));
    // The address of a server is left out, because rows must not depend on it.
    let model = info.name.split(" at http").next().map(str::to_owned);
    let index = index as usize;
    Ok(QuestionResponse { index, text: said.answer, model, answer: None, correct: None, cut: said.truncated || !said.closed })
}
