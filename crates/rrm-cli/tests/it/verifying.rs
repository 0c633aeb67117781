//! `rrm verify`: rows are told apart, and wrong input is named.

use crate::{file, rrm, stderr, stdout};

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
    insta::assert_snapshot!(stderr(&told), @"note: 4 rows: 1 equal, 1 unequal, 2 cannot be told");
}

#[test]
fn a_row_without_its_columns_is_named() {
    let (_folder, rows) =
        file("rows.jsonl", "{\"answer\": \"1\", \"response\": \"1\"}\n{\"answer\": [1], \"response\": \"1\"}\n");
    let path = rows.to_str().unwrap();
    let refused = rrm(["verify", path]);
    assert_eq!(refused.status.code(), Some(1));
    let said = stderr(&refused);
    assert!(said.contains("row 2") && said.contains("column answer must be a text or a number"), "{said}");
    let (_empty, nothing) = file("empty.jsonl", "");
    let refused = rrm(["verify".as_ref(), nothing.as_os_str()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("no rows"), "{}", stderr(&refused));
    let said = stderr(&rrm(["verify", path, "--gold", "right"]));
    assert!(said.contains("row 1") && said.contains("no column right; present: answer, response"), "{said}");
}
