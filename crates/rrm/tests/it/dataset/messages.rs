//! Every message for a file or row that cannot be used, word for word; and whatever a row holds, there is one or an item.

use proptest::prelude::*;
use rrm::dataset::{DatasetError, ReadOptions, check, read};
use serde_json::{Value, json};

use super::{columns, file, gzip, row};

/// All errors of a file, its folder left out.
fn errors(name: &str, content: impl AsRef<[u8]>, options: &ReadOptions) -> String {
    let fixture = file(name, content);
    let errors = check(&fixture.path, options).unwrap_err();
    let folder = format!("{}/", fixture.folder.path().display());
    errors.iter().map(|error| error.to_string().replace(&folder, "")).collect::<Vec<_>>().join("\n")
}

fn error(json: &str, specs: &[&str]) -> String {
    row(json, specs).unwrap_err().to_string()
}

#[test]
fn nothing_is_said_twice_when_sources_are_printed_too() {
    let bad_row = row("[1]", &[]).unwrap_err();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let not_there = read(&folder.path().join("file/below"), &ReadOptions::default()).err().unwrap();
    assert!(matches!(not_there, DatasetError::Io { .. }), "{not_there}");
    assert!([bad_row, not_there].iter().all(|error| std::error::Error::source(error).is_none()));
}

#[test]
fn files_that_cannot_be_read() {
    let plain = ReadOptions::default();
    let rows = "{\"prompt\":\"P\",\"responses\":[\"x\",\"y\"]}\n".repeat(3);
    let folder = tempfile::tempdir().unwrap();
    let named = ReadOptions { name: Some("standard input".to_owned()), ..plain.clone() };
    insta::assert_snapshot!(read(&folder.path().join("none"), &named).err().unwrap(), @"standard input: there is no such file");
    insta::assert_snapshot!(read(folder.path(), &named).err().unwrap(), @"standard input: this is a folder; name a file in it");
    insta::assert_snapshot!(errors("a.jsonl", "", &plain), @"a.jsonl: it holds no rows");
    insta::assert_snapshot!(errors("a.jsonl", "\n \n", &plain), @"a.jsonl: it holds no rows");
    insta::assert_snapshot!(errors("a.json", "[ ]", &plain), @"a.json: it holds no rows");
    insta::assert_snapshot!(errors("a.jsonl.gz", gzip(b""), &plain), @"a.jsonl.gz: it holds no rows");
    insta::assert_snapshot!(errors("a.csv", "prompt,response\n", &plain), @"a.csv: it holds no rows");
    insta::assert_snapshot!(errors("a.txt", "prompt,response\n", &plain), @"a.txt: it holds no rows");
    insta::assert_snapshot!(errors("a.parquet", "PA", &plain), @"a.parquet: this is not Parquet, though its name says so; rows are read from JSONL, JSON, CSV, TSV (all also as .gz) and Parquet");
    insta::assert_snapshot!(errors("a.jsonl.zst", b"\x28\xb5\x2f\xfd....", &plain), @"a.jsonl.zst: this is a zstd file; decompress it; rows are read from JSONL, JSON, CSV, TSV (all also as .gz) and Parquet");
    insta::assert_snapshot!(errors("a.jsonl", b"\xff\xfe{\0", &plain), @"a.jsonl: this is UTF-16 text; save it as UTF-8; rows are read from JSONL, JSON, CSV, TSV (all also as .gz) and Parquet");
    insta::assert_snapshot!(errors("a.parquet", b"PAR1....PAR1", &plain), @"a.parquet row 1: the Parquet data is cut off or damaged here: EOF: Parquet file too small. Size is 12 but need 774778422");
    let zipped = gzip(rows.as_bytes());
    insta::assert_snapshot!(errors("a.jsonl.gz", &zipped[..zipped.len() - 9], &plain), @"a.jsonl.gz row 4: the gzip stream is cut off or damaged here: incomplete deflate stream");
    insta::assert_snapshot!(errors("a.jsonl.gz", &zipped[..6], &plain), @"a.jsonl.gz row 1: the gzip stream is cut off or damaged here: unexpected end of file");
    insta::assert_snapshot!(errors("a.jsonl.gz", [&zipped[..], b"\x1f\x8bgarbage"].concat(), &plain), @"a.jsonl.gz row 4: the gzip stream is cut off or damaged here: unexpected end of file");
}

