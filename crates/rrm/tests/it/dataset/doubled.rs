//! Names that come twice in an object, at any depth and in any kind of file: errors that name the file, the row, the place and the name.

use rrm::dataset::{check, check_names, raw};

use super::{columns, file};

/// The first error of a file, without its folder.
fn error(name: &str, content: &str) -> String {
    let fixture = file(name, content);
    let folder = format!("{}/", fixture.folder.path().display());
    let errors = check(&fixture.path, &columns(&[])).map(|summary| summary.total()).unwrap_err();
    errors[0].to_string().replace(&folder, "")
}

/// A cell of a table that holds this text.
fn cell(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Rows in which a name comes twice, with the words that say so.
const ROWS: [(&str, &str); 8] = [
    (r#"{"prompt":"Q","prompt":"P","responses":["a","bb"]}"#, "the column `prompt` comes twice"),
    (r#"{"prompt":"Q","responses":[{"text":"a","text":"longer"},"bb"]}"#, "the name `text` comes twice in `responses[0]`"),
    (
        r#"{"prompt":"Q","responses":[{"text":"t","correct":true,"correct":false},{"text":"s"}]}"#,
        "the name `correct` comes twice in `responses[0]`",
    ),
    (
        r#"{"prompt":[{"role":"user","content":"x","content":"yy"}],"responses":["a","bb"]}"#,
        "the name `content` comes twice in `prompt[0]`",
    ),
    (
        r#"{"prompt":[{"role":"user","content":[{"type":"text","text":"x","text":"y"}]}],"responses":["a","bb"]}"#,
        "the name `text` comes twice in `prompt[0].content[0]`",
    ),
    (
        r#"{"prompt":"Q","chosen":[{"role":"assistant","role":"user","content":"a"}],"rejected":"b"}"#,
        "the name `role` comes twice in `chosen[0]`",
    ),
    (r#"{"prompt":"Q","responses":["a","b"],"meta":{"k":{"n":1,"n":1}}}"#, "the name `n` comes twice in `meta.k`"),
    (r#"{"prompt":"Q","responses":[{"text":"a","te\u0078t":"b"},"bb"]}"#, "the name `text` comes twice in `responses[0]`"),
];

#[test]
fn a_name_twice_is_an_error_in_every_kind_of_file() {
    let sound = r#"{"prompt":"Hi","responses":["a","b"]}"#;
    for (row, said) in ROWS {
        let spread = row.replace(',', ",\n ").replace(":[{", ":[\n{");
        for (name, content, number) in [
            ("rows.jsonl", row.to_owned(), 1),
            ("rows.jsonl", format!("{sound}\n{row}\n"), 2),
            ("rows.json", format!("[{sound},\n{row}]"), 2),
            ("rows.json", format!("[{row}]"), 1),
            ("rows.json", spread.clone(), 1),
            ("rows.json", format!("{}\n{spread}", sound.replace(',', ",\n")), 2),
            ("rows.jsonl", row.replacen(':', ": \u{feff}", 1), 1),
        ] {
            let error = error(name, &content);
            let begins = format!("{name} row {number}: broken JSON at ");
            assert!(error.starts_with(&begins) && error.ends_with(said), "{content}: {error}");
        }
        let wrapped = error("rows.json", &format!("{{\"data\": [{row}]}}"));
        assert!(wrapped.contains("comes twice in `data[0]"), "{wrapped}");
        assert!(check_names(row.as_bytes()).unwrap_err().contains(said));
        let fixture = file("rows.jsonl", row);
        let raw = raw(&fixture.path, "rows.jsonl").unwrap().next().unwrap();
        assert!(raw.unwrap_err().to_string().ends_with(said), "{row}");
    }
    assert!(check_names(sound.as_bytes()).is_ok() && check_names(b"{").is_ok());
}

#[test]
fn a_name_twice_in_json_inside_a_text_is_an_error_where_the_text_is_read() {
    let responses = r#"[{"text":"a","text":"b"},"c"]"#;
    let talk = |said: &str| format!(r#"[{{"role":"user","content":"Q"}},{{"role":"assistant","content":"{said}"}}]"#);
    let doubled = talk(r#"a","content":"b"#);
    for (content, place) in [
        (format!("prompt,responses\nQ,{}\n", cell(responses)), "`responses`"),
        (format!("prompt,chosen,rejected\n{},a,b\n", cell(r#"[{"role":"user","content":"x","content":"y"}]"#)), "`prompt`"),
        (format!("prompt,chosen,rejected\nQ,{},{}\n", cell(&doubled), cell(&talk("c"))), "`chosen`"),
    ] {
        let error = error("rows.csv", &content);
        assert!(error.contains(&format!("broken JSON at {place}: the name `")) && error.contains("comes twice"), "{error}");
    }
    for row in [
        serde_json::json!({"prompt": "Q", "responses": [doubled, talk("c")]}),
        serde_json::json!({"prompt": r#"[{"role":"user","role":"user","content":"x"}]"#, "responses": ["a", "b"]}),
        serde_json::json!({"prompt": "Q", "responses": [r#"{"role":"assistant","content":"a","content":"b"}"#, r#"{"role":"assistant","content":"c"}"#]}),
    ] {
        let error = error("rows.jsonl", &row.to_string());
        assert!(error.contains("comes twice"), "{row}: {error}");
    }
    // A text that is judged as it stands may hold anything.
    let row = serde_json::json!({"prompt": "Q", "responses": [r#"{"a":1,"a":2}"#, "b"]});
    assert!(check(&file("rows.jsonl", row.to_string()).path, &columns(&[])).is_ok());
}
