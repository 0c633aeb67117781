//! Two scores of single responses -> a judgment: the higher one wins, equal ones are a tie. Each score is asked for once and stored by itself, so
//! that n responses cost n calls, whichever matches are played.

use std::sync::Arc;

use super::{ComparisonId, Evidence, Judge, JudgeError, Judgment, ScoreRecord};
use crate::{
    address::{KeyParts, completion_key},
    chat::{Message, Role},
    comparison::Comparison,
    engine::{Completion, EngineError, Request, Sampling, ScoreCache},
    store::Origin,
};

/// Stands in for the hash of a format: no format writes these requests.
const NO_FORMAT: &str = "score of one response";

impl Judge {
    /// Judges by two scores, of `a` and of `b`.
    pub(super) async fn judge_by_scores(
        &self,
        scores: &ScoreCache,
        id: ComparisonId<'_>,
        comparison: &Comparison,
    ) -> Result<Judgment, JudgeError> {
        self.check_scalar()?;
        let (a, b) = id.pair;
        let one = |response: usize, text: &Arc<str>| self.score(scores, id.item, response, comparison, text.clone());
        // If one score fails, the other is still waited for, so that it is stored: it was paid for.
        let (a, b) = futures::join!(one(a, &comparison.first), one(b, &comparison.second));
        Ok(Judgment::new(Evidence::Scores([a?, b?])))
    }

    /// Refuses settings that have no meaning for scores.
    fn check_scalar(&self) -> Result<(), JudgeError> {
        let what = if self.settings.votes != 1 {
            "a scalar reward model gives one score for each response, the same every time: --votes must be 1"
        } else if self.settings.max_thinking_tokens.is_some() {
            "a scalar reward model does not think: --max-thinking-tokens does not go with it"
        } else if self.recorder.is_some() {
            "scores are kept in a store, not in recordings: --record does not go with a scalar reward model"
        } else {
            return Ok(());
        };
        Err(EngineError::Unsupported { engine: self.engine.info().name.clone(), what: what.to_owned() }.into())
    }

    async fn score(
        &self,
        scores: &ScoreCache,
        item: &str,
        response: usize,
        comparison: &Comparison,
        text: Arc<str>,
    ) -> Result<ScoreRecord, JudgeError> {
        let ready = self.places.prepare().await;
        let mut messages = comparison.prompt.messages.clone();
        messages.push(Message { role: Role::Assistant, content: text.to_string() });
        // A score is not sampled: these values are fixed, so that sampling settings do not change its address.
        let sampling = Sampling { temperature: 0.0, top_p: 1.0, top_k: None, min_p: None, max_tokens: 1 };
        let nothing = (None, None, None, None);
        let (budget, comparison, labels, sink) = nothing;
        let request = Request { messages: messages.into(), sampling, seed: 0, budget, comparison, labels, sink };
        let info = self.engine.info();
        let parts = KeyParts { fingerprint: &info.fingerprint, format_hash: NO_FORMAT, request: &request, vote: 0 };
        let key = completion_key(&parts);
        let origin = || Origin {
            engine: info.name.clone(),
            fingerprint: info.fingerprint.clone(),
            format_hash: NO_FORMAT.to_owned(),
            item: item.to_owned(),
            shown: (response, response),
            vote: 0,
        };
        let completion = scores.once(key.0, || self.complete(&ready, Some(key), origin, request)).await?;
        let Completion { text, usage, .. } = completion;
        match text.trim().parse::<f64>().ok().filter(|score| score.is_finite()) {
            Some(score) => Ok(ScoreRecord { score, usage, key: self.addressed().then_some(key) }),
            None => {
                let detail = format!("a score must be a finite number; found `{text}`");
                Err(EngineError::BadReply { engine: info.name.clone(), detail }.into())
            }
        }
    }
}