#[test]
fn a_stream_that_is_cut_off_far_into_the_file_names_the_row() {
    // Varied rows, so that the compressed stream is long.
    let rows: String =
        (0..2000).map(|i| format!("{{\"prompt\":\"{}\",\"responses\":[\"x\",\"y\"]}}\n", varied_text(i))).collect();
    let zipped = gzip(rows.as_bytes());
    let fixture = file("a.jsonl.gz", &zipped[..zipped.len() / 2]);
    let read: Vec<_> = read(&fixture.path, &ReadOptions::default()).unwrap().collect();
    let good = read.iter().filter(|item| item.is_ok()).count();
    assert!((500..1500).contains(&good) && read.len() == good + 1, "{good} of {}", read.len());
    assert!(matches!(read.last(), Some(Err(DatasetError::Damaged { row, .. })) if *row == good + 1), "{:?}", read.last());
}

fn varied_text(i: u32) -> String {
    (0..8).map(|j| format!("{:08x}", (i + j).wrapping_mul(2_654_435_761))).collect()
}

#[test]
fn rows_that_are_no_rows() {
    let plain = ReadOptions::default();
    insta::assert_snapshot!(errors("a.jsonl", "{\"prompt\": \"P\",,\n{\n5\n[1]\n{\"a\":1} {}\nnever shown", &plain), @r#"
    a.jsonl row 1: broken JSON at column 15: the text ends where a value belongs; in JSONL each line holds one whole row
    a.jsonl row 2: broken JSON at column 1: the text ends inside an object; in JSONL each line holds one whole row
    a.jsonl row 3: a row must be an object that maps column names to values; found a number (5)
    a.jsonl row 4: a row must be an object that maps column names to values; found a list of 1
    a.jsonl row 5: broken JSON at column 9: the value ended before here, and more follows; found `{}`
    a.jsonl: 1 more row cannot be used
    "#);
    insta::assert_snapshot!(errors("a.jsonl", b"\n{\"prompt\": \"caf\xe9\"}", &plain), @"a.jsonl row 2: not UTF-8 at byte 16 of the line");
    insta::assert_snapshot!(errors("a.jsonl", r#"{"prompt": "\ud800"}"#, &plain), @"a.jsonl row 1: no column `responses` (nor `chosen` and `rejected`); the row has: prompt");
    let pair = r#"{"prompt": "P", "chosen": "a", "rejected": "b"}"#;
    insta::assert_snapshot!(errors("a.json", format!("[{pair},\n{pair},\n {{\"prompt\" 5}}]"), &plain), @"a.json row 3: broken JSON at line 3 column 12: there must be `:`; found `5}]`");
    insta::assert_snapshot!(errors("a.json", format!("[{pair},\n{pair}"), &plain), @"a.json row 3: broken JSON at line 2 column 47: the text ends inside a list");
    insta::assert_snapshot!(errors("a.json", format!("[{pair}, null, 3]"), &plain), @r"
    a.json row 2: a row must be an object that maps column names to values; found null
    a.json row 3: a row must be an object that maps column names to values; found a number (3)
    ");
    insta::assert_snapshot!(errors("a.json", [b"[{}, {\"a\": \"", &b"\xff\"}]"[..]].concat(), &plain), @r"
    a.json row 1: no column `responses` (nor `chosen` and `rejected`); the row has: nothing
    a.json row 2: not UTF-8 at byte 13 of the file
    ");
}

#[test]
fn missing_columns_name_the_nearest_one() {
    insta::assert_snapshot!(error(r#"{"id": 1, "promt": "P", "responses": ["a", "b"]}"#, &[]), @"pairs.jsonl row 1: no column `prompt`; nearest: `promt`; the row has: id, promt, responses");
    insta::assert_snapshot!(error(r#"{"prompt": "P", "Response": ["a", "b"], "n": 1}"#, &[]), @"pairs.jsonl row 1: no column `responses` (nor `chosen` and `rejected`); nearest: `Response`; the row has: prompt, Response, n");
    insta::assert_snapshot!(error(r#"{"prompt": "P", "chosen": "a", "reject": "b"}"#, &[]), @"pairs.jsonl row 1: no column `rejected`; nearest: `reject`; the row has: prompt, chosen, reject");
    insta::assert_snapshot!(error(r#"{"chosen": "a", "rejected": "b"}"#, &[]), @"pairs.jsonl row 1: no column `prompt`; the row has: chosen, rejected");
    insta::assert_snapshot!(error("{}", &[]), @"pairs.jsonl row 1: no column `responses` (nor `chosen` and `rejected`); the row has: nothing");
    insta::assert_snapshot!(error(r#"{"prompt": "P", "responses": [{"txt": "a"}]}"#, &[]), @"pairs.jsonl row 1: no column `text`, nor `content`, nor `response`; nearest: `txt`; `responses[0]` has: txt");
    let row = r#"{"instruction": "P", "x": {"solution": "a"}, "responses": ["a", "b"]}"#;
    insta::assert_snapshot!(error(row, &["prompt=instructions"]), @"pairs.jsonl row 1: no column `instructions` (for `prompt`); nearest: `instruction`; the row has: instruction, x, responses");
    insta::assert_snapshot!(error(row, &["prompt=instruction+input"]), @"pairs.jsonl row 1: no column `input` (for `prompt`); the row has: instruction, x, responses");
    insta::assert_snapshot!(error(row, &["prompt=instruction", "responses=x.solution,x.solutoin"]), @"pairs.jsonl row 1: no column `solutoin` (for `responses`); nearest: `solution`; `x` has: solution");
    insta::assert_snapshot!(error(row, &["prompt=instruction", "id=idx"]), @"pairs.jsonl row 1: no column `idx` (for `id`); the row has: instruction, x, responses");
    insta::assert_snapshot!(error(r#"{"prompt": "P", "responses": [{"text": "a", "pred": 1}]}"#, &["responses.answer=pre"]), @"pairs.jsonl row 1: no column `pre` (for `responses.answer`); nearest: `pred`; `responses[0]` has: text, pred");
}

#[test]
fn wrong_types() {
    insta::assert_snapshot!(error(r#"{"prompt": null, "responses": ["a"]}"#, &[]), @"pairs.jsonl row 1: `prompt` must be text or a list of messages; found null");
    insta::assert_snapshot!(error(r#"{"prompt": ["P"], "responses": ["a"]}"#, &[]), @"pairs.jsonl row 1: `prompt` must be text or a list of messages; found a list of 1");
    insta::assert_snapshot!(error(r#"{"prompt": {"text": "P"}, "responses": ["a"]}"#, &[]), @"pairs.jsonl row 1: `prompt` must be text or a list of messages; found an object with the keys text");
    insta::assert_snapshot!(error(r#"{"prompt": " \n", "responses": ["a"]}"#, &[]), @"pairs.jsonl row 1: `prompt` is empty: there is nothing that the responses could answer");
    insta::assert_snapshot!(error(r#"{"prompt": "P", "responses": "a"}"#, &[]), @"pairs.jsonl row 1: `responses` must be a list of responses; found the text `a`");
    insta::assert_snapshot!(error(r#"{"prompt": "P", "responses": ["a", null]}"#, &[]), @"pairs.jsonl row 1: `responses[1]` must be a response: text, an object with the text, or a list of messages; found null");
    insta::assert_snapshot!(error(r#"{"prompt": "P", "responses": [{"text": null}]}"#, &[]), @"pairs.jsonl row 1: `responses[0].text` must be text or a list of messages; found null");
    insta::assert_snapshot!(error(r#"{"prompt": "P", "responses": [{"text": "a", "correct": "yes"}]}"#, &[]), @"pairs.jsonl row 1: `responses[0].correct` must be true, false, 1, 0 or null; found the text `yes`");
    insta::assert_snapshot!(error(r#"{"prompt": "P", "responses": [{"text": "a", "score": "5"}]}"#, &[]), @"pairs.jsonl row 1: `responses[0].score` must be a number or null; found the text `5`");
    insta::assert_snapshot!(error(r#"{"prompt": "P", "responses": [{"text": "a", "answer": []}]}"#, &[]), @"pairs.jsonl row 1: `responses[0].answer` must be an answer: text, a number, a boolean or null; found an empty list");
    insta::assert_snapshot!(error(r#"{"prompt": "P", "responses": ["a"], "id": 1.5}"#, &[]), @"pairs.jsonl row 1: `id` must be text or an integer (from 2^64 in quotes); found a number (1.5)");
    insta::assert_snapshot!(error(r#"{"prompt": "P", "responses": ["a"], "rubric": ["x"]}"#, &[]), @"pairs.jsonl row 1: `rubric` must be text or null; found a list of 1");
    insta::assert_snapshot!(error(r#"{"prompt": "P", "a": {"b": 1}, "responses": ["a"]}"#, &["prompt=prompt+a"]), @"pairs.jsonl row 1: `a` must be text; found an object with the keys b");
    insta::assert_snapshot!(error(r#"{"prompt": "P", "responses": ["a", "b"], "label": "good"}"#, &["label=label"]), @"pairs.jsonl row 1: `label` must be a label: 1, A, A>B or model_a; 2, B, B>A or model_b; 0, A=B or tie; a winner's name beside `model_a`, `model_b`; or null; found the text `good`");
    insta::assert_snapshot!(error(r#"{"prompt": "P", "responses": ["a"], "label": 1}"#, &["label=label"]), @"pairs.jsonl row 1: a label says which of two responses is better; this row has 1");
}

#[test]
fn conversations_that_do_not_fit() {
    insta::assert_snapshot!(error(r#"{"prompt": [{"role": "wizard", "content": "P"}], "responses": ["a"]}"#, &[]), @"pairs.jsonl row 1: `prompt[0]` has the role `wizard`; known are system, developer, user, human, prompter, assistant, gpt, chatgpt, model, bot, chatbot, ai, function_call, tool_call, tool_calls, tool, function, observation, ipython, tool_response, tool_result, tool_results, function_response, environment");
    insta::assert_snapshot!(error(r#"{"prompt": [{"who": "human", "value": "P"}], "responses": ["a"]}"#, &[]), @"pairs.jsonl row 1: `prompt[0]` must be a message with `role` and `content`; found an object with the keys who, value");
    insta::assert_snapshot!(error(r#"{"prompt": [{"role": "user"}], "responses": ["a"]}"#, &[]), @"pairs.jsonl row 1: `prompt[0]` must be a message with `role` and `content`; found an object with the keys role");
    insta::assert_snapshot!(error(r#"{"prompt": [{"role": "user", "content": {}}], "responses": ["a"]}"#, &[]), @"pairs.jsonl row 1: `prompt[0].content` must be text or a list of text parts; found an empty object");
    insta::assert_snapshot!(error(r#"{"prompt": [{"role": "user", "content": "P"}, "x"], "responses": ["a"]}"#, &[]), @"pairs.jsonl row 1: `prompt[1]` must be a message with `role` and `content`; found the text `x`");
    let picture = r#"{"prompt": [{"role": "user", "content": [{"type": "text", "text": "P"}, {"type": "image_url"}]}], "responses": ["a"]}"#;
    insta::assert_snapshot!(error(picture, &[]), @"pairs.jsonl row 1: `prompt[0].content[1]` is a part of type `image_url`; only text can be judged");
    let talk = |turns: &[&str]| -> Value {
        let roles = ["user", "assistant"].into_iter().cycle();
        turns.iter().zip(roles).map(|(turn, role)| json!({"role": role, "content": turn})).collect()
    };
    let pair = |chosen: &[&str], rejected: &[&str]| json!({"chosen": talk(chosen), "rejected": talk(rejected)});
    insta::assert_snapshot!(error(&pair(&["P", "a", "Q"], &["P", "b"]).to_string(), &[]), @"pairs.jsonl row 1: `chosen` ends with a turn of the user; a response ends with a turn of the assistant");
    insta::assert_snapshot!(error(&pair(&["P", "a"], &["Q", "b"]).to_string(), &[]), @"pairs.jsonl row 1: `chosen` and `rejected` differ from turn 1 on and share no prompt before it, so that they answer nothing together");
    let mut other = pair(&["P", "a"], &["P", "b"]);
    other["prompt"] = "Q".into();
    insta::assert_snapshot!(error(&other.to_string(), &[]), @"pairs.jsonl row 1: `chosen` is a whole conversation, but not one that begins with the prompt of this row: it begins with `User: P`, the prompt with `User: Q`");
}

#[test]
fn counts_and_ids() {
    let rows = concat!(
        r#"{"id": "a", "prompt": "P", "responses": ["x"]}"#,
        "\n",
        r#"{"id": 7, "prompt": "P", "responses": ["x", "y"]}"#,
        "\n",
        r#"{"id": "7", "prompt": "P", "responses": ["x", "y", "z"]}"#
    );
    insta::assert_snapshot!(errors("pairs.jsonl", rows, &columns(&[])), @r"
    pairs.jsonl row 1: at least 2 responses are needed; found 1
    pairs.jsonl row 3: the id `7` was already used in row 2
    ");
    insta::assert_snapshot!(errors("pairs.jsonl", rows, &ReadOptions { exactly: Some(2), ..columns(&[]) }), @r"
    pairs.jsonl row 1: exactly 2 responses are needed; found 1
    pairs.jsonl row 3: exactly 2 responses are needed; found 3
    ");
}

/// JSON that often looks like a row, or like a part of one.
fn any_json() -> impl Strategy<Value = Value> {
    const WORDS: &str = "(id|prompt|responses|chosen|rejected|label|rubric|reference|text|content|role|type|user|assistant|answer|correct|score|tool_calls|from|value|human|gpt|messages|[a-z.]{0,3})";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        WORDS.prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((WORDS, inner), 0..7).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_value_is_an_item_or_an_error_that_names_the_row(value in any_json(), which in 0usize..3) {
        let specs = [&[][..], &["prompt=content+text", "label=label,score"], &["responses=chosen,rejected.text", "id=role"]][which];
        // A list would be a file of its elements.
        let json = if value.is_array() { format!("[{value}]") } else { value.to_string() };
        match row(&json, specs) {
            Ok(item) => prop_assert!(!item.prompt.messages.is_empty() && item.row == 1),
            // Labels are told before the first row.
            Err(DatasetError::Labels { found, .. }) => prop_assert!(!found.is_empty()),
            Err(error) => prop_assert!(error.to_string().starts_with("pairs.jsonl row 1: "), "{}", error),
        }
    }
}
