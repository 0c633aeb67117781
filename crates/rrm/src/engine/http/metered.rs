//! One request on its way -> what it may cost although it gives no completion.

use crate::engine::{
    Meter, Usage,
    http::failure::{TryCost, TryFailure},
};

/// A request that was sent; dropped before its reply, it counts as unfinished, since a model may have read the prompt.
pub(crate) struct SentRequest<'a> {
    meter: Option<&'a dyn Meter>,
    prompt: u64,
}

impl<'a> SentRequest<'a> {
    /// A request with so many tokens of prompt, by a guess.
    pub fn new(meter: Option<&'a dyn Meter>, prompt: u64) -> Self {
        SentRequest { meter, prompt }
    }

    /// It came back, with an answer or with a failure that may have cost something.
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
