//! Files that commands read.

use std::{fs, path::Path};

/// A format short enough for the 512 positions of a random model.
const SHORT: &str = r#"
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

fn rows(n: usize, row: impl Fn(usize) -> String) -> String {
    (0..n).map(|i| row(i) + "\n").collect()
}

/// Writes them all.
pub fn write(folder: &Path) {
    let put = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    put("short.toml", SHORT);
    let pair = |i: usize| format!(r#"{{"id": "p{i}", "prompt": "Say {i}.", "responses": ["a tree {i}", "house {i}"]}}"#);
    put("pairs.jsonl", &rows(6, pair));
    put("bad.jsonl", &(rows(2, pair) + r#"{"id": "bad", "prompt": "Q", "responses": ["x", null]}"# + "\n"));
    put("renamed.jsonl", &rows(3, |i| pair(i).replace("\"prompt\"", "\"ask\"").replace("\"responses\"", "\"answers\"")));
    let four = |i: usize| {
        format!(
            r#"{{"id": "r{i}", "prompt": "Say {i}.", "responses": ["a tree {i}", "a tree {i}", "house {i}", "two trees and {i}"]}}"#
        )
    };
    put("rows.jsonl", &rows(4, four));
    let labelled =
        |i: usize| format!(r#"{{"id": "l{i}", "prompt": "Say {i}.", "chosen": "yes {i}", "rejected": "no, not {i}"}}"#);
    put("labelled.jsonl", &rows(12, labelled));
    put("others.jsonl", &rows(5, labelled));
    put("asked.jsonl", &rows(12, |i| labelled(i).replace("\"prompt\"", "\"ask\"")));
    let graded = |i: usize| {
        let one = |j: usize| format!(r#"{{"text": "{} {i}", "correct": {}}}"#, ["a", "b", "c", "c"][j], j.is_multiple_of(2));
        format!(r#"{{"id": "b{i}", "prompt": "Say {i}.", "responses": [{}, {}, {}, {}]}}"#, one(0), one(1), one(2), one(3))
    };
    put("graded.jsonl", &rows(6, graded));
    let answers = |i: usize| {
        let said = |n: usize| format!("\"The answer is {n}\"");
        format!(
            r#"{{"id": "q{i}", "prompt": "What is {i} and one?", "answer": "{}", "responses": [{}, {}, {}]}}"#,
            i + 1,
            said(i + 1),
            said(i),
            said(i + 2)
        )
    };
    put("questions.jsonl", &rows(5, answers));
    put("more.jsonl", &rows(7, |i| answers(i + 20)));
    let model = |name: &str, i: usize| {
        format!(r#"{{"question_id": "j{i}", "model_id": "{name}", "prompt": "Say {i}.", "response": "{name} says {i}"}}"#)
    };
    put("one.jsonl", &rows(3, |i| model("one", i)));
    put("two.jsonl", &rows(3, |i| model("two", i)));
    let bare = |name: &str, i: usize| model(name, i).replace(&format!(r#""prompt": "Say {i}.", "#), "");
    put("bare.jsonl", &(rows(3, |i| bare("one", i)) + &rows(3, |i| bare("two", i))));
    put("asks.jsonl", &rows(3, |i| format!(r#"{{"question_id": "j{i}", "prompt": "Say {i}, please."}}"#)));
    let gold = [("x + 1", "y + 1"), ("1.0000001", "1"), ("7", "7")];
    let gold = |i: usize| {
        let (right, said) = gold[i];
        format!(r#"{{"gold": "{right}", "response": "\\boxed{{{said}}}", "right": "{i}", "said": "{i}"}}"#)
    };
    put("gold.jsonl", &rows(3, gold));
    put("twice.jsonl", &(rows(3, answers) + &rows(3, |i| answers(i).replace("\"q", "\"again"))));
    put("keys.toml", "[[key]]\nname = \"me\"\ntoken = \"long-enough\"\n");
}
