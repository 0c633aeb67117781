//! One request on its way -> what it may cost although it gives no completion.

use crate::engine::{
    Meter, Usage,
    http::failure::{Cost, Failure},
};

/// A request that was sent. Whoever drops it before it came back leaves a prompt that a model may have read.
pub(crate) struct InFlight<'a> {
    meter: Option<&'a dyn Meter>,
    prompt: u64,
}

impl<'a> InFlight<'a> {
    /// A request with so many tokens of prompt, by a guess.
    pub fn new(meter: Option<&'a dyn Meter>, prompt: u64) -> Self {
        InFlight { meter, prompt }
    }

    /// It came back, with an answer or with a failure that may have cost something.
    pub fn came_back(mut self, failure: Option<&Failure>) {
        let meter = self.meter.take();
        match (meter, failure.map_or(Cost::Nothing, Failure::cost)) {
            (None, _) | (_, Cost::Nothing) => {}
            (Some(meter), Cost::Counted(usage)) => meter.besides(usage, false),
            (Some(meter), Cost::Prompt) => meter.besides(guessed(self.prompt), true),
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if let Some(meter) = self.meter {
            meter.besides(guessed(self.prompt), true);
        }
    }
}

fn guessed(prompt_tokens: u64) -> Usage {
    Usage { prompt_tokens, completion_tokens: 0 }
}
