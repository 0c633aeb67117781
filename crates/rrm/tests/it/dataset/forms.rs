//! Every form in which a row may state its prompt and responses, and every kind of file.

use rrm::dataset::{ReadOptions, check, read};

use super::{Fixture, columns, file, gzip, items, row, texts, turns};

const ROWS: &str = concat!(
    r#"{"id":"a","prompt":"P","responses":["x","y"],"topic":{"z":1,"a":2}}"#,
    "\n\n",
    r#"{"prompt":"Q","responses":["x","y","z"]}"#
);

/// What tells two readings of a file apart, row numbers aside.
fn gist(fixture: &Fixture) -> Vec<String> {
    let items = items(&fixture.path, &ReadOptions::default());
    items.iter().map(|item| format!("{:?} {:?} {:?}", turns(&item.prompt.messages), texts(item), item.extra)).collect()
}

#[test]
fn every_kind_of_file_gives_the_same_rows_whatever_its_name() {
    let list = format!("[{}]", ROWS.replace("\n\n", ",\n"));
    let (one, two) = ROWS.split_once("\n\n").unwrap();
    let by_name = format!("{{\n  \"one\": [{one}],\n  \"none\": [],\n  \"two\": [{two}]\n}}");
    let expected = gist(&file("rows.jsonl", ROWS));
    assert_eq!(expected.len(), 2);
    for (name, content) in [
        ("rows.jsonl.gz", gzip(ROWS.as_bytes())),
        ("rows.gz", [gzip(&ROWS.as_bytes()[..70]), gzip(&ROWS.as_bytes()[70..])].concat()),
        ("rows.json", list.clone().into_bytes()),
        ("rows.json.gz", gzip(list.as_bytes())),
        ("list.jsonl", list.clone().into_bytes()),
        ("lists.json", by_name.clone().into_bytes()),
        ("lists.json.gz", gzip(by_name.as_bytes())),
        ("bom.jsonl", format!("\u{feff}{ROWS}").into_bytes()),
        ("bom.json", format!("\u{feff} {list}").into_bytes()),
        ("windows.jsonl", ROWS.replace('\n', "\r\n").into_bytes()),
        ("no-extension", ROWS.as_bytes().to_vec()),
        ("rows.parquet", ROWS.as_bytes().to_vec()),
    ] {
        assert_eq!(gist(&file(name, content)), expected, "{name}");
    }
}

#[test]
fn rows_count_lines_and_ids_default_to_them() {
    let items = items(&file("rows.jsonl", ROWS).path, &ReadOptions::default());
    assert_eq!((items[0].id.as_str(), items[0].row, items[1].id.as_str(), items[1].row), ("a", 1, "row-3", 3));
    assert_eq!(items[0].extra.keys().collect::<Vec<_>>(), ["topic"]);
    assert_eq!(serde_json::to_string(&items[0].extra).unwrap(), r#"{"topic":{"z":1,"a":2}}"#);
}

#[test]
fn prompts_are_texts_or_messages() {
    let row = row(
        r#"{"id": 7, "prompt": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "!"}], "name": "Ann"},
            {"role": "assistant", "content": null, "tool_calls": [{"name": "look"}]},
            {"role": "tool", "content": "42"}],
            "responses": ["", 42, true], "rubric": "Be kind.", "reference": 42}"#
            .replace('\n', " ")
            .as_str(),
        &[],
    )
    .unwrap();
    assert_eq!(row.id, "7");
    assert_eq!(turns(&row.prompt.messages), ["system: Be brief.", "user: Hi!", "assistant: [{\"name\":\"look\"}]", "tool: 42"]);
    assert_eq!(texts(&row), ["", "42", "true"]);
    assert_eq!((row.prompt.rubric.as_deref(), row.prompt.reference.as_deref()), (Some("Be kind."), Some("42")));
}

