//! Texts in the marks of templates and services: read as turns where they can mean nothing else, otherwise judged with a note.

use rrm::dataset::check;
use serde_json::{Value, json};

use super::{chats::is, columns, file};

fn notes(row: &Value) -> Vec<String> {
    check(&file("rows.jsonl", row.to_string()).path, &columns(&[])).unwrap().notes
}

#[test]
fn prompts_in_the_marks_of_templates_are_turns() {
    let alpaca = "Below is an instruction that describes a task.";
    for (prompt, turns) in [
        ("\n Human: Hi\n\n Assistant:".to_owned(), vec!["user: Hi"]),
        ("<|start|>user<|message|>Hi<|end|><|start|>assistant".to_owned(), vec!["user: Hi"]),
        (
            format!("{alpaca}\n\n### Instruction:\nHi\n\n### Response:\n"),
            vec!["system: Below is an instruction that describes a task.", "user: Hi"],
        ),
        (
            "{\"role\":\"system\",\"content\":\"s\"}\n{\"role\":\"user\",\"content\":\"Hi\"}".to_owned(),
            vec!["system: s", "user: Hi"],
        ),
        (r#"{"role":"user","content":"Hi"}"#.to_owned(), vec!["user: Hi"]),
    ] {
        is(&json!({"prompt": prompt, "responses": ["Hello", "What?"]}), &[], &turns, &["Hello", "What?"]);
    }
}

#[test]
fn responses_in_the_marks_of_services_are_answers() {
    let hello = |text: &str| json!({"role": "assistant", "content": text});
    let with = |wrap: &dyn Fn(&str) -> String| json!({"prompt": "Hi", "responses": [wrap("Hello"), wrap("What?")]});
    let lines = |text: &str| format!("{}\n{}", json!({"role": "user", "content": "Hi"}), hello(text));
    let choices = |text: &str| json!({"id": "x", "choices": [{"index": 0, "message": hello(text)}]}).to_string();
    let ollama = |text: &str| json!({"model": "m", "message": hello(text), "done": true}).to_string();
    let anthropic =
        |text: &str| json!({"type": "message", "role": "assistant", "content": [{"type": "text", "text": text}]}).to_string();
    let gemini = |text: &str| json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}]}).to_string();
    for row in [with(&lines), with(&choices), with(&ollama), with(&anthropic), with(&gemini)] {
        is(&row, &[], &["user: Hi"], &["Hello", "What?"]);
        assert_eq!(notes(&row).len(), 1, "{row}");
    }
    // Beside a plain text, or with several answers, such a reply is a text.
    let one = json!({"prompt": "Hi", "responses": [choices("Hello"), "What?"]});
    is(&one, &[], &["user: Hi"], &[&choices("Hello"), "What?"]);
    assert!(notes(&one)[0].contains("the whole reply of a service"));
}

#[test]
fn marks_that_stay_are_told() {
    for (row, told) in [
        (json!({"prompt": "Hi<|im_end|>", "responses": ["a", "b"]}), "marks of a chat template"),
        (json!({"prompt": [{"role": "user", "content": "[INST] Hi"}], "responses": ["a", "b"]}), "marks of a chat template"),
        (json!({"prompt": "Hi", "responses": ["<reasoning>hm</reasoning>a", "b"]}), "begins with reasoning"),
        (json!({"prompt": "Hi", "responses": ["a", "<analysis>\nhm\n</analysis>\nb"]}), "begins with reasoning"),
    ] {
        let notes = notes(&row);
        assert!(notes.len() == 1 && notes[0].contains(told), "{row}: {notes:?}");
    }
    for row in [
        json!({"prompt": "What is `<|im_end|>`, and <s>this</s>?", "responses": ["<|im_end|>", "b [INST]"]}),
        json!({"prompt": "Hi", "responses": ["<think>hm</think>a", "<answer>a</answer>"]}),
        json!({"prompt": "Hi", "responses": ["The tag <reasoning> is one.", "Reasoning: b"]}),
    ] {
        assert_eq!(notes(&row), Vec::<String>::new(), "{row}");
    }
}
