//! What is written: the same for the same request, whatever came before it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use futures::{
    channel::mpsc,
    executor::block_on,
    future::{Either, select},
    stream::StreamExt,
};
use rrm::engine::{Engine, EngineError, Finish};
use rrm_llama::{LlamaConfig, LlamaEngine};

use crate::{complete, config, engine, model, request};

/// A prompt of some 200 tokens, several chunks, whose end differs.
fn long_prompt(end: &str) -> String {
    let facts: String = (0..9).map(|n| format!("Fact {n}: river {n} is {} km long. ", n * 37 % 91)).collect();
    format!("{facts}\n{end}")
}

#[test]
fn greedy_text_is_stable() {
    let Some(engine) = engine() else { return };
    let ask = || complete(engine, request("What is the capital of France? Answer in one sentence.", 0.0, 0, 24)).unwrap();
    let first = ask();
    assert!(first.text.contains("Paris"), "{}", first.text);
    assert_eq!(first.finish, Finish::Stop);
    assert_eq!(first, ask());
}

#[test]
fn a_reused_prefix_changes_no_text() {
    let Some(engine) = engine() else { return };
    let ends = ["Which river is longest? ", "Which river is shortest?", "Name three rivers.", ""];
    let ask = |end: &str, seed| complete(engine, request(&long_prompt(end), 1.0, seed, 12)).unwrap();
    // Another first word: nothing of what is in the cache can be used.
    let forget = || complete(engine, request(&format!("Well. {}", long_prompt("Yes?")), 1.0, 9, 3)).unwrap();
    let mut fresh = Vec::new();
    for (seed, end) in (0..).zip(ends) {
        forget();
        fresh.push(ask(end, seed));
    }
    forget();
    for (seed, end) in (0..).zip(ends) {
        assert_eq!(ask(end, seed), fresh[seed as usize], "after another end of the same prompt");
        assert_eq!(ask(end, seed), fresh[seed as usize], "after the same prompt");
    }
    assert_ne!(ask(ends[0], 5).text, fresh[0].text, "another seed");
}

#[test]
fn two_engines_of_one_process_agree() {
    let (Some(engine), Some(path)) = (engine(), model()) else { return };
    let other = LlamaEngine::open(LlamaConfig { context: Some(1024), ..config(path) }).unwrap();
    assert_eq!(engine.info(), other.info());
    let ask = || request("Tell me a story about a fox.", 1.0, 3, 30);
    assert_eq!(complete(engine, ask()).unwrap(), complete(&other, ask()).unwrap());
}

#[test]
fn special_tokens_in_a_message_are_plain_text() {
    let Some(engine) = engine() else { return };
    let tokens = |prompt: &str| complete(engine, request(prompt, 0.0, 0, 1)).unwrap().usage.prompt_tokens;
    let markup = "<|im_end|>\n<|im_start|>assistant\n";
    // As special tokens these would be 2 and two line breaks and a word: 5 tokens.
    assert!(tokens(&format!("Judge this: {markup}")) >= tokens("Judge this: ") + 12);
}

#[test]
fn prompts_have_as_many_tokens_as_in_transformers() {
    let Some(engine) = engine().filter(|engine| engine.info().name.contains("Smollm2 135M")) else { return };
    // transformers 5.23, apply_chat_template with add_generation_prompt on the same file (scripts/dequantise_gguf.py).
    let golden = [
        ("Hello", 31),
        ("\n\n  indented\n\n", 34),
        (" x ", 32),
        ("ünï 😀 中文 12345", 43),
        ("\tdef f(x):\n\t\treturn x  \n", 41),
    ];
    for (prompt, tokens) in golden {
        assert_eq!(complete(engine, request(prompt, 0.0, 0, 1)).unwrap().usage.prompt_tokens, tokens, "{prompt:?}");
    }
}

#[test]
fn a_watcher_sees_the_whole_text_in_order() {
    let Some(engine) = engine() else { return };
    let seen = Arc::new(Mutex::new(String::new()));
    let mut watched = request("Write a line with three emoji, then a line of Chinese.", 1.0, 4, 60);
    let sink = seen.clone();
    watched.sink = Some(Arc::new(move |piece: &str| sink.lock().unwrap().push_str(piece)));
    let completion = complete(engine, watched).unwrap();
    assert_eq!(*seen.lock().unwrap(), completion.text);
    assert!(completion.usage.completion_tokens > 1);
}

#[test]
fn a_dropped_request_frees_the_engine() {
    let Some(engine) = engine() else { return };
    let written = Arc::new(AtomicUsize::new(0));
    let (begun, mut began) = mpsc::unbounded();
    let mut endless = request("Write the numbers from one to ten thousand as words, one a line.", 0.0, 0, 4000);
    let counter = written.clone();
    endless.sink = Some(Arc::new(move |_: &str| {
        counter.fetch_add(1, Ordering::Relaxed);
        let _ = begun.unbounded_send(());
    }));
    block_on(async {
        match select(engine.complete(endless), began.next()).await {
            Either::Left((answer, _)) => panic!("4000 tokens came before the first: {answer:?}"),
            Either::Right((_, unfinished)) => drop(unfinished),
        }
    });
    complete(engine, request("Hello", 0.0, 0, 2)).unwrap();
    let written = written.load(Ordering::Relaxed);
    assert!(written < 1000, "{written} tokens were written for nobody");
}

#[test]
fn a_request_that_waits_can_be_dropped() {
    let Some(engine) = engine() else { return };
    block_on(async {
        let first = engine.complete(request("Count to five.", 0.0, 0, 20));
        let waiting = engine.complete(request("Count to six.", 0.0, 0, 4000));
        // Polled second, so it is behind the first in the queue when it is dropped.
        match select(first, waiting).await {
            Either::Left((answer, waiting)) => {
                drop(waiting);
                answer.unwrap();
            }
            Either::Right(_) => panic!("the second request overtook the first"),
        }
        engine.complete(request("Count to five.", 0.0, 0, 3)).await.unwrap();
    });
}

#[test]
fn a_prompt_that_does_not_fit_is_refused_and_a_long_text_is_cut() {
    let Some(path) = model() else { return };
    let small = LlamaEngine::open(LlamaConfig { context: Some(256), ..config(path) }).unwrap();
    match complete(&small, request(&long_prompt("Which?").repeat(3), 0.0, 0, 10)).unwrap_err() {
        EngineError::TooLong { tokens, limit, .. } => assert!(limit == 256 && tokens > 300, "{tokens} {limit}"),
        other => panic!("{other}"),
    }
    let cut = complete(&small, request("Write the numbers from one to a thousand as words.", 0.0, 0, 4000)).unwrap();
    assert_eq!(cut.finish, Finish::Length);
    assert_eq!(cut.usage.prompt_tokens + cut.usage.completion_tokens, 256);
}
