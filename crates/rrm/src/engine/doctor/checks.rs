//! Checks that need a model that answers.

use std::time::Instant;

use serde_json::Value;

use super::{Check, identity, said};
use crate::{
    chat::Message,
    engine::{
        Budget, Engine, EngineError, Finish, Opening, Request, Sampling,
        http::{
            HttpEngine,
            body::{Body, BodyInput},
            continuation::{CHAT, send},
            fingerprint::probe,
            opening,
            reply::{self, ReplyRules},
        },
    },
    transcript::is_marked,
};

/// Makes all checks, one after the other so that they do not disturb each other's timing.
pub(super) async fn all(engine: &HttpEngine) -> Vec<Check> {
    let mut checks = long_call(engine).await;
    checks.extend(identity::checks(engine));
    // Notes on the weights are already part of the identity checks.
    let notes = engine.notes().iter().filter(|note| !note.contains("`revision`"));
    checks.extend(notes.map(|note| Check::ok("requests", note.split_once(": ").map_or(note.as_str(), |(_, rest)| rest))));
    checks.push(seeds(engine).await);
    checks.push(if engine.info().logprobs {
        Check::ok("log-probabilities", "they come with an answer that asks for them")
    } else {
        let fix = "nothing, unless something you use needs them; vLLM, SGLang and llama.cpp have them";
        Check::missing("log-probabilities", "none came with an answer that asked for them", fix)
    });
    checks.push(stop_strings(engine).await);
    checks.push(long_prompt(engine).await);
    if let Some(defaults) = engine.sampling_defaults() {
        checks.push(Check::missing("sampling", "the server uses its own sampling settings where a request names none", defaults));
    }
    checks.push(match engine.continues_by() {
        Some(way) => Check::ok("continuation", way),
        None => Check::missing(
            "continuation",
            "the server cannot continue a begun answer, which thinking budgets need",
            CONTINUATION_FIX,
        ),
    });
    checks.extend(budget(engine).await);
    checks
}

const CONTINUATION_FIX: &str = "judge without a thinking budget, or serve with vLLM, SGLang, llama.cpp (`--jinja`) or \
    `transformers serve`; where the chat template drops thinking, `/tokenize` (vLLM) or `/apply-template` (llama.cpp) must be \
    reachable through the gateway";

/// Makes one longer call. It checks that chat works, where thinking appears, and the speed.
async fn long_call(engine: &HttpEngine) -> Vec<Check> {
    let messages = [Message::user("Is 17 times 23 more than 400? Think step by step, then answer with yes or no.")];
    let sampling = Sampling { max_tokens: 256, ..Sampling::default() };
    let body = Body::new(&engine.model, BodyInput::ask(&messages), &sampling, 1);
    let start = Instant::now();
    let (value, reply) = match whole_or_streamed(engine, body).await {
        Ok(answer) => answer,
        Err(error) => return vec![Check::failed("chat", said(&error), "see the server's log")],
    };
    let seconds = start.elapsed().as_secs_f64();
    let tokens = reply.usage.completion_tokens;
    let mut checks = vec![Check::ok("chat", format!("{:?}...", reply.text.trim().chars().take(40).collect::<String>()))];
    let fix = "nothing; costs and limits a minute will be estimates, and prompts that the server cuts will not be noticed";
    checks.push(match tokens {
        _ if engine.server.counts.grow() == Some(false) => {
            Check::missing("usage", "counts of tokens do not grow with prompts", fix)
        }
        0 => Check::missing("usage", "the server does not count tokens", fix),
        _ => Check::ok("usage", format!("{} prompt and {tokens} written tokens", reply.usage.prompt_tokens)),
    });
    let rate = if tokens > 0 { format!(", {:.0} tokens/s", tokens as f64 / seconds) } else { String::new() };
    checks.push(Check::ok("speed", format!("{seconds:.2} s for one answer alone{rate}")));
    checks.push(thinking(&value["choices"][0]["message"], &reply, engine.opening()));
    checks
}

/// Returns an answer, with its JSON unless it was streamed.
async fn whole_or_streamed(engine: &HttpEngine, body: Body<'_>) -> Result<(Value, reply::ServerReply), EngineError> {
    if !engine.server.streams() {
        let value: Result<Value, _> = engine.server.post_json(CHAT, engine.server.json(CHAT, &body)?).await;
        let reading = ReplyRules { max_tokens: body.max_tokens, unreasoned: true, empty: false };
        let read = value.as_ref().ok().map(|value| reply::parse(value.to_string().as_bytes(), reading));
        match (value, read) {
            (Ok(value), Some(Ok(reply))) => return Ok((value, reply)),
            (Err(error), _) if !matches!(error, EngineError::BadReply { .. }) => return Err(error),
            // The answer may be a stream nevertheless.
            _ => {}
        }
    }
    Ok((Value::Null, send(&engine.server, CHAT, body, None, 1).await?))
}

