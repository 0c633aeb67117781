//! Without --engine: the embedded judge, what it refuses, and that nothing is computed, written or kept before it has.

use std::{fs, path::Path};

use rrm_tiny::{
    domain,
    generate::{ProblemSource, Split},
};
use serde_json::Value;

use crate::{file, rrm, stderr, stdout};

const INSIDE: &str = r#"{"id":"a","prompt":"Keep two digits: 42 a+5 b-9","chosen":"a47 b38","rejected":"a47 b39"}"#;

/// What is said about these rows; they are refused, and the folder holds nothing but them afterwards.
fn refused(command: &str, rows: &[&str], options: &[&str]) -> String {
    let (folder, path) = file("in.jsonl", rows.join("\n"));
    let (out, store) = (folder.path().join("out.jsonl"), folder.path().join("store.sqlite"));
    let fixed = [command, path.to_str().unwrap(), "-o", out.to_str().unwrap(), "--store", store.to_str().unwrap()];
    let output = rrm(fixed.iter().chain(options));
    let code = if options.is_empty() { 1 } else { 2 };
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["in.jsonl"], "something was left behind");
    stderr(&output).replace(folder.path().to_str().unwrap(), "DIR")
}

#[test]
fn one_row_outside_refuses_all() {
    let outside = r#"{"id":"b","prompt":"What is the capital of France?","responses":["Paris","Lyon"]}"#;
    insta::assert_snapshot!(refused("judge", &[INSIDE, outside], &[]), @r#"
    error: no judge named, and 1 row is outside of what the embedded judge rrm-tiny was trained for
           row 2 (b): the prompt must begin with "Keep two digits:", found "What is the capital of France?"
    hint: --engine names a judge for them: http://HOST:PORT, https://HOST, scalar:http://HOST:PORT, local:FOLDER, gguf:FILE, replay:FILE, scripted:RULE. rrm-tiny judges prompt "Keep two digits: 42 a+5 b-9 c*3", responses "a47 b38 c14" and "a47 b39 c17"
    "#);
    assert_eq!(refused("rank", &[INSIDE, outside], &[]), refused("judge", &[INSIDE, outside], &[]));
}

#[test]
fn the_first_rows_outside_are_named_with_their_reasons() {
    let rows = [
        INSIDE,
        r#"{"id":"short","prompt":"Keep two digits: 42 a+5 b-9","responses":["a47 b38","a47"]}"#,
        r#"{"id":"factor","prompt":"Keep two digits: 42 a*5","responses":["a10","a11"]}"#,
        r#"{"id":"turns","prompt":[{"role":"system","content":"Hi."},{"role":"user","content":"Keep two digits: 42 a+5"}],"responses":["a47","a46"]}"#,
        r#"{"id":"words","prompt":"Keep two digits: 42 a+5","responses":["a47","It is 47."]}"#,
    ];
    insta::assert_snapshot!(refused("rank", &rows, &[]), @r#"
    error: no judge named, and 4 rows are outside of what the embedded judge rrm-tiny was trained for
           row 2 (short): step b of a response must be b and two digits, found ""
           row 3 (factor): a step must be + or - with 1 to 9, or * with 3, 7 or 9, found "a*5"
           row 4 (turns): the prompt must be a single turn of the user, found "2 messages"
    hint: --engine names a judge for them: http://HOST:PORT, https://HOST, scalar:http://HOST:PORT, local:FOLDER, gguf:FILE, replay:FILE, scripted:RULE. rrm-tiny judges prompt "Keep two digits: 42 a+5 b-9 c*3", responses "a47 b38 c14" and "a47 b39 c17"
    "#);
}

#[test]
fn options_of_other_judges_are_refused() {
    insta::assert_snapshot!(refused("judge", &[INSIDE], &["--format", "rrm"]), @r#"
    error: --format: without --engine the embedded rrm-tiny judges, whose weights and format are fixed
    hint: --engine names another judge: http://HOST:PORT, https://HOST, scalar:http://HOST:PORT, local:FOLDER, gguf:FILE, replay:FILE, scripted:RULE
    "#);
    assert!(refused("rank", &[INSIDE], &["--weights", "int8"]).contains("--weights: without --engine"));
    assert!(refused("rank", &[INSIDE], &["--model", "large"]).contains("--model: without --engine"));
}

#[test]
fn problems_longer_than_any_in_training_are_refused() {
    let steps: String = ('a'..='k').map(|label| format!(" {label}+1")).collect();
    let totals: String = ('a'..='k').zip(11..).map(|(label, total)| format!("{label}{total} ")).collect();
    let row = serde_json::json!({"id": "long", "prompt": format!("Keep two digits: 10{steps}"), "responses": [totals.trim(), totals.trim()]});
    let said = refused("rank", &[&row.to_string()], &[]);
    assert!(said.contains("row 1 (long): a problem must have at most 10 steps, found \"11 steps\""), "{said}");
}

/// What `rrm` says about these rows without an engine.
fn judged(command: &str, rows: &[String], options: &[&str]) -> Vec<Value> {
    let (folder, path) = file("in.jsonl", rows.join("\n"));
    let store = folder.path().join("store.sqlite");
    let fixed = [command, path.to_str().unwrap(), "--store", store.to_str().unwrap()];
    let output = rrm(fixed.iter().chain(options));
    assert!(stderr(&output).contains("two-digit arithmetic and nothing else"), "{}", stderr(&output));
    stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn pairs_of_the_domain_are_judged_without_an_engine() {
    let source = ProblemSource { seed: 77, split: Split::Test, steps: (4, 8) };
    let pair = |index| {
        let pair = source.pair(index, 0.25);
        let (chosen, rejected) = (pair.problem.answer(&pair.right), pair.problem.answer(&pair.wrong));
        serde_json::json!({"id": format!("p{index}"), "prompt": pair.problem.to_string(), "chosen": chosen, "rejected": rejected})
            .to_string()
    };
    let rows = judged("judge", &(0..200).map(pair).collect::<Vec<_>>(), &["--temperature", "0"]);
    let right = rows.iter().filter(|row| row["verdict"] == row["label"]).count();
    // The model card says .999 of 2,500; with .98, 190 of 200 would be missed once in 500 draws.
    assert!(rows.len() == 200 && right >= 190, "{right} of {}", rows.len());
}

#[test]
fn the_readmes_example_is_ranked_right() {
    let sums = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/sums.jsonl"));
    let rows: Vec<String> = fs::read_to_string(sums).unwrap().lines().map(str::to_owned).collect();
    for (row, ranked) in rows.iter().zip(judged("rank", &rows, &["--votes", "5"])) {
        let row: Value = serde_json::from_str(row).unwrap();
        let problem = domain::problem(row["prompt"].as_str().unwrap()).unwrap();
        let best = ranked["order"][0].as_u64().unwrap() as usize;
        assert_eq!(row["responses"][best], problem.answer(&problem.totals()), "{ranked}");
    }
}
