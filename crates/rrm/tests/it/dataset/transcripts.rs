//! Transcripts in the marks of chat templates and of data sets, and messages as Python writes them: one rule for all of them.

use rrm::dataset::{ReadOptions, check};
use serde_json::{Value, json};

use super::{columns, file, items, row, texts, turns};

/// The prompt's turns and the responses of a row that is read, or why it is not.
fn read(json: &Value) -> Result<(Vec<String>, Vec<String>), String> {
    let item = row(&json.to_string(), &[]).map_err(|error| error.to_string().replace("pairs.jsonl row 1: ", ""))?;
    Ok((turns(&item.prompt.messages), texts(&item).into_iter().map(str::to_owned).collect()))
}

fn is(json: &Value, prompt: &[&str], responses: &[&str]) {
    let expected = (prompt.iter().map(|&s| s.to_owned()).collect(), responses.iter().map(|&s| s.to_owned()).collect());
    assert_eq!(read(json), Ok(expected), "{json}");
}

fn refused(json: &Value) -> String {
    read(json).expect_err(&json.to_string())
}

/// One exchange, as a family writes it.
type Write = fn(&str, &str) -> String;

/// Marks that mean nothing else.
const TEMPLATES: [Write; 6] = [
    |user, said| format!("<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n{said}"),
    |user, said| {
        format!(
            "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{user}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n{said}"
        )
    },
    |user, said| format!("<bos><start_of_turn>user\n{user}<end_of_turn>\n<start_of_turn>model\n{said}"),
    |user, said| format!("<|user|>\n{user}</s>\n<|assistant|>\n{said}"),
    |user, said| format!("<s>[INST] {user} [/INST] {said}"),
    |user, said| format!("\n\nHuman: {user}\n\nAssistant: {said}"),
];

/// Words that may be a dialogue.
const WORDS: [Write; 5] = [
    |user, said| format!("User: {user}\nAssistant: {said}"),
    |user, said| format!("User: {user}\n\nAssistant: {said}"),
    |user, said| format!("USER: {user} ASSISTANT: {said}"),
    |user, said| format!("### Human: {user}\n### Assistant: {said}"),
    |user, said| format!("### Instruction:\n{user}\n\n### Response:\n{said}"),
];

#[test]
fn a_transcript_in_any_marks_is_cut_to_its_last_turn_or_refused() {
    let system = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]);
    for write in TEMPLATES.into_iter().chain(WORDS) {
        let (good, bad) = (write("Hi", "Hello"), write("Hi", "What?"));
        is(&json!({"prompt": "Hi", "chosen": good, "rejected": bad}), &["user: Hi"], &["Hello", "What?"]);
        is(&json!({"prompt": "Hi", "responses": [good, bad]}), &["user: Hi"], &["Hello", "What?"]);
        is(&json!({"chosen": good, "rejected": bad}), &["user: Hi"], &["Hello", "What?"]);
        is(&json!({"prompt": write("Hi", ""), "responses": ["Hello", "What?"]}), &["user: Hi"], &["Hello", "What?"]);
        let error = refused(&json!({"prompt": "Hi", "chosen": good, "rejected": "What?"}));
        assert!(error.starts_with("`chosen` is a transcript and `rejected` is not"), "{error}");
    }
    for write in TEMPLATES {
        let error = refused(&json!({"prompt": "Ho", "chosen": write("Hi", "Hello"), "rejected": write("Hi", "What?")}));
        assert!(error.contains("begins with `User: Hi`, the prompt with `User: Ho`"), "{error}");
    }
    // A dialogue that the prompt asks for is an answer.
    for write in WORDS {
        let (good, bad) = (write("Hi", "Hello"), write("Hi", "What?"));
        is(&json!({"prompt": "Write one.", "chosen": good, "rejected": bad}), &["user: Write one."], &[&good, &bad]);
        is(&json!({"prompt": "Write one.", "chosen": good, "rejected": "No."}), &["user: Write one."], &[&good, "No."]);
    }
    // What the system says may stand in one of both.
    let chatml = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n";
    let row =
        json!({"prompt": "Hi", "chosen": format!("{chatml}Hello<|im_end|>"), "rejected": format!("{chatml}What?<|im_end|>")});
    is(&row, &["system: Be brief.", "user: Hi"], &["Hello<|im_end|>", "What?<|im_end|>"]);
    is(&json!({"prompt": chatml, "responses": ["a", "b"]}), &["system: Be brief.", "user: Hi"], &["a", "b"]);
    is(
        &json!({"prompt": format!("{chatml}<think>\n"), "responses": ["a", "b"]}),
        &["system: Be brief.", "user: Hi"],
        &["a", "b"],
    );
    let beside =
        json!({"prompt": system, "chosen": "<|user|>Hi<|end|><|assistant|>a", "rejected": "<|user|>Hi<|end|><|assistant|>b"});
    assert!(refused(&beside).contains("begins with `User: Hi`"));
}