/// Checks where thinking appears in a reply. rrm reads all places; the answer must not be mistaken for thinking.
fn thinking(message: &Value, reply: &reply::ServerReply, opening: Opening) -> Check {
    let moved =
        ["reasoning", "reasoning_content"].iter().find(|name| message[**name].as_str().is_some_and(|text| !text.is_empty()));
    let template = Opening::Template == if opening == Opening::Unknown { opening::of_reply(reply) } else { opening };
    match moved {
        Some(name) if reply.text.trim().is_empty() && reply.finish == Finish::Stop => Check::missing(
            "thinking",
            format!("everything is in `{name}`, the answer too"),
            "choose the reasoning parser of this model's family (vLLM, SGLang: `--reasoning-parser`), or serve without one",
        ),
        Some(name) => Check::ok("thinking", format!("the server moves it to `{name}`")),
        None if template => Check::missing(
            "thinking",
            "it stays in the text, and the chat template opens it: a reply that does not close it has no verdict",
            "write `thinking.opened_by_template = true` into the judge's format, or start the server with the model's \
             `--reasoning-parser`",
        ),
        // In a stream the name of the field is not kept.
        None if reply.reasoning.is_some() => Check::ok("thinking", "the server moves it away from the text"),
        None if is_marked(&reply.text) => Check::ok("thinking", "it stays in the text, between marks that are known"),
        None => Check::missing(
            "thinking",
            format!("no thinking apart from the answer in {} tokens", reply.usage.completion_tokens),
            "nothing for a model that only thinks when the prompt asks for it; for a reasoning model see that its chat \
             template has thinking on, or start vLLM or SGLang with the model's `--reasoning-parser`",
        ),
    }
}

/// Checks that the same seed repeats a text and another seed does not.
async fn seeds(engine: &HttpEngine) -> Check {
    let messages = [Message::user("Invent a name for a new planet and describe it.")];
    let sampling = Sampling { temperature: 1.0, max_tokens: 24, ..Sampling::default() };
    let mut texts = Vec::new();
    for seed in [11, 12, 13] {
        match probe(&engine.server, &engine.model, &messages, &sampling, seed).await {
            Ok(reply) => texts.push((reply.reasoning, reply.text)),
            Err(error) => return Check::failed("seeds", said(&error), "see the server's log"),
        }
    }
    if texts.iter().all(|text| text == &texts[0]) {
        let fix = "all votes of a judge will be the same: turn sampling on (`transformers serve` samples only with \
            \"do_sample\": true in the model's generation_config.json)";
        return Check::missing("seeds", "three seeds at temperature 1 gave the same text", fix);
    }
    match engine.info().seeds {
        true => Check::ok("seeds", "the same seed repeats, alone and beside longer requests; other seeds differ"),
        false => {
            let again = probe(&engine.server, &engine.model, &messages, &sampling, 11).await;
            let repeats = again.is_ok_and(|reply| texts[0] == (reply.reasoning, reply.text));
            let seen = match repeats {
                true => {
                    "the same seed repeats alone, and not beside other requests: the server's sums depend on what it computes together"
                }
                false => "the same seed gave different texts",
            };
            let fix = "nothing; answers that are stored replay exactly, but a run from scratch will differ in some of them";
            Check::missing("seeds", seen, fix)
        }
    }
}

