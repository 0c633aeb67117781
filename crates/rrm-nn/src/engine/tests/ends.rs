//! How completions end: limits, budgets, stop strings, UTF-8, and what is refused.

use std::sync::{Arc, Mutex};

use rrm::{
    chat::Message,
    engine::{Budget, Engine, EngineError, Finish, Request},
};

use super::{POSITIONS, budget, complete, config, engine, request};

fn greedy(prompt: &str, max_tokens: u32) -> Request {
    let mut greedy = request(prompt, 0, max_tokens);
    greedy.sampling.temperature = 0.0;
    greedy
}

#[test]
fn a_model_ends_its_turn() {
    let (engine, _) = engine(Some("All is said."), &config());
    let completion = complete(&engine, greedy("Speak.", 100)).unwrap();
    assert_eq!((completion.text.as_str(), completion.finish, completion.elicited), ("All is said.", Finish::Stop, false));
    assert_eq!((completion.usage.prompt_tokens, completion.usage.completion_tokens), (7, 13));
}

#[test]
fn a_limit_cuts() {
    let (engine, fate) = engine(Some("All is said."), &config());
    let completion = complete(&engine, greedy("Speak.", 5)).unwrap();
    assert_eq!((completion.text.as_str(), completion.finish), ("All i", Finish::Length));
    let steps = fate.lock().unwrap().steps;
    assert_eq!(complete(&engine, greedy("Speak.", 0)).unwrap().text, "");
    assert_eq!(fate.lock().unwrap().steps, steps, "nothing is evaluated where nothing may be written");
}

#[test]
fn a_budget_cuts_and_elicits_and_a_stop_string_ends() {
    let (engine, _) = engine(Some("<think>abcdef[[3]</think>[[2]]x"), &config());
    let seen = Arc::new(Mutex::new(String::new()));
    let sink = seen.clone();
    let mut cut = greedy("Judge.", 100);
    // Cut behind "[[3]": the elicitation is what the script would have written, and "]]" is spread over tokens.
    cut.budget = Some(Budget { max_thinking_tokens: 17, ..budget() });
    cut.sink = Some(Arc::new(move |piece: &str| sink.lock().unwrap().push_str(piece)));
    let completion = complete(&engine, cut).unwrap();
    assert_eq!(completion.text, "<think>abcdef[[3]</think>[[2]]");
    assert_eq!((completion.finish, completion.elicited, completion.usage.completion_tokens), (Finish::Stop, true, 20));
    assert_eq!(*seen.lock().unwrap(), completion.text);
}

#[test]
fn a_completion_that_ended_by_itself_is_asked_for_a_verdict_only_without_one() {
    let within = |script: &str| {
        let (engine, _) = engine(Some(script), &config());
        let mut free = greedy("Judge.", 100);
        free.budget = Some(Budget { max_thinking_tokens: 50, ..budget() });
        complete(&engine, free).unwrap()
    };
    let stated = within("I say [[1]].");
    assert_eq!((stated.text.as_str(), stated.elicited, stated.finish), ("I say [[1]].", false, Finish::Stop));
    let silent = within("I say nothing.");
    assert!(silent.elicited && silent.text.starts_with("I say nothing.\n[["), "{silent:?}");
    let open = within("<think>[[1]]");
    assert!(open.elicited && open.text.starts_with("<think>[[1]]</think>[["), "{open:?}");
}

#[test]
fn an_elicitation_without_tokens_asks_again() {
    let (engine, _) = engine(Some("Nothing."), &config());
    let mut silent = greedy("Judge.", 100);
    silent.budget = Some(Budget { max_thinking_tokens: 50, elicit_answer: String::new(), ..budget() });
    let completion = complete(&engine, silent).unwrap();
    // Greedily the end comes again, and this time it is one.
    assert_eq!((completion.text.as_str(), completion.finish, completion.elicited), ("Nothing.", Finish::Stop, true));
    assert_eq!(completion.usage.completion_tokens, 10);
}

#[test]
fn a_text_ends_with_its_verdict_where_that_is_asked_for() {
    let within = |script: &str, stop_at_verdict: bool| {
        let (engine, _) = engine(Some(script), &config());
        let mut free = greedy("Judge.", 100);
        free.budget = Some(Budget { max_thinking_tokens: 80, stop_at_verdict, ..budget() });
        let completion = complete(&engine, free).unwrap();
        assert_eq!((completion.finish, completion.elicited), (Finish::Stop, false));
        completion.text
    };
    // What it spares may change what is read, so it has to be asked for.
    let script = "<think>[[1]] or [[2]] ]]</think>It is [[2]], no, [[1]].";
    assert_eq!(within(script, true), "<think>[[1]] or [[2]] ]]</think>It is [[2]]");
    assert_eq!(within(script, false), script);
    assert_eq!(within("It is [[3]] or [[1]]]] [[2]]", true), "It is [[3]] or [[1]]");
}

