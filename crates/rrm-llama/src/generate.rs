//! One request -> one completion: the prompt is evaluated, tokens are drawn, and if a budget cuts the thinking, a verdict is elicited.

use llama_cpp_2::token::LlamaToken;
use rrm::engine::{
    Budget, Completion, EngineError, Finish, Request, Usage,
    in_process::{ChatTemplate, GrowingText, Sampler},
};

use crate::{
    session::{CHUNK, LlamaSession},
    tokens::LlamaTokenizer,
};

/// A loaded model with its chat template, tokenizer and context.
pub(crate) struct LoadedModel<'m> {
    pub name: &'m str,
    pub template: ChatTemplate,
    pub tokenizer: LlamaTokenizer<'m>,
    pub session: LlamaSession<'m>,
}

/// The token limits of a completion.
struct TokenPlan<'r> {
    /// Most tokens before the end or the cut.
    first: usize,
    /// The thinking budget, if the request has one.
    budget: Option<&'r Budget>,
}

/// The reason why drawing tokens stopped.
#[derive(PartialEq)]
enum DrawEnd {
    Model,
    StopString,
    Limit,
    Cancelled,
}

/// Answers `request`; `None` if `cancelled` returned true meanwhile.
pub(crate) fn complete(
    model: &mut LoadedModel<'_>,
    request: &Request,
    cancelled: &dyn Fn() -> bool,
) -> Result<Option<Completion>, EngineError> {
    let name = model.name;
    let failed = |detail: String| EngineError::Failed { engine: name.to_owned(), detail };
    if cancelled() {
        return Ok(None);
    }
    let parts = model.template.render(&request.messages).map_err(|error| failed(format!("its chat template: {error}")))?;
    let prompt = model.tokenizer.prompt(&parts);
    let plan = plan(model, request, prompt.len())?;
    if !prefill(&mut model.session, &prompt, cancelled).map_err(failed)? {
        return Ok(None);
    }
    let mut writer = Writer {
        tokenizer: &model.tokenizer,
        session: &mut model.session,
        sampler: Sampler::new(&request.sampling, request.seed),
        text: GrowingText::new(request.sink.clone()),
        waiting: Vec::new(),
        drawn: 0,
        cancelled,
    };
    let (end, elicited) = writer.run(&plan).map_err(failed)?;
    let finish = match end {
        DrawEnd::Cancelled => return Ok(None),
        DrawEnd::Limit => Finish::Length,
        DrawEnd::Model | DrawEnd::StopString => Finish::Stop,
    };
    let usage = Usage { prompt_tokens: prompt.len() as u64, completion_tokens: writer.drawn };
    Ok(Some(Completion { text: writer.text.finish(), reasoning: None, finish, elicited, usage, label_logprobs: None }))
}

/// Plans the use of the context. A budget promises a verdict, so all of its tokens must fit; a completion without a budget may be cut by the context.
fn plan<'r>(model: &LoadedModel<'_>, request: &'r Request, prompt: usize) -> Result<TokenPlan<'r>, EngineError> {
    let limit = model.session.limit();
    let asked = request.sampling.max_tokens as usize;
    let (first, reserved) = match &request.budget {
        None => (asked.min(limit.saturating_sub(prompt)), 1),
        Some(budget) => {
            let first = asked.min(budget.max_thinking_tokens as usize);
            let elicit = [&budget.elicit, &budget.elicit_answer].map(|text| model.tokenizer.text(text).len()).into_iter().max();
            (first, first + elicit.unwrap_or(0) + budget.max_verdict_tokens as usize)
        }
    };
    if prompt + reserved > limit {
        let (tokens, limit) = ((prompt + reserved) as u64, limit as u64);
        return Err(EngineError::TooLong { engine: model.name.to_owned(), tokens, limit });
    }
    Ok(TokenPlan { first, budget: request.budget.as_ref() })
}

/// Evaluates the part of the prompt that is not in the cache. Returns false if cancelled.
fn prefill(session: &mut LlamaSession<'_>, prompt: &[LlamaToken], cancelled: &dyn Fn() -> bool) -> Result<bool, String> {
    let kept = session.rewind(prompt)?;
    for chunk in prompt[kept..].chunks(CHUNK) {
        if cancelled() {
            return Ok(false);
        }
        session.prefill(chunk)?;
    }
    Ok(true)
}

/// A completion that is being written.
struct Writer<'a, 'm> {
    tokenizer: &'a LlamaTokenizer<'m>,
    session: &'a mut LlamaSession<'m>,
    sampler: Sampler,
    text: GrowingText,
    /// Tokens that are written but not yet evaluated.
    waiting: Vec<LlamaToken>,
    drawn: u64,
    cancelled: &'a dyn Fn() -> bool,
}

impl Writer<'_, '_> {
    /// Writes the completion. Returns how it ended, and whether its verdict was elicited.
    fn run(&mut self, plan: &TokenPlan<'_>) -> Result<(DrawEnd, bool), String> {
        let end = self.draw(plan.first, &[])?;
        let due = |budget: &&Budget| match end {
            DrawEnd::Limit => true,
            DrawEnd::Model => budget.wants_verdict(self.text.as_str()),
            DrawEnd::StopString | DrawEnd::Cancelled => false,
        };
        let Some(budget) = plan.budget.filter(due) else { return Ok((end, false)) };
        self.text.close_character();
        let elicitation = budget.elicitation(self.text.as_str());
        self.waiting.extend(self.tokenizer.text(elicitation));
        self.text.push(elicitation.as_bytes());
        Ok((self.draw(budget.max_verdict_tokens as usize, &budget.stop)?, true))
    }

    /// Draws tokens until the model ends its turn, one of `stops` appears in the tokens drawn here, or `limit` is reached.
    fn draw(&mut self, limit: usize, stops: &[String]) -> Result<DrawEnd, String> {
        let from = self.text.as_str().len();
        for _ in 0..limit {
            if (self.cancelled)() {
                return Ok(DrawEnd::Cancelled);
            }
            self.session.extend(&self.waiting)?;
            self.waiting.clear();
            let token = self.sampler.draw(self.session.logits()).ok_or("the model gave no finite logits")?;
            let token = LlamaToken(token as i32);
            self.drawn += 1;
            if self.tokenizer.ends(token) {
                return Ok(DrawEnd::Model);
            }
            self.waiting.push(token);
            self.text.hold(&self.tokenizer.bytes(token));
            let stopped = self.text.cut_after(from, stops);
            self.text.release();
            if stopped {
                return Ok(DrawEnd::StopString);
            }
        }
        Ok(DrawEnd::Limit)
    }
}
