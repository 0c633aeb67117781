//! Chats as people have them: transcripts, JSON as text, other systems' roles, conversations that part early. Each is read right or refused.

use proptest::prelude::*;
use rrm::dataset::ReadOptions;
use serde_json::{Value, json};

use super::{file, row, texts, turns};

/// The prompt's turns and the responses of a row that is read, or why it is not.
fn read(json: &Value, specs: &[&str]) -> Result<(Vec<String>, Vec<String>), String> {
    let item = row(&json.to_string(), specs).map_err(|error| error.to_string().replace("pairs.jsonl row 1: ", ""))?;
    Ok((turns(&item.prompt.messages), texts(&item).into_iter().map(str::to_owned).collect()))
}

pub(super) fn is(json: &Value, specs: &[&str], prompt: &[&str], responses: &[&str]) {
    let expected = (prompt.iter().map(|&s| s.to_owned()).collect(), responses.iter().map(|&s| s.to_owned()).collect());
    assert_eq!(read(json, specs), Ok(expected), "{json}");
}

pub(super) fn refused(json: &Value, specs: &[&str]) -> String {
    match read(json, specs) {
        Ok(read) => panic!("{json} was read as {read:?}"),
        Err(error) => error,
    }
}

/// Turns of a user and an assistant in turn, as a transcript.
fn transcript(turns: &[&str]) -> String {
    let names = ["Human", "Assistant"].into_iter().cycle();
    turns.iter().zip(names).map(|(turn, name)| format!("\n\n{name}: {turn}")).collect()
}

/// The same as messages.
fn messages(turns: &[&str]) -> Value {
    let roles = ["user", "assistant"].into_iter().cycle();
    turns.iter().zip(roles).map(|(turn, role)| json!({"role": role, "content": turn})).collect()
}

/// The same in ShareGPT's words.
fn sharegpt(turns: &[&str]) -> Value {
    let roles = ["human", "gpt"].into_iter().cycle();
    turns.iter().zip(roles).map(|(turn, role)| json!({"from": role, "value": turn})).collect()
}

#[test]
fn a_conversation_beside_its_prompt_is_cut_to_its_last_turn_however_it_is_written() {
    type Write = fn(&[&str]) -> Value;
    let writings: [(&str, Write); 6] = [
        ("transcript", |turns| transcript(turns).into()),
        ("transcript without its empty line", |turns| transcript(turns).trim_start().into()),
        ("messages", messages),
        ("sharegpt", sharegpt),
        ("JSON text", |turns| messages(turns).to_string().into()),
        ("JSON text of an object", |turns| json!({"messages": sharegpt(turns), "tools": []}).to_string().into()),
    ];
    let prompts: [(&str, Option<Value>); 7] = [
        ("no prompt", None),
        ("text", Some("Hi".into())),
        ("blanks", Some("Hi \n".into())),
        ("messages", Some(messages(&["Hi"]))),
        ("JSON text", Some(messages(&["Hi"]).to_string().into())),
        ("transcript", Some("\n\nHuman: Hi\n\nAssistant:".into())),
        ("transcript with a blank", Some("\n\nHuman: Hi \n\nAssistant: ".into())),
    ];
    for (writing, write) in writings {
        for (what, prompt) in &prompts {
            for columns in ["chosen,rejected", "responses"] {
                let both = [write(&["Hi", "Hello"]), write(&["Hi", "What?"])];
                let mut json = match columns {
                    "responses" => json!({"responses": both}),
                    _ => json!({"chosen": both[0], "rejected": both[1]}),
                };
                if let Some(prompt) = prompt {
                    json["prompt"] = prompt.clone();
                }
                let (read, responses) = read(&json, &[]).unwrap_or_else(|error| panic!("{writing}, {what}: {error}"));
                let read: Vec<&str> = read.iter().map(|turn| turn.trim_end()).collect();
                assert_eq!(
                    (read, responses),
                    (vec!["user: Hi"], vec!["Hello".to_owned(), "What?".to_owned()]),
                    "{writing}, {what}"
                );
            }
            // Where it does not begin with the prompt, nothing is judged.
            if let Some(prompt) = prompt.clone().filter(|_| writing != "transcript without its empty line") {
                let json = json!({"prompt": prompt, "chosen": write(&["Ho", "Hello"]), "rejected": write(&["Ho", "What?"])});
                let error = refused(&json, &[]);
                assert!(error.contains("User: Ho") && error.contains("User: Hi"), "{writing}, {what}: {error}");
            }
        }
        // One side is a conversation and the other a text.
        if !["messages", "sharegpt"].contains(&writing) {
            let json = json!({"prompt": "Hi", "chosen": write(&["Hi", "Hello"]), "rejected": "What?"});
            let error = refused(&json, &[]);
            assert!(error.starts_with("`chosen` is ") && error.contains("and `rejected` is not"), "{writing}: {error}");
        }
    }
}

