//! Without --engine: the embedded judge, what it refuses, and that nothing is computed, written or kept before it has.

use crate::{file, rrm, stderr};

const INSIDE: &str = r#"{"id":"a","prompt":"Keep two digits: 42 a+5 b-9","chosen":"a47 b38","rejected":"a47 b39"}"#;

/// What is said about these rows; they are refused, and the folder holds nothing but them afterwards.
fn refused(command: &str, rows: &[&str], options: &[&str]) -> String {
    let (folder, path) = file("in.jsonl", rows.join("\n"));
    let (out, store) = (folder.path().join("out.jsonl"), folder.path().join("store.sqlite"));
    let fixed = [command, path.to_str().unwrap(), "-o", out.to_str().unwrap(), "--store", store.to_str().unwrap()];
    let output = rrm(fixed.iter().chain(options));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
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
    hint: --engine names a judge for them: http://HOST:PORT, https://HOST, local:FOLDER, gguf:FILE, replay:FILE, scripted:RULE. rrm-tiny judges prompt "Keep two digits: 42 a+5 b-9 c*3", responses "a47 b38 c14" and "a47 b39 c17"
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
    hint: --engine names a judge for them: http://HOST:PORT, https://HOST, local:FOLDER, gguf:FILE, replay:FILE, scripted:RULE. rrm-tiny judges prompt "Keep two digits: 42 a+5 b-9 c*3", responses "a47 b38 c14" and "a47 b39 c17"
    "#);
}

#[test]
fn options_of_other_judges_are_refused() {
    insta::assert_snapshot!(refused("judge", &[INSIDE], &["--format", "rrm"]), @r#"
    error: --format: without --engine the embedded rrm-tiny judges, whose weights and format are fixed
    hint: --engine names another judge: http://HOST:PORT, https://HOST, local:FOLDER, gguf:FILE, replay:FILE, scripted:RULE
    "#);
    assert!(refused("rank", &[INSIDE], &["--weights", "int8"]).contains("--weights: without --engine"));
    assert!(refused("rank", &[INSIDE], &["--model", "large"]).contains("--model: without --engine"));
}

#[test]
fn what_was_not_trained_does_not_judge() {
    insta::assert_snapshot!(refused("judge", &[INSIDE], &[]), @r#"
    error: rrm-tiny is not trained yet, so there is no embedded judge
    hint: --engine takes http://HOST:PORT, https://HOST, local:FOLDER, gguf:FILE, replay:FILE, scripted:RULE
    "#);
}
