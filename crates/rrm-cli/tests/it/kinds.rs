//! Options of one kind of engine with an engine of another kind: refused, whatever the command and wherever it is said.

use std::fs;

use crate::{
    command,
    faulty_server::{FaultyServer, model::Said, well},
    stderr,
};

/// Options with a value that is not their default, as flags.
const SERVERS: [&[&str]; 15] = [
    &["--model", "m"],
    &["--revision", "r"],
    &["--api-key-env", "PATH"],
    &["--timeout", "5"],
    &["--max-retries", "1"],
    &["--wait-for-server", "2"],
    &["--header", "x-a: b"],
    &["--request-field", "a=1"],
    &["--without-field", "seed"],
    &["--rename-field", "seed=a"],
    &["--seed-bits", "31"],
    &["--stream-replies"],
    &["--system-as-user"],
    &["--requests-per-minute", "9"],
    &["--tokens-per-minute", "9"],
];
const LOCALS: [&[&str]; 4] = [&["--context-size", "99"], &["--threads", "1"], &["--kv-cache", "9"], &["--weights", "int8"]];

/// The same as a line of a file.
fn line(words: &[&str]) -> String {
    let name = words[0].trim_start_matches("--");
    words.get(1).map_or_else(|| format!("{name} = true\n"), |value| format!("{name} = '{value}'\n"))
}

#[test]
fn an_option_of_another_kind_of_engine_is_refused() {
    let server = FaultyServer::start(Said::default(), well());
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("rows.jsonl"), "{\"prompt\": \"Q\", \"responses\": [\"a\", \"b\"], \"label\": 0}\n").unwrap();
    fs::write(at("pairs.jsonl"), "{\"prompt\": \"Q\", \"chosen\": \"a\", \"rejected\": \"b\"}\n").unwrap();
    fs::write(at("recording.jsonl"), "").unwrap();
    let scalar = format!("scalar:{}", server.url);
    let refused = |command_of: &[&str], engine: &[&str], option: &[&str]| {
        for in_file in [false, true] {
            let mut run = command();
            run.current_dir(folder.path()).args(command_of).args(engine);
            if in_file {
                fs::write(at("options.toml"), line(option)).unwrap();
                run.args(["--config", "options.toml"]);
            } else {
                run.args(option);
            }
            let output = run.output().unwrap();
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{command_of:?} {engine:?} {option:?}: {said}");
            assert!(said.contains(&format!("{} does nothing for", option[0])), "{command_of:?} {engine:?} {option:?}: {said}");
        }
    };
    let commands: [&[&str]; 6] = [
        &["judge", "rows.jsonl"],
        &["rank", "rows.jsonl"],
        &["label", "rows.jsonl"],
        &["eval", "pairs", "--data", "pairs.jsonl"],
        &["tune", "--data", "pairs.jsonl"],
        &["serve", "--bind", "127.0.0.1:0"],
    ];
    for words in commands {
        for option in SERVERS {
            refused(words, &["--engine", "scripted:first"], option);
        }
        for option in LOCALS {
            refused(words, &["--engine", &server.url], option);
        }
    }
    let judge = commands[0];
    for engine in ["local:none", "gguf:none", "replay:recording.jsonl"] {
        SERVERS.iter().for_each(|option| refused(judge, &["--engine", engine], option));
    }
    for engine in ["replay:recording.jsonl", "scripted:random", &scalar] {
        LOCALS.iter().for_each(|option| refused(judge, &["--engine", engine], option));
    }
    LOCALS[2..].iter().for_each(|option| refused(judge, &["--engine", "gguf:none"], option));
    for option in [&SERVERS[10..13], &SERVERS[14..]].concat() {
        refused(judge, &["--engine", &scalar], option);
    }
    // Without an engine the embedded judge judges; it says itself that it has no other model.
    SERVERS[1..].iter().for_each(|option| refused(judge, &[], option));
    // Whoever makes pairs of responses that are there asks nobody.
    for option in SERVERS.iter().chain(&LOCALS) {
        refused(&["pairs", "rows.jsonl"], &[], option);
    }
    refused(&["pairs", "rows.jsonl"], &["--filter-engine", "scripted:first"], SERVERS[3]);
    refused(&["plan", "judge", "rows.jsonl"], &["--engine", "scripted:first"], SERVERS[3]);
    assert_eq!(server.requests(), 0);
}
