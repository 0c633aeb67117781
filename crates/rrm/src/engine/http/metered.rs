//! One request on its way -> its possible cost if it gives no completion.

use crate::engine::{
    Meter, Usage,
    http::failure::{TryCost, TryFailure},
};

/// A request that was sent. If it is dropped before its reply, its prompt is counted, because a model may have read it.
pub(crate) struct SentRequest<'a> {
    meter: Option<&'a dyn Meter>,
    prompt: u64,
}

impl<'a> SentRequest<'a> {
    /// Returns a request with an estimate of its prompt tokens.
    pub fn new(meter: Option<&'a dyn Meter>, prompt: u64) -> Self {
        SentRequest { meter, prompt }
    }

    /// Ends the request, with an answer or with a failure that may have had a cost.
    pub fn came_back(mut self, failure: Option<&TryFailure>) {
        let meter = self.meter.take();
        match (meter, failure.map_or(TryCost::Nothing, TryFailure::cost)) {
            (None, _) | (_, TryCost::Nothing) => {}
            (Some(meter), TryCost::Counted(usage)) => meter.besides(usage, false),
            (Some(meter), TryCost::Prompt) => meter.besides(guessed(self.prompt), true),
        }
    }
}

impl Drop for SentRequest<'_> {
    fn drop(&mut self) {
        if let Some(meter) = self.meter {
            meter.besides(guessed(self.prompt), true);
        }
    }
}

fn guessed(prompt_tokens: u64) -> Usage {
    Usage { prompt_tokens, completion_tokens: 0 }
}