#[test]
fn marks_inside_of_texts_are_texts() {
    for text in [
        "The head <|im_start|>user begins a turn.",
        "<|im_start|>assistant\nan answer with its head<|im_end|>",
        "Use [INST] and [/INST].",
        "[INST] is a mark.",
        "### Summary\nUser: x",
        "The user said:\nUser: x\nAssistant: y",
        "<|user|>",
    ] {
        is(&json!({"prompt": "Write.", "responses": [text, "No."]}), &["user: Write."], &[text, "No."]);
        is(&json!({"prompt": "Write.", "responses": [text, text]}), &["user: Write."], &[text, text]);
    }
    for prompt in ["User: who?", "What does [INST] mean?", "Explain <|im_start|>user.", "### Instruction:\nBe brief."] {
        is(&json!({"prompt": prompt, "responses": ["a", "b"]}), &[&format!("user: {prompt}")], &["a", "b"]);
    }
}

#[test]
fn messages_as_python_writes_them_are_messages() {
    let chat = |said: &str| format!("[{{'role': 'user', 'content': \"It's\"}}, {{'role': 'assistant', 'content': '{said}'}}]");
    let numpy = |said: &str| format!("[{{'content': \"It's\", 'role': 'user'}}\n {{'content': '{said}', 'role': 'assistant'}}]");
    for write in [&chat as &dyn Fn(&str) -> String, &numpy] {
        is(&json!({"chosen": write("a"), "rejected": write("b")}), &["user: It's"], &["a", "b"]);
        is(&json!({"prompt": "It's", "chosen": write("a"), "rejected": write("b")}), &["user: It's"], &["a", "b"]);
        let csv = format!("chosen,rejected\n\"{}\",\"{}\"\n", write("a").replace('"', "\"\""), write("b").replace('"', "\"\""));
        let item = items(&file("a.csv", csv).path, &columns(&[])).remove(0);
        assert_eq!((turns(&item.prompt.messages), texts(&item)), (vec!["user: It's".to_owned()], vec!["a", "b"]));
    }
    is(&json!({"prompt": "[{'role': 'user', 'content': 'Hi'}]", "responses": ["a", "b"]}), &["user: Hi"], &["a", "b"]);
    let listed = "id,prompt,responses\n1,Hi,\"['a', 'b\\'s']\"\n";
    let item = items(&file("a.csv", listed).path, &columns(&[])).remove(0);
    assert_eq!(texts(&item), ["a", "b's"]);
    let broken = "[{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hel...]";
    insta::assert_snapshot!(refused(&json!({"prompt": broken, "responses": ["a", "b"]})), @"`prompt` begins and ends as Python's text of messages does and cannot be read as such; write it as JSON (json.dumps)");
    assert!(
        refused(&json!({"prompt": "Hi", "responses": [broken, broken]}))
            .starts_with("`responses[0]` begins and ends as Python's")
    );
    // Code that is an answer stays one.
    let code = "[{'role': 'user', 'content': x} for x in texts]";
    is(&json!({"prompt": "Write it.", "responses": [code, "No."]}), &["user: Write it."], &[code, "No."]);
    let one = "{'role': 'assistant', 'content': 'x'}";
    is(&json!({"prompt": "Write it.", "responses": [one, "No."]}), &["user: Write it."], &[one, "No."]);
}