#[test]
fn responses_are_texts_objects_or_messages() {
    let row = row(
        concat!(
            r#"{"prompt":"P","responses":["a",{"model":"m","text":"b","correct":true,"answer":7,"score":3},{"content":"c","score":-0.5},"#,
            r#"{"response":[{"role":"assistant","content":"d"}],"correct":false,"answer":"","len":1},[{"role":"assistant","content":"e"}]]}"#
        ),
        &[],
    )
    .unwrap();
    assert_eq!(texts(&row), ["a", "b", "c", "d", "e"]);
    assert_eq!(row.responses.iter().map(|r| r.label).collect::<Vec<_>>(), [None, Some(1.0), Some(-0.5), Some(0.0), None]);
    assert_eq!(row.responses.iter().map(|r| r.team.as_deref()).collect::<Vec<_>>(), [None, Some("7"), None, None, None]);
    let extras: Vec<_> = row.responses.iter().map(|r| serde_json::to_string(&r.extra).unwrap()).collect();
    assert_eq!(extras, ["{}", r#"{"model":"m"}"#, "{}", r#"{"len":1}"#, "{}"]);
}

#[test]
fn pairs_put_the_chosen_one_first() {
    for json in [
        r#"{"rejected":"no","prompt":"P","chosen":"yes"}"#,
        r#"{"prompt":[{"role":"user","content":"P"}],"chosen":[{"role":"assistant","content":"yes"}],"rejected":[{"role":"assistant","content":"no"}]}"#,
        r#"{"chosen":[{"role":"user","content":"P"},{"role":"assistant","content":"yes"}],"rejected":[{"role":"user","content":"P"},{"role":"assistant","content":"no"}]}"#,
        r#"{"prompt":"P","chosen":[{"role":"user","content":"P"},{"role":"assistant","content":"yes"}],"rejected":[{"role":"user","content":"P"},{"role":"assistant","content":"no"}]}"#,
        r#"{"prompt":"P","chosen":{"role":"assistant","content":"yes"},"rejected":{"role":"assistant","content":"no"},"responses":null}"#,
        r#"{"chosen":"\n\nHuman: P\n\nAssistant: yes","rejected":"\n\nHuman: P\n\nAssistant: no"}"#,
    ] {
        let row = row(json, &[]).unwrap();
        assert_eq!(turns(&row.prompt.messages), ["user: P"], "{json}");
        assert_eq!(texts(&row), ["yes", "no"], "{json}");
        assert_eq!(row.responses.iter().map(|r| r.label).collect::<Vec<_>>(), [Some(1.0), Some(0.0)], "{json}");
    }
}

#[test]
fn shared_turns_after_the_prompt_belong_to_the_prompt() {
    let talk = |last: &str| {
        format!(
            r#"[{{"role":"assistant","content":"Which?"}},{{"role":"user","content":"Both."}},{{"role":"assistant","content":"{last}"}}]"#
        )
    };
    let row = row(&format!(r#"{{"prompt":"P","chosen":{},"rejected":{}}}"#, talk("yes"), talk("no")), &[]).unwrap();
    assert_eq!(turns(&row.prompt.messages), ["user: P", "assistant: Which?", "user: Both."]);
    assert_eq!(texts(&row), ["yes", "no"]);
}

#[test]
fn a_system_message_before_the_prompt_is_kept() {
    let talk = r#"[{"role":"system","content":"S"},{"role":"user","content":"P"},{"role":"assistant","content":"LAST"}]"#;
    let json = format!(r#"{{"prompt":"P","chosen":{},"rejected":{}}}"#, talk.replace("LAST", "yes"), talk.replace("LAST", "no"));
    assert_eq!(turns(&row(&json, &[]).unwrap().prompt.messages), ["system: S", "user: P"]);
}

#[test]
fn several_texts_on_each_side_of_a_pair() {
    let row = row(r#"{"prompt":"P","chosen":["a"],"rejected":["b","c","d"],"num_rejected":3}"#, &[]).unwrap();
    assert_eq!(texts(&row), ["a", "b", "c", "d"]);
    assert_eq!(row.responses.iter().map(|r| r.label.unwrap()).collect::<Vec<_>>(), [1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn columns_can_have_other_names() {
    let json = concat!(
        r#"{"idx":3,"instruction":"I","input":"J","prompt":"old","r":{"one":{"solution":"x","ok":true,"final":"1"},"#,
        r#""two":{"solution":"y","ok":false,"final":null}},"annotator1":2,"annotator2":1,"annotator3":2}"#
    );
    let specs = [
        "id=idx",
        "prompt=instruction+input",
        "responses=r.one,r.two",
        "responses.text=solution",
        "responses.correct=ok",
        "responses.answer=final",
    ];
    let plain = row(json, &specs).unwrap();
    assert_eq!((plain.id.as_str(), turns(&plain.prompt.messages)), ("3", vec!["user: I\nJ".to_owned()]));
    assert_eq!(texts(&plain), ["x", "y"]);
    assert_eq!(
        plain.responses.iter().map(|r| (r.label, r.team.clone())).collect::<Vec<_>>(),
        [(Some(1.0), Some("1".to_owned())), (Some(0.0), None)]
    );
    assert_eq!(
        serde_json::to_string(&plain.extra).unwrap(),
        r#"{"prompt":"old","r":{},"annotator1":2,"annotator2":1,"annotator3":2}"#
    );
    let labelled = row(json, &[&specs[..], &["label=annotator1,annotator2,annotator3"]].concat()).unwrap();
    assert_eq!(labelled.responses.iter().map(|r| r.label.unwrap()).collect::<Vec<_>>(), [0.0, 1.0]);
    assert_eq!(labelled.extra, plain.extra);
}

#[test]
fn labels_for_two_are_read_in_the_common_spellings() {
    for (label, expected) in [
        ("1", Some([1.0, 0.0])),
        ("\"B>A\"", Some([0.0, 1.0])),
        ("\"model_a\"", Some([1.0, 0.0])),
        ("\"tie\"", Some([0.5, 0.5])),
        ("\"A=B\"", Some([0.5, 0.5])),
        ("null", None),
    ] {
        let row =
            row(&format!(r#"{{"prompt":"P","a":"x","b":"y","label":{label}}}"#), &["responses=a,b", "label=label"]).unwrap();
        assert_eq!(row.responses.iter().map(|r| r.label).collect::<Option<Vec<_>>>(), expected.map(Vec::from), "{label}");
    }
    let split = row(r#"{"prompt":"P","responses":["x","y"],"l":1,"m":2}"#, &["label=l,m"]).unwrap();
    assert_eq!(split.responses[0].label, None);
}

#[test]
fn a_whole_conversation_each_shares_its_prompt() {
    let json = concat!(
        r#"{"conversation_a":[{"role":"user","content":"P"},{"role":"assistant","content":"x"}],"#,
        r#""conversation_b":[{"role":"user","content":"P"},{"role":"assistant","content":"y"}],"winner":"model_b"}"#
    );
    let row = row(json, &["responses=conversation_a,conversation_b", "label=winner"]).unwrap();
    assert_eq!((turns(&row.prompt.messages), texts(&row)), (vec!["user: P".to_owned()], vec!["x", "y"]));
}

#[test]
fn a_check_counts_what_planning_needs() {
    let fixture = file(
        "rows.jsonl",
        concat!(
            r#"{"prompt":"four","responses":["1","22"],"rubric":"abc"}"#,
            "\n",
            r#"{"prompt":[{"role":"user","content":"é"},{"role":"user","content":"x"}],"responses":["1","22","333"],"reference":"z"}"#
        ),
    );
    let summary = check(&fixture.path, &ReadOptions::default()).unwrap();
    insta::assert_debug_snapshot!(summary, @r"
    Summary {
        by_responses: {
            2: TextTotals {
                rows: 1,
                prompt_bytes: 4,
                response_bytes: 3,
            },
            3: TextTotals {
                rows: 1,
                prompt_bytes: 3,
                response_bytes: 6,
            },
        },
        rubric_bytes: 3,
        reference_bytes: 1,
        notes: [],
        skipped: SkippedRows {
            rows: 0,
            first: [],
        },
    }
    ");
    assert_eq!((summary.total().rows, summary.total().prompt_bytes, summary.total().response_bytes), (2, 7, 9));
}

#[test]
fn reading_goes_on_after_a_bad_row() {
    let fixture = file("rows.jsonl", format!("{ROWS}\n[]\n{{\n\"\n{ROWS}"));
    let rows: Vec<_> = read(&fixture.path, &columns(&[])).unwrap().map(|item| item.map(|item| item.row).ok()).collect();
    assert_eq!(rows, [Some(1), Some(3), None, None, None, Some(7), Some(9)]);
}

#[test]
fn the_rows_in_the_documentation_are_read() {
    let text = include_str!("../../../../../docs/formats.md");
    let blocks: Vec<&str> = text.split("```jsonl\n").skip(1).map(|after| after.split("```").next().unwrap()).collect();
    let rows: Vec<_> = blocks.iter().flat_map(|block| block.lines()).map(|json| row(json, &[]).unwrap()).collect();
    assert_eq!((blocks.len(), rows.len()), (3, 8));
    // The four spellings of one pair.
    let same: Vec<_> = rows[4..].iter().map(|row| (&row.prompt, &row.responses)).collect();
    assert!(same.iter().all(|row| row == &same[0]));
}
