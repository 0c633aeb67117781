//! A thinking budget over HTTP: the model thinks up to the budget, then the server continues from the elicitation to a verdict.

use crate::engine::{
    Budget, Completion, EngineError, Finish, Meter, Request, Sampling,
    http::{
        body::{AnswerTerms, Body, BodyInput},
        continuation::{CHAT, TextStart, WorkingMethod, send},
        reply::{ServerReply, StoppedBy},
        server::ServerPool,
    },
};

/// Completes `request` under its `budget`, and continues by `way` if the thinking is cut.
///
/// The usage is the sum of both requests, because a server bills the prompt each time.
pub(crate) async fn complete(
    server: &ServerPool,
    model: &str,
    way: WorkingMethod,
    (request, budget): (&Request, &Budget),
    meter: Option<&dyn Meter>,
) -> Result<Completion, EngineError> {
    let sink = request.sink.as_ref();
    let thinking =
        Sampling { max_tokens: request.sampling.max_tokens.min(budget.max_thinking_tokens), ..request.sampling.clone() };
    let mut body = Body::new(model, BodyInput::ask(&request.messages), &thinking, request.seed);
    body.terms = AnswerTerms { meter, ..AnswerTerms::default() };
    let thought = send(server, CHAT, body, sink, server.max_retries).await?;
    let written = written(&thought, budget);
    if thought.finish == Finish::Stop && !budget.wants_verdict(&written) {
        return Ok(plain(thought));
    }
    let elicitation = budget.elicitation(&written);
    if let Some(sink) = sink {
        sink(elicitation);
    }
    let text = written + elicitation;
    let message = as_message(&text, budget);
    let begun = TextStart {
        messages: &request.messages,
        message: &message,
        answer: &message[budget.answer(&message)..],
        after_prompt: after_prompt(&text, budget),
        sampling: &Sampling { max_tokens: budget.max_verdict_tokens, ..request.sampling.clone() },
        seed: request.seed,
        stop: &budget.stop,
        sink,
        meter,
    };
    let decided = way.go_on(server, model, begun, server.max_retries).await;
    // Without a verdict, the thinking is still paid for.
    let decided = decided.inspect_err(|_| meter.iter().for_each(|meter| meter.besides(thought.usage, false)))?;
    if thinking_was_dropped(&thought, &decided) {
        let what = "a thinking budget is not possible here: the server's chat template drops the thinking of the message that is \
            to be continued; serve with a template that keeps it, or set no budget";
        for usage in [thought.usage, decided.usage] {
            meter.iter().for_each(|meter| meter.besides(usage, false));
        }
        return Err(EngineError::Unsupported { engine: server.name.clone(), what: what.to_owned() });
    }
    let mut usage = thought.usage;
    usage += decided.usage;
    let told = decided.text.len();
    let (verdict, finish) = until_stop(decided, &budget.stop);
    if let (Some(sink), Some(put_back)) = (sink, verdict.get(told..).filter(|rest| !rest.is_empty())) {
        sink(put_back);
    }
    Ok(Completion { text: text + &verdict, reasoning: None, finish, elicited: true, usage, label_logprobs: None })
}

/// Turns a reply into a completion.
pub(crate) fn plain(reply: ServerReply) -> Completion {
    Completion {
        text: reply.text,
        reasoning: reply.reasoning,
        finish: reply.finish,
        elicited: false,
        usage: reply.usage,
        label_logprobs: None,
    }
}

/// Returns the text that the model had written when it was cut, with the marks of thinking restored if the server moved the thinking to another
/// field.
fn written(thought: &ServerReply, budget: &Budget) -> String {
    match &thought.reasoning {
        None => thought.text.clone(),
        Some(reasoning) if thought.text.is_empty() => format!("{}{reasoning}", budget.open),
        Some(reasoning) => format!("{}{reasoning}{}{}", budget.open, budget.close, thought.text),
    }
}

/// Returns the text as an assistant's message. It gets the mark that opens thinking even if the template sets it for new answers, because the
/// template does not set it in an existing message.
fn as_message(text: &str, budget: &Budget) -> String {
    if !budget.opened_by_template || budget.open.is_empty() || text.contains(&budget.open) {
        return text.to_owned();
    }
    format!("{}\n{}", budget.open, text.trim_start_matches('\n'))
}

/// Returns the text as it follows the rendered prompt, without the mark that opens thinking if the template has set it.
fn after_prompt<'a>(text: &'a str, budget: &Budget) -> &'a str {
    match text.strip_prefix(&budget.open) {
        Some(rest) if budget.opened_by_template => rest.trim_start_matches('\n'),
        _ => text,
    }
}

