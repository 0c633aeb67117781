//! Responses as files hold them -> what a judge is shown, and what the row says went.

use std::sync::Arc;

use rrm::{
    comparison::Prompt,
    dataset::{Item, Response},
    result::Flag,
    run,
};
use serde_json::{Map, Value, json};

fn item(texts: &[&str]) -> Item {
    let response = |text: &&str| Response { text: (*text).into(), label: None, team: None, extra: Map::default() };
    let responses = texts.iter().map(response).collect();
    Item { id: "r".to_owned(), row: 1, prompt: Arc::new(Prompt::text("Q")), responses, extra: Map::default() }
}

#[test]
fn what_goes_is_flagged_and_what_stays_is_the_same() {
    let plain = item(&["Split at `</think>`.", "no\n", "<b>x</b>"]);
    let (judged, flags) = run::judged(&plain, &[]);
    assert_eq!(*judged, plain);
    assert_eq!(serde_json::to_value(&flags).unwrap(), json!([{"response": 0, "markup": ["</think>"]}]));

    let tokens = item(&["<think>hm</think>Yes.<|eot_id|>", "Yes.", "<think>hm"]);
    let (judged, flags) = run::judged(&tokens, &[]);
    let texts: Vec<&str> = judged.responses.iter().map(|response| &*response.text).collect();
    assert_eq!(texts, ["Yes.", "Yes.", "[NO ANSWER]"]);
    let expected = json!([
        {"response": 0, "markup": [], "taken_off": ["<|eot_id|>", "thinking"]},
        {"response": 2, "markup": [], "taken_off": ["thinking"]},
    ]);
    assert_eq!(serde_json::to_value(&flags).unwrap(), expected);
    let old: Vec<Flag> = serde_json::from_value(json!([{"markup": ["<s>"]}])).unwrap();
    assert_eq!(old, [Flag { response: None, markup: vec!["<s>".to_owned()], taken_off: Vec::new() }], "rows of before are read");
    assert!(serde_json::from_value::<Value>(json!(old)).unwrap()[0].get("taken_off").is_none());
}
