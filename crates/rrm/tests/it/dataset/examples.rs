//! Rows with a prompt and a completion, and the words for those that are none.

use rrm::{
    chat::Message,
    dataset::{Example, TurnsOrText, read_examples},
};

use super::file;

fn one(json: &str) -> Result<Example, String> {
    let fixture = file("sft.jsonl", json);
    let folder = format!("{}/", fixture.folder.path().display());
    let first = read_examples(&fixture.path).map(|mut rows| rows.next().unwrap());
    first.and_then(|row| row).map_err(|error| error.to_string().replace(&folder, ""))
}

#[test]
fn prompts_and_completions_are_texts_or_messages() {
    let text = one(r#"{"prompt": "The sky is", "completion": " blue.", "source": "mine"}"#).unwrap();
    let expected = Example {
        id: "row-1".to_owned(),
        row: 1,
        prompt: TurnsOrText::Text("The sky is".to_owned()),
        completion: " blue.".to_owned(),
    };
    assert_eq!(text, expected);
    let turns = one(
        r#"{"id": 7, "prompt": [{"role": "user", "content": "Colour?"}], "completion": [{"role": "assistant", "content": "Blue."}]}"#,
    );
    let prompt = TurnsOrText::Turns(vec![Message::user("Colour?")]);
    assert_eq!(turns.unwrap(), Example { id: "7".to_owned(), row: 1, prompt, completion: "Blue.".to_owned() });
}

#[test]
fn the_example_in_the_documentation_is_read() {
    let text = include_str!("../../../../../docs/formats.md").split("## Rows to train on\n").nth(1).unwrap();
    let row = text.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(one(row).unwrap().completion, "The first: \\boxed{Assistant 1}");
}

#[test]
fn what_is_no_example_is_named() {
    let error = |json| one(json).unwrap_err();
    insta::assert_snapshot!(error(""), @"sft.jsonl: it holds no rows");
    insta::assert_snapshot!(error(r#"{"prompt": "a", "completions": "b"}"#), @"sft.jsonl row 1: no column `completion`; nearest: `completions`; the row has: prompt, completions");
    insta::assert_snapshot!(error(r#"{"prompt": null, "completion": "b"}"#), @"sft.jsonl row 1: `prompt` must be text or a list of messages; found null");
    insta::assert_snapshot!(error(r#"{"prompt": "a", "completion": [{"role": "user", "content": "b"}]}"#), @"sft.jsonl row 1: `completion` ends with a turn of the user; a response ends with a turn of the assistant");
    insta::assert_snapshot!(error(r#"{"prompt": "a", "completion": [{"role": "user", "content": "b"}, {"role": "assistant", "content": "c"}]}"#), @"sft.jsonl row 1: `completion` must be text or a list with one message of the assistant; found a list of 2");
}