/// Returns whether the second prompt is so short that it cannot hold the thinking. Counts differ a little when a text is tokenised again, hence the
/// tolerance of a quarter. Without counts it returns `false`.
fn thinking_was_dropped(thought: &ServerReply, decided: &ServerReply) -> bool {
    let (first, second) = (thought.usage, decided.usage.prompt_tokens);
    let counted = first.prompt_tokens > 0 && first.completion_tokens > 0 && second > 0;
    counted && second + 16 < first.prompt_tokens + first.completion_tokens * 3 / 4
}

/// Returns the verdict up to the first stop string, which is restored if the server removed it.
fn until_stop(reply: ServerReply, stop: &[String]) -> (String, Finish) {
    let ServerReply { mut text, finish, stopped_by, .. } = reply;
    let found =
        stop.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| Some((text.find(stop.as_str())?, stop.len()))).min();
    if let Some((at, length)) = found {
        text.truncate(at + length);
        return (text, Finish::Stop);
    }
    match (finish, stopped_by) {
        (Finish::Length, _) => return (text, Finish::Length),
        // Some services put the reason for the end here, which is no stop string.
        (Finish::Stop, StoppedBy::Text(by)) if stop.contains(&by) => text.push_str(&by),
        (Finish::Stop, StoppedBy::Text(_)) => {}
        // The model ended its turn without the stop string, so the text stays as it is.
        (Finish::Stop, StoppedBy::End) => {}
        // The server does not say which stop string it was. All stop strings of a format mean that the verdict is complete.
        (Finish::Stop, StoppedBy::Unsaid) => text.push_str(stop.first().map_or("", String::as_str)),
    }
    (text, Finish::Stop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Usage;

    fn budget() -> Budget {
        Budget {
            max_thinking_tokens: 8,
            elicit: "\n</think>\n\n\\boxed{".to_owned(),
            elicit_answer: "\n\n\\boxed{".to_owned(),
            open: "<think>".to_owned(),
            close: "</think>".to_owned(),
            opened_by_template: false,
            max_verdict_tokens: 4,
            stop: vec!["}".to_owned()],
            verdicts: ["\\boxed{Assistant 1}", "\\boxed{Assistant 2}"].map(str::to_owned).to_vec(),
            stop_at_verdict: false,
        }
    }

    fn reply(text: &str, finish: Finish, stopped_by: StoppedBy) -> ServerReply {
        let usage = Usage::default();
        let (reasoning, counted) = (None, (false, false));
        ServerReply {
            text: text.to_owned(),
            reasoning,
            finish,
            stopped_by,
            usage,
            counted,
            cached_prompt_tokens: 0,
            logprobs: false,
            reasoned: true,
        }
    }

    #[test]
    fn the_stop_string_ends_the_verdict_whoever_cut_it() {
        let stop = ["}".to_owned(), "!".to_owned()];
        let cases = [
            (reply("A}", Finish::Stop, StoppedBy::Unsaid), "A}", Finish::Stop),
            (reply("A} and", Finish::Length, StoppedBy::Unsaid), "A}", Finish::Stop),
            (reply("A!}", Finish::Stop, StoppedBy::End), "A!", Finish::Stop),
            (reply("A", Finish::Stop, StoppedBy::Unsaid), "A}", Finish::Stop),
            (reply("A", Finish::Stop, StoppedBy::Text("!".to_owned())), "A!", Finish::Stop),
            (reply("A", Finish::Stop, StoppedBy::Text("end_turn".to_owned())), "A", Finish::Stop),
            (reply("A", Finish::Stop, StoppedBy::End), "A", Finish::Stop),
            (reply("A", Finish::Length, StoppedBy::Unsaid), "A", Finish::Length),
        ];
        for (reply, text, finish) in cases {
            let shown = format!("{reply:?}");
            assert_eq!(until_stop(reply, &stop), (text.to_owned(), finish), "{shown}");
        }
    }

    #[test]
    fn moved_thinking_gets_its_marks_back() {
        let mut thought = reply("", Finish::Length, StoppedBy::Unsaid);
        thought.reasoning = Some("hm".to_owned());
        assert_eq!(written(&thought, &budget()), "<think>hm");
        thought.text = "So".to_owned();
        assert_eq!(written(&thought, &budget()), "<think>hm</think>So");
    }

    #[test]
    fn the_opening_mark_is_there_exactly_once() {
        let own = budget();
        let template = Budget { opened_by_template: true, ..budget() };
        assert_eq!(as_message("<think>hm", &own), "<think>hm");
        assert_eq!(as_message("hm", &own), "hm", "a model that does not think is not made to");
        assert_eq!(as_message("hm", &template), "<think>\nhm");
        assert_eq!(as_message("<think>hm", &template), "<think>hm");
        assert_eq!(after_prompt("<think>hm", &own), "<think>hm");
        assert_eq!(after_prompt("<think>\nhm", &template), "hm");
        assert_eq!(after_prompt("hm", &template), "hm");
    }
}
