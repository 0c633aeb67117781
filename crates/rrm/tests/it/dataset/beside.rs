//! Columns and keys beside what is read: those that belong to the prompt, and those that say something else than their neighbours.

use rrm::dataset::check;
use serde_json::{Value, json};

use super::{columns, file, row, texts, turns};

fn read(json: &Value, specs: &[&str]) -> Result<(Vec<String>, Vec<String>), String> {
    let item = row(&json.to_string(), specs).map_err(|error| error.to_string().replace("pairs.jsonl row 1: ", ""))?;
    Ok((turns(&item.prompt.messages), texts(&item).into_iter().map(str::to_owned).collect()))
}

fn prompt(json: &Value, specs: &[&str]) -> Vec<String> {
    read(json, specs).unwrap_or_else(|error| panic!("{json}: {error}")).0
}

fn refused(json: &Value, specs: &[&str]) -> String {
    read(json, specs).expect_err(&json.to_string())
}

fn notes(json: &Value, specs: &[&str]) -> String {
    check(&file("a.jsonl", json.to_string()).path, &columns(specs)).unwrap().notes.join("\n")
}

#[test]
fn a_column_of_the_system_is_its_turn() {
    let sharegpt = |system: Value| {
        json!({"conversations": [{"from": "human", "value": "Hi"}], "system": system,
            "chosen": {"from": "gpt", "value": "a"}, "rejected": {"from": "gpt", "value": "b"}})
    };
    let specs = ["prompt=conversations"];
    assert_eq!(prompt(&sharegpt("Be brief.".into()), &specs), ["system: Be brief.", "user: Hi"]);
    assert_eq!(prompt(&sharegpt(Value::Null), &specs), ["user: Hi"]);
    assert_eq!(prompt(&sharegpt(" ".into()), &specs), ["user: Hi"]);
    assert_eq!(prompt(&sharegpt(7.into()), &specs), ["user: Hi"]);
    assert_eq!(prompt(&sharegpt("Be brief.".into()), &["prompt=conversations", "system="]), ["user: Hi"]);
    insta::assert_snapshot!(notes(&sharegpt("Be brief.".into()), &specs), @"the column `system` is read as the turn of the system; --column system= leaves it out (1 row, the first is row 1)");
    let item = row(&sharegpt("Be brief.".into()).to_string(), &specs).unwrap();
    assert!(!item.extra.contains_key("system"));
    // Whole conversations, other names, a turn that is there already.
    let chat = |said: &str| json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": said}]);
    let implicit = json!({"chosen": chat("a"), "rejected": chat("b"), "system_prompt": "Be brief."});
    assert_eq!(prompt(&implicit, &[]), ["system: Be brief.", "user: Hi"]);
    let own = |system: &str| {
        json!({"prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            "responses": ["a", "b"], "system": system})
    };
    assert_eq!(prompt(&own("Be brief. "), &[]), ["system: Be brief.", "user: Hi"]);
    insta::assert_snapshot!(refused(&own("Be long."), &[]), @"`system` and the turn of the system in the prompt say two things: `Be long.`, `Be brief.`; keep the one that is meant: --column system= leaves the column out");
    // Beside a text it may be a name: it is said, and read where it is named.
    let orca = json!({"system": "Be brief.", "question": "Hi", "chosen": "a", "rejected": "b"});
    assert_eq!(prompt(&orca, &["prompt=question"]), ["user: Hi"]);
    insta::assert_snapshot!(notes(&orca, &["prompt=question"]), @"the column `system` is no part of the prompt; --column system=system makes it the turn of the system (1 row, the first is row 1)");
    assert_eq!(prompt(&orca, &["prompt=question", "system=system"]), ["system: Be brief.", "user: Hi"]);
    assert_eq!(prompt(&orca, &["prompt=system+question"]), ["user: Be brief.\nHi"]);
    assert_eq!(notes(&orca, &["prompt=system+question"]), "");
    assert_eq!(notes(&orca, &["prompt=question", "system="]), "");
    insta::assert_snapshot!(refused(&json!({"prompt": "Hi", "responses": ["a", "b"]}), &["system=sys"]), @"no column `sys` (for `system`); the row has: prompt, responses");
    assert!(
        refused(&json!({"prompt": "Hi", "responses": ["a", "b"], "sys": [1]}), &["system=sys"])
            .starts_with("`sys` must be text or null")
    );
}

#[test]
fn columns_that_belong_to_an_instruction_are_told_where_they_are_left_out() {
    let alpaca = json!({"instruction": "Add.", "input": "1 and 2", "history": [["a", "b"]], "output": ["3", "4"]});
    let specs = ["prompt=instruction", "responses=output"];
    insta::assert_snapshot!(notes(&alpaca, &specs), @"
    the column `history` is no part of the prompt; write the conversation as a list of messages (1 row, the first is row 1)
    the column `input` is no part of the prompt; --column prompt=instruction+input makes it one (1 row, the first is row 1)
    ");
    assert!(!notes(&alpaca, &["prompt=instruction+input", "responses=output"]).contains("`input`"));
    assert_eq!(notes(&json!({"instruction": "Add.", "input": "", "history": [], "output": ["3", "4"]}), &specs), "");
}

#[test]
fn keys_that_say_two_things_are_refused() {
    let message = |more: Value| {
        let mut message = json!({"role": "assistant", "content": "a"});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"prompt": "Hi", "responses": [[message], "b"]})
    };
    insta::assert_snapshot!(refused(&message(json!({"value": "x"})), &[]), @"`responses[0][0].content` and `responses[0][0].value` say two things: `a`, `x`; keep the one that is meant");
    insta::assert_snapshot!(refused(&message(json!({"from": "human"})), &[]), @"`responses[0][0].role` and `responses[0][0].from` say two things: `assistant`, `human`; keep the one that is meant");
    for same in
        [json!({"value": "a "}), json!({"value": null}), json!({"value": ""}), json!({"from": "gpt"}), json!({"from": "GPT-4o"})]
    {
        assert!(read(&message(same.clone()), &[]).is_ok(), "{same}");
    }
    let single = json!({"prompt": "Hi", "chosen": {"role": "assistant", "content": "a", "value": "x"}, "rejected": "b"});
    assert!(refused(&single, &[]).starts_with("`chosen.content` and `chosen.value` say two things"));
    let response = json!({"prompt": "Hi", "responses": [{"text": "a", "response": "x"}, "b"]});
    insta::assert_snapshot!(refused(&response, &[]), @"`responses[0].text` and `responses[0].response` say two things: `a`, `x`; keep the one that is meant: --column responses.text=KEY says which");
    assert_eq!(read(&response, &["responses.text=response"]).unwrap().1, ["x", "b"]);
}

#[test]
fn a_label_over_a_pair_is_refused() {
    let json = json!({"prompt": "Hi", "chosen": "a", "rejected": "b", "winner": "B"});
    insta::assert_snapshot!(refused(&json, &["label=winner"]), @"`chosen` and `rejected` say which response is better, and `winner` is named to say so too; leave --column label=… out, or read both as responses of which it says the better one: --column responses=chosen,rejected");
    let item = row(&json.to_string(), &["label=winner", "responses=chosen,rejected"]).unwrap();
    assert_eq!(item.responses.iter().map(|response| response.label).collect::<Vec<_>>(), [Some(0.0), Some(1.0)]);
}

#[test]
fn a_pair_that_names_its_responses_is_refused() {
    let row = |chosen: &str, rejected: &str| json!({"prompt": "Hi", "response_a": "x", "response_b": "y", "chosen": chosen, "rejected": rejected});
    insta::assert_snapshot!(refused(&row("response_b", "response_a"), &[]), @"`chosen` is `response_b`, which names a response and is none; --column responses=response_a,response_b --column label=chosen reads the responses and which is better");
    for (chosen, rejected) in [("A", "B"), ("model_b", "model_a"), ("response 1", "response 2")] {
        assert!(refused(&row(chosen, rejected), &[]).contains("responses=response_a,response_b"), "{chosen}");
    }
    let specs = ["responses=response_a,response_b", "label=chosen"];
    assert_eq!(read(&row("response_b", "response_a"), &specs).unwrap().1, ["x", "y"]);
    // A letter may be the answer.
    assert_eq!(read(&json!({"prompt": "A or B?", "chosen": "A", "rejected": "B"}), &[]).unwrap().1, ["A", "B"]);
    assert_eq!(read(&row("yes", "no"), &[]).unwrap().1, ["yes", "no"]);
}

#[test]
fn a_prompt_that_ends_with_a_response_is_refused() {
    let messages = json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "good"}]);
    let row = |chosen: &str| json!({"messages": messages, "chosen": chosen, "rejected": "bad"});
    insta::assert_snapshot!(refused(&row("good"), &["prompt=messages"]), @"`messages` ends with what `chosen` says: the prompt ends with the turn that the responses answer");
    assert_eq!(prompt(&row("other"), &["prompt=messages"]), ["user: Hi", "assistant: good"]);
}

#[test]
fn bounds_of_labels_are_written_without_the_last_digits_of_a_sum() {
    let rows =
        "{\"prompt\":\"P\",\"responses\":[\"a\",\"b\"],\"p\":0.1}\n{\"prompt\":\"P\",\"responses\":[\"a\",\"b\"],\"p\":0.5}\n";
    let error = rrm::dataset::read(&file("a.jsonl", rows).path, &columns(&["label=p"])).err().unwrap().to_string();
    assert!(error.contains("label=p:<0.3,>0.3,0.3") && !error.contains("000"), "{error}");
}