#[test]
fn errors_show_both_beginnings_and_what_to_write() {
    let json = json!({"prompt": "Hi", "chosen": messages(&["Ho", "a"]), "rejected": messages(&["Ho", "b"])});
    insta::assert_snapshot!(refused(&json, &[]), @"`chosen` is a whole conversation, but not one that begins with the prompt of this row: it begins with `User: Ho`, the prompt with `User: Hi`");
    let json = json!({"prompt": "Hi", "chosen": transcript(&["Ho", "a"]), "rejected": transcript(&["Ho", "b"])});
    insta::assert_snapshot!(refused(&json, &[]), @"`chosen` is a transcript, but not one that begins with the prompt of this row: it begins with `User: Ho`, the prompt with `User: Hi`; a text that is to be judged as it stands is written as a list with one message of the assistant");
    let json = json!({"prompt": "Hi", "chosen": messages(&["Hi", "a"]).to_string(), "rejected": "b"});
    insta::assert_snapshot!(refused(&json, &[]), @"`chosen` is JSON text of messages and `rejected` is not; write both as conversations or both as plain text; a text that is to be judged as it stands is written as a list with one message of the assistant");
}

#[test]
fn texts_that_only_look_like_chats_stay_texts() {
    let chat = messages(&["Hi", "Hello"]).to_string();
    let request = json!({"model": "m", "messages": messages(&["Hi"])}).to_string();
    for response in [
        "He wrote \"Human: hi\" and I wrote:\n\nAssistant: hello",
        "Human: a person.\n\nAssistant: a helper.",
        "Humans: they\n\nAssistant: it",
        "[1, 2]",
        r#"["Yes.", "No."]"#,
        r#"{"messages": 3}"#,
        r#"[{"role": "wizard", "content": "spells"}]"#,
        r#"[{"from": "Ulm", "to": "Bonn"}]"#,
        r#"{"role": "assistant", "content": "x", "weight": 1}"#,
        r#"[{"role": "user", "content": "x"}"#,
        &format!("```json\n{chat}\n```"),
        r#"{"role": "user", "content": "x"}"#,
        // A request to a model ends with the user, so that it is no answer.
        &request,
    ] {
        is(&json!({"prompt": "Write it.", "chosen": response, "rejected": "No."}), &[], &["user: Write it."], &[response, "No."]);
        is(&json!({"prompt": "Write it.", "responses": [response, response]}), &[], &["user: Write it."], &[response, response]);
    }
    // An example chat beside another answer is a text; only a chat with this very prompt is more.
    is(&json!({"prompt": "Write a chat.", "chosen": chat, "rejected": "No."}), &[], &["user: Write a chat."], &[&chat, "No."]);
    // Texts inside messages are what they are.
    let wrapped = |text: &str| json!([{"role": "assistant", "content": text}]);
    let json = json!({"prompt": "Hi", "chosen": wrapped(&chat), "rejected": wrapped(&transcript(&["Hi", "x"]))});
    is(&json, &[], &["user: Hi"], &[&chat, &transcript(&["Hi", "x"])]);
    for prompt in
        ["Human: and machine", "\n\nAssistant: who?", "What is\n\nHuman: Hi\n\nAssistant:", "[1, 2]", r#"["a", "b"]"#, "{}"]
    {
        is(&json!({"prompt": prompt, "responses": ["a", "b"]}), &[], &[&format!("user: {prompt}")], &["a", "b"]);
    }
}

#[test]
fn prompts_that_are_transcripts_become_turns() {
    let json = json!({"prompt": "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Joke?\n\nAssistant:", "chosen": " Knock.", "rejected": " No."});
    is(&json, &[], &["user: Hi", "assistant: Hello", "user: Joke?"], &[" Knock.", " No."]);
    is(
        &json!({"prompt": "\n\nHuman: Hi", "chosen": "\n\nAssistant: a", "rejected": "\n\nAssistant: b"}),
        &[],
        &["user: Hi"],
        &["a", "b"],
    );
    is(&json!({"prompt": "Human: Hi\n\nAssistant:", "responses": ["a", "b"]}), &[], &["user: Hi"], &["a", "b"]);
    let error = refused(&json!({"prompt": "Hi", "chosen": "\n\nAssistant: a", "rejected": "b"}), &[]);
    assert!(error.starts_with("`chosen` is a transcript and `rejected` is not"), "{error}");
}

#[test]
fn lists_of_turns_as_text_are_chats() {
    let row = |prompt: &str, a: &str, b: &str| json!({"prompt": prompt, "response_a": a, "response_b": b});
    let specs = ["responses=response_a,response_b"];
    is(&row(r#"["Is tea hot?"]"#, r#"["Yes."]"#, "[null]"), &specs, &["user: Is tea hot?"], &["Yes.", ""]);
    let two = row(r#"["Is tea hot?","And ice?"]"#, r#"["Yes.","No."]"#, r#"["No.",null]"#);
    is(
        &two,
        &specs,
        &["user: Is tea hot?"],
        &["Assistant: Yes.\n\nUser: And ice?\n\nAssistant: No.", "Assistant: No.\n\nUser: And ice?\n\nAssistant: "],
    );
    let shared = row(r#"["Is tea hot?","And ice?"]"#, r#"["Yes.","No."]"#, r#"["Yes.","Yes."]"#);
    is(&shared, &specs, &["user: Is tea hot?", "assistant: Yes.", "user: And ice?"], &["No.", "Yes."]);
    insta::assert_snapshot!(refused(&row(r#"["a","b"]"#, r#"["x","y"]"#, r#"["z"]"#), &specs), @"`prompt` is a JSON list of texts, the turns of a chat (here 2), and `response_b` is such a list of 1");
    insta::assert_snapshot!(refused(&row(r#"["a"]"#, r#"["x"]"#, "z"), &specs), @"`prompt` is a JSON list of texts, the turns of a chat (here 1), and `response_b` is no such list");
    insta::assert_snapshot!(refused(&row("[null]", r#"["x"]"#, r#"["z"]"#), &specs), @"the last turn of the user in `prompt` is empty: there is nothing that the responses could answer");
}

#[test]
fn roles_of_eight_systems_are_known() {
    for (name, read) in [
        ("system", "system"),
        ("developer", "system"),
        ("SYSTEM", "system"),
        ("human", "user"),
        ("User", "user"),
        ("prompter", "user"),
        ("gpt", "assistant"),
        ("model", "assistant"),
        ("Assistant", "assistant"),
        ("bot", "assistant"),
        ("CHATBOT", "assistant"),
        ("function_call", "assistant"),
        ("tool_call", "assistant"),
        ("function", "tool"),
        ("observation", "tool"),
        ("ipython", "tool"),
        ("tool", "tool"),
        ("tool_response", "tool"),
    ] {
        for (role, content) in [("role", "content"), ("from", "value"), ("role", "value"), ("role", "message")] {
            let prompt =
                json!([{"role": "user", "content": "Hi"}, {role: name, content: "x"}, {"from": "human", "value": "Go on"}]);
            let expected = ["user: Hi", &format!("{read}: x"), "user: Go on"];
            is(&json!({"prompt": prompt, "responses": ["a", "b"]}), &[], &expected, &["a", "b"]);
        }
    }
    let unknown = json!({"prompt": [{"from": "wizard", "value": "x"}], "responses": ["a", "b"]});
    insta::assert_snapshot!(refused(&unknown, &[]), @"`prompt[0]` has the role `wizard`; known are system, developer, user, human, prompter, assistant, gpt, chatgpt, model, bot, chatbot, ai, function_call, tool_call, tool_calls, tool, function, observation, ipython, tool_response, tool_result, tool_results, function_response, environment");
    let number = json!({"prompt": [{"from": 1, "value": "x"}], "responses": ["a", "b"]});
    insta::assert_snapshot!(refused(&number, &[]), @"`prompt[0].from` must be text; found a number (1)");
}

#[test]
fn published_layouts_of_chats_are_read() {
    let conversations = json!([{"from": "human", "value": "Is tea hot?"}, {"from": "gpt", "value": "Yes."}, {"from": "human", "value": "And ice?"}]);
    let one = |text: &str| json!({"from": "gpt", "value": text});
    let prompt = ["user: Is tea hot?", "assistant: Yes.", "user: And ice?"];
    let json = json!({"conversations": conversations, "chosen": one("Cold."), "rejected": one("Hot.")});
    is(&json, &["prompt=conversations"], &prompt, &["Cold.", "Hot."]);
    is(&json, &["prompt=conversations", "responses.text=value"], &prompt, &["Cold.", "Hot."]);
    let text = json!({"conversations": conversations.to_string(), "chosen": [one("Cold.")], "rejected": json!([one("Hot.")]).to_string()});
    is(&text, &["prompt=conversations"], &prompt, &["Cold.", "Hot."]);
    // ms-swift: a whole conversation, and another end of it.
    let swift = json!({"messages": messages(&["Is tea hot?", "Yes."]), "rejected_response": "No."});
    is(&swift, &["chosen=messages", "rejected=rejected_response"], &["user: Is tea hot?"], &["Yes.", "No."]);
    let several = json!({"messages": messages(&["Is tea hot?", "Yes."]), "rejected_response": ["No.", "Maybe."]});
    is(&several, &["chosen=messages", "rejected=rejected_response"], &["user: Is tea hot?"], &["Yes.", "No.", "Maybe."]);
    let as_text = json!({"prompt": "Hi", "chosen": one("Cold.").to_string(), "rejected": one("Hot.").to_string()});
    is(&as_text, &[], &["user: Hi"], &["Cold.", "Hot."]);
    let beside = json!({"prompt": "Hi", "chosen": one("Cold.").to_string(), "rejected": "Hot."});
    is(&beside, &[], &["user: Hi"], &[&one("Cold.").to_string(), "Hot."]);
    // Calls of functions, old and new.
    let call = json!([{"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}}]);
    let said = r#"{"name":"f","arguments":"{}"}"#;
    is(&json!({"prompt": "Hi", "chosen": call, "rejected": "No."}), &[], &["user: Hi"], &[said, "No."]);
    is(&json!({"prompt": "Hi", "chosen": call[0], "rejected": "No."}), &[], &["user: Hi"], &[said, "No."]);
    is(
        &json!({"prompt": "Hi", "chosen": {"messages": messages(&["Hi", "x"])}, "rejected": "No."}),
        &[],
        &["user: Hi"],
        &["x", "No."],
    );
    // Gemini's parts, Arena-Hard's content.
    let gemini = json!([{"role": "user", "parts": [{"text": "Hi"}, {"text": "!"}]}]);
    is(&json!({"prompt": gemini, "responses": ["a", "b"]}), &[], &["user: Hi!"], &["a", "b"]);
    let arena = |text: &str| json!([{"role": "assistant", "content": {"answer": text}}]);
    is(&json!({"prompt": "Hi", "responses": [arena("a"), arena("b")]}), &[], &["user: Hi"], &["a", "b"]);
    let more = json!([{"role": "assistant", "content": {"answer": "a", "score": 3}}]);
    insta::assert_snapshot!(refused(&json!({"prompt": "Hi", "responses": [more, "b"]}), &[]), @"`responses[0][0].content` must be text or a list of text parts; found an object with the keys answer, score");
    // Beside a text, `from` and `role` may say anything.
    let sources = json!([{"text": "a", "from": "human"}, {"text": "b", "role": "user"}, {"content": "c", "from": "human"}, {"content": "d", "role": "expert"}]);
    is(&json!({"prompt": "Hi", "responses": sources}), &[], &["user: Hi"], &["a", "b", "c", "d"]);
    let of_user = json!({"prompt": "Hi", "chosen": {"role": "user", "content": "x"}, "rejected": "No."});
    insta::assert_snapshot!(refused(&of_user, &[]), @"`chosen` ends with a turn of the user; a response ends with a turn of the assistant");
}

#[test]
fn conversations_that_part_early_are_judged_from_there() {
    let pair = |a: Value, b: Value| json!({"chosen": a, "rejected": b});
    let ends = ["Assistant: a\n\nUser: Q\n\nAssistant: c", "Assistant: b\n\nUser: Q\n\nAssistant: c"];
    is(&pair(messages(&["P", "a", "Q", "c"]), messages(&["P", "b", "Q", "c"])), &[], &["user: P"], &ends);
    is(&pair(transcript(&["P", "a", "Q", "c"]).into(), transcript(&["P", "b", "Q", "c"]).into()), &[], &["user: P"], &ends);
    let mut given = pair(messages(&["P", "a", "Q", "c"]), messages(&["P", "b", "Q", "c"]));
    given["prompt"] = "P".into();
    is(&given, &[], &["user: P"], &ends);
    // Different questions later on belong to what is judged, with the answers that led to them.
    is(
        &pair(messages(&["P", "a", "Q", "c"]), messages(&["P", "a", "R", "d"])),
        &[],
        &["user: P"],
        &["Assistant: a\n\nUser: Q\n\nAssistant: c", "Assistant: a\n\nUser: R\n\nAssistant: d"],
    );
    // Different lengths, tools among them; every turn is there.
    let call = json!([
        {"role": "assistant", "content": null, "tool_calls": [{"name": "weather"}]},
        {"role": "tool", "content": "4"},
        {"role": "assistant", "content": "Four degrees."}
    ]);
    let json = json!({"prompt": "Weather?", "chosen": call, "rejected": [{"role": "assistant", "content": "Warm."}]});
    is(
        &json,
        &[],
        &["user: Weather?"],
        &["Assistant: [{\"name\":\"weather\"}]\n\nTool: 4\n\nAssistant: Four degrees.", "Assistant: Warm."],
    );
    // Blanks at the ends of shared turns are no difference.
    is(
        &pair(messages(&["P", "a ", "Q", "c"]), messages(&["P ", "a", "Q\n", "d"])),
        &[],
        &["user: P", "assistant: a ", "user: Q"],
        &["c", "d"],
    );
    insta::assert_snapshot!(refused(&pair(messages(&["P", "a"]), messages(&["P", "a", "Q", "b"])), &[]), @"`chosen` is the beginning of `rejected`: after what they share nothing is left of it to be judged");
    insta::assert_snapshot!(refused(&pair(messages(&["P", "a"]), messages(&["Q", "b"])), &[]), @"`chosen` and `rejected` differ from turn 1 on and share no prompt before it, so that they answer nothing together");
    insta::assert_snapshot!(refused(&pair(messages(&["P"]), messages(&["P", "a"])), &[]), @"`chosen` ends with a turn of the user; a response ends with a turn of the assistant");
}

#[test]
fn what_is_written_for_trainers_may_differ_in_last_turns_only() {
    let json = json!({"chosen": messages(&["P", "a", "Q", "c"]), "rejected": messages(&["P", "b", "Q", "c"])});
    let options = ReadOptions { last_turns: true, name: Some("pairs.jsonl".to_owned()), ..ReadOptions::default() };
    let error = rrm::dataset::read(&file("pairs.jsonl", json.to_string()).path, &options).unwrap().next().unwrap().unwrap_err();
    insta::assert_snapshot!(error, @"pairs.jsonl row 1: `chosen` and `rejected` differ before their last turn (at turn 2); what is written for trainers holds one turn for each response");
}

#[test]
fn a_prompt_that_ends_with_an_empty_turn_is_refused() {
    for json in [
        json!({"prompt": messages(&["Translate: Haus", "", " "]), "responses": ["house", "home"]}),
        json!({"prompt": "\n\nHuman: Translate\n\nAssistant: What?\n\nHuman:\n\nAssistant:", "responses": ["house", "home"]}),
        json!({"chosen": messages(&["P", "a", "", "b"]), "rejected": messages(&["P", "a", "", "c"])}),
    ] {
        let error = refused(&json, &[]);
        assert!(error.starts_with("the last turn of the user in `"), "{error}");
    }
    insta::assert_snapshot!(refused(&json!({"prompt": [{"role": "user", "content": ""}], "responses": ["a", "b"]}), &[]), @"`prompt` is empty: there is nothing that the responses could answer");
    // An earlier one is only odd.
    is(
        &json!({"prompt": messages(&["", "What?", "P"]), "responses": ["a", "b"]}),
        &[],
        &["user: ", "assistant: What?", "user: P"],
        &["a", "b"],
    );
}

/// Chats of a user and an assistant that often begin alike.
fn chats() -> impl Strategy<Value = [Vec<String>; 2]> {
    let chat = || prop::collection::vec(prop_oneof!["[ab] ?", "\\PC{0,4}"], 0..4);
    (chat(), chat(), chat()).prop_map(|(shared, one, two)| [[&shared[..], &one].concat(), [&shared[..], &two].concat()])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn two_chats_are_refused_or_every_turn_of_them_is_in_the_prompt_or_in_the_response(chats in chats(), beside in any::<bool>()) {
        let [one, two] = chats.map(|chat| messages(&chat.iter().map(String::as_str).collect::<Vec<_>>()));
        let mut json = json!({"chosen": one, "rejected": two});
        if beside {
            json["prompt"] = one[0]["content"].clone();
        }
        // An empty list is no response.
        if let Some(item) = row(&json.to_string(), &[]).ok().filter(|item| item.responses.len() == 2) {
            for (chat, response) in [one, two].iter().zip(texts(&item)) {
                let turns: Vec<(&str, &str)> =
                    chat.as_array().unwrap().iter().map(|turn| (turn["role"].as_str().unwrap(), turn["content"].as_str().unwrap())).collect();
                let prompt: Vec<(&str, &str)> =
                    item.prompt.messages.iter().map(|turn| (turn.role.as_str(), turn.content.as_str())).collect();
                let (before, after) = turns.split_at(prompt.len());
                prop_assert!(before.iter().zip(&prompt).all(|(a, b)| a.0 == b.0 && a.1.trim() == b.1.trim()), "{json}");
                let name = |role: &str| if role == "user" { "User" } else { "Assistant" };
                let written = after.iter().map(|(role, text)| format!("{}: {text}", name(role))).collect::<Vec<_>>().join("\n\n");
                prop_assert!(response == written || matches!(after, [(_, text)] if *text == response), "{json}: {response:?}");
                prop_assert!(prompt.iter().any(|(role, text)| *role == "user" && !text.trim().is_empty()), "{json}");
            }
        }
    }
}
