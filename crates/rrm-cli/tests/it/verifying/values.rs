//! What a column may hold: texts, lists, messages, null; and what states no answer.

use serde_json::{Value, json};

use super::{refused, rows_of, verified};
use crate::{rrm, stderr, stdout};

#[test]
fn of_a_list_of_right_answers_any_will_do() {
    let row = |gold: Value, response: Value| json!({"gold": gold, "response": response});
    let rows = [
        row(json!(["4", "four"]), json!("\\boxed{4}")),
        row(json!(["5", 4.0, true]), json!("\\boxed{4}")),
        row(json!(["5", 6]), json!("\\boxed{4}")),
        row(json!(["5"]), json!("\\boxed{4}")),
        row(json!(["the sea", "5", "Rome"]), json!("The answer is the capital of Italy")),
        row(json!(["the sea", "Rome", "the capital of Italy"]), json!("The answer is the capital of Italy")),
        row(json!(["4", "5"]), json!("")),
        row(json!(["", "4"]), json!("4")),
        row(json!([""]), json!("4")),
        row(json!([]), json!("4")),
        row(json!(true), json!(true)),
        row(json!(0.5), json!("1/2")),
        row(json!("#### 4"), json!(4)),
        row(json!("[\"3\", \"4\"]"), json!(4)),
    ];
    insta::assert_snapshot!(verified(&rows, &[]), @r#"
    {"outcome":"equal","answer":"4","how":"boxed","gold":"4"}
    {"outcome":"equal","answer":"4","how":"boxed","gold":"4.0"}
    {"outcome":"unequal","answer":"4","how":"boxed","gold":null}
    {"outcome":"unequal","answer":"4","how":"boxed","gold":"5"}
    {"outcome":"unknown","why":"texts","answer":"the capital of Italy","how":"statement","gold":"the sea"}
    {"outcome":"equal","answer":"the capital of Italy","how":"statement","gold":"the capital of Italy"}
    {"outcome":"unknown","why":"no_answer","answer":null,"how":null,"gold":"4"}
    {"outcome":"equal","answer":"4","how":"whole","gold":"4"}
    {"outcome":"unknown","why":"no_gold","answer":"4","how":"whole","gold":null}
    {"outcome":"unknown","why":"no_gold","answer":"4","how":"whole","gold":null}
    {"outcome":"equal","answer":"true","how":"whole","gold":"true"}
    {"outcome":"equal","answer":"1/2","how":"whole","gold":"0.5"}
    {"outcome":"equal","answer":"4","how":"whole","gold":"4"}
    {"outcome":"equal","answer":"4","how":"whole","gold":"4"}
    note: right answer from gold, response from response
    note: 14 rows: 8 equal, 2 unequal, 4 cannot be told (1 no_answer, 2 no_gold, 1 texts)
    "#);
}

#[test]
fn null_is_counted_and_the_run_goes_on() {
    let rows = [
        json!({"gold": "4", "response": "\\boxed{4}"}),
        json!({"gold": null, "response": "\\boxed{4}"}),
        json!({"gold": "4", "response": null}),
        json!({"gold": null, "response": null}),
        json!({"gold": " ", "response": "4"}),
        json!({"gold": "5", "response": "\\boxed{4}"}),
    ];
    insta::assert_snapshot!(verified(&rows, &[]), @r#"
    {"outcome":"equal","answer":"4","how":"boxed","gold":"4"}
    {"outcome":"unknown","why":"no_gold","answer":"4","how":"boxed","gold":null}
    {"outcome":"unknown","why":"no_answer","answer":null,"how":null,"gold":"4"}
    {"outcome":"unknown","why":"no_gold","answer":null,"how":null,"gold":null}
    {"outcome":"unknown","why":"no_gold","answer":"4","how":"whole","gold":null}
    {"outcome":"unequal","answer":"4","how":"boxed","gold":"5"}
    note: right answer from gold, response from response
    note: 6 rows: 1 equal, 1 unequal, 4 cannot be told (1 no_answer, 3 no_gold)
    "#);
}

#[test]
fn of_messages_the_last_turn_of_the_assistant_counts() {
    let turn = |role: &str, content: Value| json!({"role": role, "content": content});
    let parts = json!([{"type": "text", "text": "It is "}, {"type": "text", "text": "\\boxed{4}"}]);
    let call = json!({"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "add", "arguments": "4"}}]});
    let rows = [
        json!({"gold": "4", "response": [turn("assistant", json!("\\boxed{4}"))]}),
        json!({"gold": "4", "response": [turn("assistant", json!("5")), turn("user", json!("6?")), turn("assistant", parts.clone())]}),
        json!({"gold": "4", "response": [turn("user", json!("2+2?")), turn("assistant", json!("4")), turn("user", json!("5?"))]}),
        json!({"gold": "4", "response": parts}),
        json!({"gold": "4", "response": []}),
        json!({"gold": "4", "response": [call, turn("tool", json!("4"))]}),
        json!({"gold": "4", "response": [turn("assistant", json!(null))]}),
        json!({"gold": [turn("user", json!("2+2?")), turn("assistant", json!("#### 4"))], "response": "4"}),
        json!({"gold": [turn("assistant", json!("4")), turn("assistant", json!("#### 5"))], "response": "4"}),
    ];
    insta::assert_snapshot!(verified(&rows, &[]), @r#"
    {"outcome":"equal","answer":"4","how":"boxed","gold":"4"}
    {"outcome":"equal","answer":"4","how":"boxed","gold":"4"}
    {"outcome":"equal","answer":"4","how":"whole","gold":"4"}
    {"outcome":"equal","answer":"4","how":"boxed","gold":"4"}
    {"outcome":"unknown","why":"no_answer","answer":null,"how":null,"gold":"4"}
    {"outcome":"unknown","why":"no_answer","answer":null,"how":null,"gold":"4"}
    {"outcome":"unknown","why":"no_answer","answer":null,"how":null,"gold":"4"}
    {"outcome":"equal","answer":"4","how":"whole","gold":"4"}
    {"outcome":"unequal","answer":"4","how":"whole","gold":"5"}
    note: right answer from gold, response from response
    note: 9 rows: 5 equal, 1 unequal, 3 cannot be told (3 no_answer)
    "#);
}

#[test]
fn what_states_no_answer_is_named_with_its_place() {
    let fine = json!({"gold": "4", "response": "4"});
    let gold = |gold: Value| refused(&[fine.clone(), json!({"gold": gold, "response": "4"})], &[]);
    insta::assert_snapshot!(gold(json!({"value": 4})), @r#"
    note: right answer from gold, response from response
    error: rows.jsonl row 2: `gold` must be a right answer: a text, a number, true or false, a list of these, a list of messages, or null; found an object with the keys value
    hint: mend the row, or name another column with --gold or --response
    "#);
    insta::assert_snapshot!(gold(json!([["4"], ["5"]])), @r#"
    note: right answer from gold, response from response
    error: rows.jsonl row 2: `gold[0]` must be a right answer of a list: a text, a number, true or false; found a list of 1
    hint: mend the row, or name another column with --gold or --response
    "#);
    insta::assert_snapshot!(gold(json!(["4", null])), @r#"
    note: right answer from gold, response from response
    error: rows.jsonl row 2: `gold[1]` must be a right answer of a list: a text, a number, true or false; found null
    hint: mend the row, or name another column with --gold or --response
    "#);
    insta::assert_snapshot!(gold(json!(["4", {"value": 4}])), @r#"
    note: right answer from gold, response from response
    error: rows.jsonl row 2: `gold[1]` must be a right answer of a list: a text, a number, true or false; found an object with the keys value
    hint: mend the row, or name another column with --gold or --response
    "#);
    insta::assert_snapshot!(gold(json!([{"value": 4}])), @r#"
    note: right answer from gold, response from response
    error: rows.jsonl row 2: `gold[0]` must be a message with `role` and `content`; found an object with the keys value
    hint: mend the row, or name another column with --gold or --response
    "#);
    insta::assert_snapshot!(gold(json!([{"role": "user", "content": "4"}])), @r#"
    note: right answer from gold, response from response
    error: rows.jsonl row 2: `gold` must be messages, with a turn of the assistant among them; found a list of 1
    hint: mend the row, or name another column with --gold or --response
    "#);
    let response = |response: Value| refused(&[fine.clone(), json!({"gold": "4", "response": response})], &[]);
    insta::assert_snapshot!(response(json!({"text": "4"})), @r#"
    note: right answer from gold, response from response
    error: rows.jsonl row 2: `response` must be a response: a text, a number, true or false, a list of messages, or null; found an object with the keys text
    hint: mend the row, or name another column with --gold or --response
    "#);
    insta::assert_snapshot!(response(json!(["4", "5"])), @r#"
    note: right answer from gold, response from response
    error: rows.jsonl row 2: `response` must be a response: a text, a number, true or false, a list of messages, or null; found a list of 2
    hint: mend the row, or name another column with --gold or --response
    "#);
    insta::assert_snapshot!(response(json!([{"text": "4"}])), @r#"
    note: right answer from gold, response from response
    error: rows.jsonl row 2: `response[0]` must be a message with `role` and `content`; found an object with the keys text
    hint: mend the row, or name another column with --gold or --response
    "#);
    insta::assert_snapshot!(response(json!([{"role": "assistant", "content": {"text": "4"}}])), @r#"
    note: right answer from gold, response from response
    error: rows.jsonl row 2: `response[0].content` must be text or a list of text parts; found an object with the keys text
    hint: mend the row, or name another column with --gold or --response
    "#);
    insta::assert_snapshot!(response(json!([{"role": "assistant", "content": [{"type": "image_url", "image_url": "x"}]}])), @r#"
    note: right answer from gold, response from response
    error: rows.jsonl row 2: `response[0].content[0]` is a part of type `image_url`; only text can be judged
    hint: mend the row, or name another column with --gold or --response
    "#);
}

#[test]
fn parquet_holds_messages_and_lists() {
    let prompt = json!([{"role": "user", "content": "2+2?"}]);
    let (folder, path) = rows_of(&[json!({"prompt": prompt, "responses": ["So \\boxed{4}", "Or \\boxed{5}"]})]);
    let pairs = folder.path().join("pairs.parquet");
    let labelled = rrm([
        "label".as_ref(),
        path.as_os_str(),
        "--engine".as_ref(),
        "scripted:first".as_ref(),
        "--write".as_ref(),
        "dpo".as_ref(),
        "-o".as_ref(),
        pairs.as_os_str(),
    ]);
    assert!(labelled.status.success(), "{}", stderr(&labelled));
    let told = |gold: &str, response: &str| {
        let told = rrm(["verify", pairs.to_str().unwrap(), "--gold", gold, "--response", response]);
        let row: Value = serde_json::from_str(&stdout(&told)).unwrap();
        format!("{}\n{}", row["verified"], stderr(&told))
    };
    insta::assert_snapshot!(told("chosen", "rejected"), @r#"
    {"outcome":"unequal","answer":"4","how":"boxed","gold":"5"}
    note: right answer from chosen, response from rejected
    note: 1 row: 0 equal, 1 unequal, 0 cannot be told
    "#);
    insta::assert_snapshot!(told("chosen", "chosen.0.content"), @r#"
    {"outcome":"equal","answer":"5","how":"boxed","gold":"5"}
    note: right answer from chosen, response from chosen.0.content
    note: 1 row: 1 equal, 0 unequal, 0 cannot be told
    "#);
}
