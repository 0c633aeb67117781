//! One request -> its completion, token by token: the text, the thinking budget, stop strings, and the end.
//!
//! This module knows nothing of blocks or batches, so a text cannot depend on them.

use rrm::engine::{
    Budget, Completion, Finish, Labels, Request, Usage,
    in_process::{GrowingText, Sampler},
};

use crate::{
    backend::Tokenizer,
    labels::{self, Continuations, WrittenTokens},
};

/// A completion that is being written.
pub(crate) struct Sequence {
    /// The tokens of the prompt and of everything that was written or appended, except a token that ended the turn.
    pub tokens: Vec<u32>,
    /// The sampler of the next token.
    pub sampler: Sampler,
    /// The number of tokens of the prompt.
    prompt: usize,
    budget: Option<Budget>,
    /// The tokens of the budget's two elicitations.
    elicit: [Vec<u32>; 2],
    labels: Option<std::sync::Arc<Labels>>,
    text: GrowingText,
    /// The length of the text up to the end of each token after the prompt.
    ends: Vec<usize>,
    /// The number of tokens that may still be drawn before the end or the cut.
    left: usize,
    /// The position in the text from which stop strings may begin.
    from: usize,
    drawn: Vec<u32>,
    elicited: bool,
}

/// A completion that ended.
#[derive(Debug)]
pub(crate) struct FinishedCompletion {
    /// The engine's answer.
    pub completion: Completion,
    /// All drawn tokens in order, including the one that ended the turn, but without elicitations.
    pub drawn: Vec<u32>,
}

/// The limits and the elicitation of a completion.
pub(crate) struct SequencePlan {
    /// The number of tokens that may be drawn before the end or the cut.
    pub first: usize,
    /// The tokens of the budget's `elicit` and `elicit_answer`.
    pub elicit: [Vec<u32>; 2],
    /// The largest possible number of tokens, including the prompt.
    pub most: usize,
}

/// The reason why a request is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The request needs this many tokens, which do not fit.
    TooLong(u64),
    /// The elicitation cannot be tokenised.
    Unencodable(String),
}

/// Plans the use of a context of `limit` tokens. A budget promises a verdict, so all of its tokens must fit; a completion without a budget may be cut
/// by the context.
///
/// # Errors
/// [`Refusal`].
pub(crate) fn plan(request: &Request, prompt: usize, limit: usize, tokenizer: &dyn Tokenizer) -> Result<SequencePlan, Refusal> {
    let asked = request.sampling.max_tokens as usize;
    let encode = |text: &str| tokenizer.encode_text(text).map_err(Refusal::Unencodable);
    let (plan, reserved) = match &request.budget {
        None => {
            let first = asked.min(limit.saturating_sub(prompt));
            (SequencePlan { first, elicit: Default::default(), most: prompt + first }, 1)
        }
        Some(budget) => {
            let first = asked.min(budget.max_thinking_tokens as usize);
            let elicit = [encode(&budget.elicit)?, encode(&budget.elicit_answer)?];
            let longest = elicit[0].len().max(elicit[1].len());
            let reserved = first + longest + budget.max_verdict_tokens as usize;
            (SequencePlan { first, elicit, most: prompt + reserved }, reserved)
        }
    };
    if prompt + reserved > limit { Err(Refusal::TooLong((prompt + reserved) as u64)) } else { Ok(plan) }
}

impl Sequence {
    /// Makes the sequence for a prompt (not empty); `plan` comes from [`plan`].
    pub fn new(request: Request, prompt: Vec<u32>, plan: SequencePlan) -> Self {
        Sequence {
            prompt: prompt.len(),
            tokens: prompt,
            sampler: Sampler::new(&request.sampling, request.seed),
            budget: request.budget,
            elicit: plan.elicit,
            labels: request.labels,
            text: GrowingText::new(request.sink),
            ends: Vec::new(),
            left: plan.first,
            from: 0,
            drawn: Vec::new(),
            elicited: false,
        }
    }

