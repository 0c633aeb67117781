//! `rrm verify`: rows are told apart, columns are chosen once and said, and wrong input is named.

mod values;

use std::slice::from_ref;

use serde_json::{Value, json};

use crate::{file, rrm, stderr, stdout};

/// What is said of these rows: `verified` of each, a line for each.
fn verified(rows: &[Value], options: &[&str]) -> String {
    let (_folder, path) = rows_of(rows);
    let told = rrm([&["verify", path.to_str().unwrap()], options].concat());
    let said: Vec<Value> = stdout(&told).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    said.iter().map(|row| format!("{}\n", row["verified"])).collect::<String>() + &stderr(&told)
}

/// What these rows are refused with.
fn refused(rows: &[Value], options: &[&str]) -> String {
    let (folder, path) = rows_of(rows);
    let refused = rrm([&["verify", path.to_str().unwrap()], options].concat());
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    stderr(&refused).replace(&format!("{}/", folder.path().display()), "")
}

fn rows_of(rows: &[Value]) -> (tempfile::TempDir, std::path::PathBuf) {
    file("rows.jsonl", rows.iter().map(|row| format!("{row}\n")).collect::<String>())
}

#[test]
fn rows_come_back_with_what_is_said_of_them() {
    let lines = [
        r#"{"id": 1, "answer": "1/2", "response": "So \\boxed{0.5}"}"#,
        r#"{"id": 2, "answer": 18, "response": "The answer is 20."}"#,
        r#"{"id": 3, "answer": "Paris", "response": "The answer is the capital of France"}"#,
        r#"{"id": 4, "answer": "A", "response": ""}"#,
    ];
    let (_folder, rows) = file("rows.jsonl", lines.join("\n"));
    let told = rrm(["verify".as_ref(), rows.as_os_str()]);
    insta::assert_snapshot!(stdout(&told), @r#"
    {"id":1,"answer":"1/2","response":"So \\boxed{0.5}","verified":{"outcome":"equal","answer":"0.5","how":"boxed","gold":"1/2"}}
    {"id":2,"answer":18,"response":"The answer is 20.","verified":{"outcome":"unequal","answer":"20","how":"statement","gold":"18"}}
    {"id":3,"answer":"Paris","response":"The answer is the capital of France","verified":{"outcome":"unknown","why":"texts","answer":"the capital of France","how":"statement","gold":"Paris"}}
    {"id":4,"answer":"A","response":"","verified":{"outcome":"unknown","why":"no_answer","answer":null,"how":null,"gold":"A"}}
    "#);
    insta::assert_snapshot!(stderr(&told), @r#"
    note: right answer from answer, response from response
    note: 4 rows: 1 equal, 1 unequal, 2 cannot be told (1 no_answer, 1 texts)
    "#);
}

#[test]
fn several_columns_for_one_side_are_refused() {
    let row = json!({"question": "2+2?", "answer": "5", "ground_truth": "4", "response": "I think \\boxed{5}"});
    insta::assert_snapshot!(refused(from_ref(&row), &[]), @r#"
    error: rows.jsonl row 1: several columns may hold the right answer: answer, ground_truth
    hint: say which one does: --gold answer or --gold ground_truth
    "#);
    insta::assert_snapshot!(verified(from_ref(&row), &["--gold", "ground_truth"]), @r#"
    {"outcome":"unequal","answer":"5","how":"boxed","gold":"4"}
    note: right answer from ground_truth, response from response
    note: 1 row: 0 equal, 1 unequal, 0 cannot be told
    "#);
    // What is named as the response is no right answer.
    insta::assert_snapshot!(verified(&[row], &["--response", "answer"]), @r#"
    {"outcome":"unequal","answer":"5","how":"whole","gold":"4"}
    note: right answer from ground_truth, response from answer
    note: 1 row: 0 equal, 1 unequal, 0 cannot be told
    "#);
    let row = json!({"gold": "4", "response": "4", "completion": "5", "output": "6"});
    insta::assert_snapshot!(refused(&[row], &[]), @r#"
    error: rows.jsonl row 1: several columns may hold the response: response, completion, output
    hint: say which one does: --response response or --response completion or --response output
    "#);
    let verl = json!({"answer": "5", "reward_model": {"ground_truth": "4"}, "response": "5"});
    insta::assert_snapshot!(refused(&[verl], &[]), @r#"
    error: rows.jsonl row 1: several columns may hold the right answer: answer, reward_model.ground_truth
    hint: say which one does: --gold answer or --gold reward_model.ground_truth
    "#);
}

#[test]
fn a_column_of_null_is_no_second_one() {
    let rows = [
        json!({"gold": "4", "answer": null, "reward_model": {"ground_truth": null}, "response": "4", "output": null}),
        json!({"gold": "5", "response": "4"}),
    ];
    insta::assert_snapshot!(verified(&rows, &[]), @r#"
    {"outcome":"equal","answer":"4","how":"whole","gold":"4"}
    {"outcome":"unequal","answer":"4","how":"whole","gold":"5"}
    note: right answer from gold, response from response
    note: 2 rows: 1 equal, 1 unequal, 0 cannot be told
    "#);
    let nothing = json!({"gold": null, "answer": null, "response": "4"});
    insta::assert_snapshot!(refused(&[nothing], &[]), @r#"
    error: rows.jsonl row 1: several columns may hold the right answer: gold, answer
    hint: say which one does: --gold gold or --gold answer
    "#);
    let first = json!({"gold": null, "response": "4"});
    insta::assert_snapshot!(verified(&[first, json!({"gold": 4, "response": "4"})], &[]), @r#"
    {"outcome":"unknown","why":"no_gold","answer":"4","how":"whole","gold":null}
    {"outcome":"equal","answer":"4","how":"whole","gold":"4"}
    note: right answer from gold, response from response
    note: 2 rows: 1 equal, 0 unequal, 1 cannot be told (1 no_gold)
    "#);
}

#[test]
fn columns_are_those_of_the_first_row() {
    let first = json!({"answer": "4", "response": "4"});
    insta::assert_snapshot!(refused(&[first.clone(), json!({"ground_truth": "4", "response": "4"})], &[]), @r#"
    note: right answer from answer, response from response
    error: rows.jsonl row 2: the row has no `answer`, from which the right answer is read; it has `ground_truth`
    hint: the first row chose `answer` for all rows: rename `ground_truth`, or verify such rows as a file of their own
    "#);
    insta::assert_snapshot!(refused(&[first.clone(), json!({"answer": null, "ground_truth": "4", "response": "4"})], &[]), @r#"
    note: right answer from answer, response from response
    error: rows.jsonl row 2: `ground_truth` may hold the right answer too, which the first row has in `answer`
    hint: say which one does: --gold answer or --gold ground_truth
    "#);
    insta::assert_snapshot!(refused(&[first.clone(), json!({"answer": "4", "output": "4"})], &[]), @r#"
    note: right answer from answer, response from response
    error: rows.jsonl row 2: the row has no `response`, from which the response is read; it has `output`
    hint: the first row chose `response` for all rows: rename `output`, or verify such rows as a file of their own
    "#);
    insta::assert_snapshot!(refused(&[first.clone(), json!({"answer": "4"})], &[]), @r#"
    note: right answer from answer, response from response
    error: rows.jsonl row 2: no column `response`; the row has: answer
    hint: the response is read from `response` in every row; --response COLUMN names another column
    "#);
    // What an option names needs no first row.
    let both = json!({"answer": "4", "ground_truth": "5", "response": "4"});
    insta::assert_snapshot!(verified(&[first, both], &["--gold", "answer"]), @r#"
    {"outcome":"equal","answer":"4","how":"whole","gold":"4"}
    {"outcome":"equal","answer":"4","how":"whole","gold":"4"}
    note: right answer from answer, response from response
    note: 2 rows: 2 equal, 0 unequal, 0 cannot be told
    "#);
}

#[test]
fn a_row_that_is_no_row_is_named() {
    let broken = |bytes: &[u8]| {
        let (folder, path) = file("rows.jsonl", [b"{\"gold\": \"4\", \"response\": \"4\"}\n", bytes].concat());
        let out = folder.path().join("told.jsonl");
        let told = rrm(["verify", path.to_str().unwrap(), "-o", out.to_str().unwrap()]);
        assert_eq!((told.status.code(), out.exists()), (Some(1), false));
        stderr(&told).replace(&format!("{}/", folder.path().display()), "")
    };
    insta::assert_snapshot!(broken(b"{\"gold\": "), @r#"
    note: right answer from gold, response from response
    error: rows.jsonl row 2: broken JSON at column 8: the text ends where a value belongs; in JSONL each line holds one whole row
    hint: mend the row and run again; docs/verify.md shows one
    "#);
    insta::assert_snapshot!(broken(b"[4, 4]"), @r#"
    note: right answer from gold, response from response
    error: rows.jsonl row 2: a row must be an object that maps column names to values; found a list of 2
    hint: mend the row and run again; docs/verify.md shows one
    "#);
}

#[test]
fn a_row_without_its_columns_is_named() {
    let row = json!({"answer": "1", "response": "1"});
    insta::assert_snapshot!(refused(from_ref(&row), &["--gold", "right"]), @r#"
    error: rows.jsonl row 1: no column `right`; the row has: answer, response
    hint: the right answer is read from `right` in every row; --gold COLUMN names another column
    "#);
    insta::assert_snapshot!(refused(from_ref(&row), &["--gold", "response"]), @r#"
    error: rows.jsonl row 1: no column for the response; it is looked for in pred, prediction, completion, output, model_output; the row has: answer, response
    hint: --response COLUMN names it; a dot looks into an object
    "#);
    insta::assert_snapshot!(refused(from_ref(&row), &["--gold", "answer", "--response", "answer"]), @r#"
    error: rows.jsonl row 1: the right answer and the response would both be read from `answer`
    hint: --gold and --response name two columns
    "#);
    insta::assert_snapshot!(refused(&[json!({"text": "1"})], &[]), @r#"
    error: rows.jsonl row 1: no column for the right answer; it is looked for in gold, answer, ground_truth, solution, target, reference_answer, reward_model.ground_truth; the row has: text
    hint: --gold COLUMN names it; a dot looks into an object
    "#);
    insta::assert_snapshot!(refused(&[json!({"text": "1", "gold": "1"})], &[]), @r#"
    error: rows.jsonl row 1: no column for the response; it is looked for in response, pred, prediction, completion, output, model_output; the row has: text, gold
    hint: --response COLUMN names it; a dot looks into an object
    "#);
    insta::assert_snapshot!(refused(&[], &[]), @r#"
    error: rows.jsonl: it holds no rows
    hint: docs/formats.md describes what files may look like
    "#);
}

#[test]
fn dots_look_into_objects_and_lists() {
    let row = json!({"data_source": "d", "reward_model": {"style": "rule", "ground_truth": "4"}, "response": "\\boxed{4}"});
    insta::assert_snapshot!(verified(from_ref(&row), &["--gold", "reward_model.ground_truth"]), @r#"
    {"outcome":"equal","answer":"4","how":"boxed","gold":"4"}
    note: right answer from reward_model.ground_truth, response from response
    note: 1 row: 1 equal, 0 unequal, 0 cannot be told
    "#);
    insta::assert_snapshot!(verified(from_ref(&row), &[]), @r#"
    {"outcome":"equal","answer":"4","how":"boxed","gold":"4"}
    note: right answer from reward_model.ground_truth, response from response
    note: 1 row: 1 equal, 0 unequal, 0 cannot be told
    "#);
    insta::assert_snapshot!(refused(from_ref(&row), &["--gold", "reward_model.truth"]), @r#"
    error: rows.jsonl row 1: no column `truth`; `reward_model` has: style, ground_truth
    hint: the right answer is read from `reward_model.truth` in every row; --gold COLUMN names another column
    "#);
    let null = json!({"reward_model": null, "response": "4"});
    insta::assert_snapshot!(verified(&[row, null], &[]), @r#"
    {"outcome":"equal","answer":"4","how":"boxed","gold":"4"}
    {"outcome":"unknown","why":"no_gold","answer":"4","how":"whole","gold":null}
    note: right answer from reward_model.ground_truth, response from response
    note: 2 rows: 1 equal, 0 unequal, 1 cannot be told (1 no_gold)
    "#);
    let nested =
        json!({"reward_model.ground_truth": "7", "reward_model": {"ground_truth": "4"}, "out": [{"text": "6"}, {"text": "7"}]});
    insta::assert_snapshot!(verified(from_ref(&nested), &["--response", "out.1.text"]), @r#"
    {"outcome":"equal","answer":"7","how":"whole","gold":"7"}
    note: right answer from reward_model.ground_truth, response from out.1.text
    note: 1 row: 1 equal, 0 unequal, 0 cannot be told
    "#);
    insta::assert_snapshot!(refused(&[nested], &["--response", "out.2.text"]), @r#"
    error: rows.jsonl row 1: no column `out.2.text`; the row has: reward_model.ground_truth, reward_model, out
    hint: the response is read from `out.2.text` in every row; --response COLUMN names another column
    "#);
}

#[test]
fn what_was_verified_before_is_not_overwritten() {
    let row = json!({"gold": "4", "response": "4"});
    let (_folder, path) = rows_of(from_ref(&row));
    let told: Value = serde_json::from_str(&stdout(&rrm(["verify".as_ref(), path.as_os_str()]))).unwrap();
    insta::assert_snapshot!(refused(&[row, told], &[]), @r#"
    note: right answer from gold, response from response
    error: rows.jsonl row 2: there is a column `verified` already, which would be lost
    hint: drop or rename it, or verify the rows that it was made of
    "#);
}

#[test]
fn an_inequality_answers_for_an_interval_unless_that_is_switched_off() {
    let rows = [json!({"gold": "(1, 2)", "response": "$1 < x < 2$"})];
    let outcome = |options: &[&str]| verified(&rows, options).lines().last().unwrap().to_owned();
    let yes = outcome(&[]);
    insta::assert_snapshot!(yes, @"note: 1 row: 1 equal, 0 unequal, 0 cannot be told");
    assert_eq!([outcome(&["--inequality-for-interval"]), outcome(&["--inequality-for-interval=true"])], [yes.clone(), yes]);
    insta::assert_snapshot!(outcome(&["--inequality-for-interval=false"]), @"note: 1 row: 0 equal, 1 unequal, 0 cannot be told");
    // A value stands after an equals sign, so that a file behind the option is still a file.
    let (_folder, path) = rows_of(&rows);
    assert!(rrm(["verify".as_ref(), "--inequality-for-interval".as_ref(), path.as_os_str()]).status.success());
}