#[test]
fn it_is_told_where_texts_were_read_as_conversations() {
    let notes = |row: Value| check(&file("a.jsonl", row.to_string()).path, &ReadOptions::default()).unwrap().notes;
    let one = |said: &str| json!({"role": "assistant", "content": said}).to_string();
    insta::assert_snapshot!(notes(json!({"prompt": "Hi", "responses": [one("a"), one("b")]})).join("\n"), @"each response is JSON text of messages: turns that all responses share belong to the prompt, and the rest is judged; a text that is to be judged as it stands is written as a list with one message of the assistant (1 row, the first is row 1)");
    let told = notes(json!({"prompt": "Hi", "responses": ["User: Hi\nAssistant: a", "User: Hi\nAssistant: b"]}));
    assert!(
        told[0].starts_with("each response is a transcript: turns that all responses share belong to the prompt"),
        "{told:?}"
    );
    assert_eq!(notes(json!({"prompt": "Hi", "responses": [one("a"), "b"]})), Vec::<String>::new());
}

#[test]
fn a_conversation_that_a_prompt_asks_for_is_a_text() {
    let notes = |prompt: &str, responses: [&str; 2]| {
        let fixture = super::file("rows.jsonl", serde_json::json!({"prompt": prompt, "responses": responses}).to_string());
        rrm::dataset::check(&fixture.path, &super::columns(&[]))
            .map(|summary| summary.notes)
            .map_err(|errors| errors[0].to_string())
    };
    let variable = ["[{'role': 'user', 'content': f'hi {x}'}]", "[{'role': 'user', 'content': name}]"];
    let list = [
        "[{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Yo'}]",
        "[{'role': 'user', 'content': 'Hey'}, {'role': 'assistant', 'content': 'Ho'}]",
    ];
    let human = ["\n\nHuman: hi\n\nAssistant: aa", "\n\nHuman: hello\n\nAssistant: b"];
    let plain = ["User: hi\nAssistant: yo", "User: hello\nAssistant: hey"];
    let tokens = ["<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYo", "I cannot."];
    for (prompt, responses) in [
        ("In Python, show a messages list.", variable),
        ("Write a Python list of chat messages.", list),
        ("How do I print messages in Python?", [list[0], "print(messages)"]),
        ("Write a dialogue about tea.", human),
        ("Write a dialogue about tea.", [human[0], "Sorry, no."]),
        ("Write a chat between a user and a bot.", plain),
        ("Show Qwen's chat template with a greeting.", tokens),
    ] {
        let said = notes(prompt, responses);
        let expected = "a response is written as a conversation that does not go on from the prompt";
        assert!(said.as_ref().is_ok_and(|notes| notes.iter().any(|note| note.contains(expected))), "{prompt}: {said:?}");
    }
    // Where nobody asks for it, it is a conversation, and another one than the prompt's.
    for responses in [variable, list, human, [human[0], "Sorry, no."]] {
        assert!(notes("Why is the sky blue?", responses).is_err(), "{responses:?}");
    }
    // A list of things is no dialogue.
    assert!(notes("List three colours.", human).is_err());
    let own = ["\n\nHuman: Write a dialogue.\n\nAssistant: aa", "\n\nHuman: Write a dialogue.\n\nAssistant: b"];
    let read = notes("Write a dialogue.", own);
    assert!(read.as_ref().is_ok_and(|notes| notes.iter().all(|note| !note.contains("does not go on"))), "{read:?}");
}
