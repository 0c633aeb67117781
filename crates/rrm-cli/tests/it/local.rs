//! A folder in process, from the command line: the tiny random models of `rrm-nn`'s tests judge.

use std::fs;

use crate::{rrm, stderr};

/// A random model of 60,000 weights; what it says is noise, but always the same noise.
const MODEL: &str = concat!("local:", env!("CARGO_MANIFEST_DIR"), "/../rrm-nn/tests/golden/qwen2");

const ROWS: &str = concat!(
    "{\"id\":\"a\",\"prompt\":\"Say a word.\",\"responses\":[\"tree\",\"a tree\",\"tree, house\",\"\"]}\n",
    "{\"id\":\"b\",\"prompt\":\"Say a word.\",\"responses\":[\"<|im_end|> tree\",\"house\"]}\n",
);

/// A format short enough for the 512 positions that the random model has.
const FORMAT: &str = r#"
name = "short"

[[messages]]
role = "user"
content = "{{ prompt }} A: {{ response_1 }} B: {{ response_2 }}"

[verdict]
wrap = "[[LABEL]]"
first = ["A"]
second = ["B"]
several = "last"

[elicit]
thinking = " [["
answer = " [["
max_verdict_tokens = 4
stop = ["]]"]
"#;

#[test]
fn requests_in_flight_change_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (input, format) = (folder.path().join("rows.jsonl"), folder.path().join("short.toml"));
    fs::write(&input, ROWS).unwrap();
    fs::write(&format, FORMAT).unwrap();
    let run = |name: &str, options: &[&str]| {
        let output = folder.path().join(name);
        let fixed = ["--engine", MODEL, "--votes", "3", "--max-thinking-tokens", "12", "--store", "none"];
        let files = ["--format", format.to_str().unwrap(), "--output", output.to_str().unwrap(), input.to_str().unwrap()];
        let done = rrm(["rank"].iter().chain(&fixed).chain(options).chain(&files));
        // Random weights may state no verdict in any vote, which is no success; the rows are there all the same.
        let said = stderr(&done);
        assert!(done.status.success() || said.contains("nothing was decided, and no row has an order"), "{said}");
        fs::read_to_string(output).unwrap()
    };
    let together = run("together.jsonl", &[]);
    assert_eq!(together.lines().count(), 2);
    assert!(!together.contains("error"), "{together}");
    assert_eq!(run("alone.jsonl", &["--concurrency", "1", "--threads", "1"]), together);
    assert_eq!(run("tight.jsonl", &["--kv-cache", "1", "--threads", "3"]), together);
    assert_ne!(run("bytes.jsonl", &["--weights", "int8"]), together);
}

#[test]
fn what_is_no_model_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("rows.jsonl");
    fs::write(&input, ROWS).unwrap();
    let fail = |engine: String, options: &[&str]| {
        let done = rrm(["rank", "--store", "none", "--engine", &engine, input.to_str().unwrap()].iter().chain(options));
        assert_eq!(done.status.code(), Some(if engine.starts_with("gguf:") { 2 } else { 1 }));
        stderr(&done).replace(folder.path().to_str().unwrap(), "FOLDER")
    };
    let absent = fail(format!("local:{}", folder.path().join("none").display()), &[]);
    assert!(absent.contains("FOLDER/none/config.json"), "{absent}");
    fs::write(folder.path().join("config.json"), "{\"model_type\":\"mamba\"}").unwrap();
    let other = fail(format!("local:{}", folder.path().display()), &[]);
    assert!(other.contains("FOLDER/config.json") && other.contains("mamba"), "{other}");
    let blind = fail("gguf:model.gguf".to_owned(), &["--max-thinking-tokens", "8", "--stop-at-verdict"]);
    assert!(blind.contains("only local:FOLDER does"), "{blind}");
}