/// Checks that a prompt of some thousand words is read completely, or refused with an error.
async fn long_prompt(engine: &HttpEngine) -> Check {
    const NAME: &str = "long prompt";
    let lines: String = (1..=600).map(|n| format!("Line {n} of the long text says that all is well.\n")).collect();
    let messages = [Message::user(format!("{lines}Say yes."))];
    let sampling = Sampling { temperature: 0.0, max_tokens: 1, ..Sampling::default() };
    match probe(&engine.server, &engine.model, &messages, &sampling, 0).await {
        Ok(reply) if !reply.counted.0 || engine.server.counts.grow() != Some(true) => Check::missing(
            NAME,
            "6600 words were answered; whether they were read is not to be seen",
            "see the server's context length",
        ),
        Ok(reply) => Check::ok(NAME, format!("6600 words are read whole ({} tokens)", reply.usage.prompt_tokens)),
        Err(error @ EngineError::TooLong { .. }) => {
            Check::ok(NAME, format!("6600 words are refused, as they should be: {}", said(&error)))
        }
        Err(error @ EngineError::DoesNotFit { .. }) if said(&error).contains("only a part") => Check::failed(
            NAME,
            said(&error),
            "Ollama: OLLAMA_CONTEXT_LENGTH, or num_ctx in the model's file; judgments of long texts will fail until then",
        ),
        Err(error @ EngineError::DoesNotFit { .. }) => {
            Check::ok(NAME, format!("6600 words are refused, as they should be: {}", said(&error)))
        }
        Err(error) => Check::missing(NAME, said(&error), "see the server's log"),
    }
}

/// Checks that a stop string ends an answer. The string is taken from the model's own answer.
async fn stop_strings(engine: &HttpEngine) -> Check {
    const NAME: &str = "stop strings";
    let messages = [Message::user("Describe a rainy day in the mountains.")];
    let sampling = Sampling { temperature: 0.0, max_tokens: 32, ..Sampling::default() };
    let whole = match probe(&engine.server, &engine.model, &messages, &sampling, 0).await {
        Ok(reply) => reply.reasoning.unwrap_or_default() + &reply.text,
        Err(error) => return Check::failed(NAME, said(&error), "see the server's log"),
    };
    let Some(word) = whole.split_whitespace().nth(6).map(str::to_owned) else {
        return Check::missing(NAME, "the model said too little to try one", "nothing");
    };
    let stop = [word];
    let mut body = Body::new(&engine.model, BodyInput::ask(&messages), &sampling, 0);
    body.stop = &stop;
    body.terms.may_be_empty = true;
    match send(&engine.server, CHAT, body, None, 1).await {
        Err(error) => Check::missing(NAME, said(&error), "thinking budgets need them: serve with a server that has `stop`"),
        Ok(reply) => {
            let text = reply.reasoning.unwrap_or_default() + &reply.text;
            // Servers may keep or remove the stop string.
            let stopped = text.find(stop[0].as_str()).is_none_or(|at| text[at + stop[0].len()..].trim().len() < 3);
            match stopped && text.len() < whole.len() {
                true => Check::ok(NAME, "they end an answer"),
                false => {
                    Check::missing(NAME, "the model went on", "nothing; verdicts under a thinking budget are cut afterwards")
                }
            }
        }
    }
}

/// Makes a real request with a thinking budget. `None` if the server cannot continue a text.
async fn budget(engine: &HttpEngine) -> Option<Check> {
    engine.continues_by()?;
    let budget = Budget {
        max_thinking_tokens: 16,
        elicit: "\n</think>\n\nThe better one is \\boxed{Assistant".to_owned(),
        elicit_answer: "\n\nThe better one is \\boxed{Assistant".to_owned(),
        open: "<think>".to_owned(),
        close: "</think>".to_owned(),
        opened_by_template: false,
        max_verdict_tokens: 8,
        stop: vec!["}".to_owned()],
        verdicts: ["\\boxed{Assistant 1}", "\\boxed{Assistant 2}"].map(str::to_owned).to_vec(),
        stop_at_verdict: false,
    };
    let prompt = "Two assistants were asked for the sum of 2 and 2. Assistant 1 said 4, Assistant 2 said 5. Think about it at \
        length, then name the better one as \\boxed{Assistant 1} or \\boxed{Assistant 2}.";
    let request = Request {
        messages: [Message::user(prompt)].into(),
        sampling: Sampling::default(),
        seed: 1,
        budget: Some(budget),
        comparison: None,
        labels: None,
        sink: None,
    };
    Some(match engine.complete(request).await {
        Err(error) => Check::missing("thinking budget", said(&error), CONTINUATION_FIX),
        Ok(done) if !done.elicited => Check::ok("thinking budget", "the model ended by itself before the budget"),
        Ok(done) if done.finish == Finish::Stop => {
            let verdict = done.text.rsplit("is ").next().unwrap_or_default().to_owned();
            Check::ok("thinking budget", format!("cut after 16 tokens, then {verdict}"))
        }
        Ok(_) => Check::missing(
            "thinking budget",
            "cut after 16 tokens, but no complete verdict within 8 more",
            "a larger model, or more tokens for the verdict",
        ),
    })
}