    /// Checks whether a first token may be drawn. Returns how the completion ends if not.
    pub fn begin(&mut self, tokenizer: &dyn Tokenizer) -> Option<Finish> {
        if self.left == 0 { self.end(Finish::Length, tokenizer) } else { None }
    }

    /// Takes a drawn token. Returns how the completion ends, or `None` if it continues.
    pub fn accept(&mut self, token: u32, tokenizer: &dyn Tokenizer) -> Option<Finish> {
        self.drawn.push(token);
        self.left -= 1;
        if tokenizer.ends(token) {
            return self.end(Finish::Stop, tokenizer);
        }
        self.tokens.push(token);
        let bytes = tokenizer.bytes(token);
        self.text.hold(&bytes);
        let stopped = self.stop(&bytes);
        self.text.release();
        self.ends.push(self.text.as_str().len());
        if stopped {
            return Some(Finish::Stop);
        }
        if self.left == 0 { self.end(Finish::Length, tokenizer) } else { None }
    }

    /// Cuts the text behind a stop string or a verdict that completes it. `new` is what the last token wrote. Returns whether the text was cut.
    fn stop(&mut self, new: &[u8]) -> bool {
        let Some(budget) = &self.budget else { return false };
        if self.elicited {
            return self.text.cut_after(self.from, &budget.stop);
        }
        // The whole text is searched only if the new bytes may complete a verdict.
        let completes = |verdict: &String| verdict.as_bytes().last().is_some_and(|last| new.contains(last));
        budget.stop_at_verdict
            && budget.verdicts.iter().any(completes)
            && !budget.wants_verdict(self.text.as_str())
            && self.text.cut_after(budget.answer(self.text.as_str()), &budget.verdicts)
    }

    /// Ends the completion. If a verdict is due, it appends the elicitation instead and returns `None`.
    fn end(&mut self, finish: Finish, tokenizer: &dyn Tokenizer) -> Option<Finish> {
        let written = self.text.as_str();
        let due = |budget: &&Budget| !self.elicited && (finish == Finish::Length || budget.wants_verdict(written));
        let Some(budget) = self.budget.as_ref().filter(due) else { return Some(finish) };
        self.text.close_character();
        let elicitation = budget.elicitation(self.text.as_str()).to_owned();
        self.left = budget.max_verdict_tokens as usize;
        let tokens = std::mem::take(&mut self.elicit[usize::from(elicitation != budget.elicit)]);
        self.append(&elicitation, tokens, tokenizer);
        self.from = self.text.as_str().len();
        self.elicited = true;
        (self.left == 0).then_some(Finish::Length)
    }

    fn append(&mut self, text: &str, tokens: Vec<u32>, tokenizer: &dyn Tokenizer) {
        let start = self.text.as_str().len();
        let mut end = start;
        let ends = tokens.iter().map(|token| {
            end += tokenizer.bytes(*token).len();
            end
        });
        let mut ends: Vec<usize> = ends.collect();
        self.text.push(text.as_bytes());
        let after = self.text.as_str().len();
        if end != after
            && let Some(last) = ends.len().checked_sub(1)
        {
            // If the tokens spell something else, such as a leading space, only all of them together stand for the text.
            ends.fill(start);
            ends[last] = after;
        }
        self.ends.extend(ends);
        self.tokens.extend(tokens);
    }

    /// Returns the labels as continuations at the position of the verdict; `None` without labels or verdict.
    pub fn continuations(&self, tokenizer: &dyn Tokenizer) -> Option<Continuations> {
        let written = WrittenTokens { text: self.text.as_str(), ends: &self.ends, prompt: self.prompt };
        labels::continuations(&written, self.labels.as_deref()?, self.budget.as_ref(), tokenizer)
    }

    /// Returns the completion without the scores of its labels.
    pub fn finish(self, finish: Finish) -> FinishedCompletion {
        let usage = Usage { prompt_tokens: self.prompt as u64, completion_tokens: self.drawn.len() as u64 };
        let text = self.text.finish();
        let completion = Completion { text, reasoning: None, finish, elicited: self.elicited, usage, label_logprobs: None };
        FinishedCompletion { completion, drawn: self.drawn }
    }
}
