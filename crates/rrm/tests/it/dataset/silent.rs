//! Messages that say nothing, in the JSON text of a response: refused, or told where a file's layout allows them.

use rrm::dataset::check;
use serde_json::{Value, json};

use super::{
    chats::{is, refused},
    columns, file,
};

#[test]
fn a_message_that_says_nothing_is_refused_also_as_json_text() {
    let said = |answer: Value| json!([{"role": "user", "content": "Hi"}, answer]);
    let silent = [
        json!({"role": "assistant", "content": null}),
        json!({"role": "assistant"}),
        json!({"role": "assistant", "content": []}),
        json!({"from": "gpt", "value": null}),
        json!({"role": "assistant", "content": null, "tool_calls": []}),
        json!({"role": "assistant", "content": [{"type": "text", "text": null}]}),
    ];
    let well = json!({"role": "assistant", "content": "fine"});
    let python = |value: &Value| value.to_string().replace("null", "None").replace('"', "'");
    for answer in &silent {
        let list = said(answer.clone());
        let object = json!({"messages": list});
        for (text, other) in [
            (list.to_string(), said(well.clone()).to_string()),
            (object.to_string(), json!({"messages": said(well.clone())}).to_string()),
            (python(&list), python(&said(well.clone()))),
            (list.to_string(), list.to_string()),
        ] {
            for prompt in [json!({"prompt": "Hi"}), json!({})] {
                let mut row = prompt;
                (row["responses"], row["id"]) = (json!([other, text]), json!("x"));
                let error = refused(&row, &[]);
                assert!(error.contains("`responses[") && error.contains("[1]"), "{row}: {error}");
            }
        }
    }
    // One message alone is such a message where every response is one.
    for answer in [&silent[0], &silent[1]] {
        let alone = |other: Value| json!({"prompt": "Hi", "responses": [answer.to_string(), other]});
        for other in [well.to_string(), answer.to_string()] {
            let error = refused(&alone(json!(other)), &[]);
            assert!(error.contains("`responses[0]"), "{error}");
        }
        is(&alone(json!("Text.")), &[], &["user: Hi"], &[&answer.to_string(), "Text."]);
    }
    // What only looks like messages is a text.
    let users = json!([{"role": "user"}, {"role": "admin"}]).to_string();
    is(&json!({"prompt": "Hi", "responses": [users, "x"]}), &[], &["user: Hi"], &[&users, "x"]);
}

#[test]
fn a_turn_that_is_null_is_an_empty_answer_and_said() {
    let notes_of = |last: &str| {
        let row = json!({"prompt": "[\"Hi\"]", "response_a": last, "response_b": "[\"x\"]"});
        let fixture = file("pairs.jsonl", row.to_string());
        check(&fixture.path, &columns(&["responses=response_a,response_b"])).unwrap().notes
    };
    assert_eq!(notes_of("[\"y\"]"), Vec::<String>::new());
    let notes = notes_of("[null]");
    assert!(notes.iter().any(|note| note.contains("is null or empty, and is judged as an empty answer")), "{notes:?}");
}
