//! `chosen` and `rejected` that name responses, by index, letter, model, key: refused with what to write.

use rrm::dataset::{check, read};
use serde_json::{Value, json};

use super::{columns, file};

/// The error of a file of these rows, or the texts of its responses.
fn told(rows: &[Value], specs: &[&str]) -> Result<Vec<String>, String> {
    let lines: String = rows.iter().map(|row| row.to_string() + "\n").collect();
    let fixture = file("pairs.jsonl", lines);
    let options = columns(specs);
    let mut texts = Vec::new();
    for item in read(&fixture.path, &options).map_err(|error| error.to_string())? {
        texts.extend(item.map_err(|error| error.to_string())?.responses.iter().map(|response| response.text.to_string()));
    }
    check(&fixture.path, &options).map_err(|errors| errors[0].to_string())?;
    Ok(texts)
}

fn pair(chosen: impl Into<Value>, rejected: impl Into<Value>, more: &Value) -> Value {
    let mut row = more.clone();
    (row["prompt"], row["chosen"], row["rejected"]) = (json!("Q"), chosen.into(), rejected.into());
    row
}

#[test]
fn sides_that_name_responses_are_refused_with_the_options_to_write() {
    let two = json!({"response_1": "bad", "response_2": "good answer"});
    let letters = json!({"response_a": "good answer", "response_b": "bad", "model_a": "gpt-4", "model_b": "llama"});
    let generators = json!({"answer_1": "good answer", "answer_2": "bad", "generator1": "gpt-4", "generator2": "llama"});
    let list = json!({"completions": ["bad", "good answer"]});
    let zero = json!({"output_0": "bad", "output_1": "good answer"});
    let chats = json!({"conversation_a": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "a"}], "conversation_b": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "b"}]});
    for (row, options) in [
        (pair("2", "1", &two), "--column responses=response_1,response_2 --column label=chosen:1,2"),
        (pair(2, 1, &two), "--column responses=response_1,response_2 --column label=chosen:1,2"),
        (pair("Response 2", "Response 1", &two), "--column responses=response_1,response_2 --column label=chosen"),
        (pair("response_2", "response_1", &two), "--column responses=response_1,response_2 --column label=chosen"),
        (pair(1, 0, &zero), "--column responses=output_0,output_1 --column label=chosen:0,1"),
        (pair("0", "1", &zero), "--column responses=output_0,output_1 --column label=chosen:0,1"),
        (pair("B", "A", &letters), "--column responses=response_a,response_b --column label=chosen"),
        (pair("gpt-4", "llama", &letters), "--column responses=response_a,response_b --column label=chosen"),
        (pair("llama", "gpt-4", &letters), "--column responses=response_a,response_b --column label=chosen"),
        (pair("llama", "gpt-4", &generators), "--column responses=answer_1,answer_2 --column label=chosen:generator1,generator2"),
        (pair(1, 0, &list), "--column responses=completions --column label=chosen:0,1"),
        (pair("2", "1", &list), "--column responses=completions --column label=chosen:1,2"),
        (pair("B", "A", &list), "--column responses=completions --column label=chosen"),
        (pair("A", "B", &chats), "--column responses=conversation_a,conversation_b --column label=chosen"),
    ] {
        let error = told(&[row.clone(), row.clone()], &[]).unwrap_err();
        assert!(error.contains(&format!("names a response and is none; {options} reads")), "{row}: {error}");
        // What is to be written is read.
        let specs: Vec<&str> = options.split("--column ").map(str::trim).filter(|spec| !spec.is_empty()).collect();
        let read = told(std::slice::from_ref(&row), &specs).unwrap();
        assert_eq!(read.len(), 2, "{row}");
    }
}

#[test]
fn sides_that_name_something_that_no_option_reads_are_refused_too() {
    let answers = json!({"completions": ["x", "y", "z"]});
    let objects = json!({"completions": [{"model": "gpt-4", "text": "x"}, {"model": "llama", "text": "y"}]});
    let models = json!({"models": ["gpt-4", "llama"], "completions": ["x", "y"]});
    let keyed = json!({"comments": {"c_17": "x", "c_18": "y"}});
    for row in [
        pair("3", "1", &answers),
        pair(2, 0, &answers),
        pair("C", "A", &answers),
        pair("gpt-4", "llama", &objects),
        pair("gpt-4", "llama", &models),
        pair("c_17", "c_18", &keyed),
        pair("True", "False", &json!({"response": "x"})),
        pair("gpt-4", "llama", &json!({"model_1": "gpt-4", "model_2": "llama"})),
    ] {
        let error = told(std::slice::from_ref(&row), &[]).unwrap_err();
        assert!(
            error.contains("`chosen`")
                && (error.contains("names a response and is none") || error.contains("must be a response")),
            "{row}: {error}"
        );
    }
}

#[test]
fn numbers_and_booleans_are_no_responses_of_a_pair() {
    let none = json!({});
    for (row, place) in [
        (pair(true, false, &json!({"response": "x"})), "chosen"),
        (pair(0.9, 0.2, &none), "chosen"),
        (pair(42, 41, &none), "chosen"),
        (pair("It is 42", 41, &none), "rejected"),
        (pair(json!([0]), json!([1, 2]), &none), "chosen[0]"),
        (pair(json!(["a", 1]), json!(["b"]), &none), "chosen[1]"),
    ] {
        let error = told(std::slice::from_ref(&row), &[]).unwrap_err();
        assert!(error.contains(&format!("`{place}` must be a response: text (a number in quotes)")), "{row}: {error}");
    }
    assert_eq!(told(&[pair("42", "41", &none)], &[]).unwrap(), ["42", "41"]);
    assert_eq!(told(&[json!({"prompt": "Q", "responses": [42, true]})], &[]).unwrap(), ["42", "true"]);
}

#[test]
fn short_answers_are_texts_where_anything_says_so() {
    let two = json!({"response_1": "bad", "response_2": "good answer"});
    // Another row of the file holds texts.
    let mixed = [pair("2", "1", &two), pair("It is 2.", "1", &two)];
    assert_eq!(told(&mixed, &[]).unwrap().len(), 4);
    let mixed = [pair("It is 2.", "1", &two), pair("2", "1", &two)];
    assert_eq!(told(&mixed, &[]).unwrap().len(), 4);
    // A tie among names says nothing.
    let tied = [pair("tie", "tie", &two), pair("2", "1", &two)];
    assert!(told(&tied, &[]).unwrap_err().contains("row 2"), "{:?}", told(&tied, &[]));
    for row in [
        pair("2", "1", &json!({})),
        pair("2", "1", &json!({"answer": "2", "choices": ["1", "2", "3"]})),
        pair("A", "B", &json!({"choices": ["Paris", "Rome"]})),
        pair("yes", "no", &json!({"votes": {"yes": 3, "no": 1}})),
        pair("True", "False", &json!({"answer": "True"})),
        pair("good", "bad", &json!({"response_1": "good", "response_2": "bad"})),
        pair("good", "bad", &json!({"chosen_model": "gpt-4", "rejected_model": "llama"})),
    ] {
        assert_eq!(told(std::slice::from_ref(&row), &[]).map(|texts| texts.len()), Ok(2), "{row}");
    }
    let alone = |text: &str| json!([{"role": "assistant", "content": text}]);
    assert_eq!(told(&[pair(alone("2"), alone("1"), &two)], &[]).unwrap(), ["2", "1"]);
}