#[test]
fn no_thinking_at_all_begins_with_the_elicitation() {
    let (engine, _) = engine(Some("\n[[1]]"), &config());
    let mut cut = greedy("Judge.", 100);
    cut.budget = Some(Budget { max_thinking_tokens: 0, ..budget() });
    let completion = complete(&engine, cut.clone()).unwrap();
    assert_eq!((completion.text.as_str(), completion.usage.completion_tokens), ("\n[[1]]", 3));
    cut.budget = Some(Budget { max_thinking_tokens: 0, max_verdict_tokens: 0, ..budget() });
    let completion = complete(&engine, cut).unwrap();
    assert_eq!((completion.text.as_str(), completion.finish, completion.elicited), ("\n[[", Finish::Length, true));
}

#[test]
fn a_verdict_that_does_not_end_is_a_truncation() {
    let (engine, _) = engine(Some("abcdef\n[[1....................."), &config());
    let mut cut = greedy("Judge.", 100);
    cut.budget = Some(budget());
    let completion = complete(&engine, cut).unwrap();
    assert_eq!((completion.text.as_str(), completion.finish), ("abcdef\n[[1.......", Finish::Length));
    assert_eq!(completion.usage.completion_tokens, 14);
}

#[test]
fn characters_are_whole_when_they_are_shown_and_cut_ones_are_replaced() {
    let (engine, _) = engine(Some("ä€é😀"), &config());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    let mut watched = greedy("Speak.", 100);
    watched.sink = Some(Arc::new(move |piece: &str| sink.lock().unwrap().push(piece.to_owned())));
    assert_eq!(complete(&engine, watched).unwrap().text, "ä€é😀");
    assert_eq!(*seen.lock().unwrap(), ["ä", "€", "é", "😀"]);
    assert_eq!(complete(&engine, greedy("Speak.", 3)).unwrap().text, "ä\u{fffd}");
}

#[test]
fn what_does_not_fit_is_refused_with_the_numbers() {
    let (engine, fate) = engine(None, &config());
    let mut long = request(&"x".repeat(POSITIONS), 0, 10);
    let too_long = |request: Request| match complete(&engine, request).unwrap_err() {
        EngineError::TooLong { engine, tokens, limit } => {
            assert_eq!(engine, "fake");
            (tokens, limit)
        }
        other => panic!("{other}"),
    };
    assert_eq!(too_long(long.clone()), (POSITIONS as u64 + 2, POSITIONS as u64));
    long.messages = [Message::user(&long.messages[0].content[..900])].into();
    long.sampling.max_tokens = 90;
    long.budget = Some(Budget { max_thinking_tokens: 1000, ..budget() });
    // The prompt, its end, the thinking, the longer elicitation (one token and two), the verdict.
    assert_eq!(too_long(long.clone()), (901 + 90 + 3 + 8, POSITIONS as u64));
    assert_eq!(fate.lock().unwrap().steps, 0);
    long.sampling.max_tokens = 88;
    assert!(complete(&engine, long).unwrap().elicited);
}

#[test]
fn a_text_without_a_budget_may_meet_the_end_of_the_context() {
    let script = "x".repeat(200);
    let small = super::SchedulerConfig { context: Some(100), ..config() };
    let (engine, _) = engine(Some(&script), &small);
    let completion = complete(&engine, greedy(&"y".repeat(49), 1000)).unwrap();
    assert_eq!((completion.finish, completion.text.len()), (Finish::Length, 50));
}

#[test]
fn memory_refuses_a_text_and_never_cuts_one() {
    let small = super::SchedulerConfig { kv_bytes: Some(5_500), ..config() };
    let (small, _) = engine(None, &small);
    let refused = complete(&small, request(&"x".repeat(90), 0, 10)).unwrap_err().to_string();
    assert!(refused.contains("may need 101 tokens") && refused.contains("holds 96"), "{refused}");
    let (large, _) = engine(None, &config());
    let fits = request(&"x".repeat(85), 0, 10);
    assert_eq!(complete(&small, fits.clone()).unwrap(), complete(&large, fits).unwrap());
    assert_eq!(small.info().fingerprint, large.info().fingerprint);
}

#[test]
fn a_context_that_is_cut_is_part_of_the_fingerprint() {
    let (short, _) = engine(None, &super::SchedulerConfig { context: Some(100), ..config() });
    let (whole, _) = engine(None, &config());
    assert_ne!(short.info().fingerprint, whole.info().fingerprint);
}
