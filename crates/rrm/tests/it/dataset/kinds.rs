//! Files as other programs write them: tables, JSON that is not quite JSON, rows in other shapes, rows that cannot be judged.

use rrm::dataset::{ReadOptions, check, read};

use super::{columns, file, gzip, items, texts, turns};

/// Prompt and responses of each row, and notes; or the errors.
fn gist(name: &str, content: impl AsRef<[u8]>, specs: &[&str]) -> String {
    let fixture = file(name, content);
    let folder = format!("{}/", fixture.folder.path().display());
    match check(&fixture.path, &columns(specs)) {
        Err(errors) => errors.iter().map(|error| error.to_string().replace(&folder, "")).collect::<Vec<_>>().join("\n"),
        Ok(summary) => {
            let rows = items(&fixture.path, &columns(specs)).into_iter();
            let rows = rows
                .map(|item| format!("{} {} -> {}", item.id, turns(&item.prompt.messages).join(" / "), texts(&item).join(" | ")));
            rows.chain(summary.notes).collect::<Vec<_>>().join("\n")
        }
    }
}

const TWO: &str = "row-1 user: Hi -> a | b\nrow-2 user: Yo -> x | y";

#[test]
fn tables_are_read_like_lists_of_rows() {
    let csv = "prompt,chosen,rejected\nHi,a,b\nYo,x,y\n";
    let windows = csv.replace('\n', "\r\n");
    for (name, content) in [
        ("a.csv", csv.to_owned()),
        ("a", csv.to_owned()),
        ("a.txt", windows.clone()),
        ("a.csv", windows),
        ("a.csv", format!("\u{feff}{csv}")),
        ("a.csv", csv.trim_end().to_owned()),
        ("a.csv", csv.replace('\n', "\r")),
        ("a.tsv", csv.replace(',', "\t")),
        ("a", csv.replace(',', "\t")),
        ("a.csv", csv.replace(',', ";")),
        ("a.csv", "\"prompt\",\"chosen\",\"rejected\"\n\"Hi\",\"a\",b\n\n\"Yo\",x,\"y\"\n".to_owned()),
    ] {
        assert_eq!(gist(name, &content, &[]), TWO, "{name}: {content:?}");
    }
    assert_eq!(gist("a.csv.gz", gzip(csv.as_bytes()), &[]), TWO);
}

#[test]
fn cells_are_texts_as_they_stand() {
    let csv = "id,prompt,chosen,rejected,note\n007,\"Say \"\"hi\"\",\nplease\",\"1,5\",1.50,\n8, x ,{\"a\": 1},\"[1, 2]\",n\n";
    insta::assert_snapshot!(gist("a.csv", csv, &[]), @r#"
    007 user: Say "hi",
    please -> 1,5 | 1.50
    8 user:  x  -> {"a": 1} | [1, 2]
    "#);
    let fixture = file("a.csv", csv);
    assert_eq!(items(&fixture.path, &columns(&[]))[0].extra["note"], serde_json::Value::Null);
    // Lists of responses, dotted paths and conversations are written as JSON.
    let json = "prompt,responses\nP,\"[{\"\"text\"\": \"\"a\"\", \"\"correct\"\": true}, \"\"b\"\"]\"\n";
    insta::assert_snapshot!(gist("a.csv", json, &[]), @"row-1 user: P -> a | b");
    let talks = "a,b\n\"[{\"\"role\"\":\"\"user\"\",\"\"content\"\":\"\"P\"\"},{\"\"role\"\":\"\"assistant\"\",\"\"content\"\":\"\"x\"\"}]\",\"[{\"\"role\"\":\"\"user\"\",\"\"content\"\":\"\"P\"\"},{\"\"role\"\":\"\"assistant\"\",\"\"content\"\":\"\"y\"\"}]\"\n";
    insta::assert_snapshot!(gist("a.csv", talks, &["responses=a,b"]), @"row-1 user: P -> x | y");
    // Kaggle's LMSYS: turns side by side, in each column as JSON.
    let lmsys = |a: &str, b: &str| {
        format!(
            "prompt,response_a,response_b\n\"[\"\"P\"\", \"\"Q\"\"]\",\"{}\",\"{}\"\n",
            a.replace('"', "\"\""),
            b.replace('"', "\"\"")
        )
    };
    let specs = ["responses=response_a,response_b"];
    insta::assert_snapshot!(gist("a.csv", lmsys(r#"["r", "x"]"#, r#"["r", "y"]"#), &specs), @"row-1 user: P / assistant: r / user: Q -> x | y");
    insta::assert_snapshot!(gist("a.csv", lmsys(r#"["r", "x"]"#, r#"["r", null]"#), &specs), @r"
    row-1 user: P / assistant: r / user: Q -> x | 
    the last of a JSON list of turns is null or empty, and is judged as an empty answer (1 row, the first is row 1)
    ");
    insta::assert_snapshot!(gist("a.csv", lmsys(r#"["r", "x"]"#, r#"["s", "y"]"#), &specs), @r#"
    row-1 user: P -> Assistant: r

    User: Q

    Assistant: x | Assistant: s

    User: Q

    Assistant: y
    "#);
}

#[test]
fn tables_that_are_broken_name_the_row() {
    insta::assert_snapshot!(gist("a.csv", "prompt,chosen,rejected\nHi,a\nYo,x,y,z\n", &[]), @r#"
    a.csv row 1: the row does not fit the table: 2 cells where the header has 3 names
    a.csv row 2: the row does not fit the table: 4 cells where the header has 3 names
    "#);
    insta::assert_snapshot!(gist("a.csv", "prompt,chosen,rejected\nHi,a,\"b\nYo,x,y\n", &[]), @"a.csv row 1: the row does not fit the table: the quotes of cell 3 are never closed");
    insta::assert_snapshot!(gist("a.csv", "prompt,chosen,rejected\nHi,\"a\" she said,b\n", &[]), @"a.csv row 1: the row does not fit the table: cell 2 goes on behind its closing quote: ` she said,b`");
    insta::assert_snapshot!(gist("a.csv", "prompt,chosen,prompt\nHi,a,b\n", &[]), @"a.csv: the header has the name `prompt` twice");
    insta::assert_snapshot!(gist("a.csv", b"prompt,chosen,rejected\nHi,caf\xe9,b\n", &[]), @"a.csv row 1: not UTF-8 at byte 7 of the row");
    insta::assert_snapshot!(gist("a.csv", "prompt,chosen,rejected\nHi,a,\n", &[]), @"a.csv row 1: `rejected` must be a response: text, an object with the text, or a list of messages; found null");
    insta::assert_snapshot!(gist("a.txt", "Once upon a time\nthere was\n", &[]), @r#"
    a.txt row 1: broken JSON at column 1: no value of JSON begins here; found `Once upon a time`
    a.txt row 2: broken JSON at column 2: a word other than true, false and null; found `here was`
    "#);
}

#[test]
fn json_that_is_not_quite_json() {
    let rows = |first: &str| format!("{first}\n{{\"prompt\":\"Yo\",\"responses\":[\"x\",\"y\"]}}\n");
    for first in [
        r#"{"prompt":"Hi","responses":["a","b"]},"#,
        r#"{"prompt":"Hi","responses":["a","b",],}"#,
        "{\"prompt\":\"Hi\",\"responses\":[\"a\",\"b\"]}\n\u{feff}",
        "\u{feff}{\"prompt\":\"Hi\",\u{feff}\"responses\":[\"a\",\"b\"]}",
    ] {
        let lines = gist("a.jsonl", rows(first), &[]);
        assert_eq!(lines.replace("row-3", "row-2"), TWO, "{first}");
    }
    assert_eq!(gist("a.jsonl", rows(r#"{"prompt":"Hi","responses":["a","b"]}"#).replace('\n', "\r"), &[]), TWO);
    assert_eq!(gist("a.json", format!("[{},]", rows(r#"{"prompt":"Hi","responses":["a","b"]},"#)), &[]), TWO);
    insta::assert_snapshot!(gist("a.jsonl", rows(r#"{"prompt":"Hi \ud83d","responses":["a\ude00","\ud83d\ude00"]}"#), &[]), @r#"
    row-1 user: Hi � -> a� | 😀
    row-2 user: Yo -> x | y
    half of a character (a lone \ud800 to \udfff) is read as U+FFFD (1 row, the first is row 1)
    "#);
    insta::assert_snapshot!(gist("a.jsonl", rows(r#"{"prompt":"Hi","responses":["a","b"],"margin":NaN,"m":[-Infinity,1e999]}"#), &[]), @r#"
    row-1 user: Hi -> a | b
    row-2 user: Yo -> x | y
    NaN, Infinity or a number too large is read as null, in columns that nobody asked for (1 row, the first is row 1)
    "#);
    insta::assert_snapshot!(gist("a.json", r#"[{"prompt":"Hi","responses":["a","b"],"margin":NaN}]"#, &[]), @r#"
    row-1 user: Hi -> a | b
    NaN, Infinity or a number too large is read as null, in columns that nobody asked for (1 row)
    "#);
    insta::assert_snapshot!(gist("a.jsonl", rows(r#"{"prompt":"Hi","responses":["a",NaN]}"#), &[]), @"a.jsonl row 1: `responses[1]` must be a response: text, an object with the text, or a list of messages; found NaN, which is no number of JSON");
    insta::assert_snapshot!(gist("a.jsonl", rows(r#"{"prompt":"Hi","responses":[{"text":"a","score":Infinity},"b"]}"#), &[]), @"a.jsonl row 1: `responses[0].score` must be a number or null; found Infinity, which is no number of JSON");
    insta::assert_snapshot!(gist("a.jsonl", rows(r#"{"prompt":"Hi","responses":["a","b"],"label":NaN}"#), &["label=label"]), @r#"
    a.jsonl row 1: `label` must be a label: 1, A, A>B or model_a; 2, B, B>A or model_b; 0, A=B or tie; a winner's name beside `model_a`, `model_b`; or null; found NaN, which is no number of JSON
    a.jsonl row 2: no column `label`; the row has: prompt, responses
    "#);
    insta::assert_snapshot!(gist("a.jsonl", rows(r#"{"prompt":"Hi","prompt":"Ho","responses":["a","b"]}"#), &[]), @"a.jsonl row 1: broken JSON at column 28: the column `prompt` comes twice");
    assert!(
        gist("a.json", r#"[{"prompt":"Hi","responses":["a","b"]},{"id":1,"id":2}]"#, &[]).contains("the column `id` comes twice")
    );
    insta::assert_snapshot!(gist("a.jsonl", rows(r#"{"prompt":"Hi","responses":["a",12345678901234567890123]}"#), &[]), @"a.jsonl row 1: `responses[1]` must be a response: text, an object with the text, or a list of messages; found a number (1.2345678901234568e+22)");
    insta::assert_snapshot!(gist("a.jsonl", rows("{'prompt': 'Hi'}"), &[]), @"a.jsonl row 1: broken JSON at column 2: a name in double quotes belongs here; found `'prompt': 'Hi'}`");
    let odd = items(&file("a.jsonl", r#"{"prompt":"Hi","responses":[{"text":"a","m":NaN},"b"],"n":[NaN]}"#).path, &columns(&[]))
        .remove(0);
    assert_eq!(
        (odd.responses[0].extra["m"].clone(), odd.extra["n"][0].clone()),
        (serde_json::Value::Null, serde_json::Value::Null)
    );
}

#[test]
fn who_passes_no_notes_on_is_told_of_half_characters() {
    let rows = "{\"a\":\"x\",\"n\":NaN}\n{\"a\":\"\\ud83d\"}\n{\"a\":\"y\"}\n";
    let read: Vec<_> = rrm::dataset::raw(&file("a.jsonl", rows).path, "a.jsonl").unwrap().collect();
    assert!(read[0].as_ref().is_ok_and(|(_, row)| row["n"].is_null()) && read[2].is_ok());
    insta::assert_snapshot!(read[1].as_ref().unwrap_err(), @r#"a.jsonl row 2: a text of this row or a later one holds half of a character, a lone \ud800 to \udfff"#);
    let list = format!("[{}]", rows.trim_end().replace('\n', ","));
    assert!(rrm::dataset::raw(&file("a.json", list).path, "a.json").unwrap().next().unwrap().is_err());
}

#[test]
fn rows_in_other_shapes() {
    let row = |p: &str, a: &str, b: &str| format!(r#"{{"prompt":"{p}","chosen":"{a}","rejected":"{b}"}}"#);
    let (one, two) = (row("Hi", "a", "b"), row("Yo", "x", "y"));
    for content in [
        format!(r#"{{"version":1,"data":[{one},{two}]}}"#),
        format!("{{\n \"version\": 1,\n \"data\": [\n{one},\n{two}]\n}}"),
        format!("{{\"train\":[{one}],\n\"test\":[{two}]}}"),
        r#"{"prompt":["Hi","Yo"],"chosen":["a","x"],"rejected":["b","y"]}"#.to_owned(),
        r#"{"prompt":["Hi","Yo"],"chosen":["a","x"],"rejected":["b","y"]}"#.replace(',', ",\n"),
        r#"{"prompt":{"0":"Hi","1":"Yo"},"chosen":{"0":"a","1":"x"},"rejected":{"0":"b","1":"y"}}"#.to_owned(),
        format!(r#"{{"0":{one},"1":{two}}}"#),
        r#"{"columns":["prompt","chosen","rejected"],"index":[0,1],"data":[["Hi","a","b"],["Yo","x","y"]]}"#.to_owned(),
        format!("{}\n{}\n", one.replace(',', ",\n"), two.replace(',', ",\n")),
        r#"{"prompt":["Hi","Yo"],"responses":[["a","b"],["x","y"]]}"#.to_owned(),
    ] {
        assert_eq!(gist("a.json", &content, &[]), TWO, "{content}");
    }
    // Rows whose values are all lists stay rows.
    let talk = |last: &str| format!(r#"[{{"role":"user","content":"Hi"}},{{"role":"assistant","content":"{last}"}}]"#);
    let implicit = format!(r#"{{"chosen":{},"rejected":{}}}"#, talk("a"), talk("b"));
    for content in [implicit.clone(), implicit.replace(',', ",\n")] {
        assert_eq!(gist("a.json", &content, &[]), "row-1 user: Hi -> a | b", "{content}");
    }
    let listed = r#"{"prompt":[{"role":"user","content":"Hi"},{"role":"user","content":"Ho"}],"responses":["a","b"]}"#;
    assert_eq!(gist("a.jsonl", listed, &[]), "row-1 user: Hi / user: Ho -> a | b");
}

#[test]
fn pictures_are_refused() {
    let row = |more: &str, prompt: &str| format!(r#"{{"prompt":"{prompt}","chosen":"a","rejected":"b"{more}}}"#);
    insta::assert_snapshot!(gist("a.jsonl", row(r#","images":["a.png"]"#, "<image>What?"), &[]), @"a.jsonl row 1: `images` holds a picture, a film, a sound or another file; only text can be judged (if the texts can be judged without it, leave `images` out of the file)");
    insta::assert_snapshot!(gist("a.jsonl", row(r#","image_id":7"#, "What is in <image>, please?"), &[]), @"a.jsonl row 1: a text holds the tag `<image>` for what is in `image_id`; only text can be judged; a text that speaks of the tag writes it in backticks, as in ``<image>``");
    insta::assert_snapshot!(gist("a.jsonl", row("", "<video>\\nWhat?"), &[]), @"a.jsonl row 1: a text holds the tag `<video>`, where a picture is shown; only text can be judged; a text that speaks of the tag writes it in backticks, as in ``<video>``");
    assert_eq!(
        gist("a.jsonl", row(r#","images":[]"#, "Draw an <image> tag in SVG."), &[]),
        "row-1 user: Draw an <image> tag in SVG. -> a | b"
    );
}

#[test]
fn paths_lead_through_lists() {
    let rmb = r#"{"p":"Hi","best":{"answer":"a"},"losers":[{"answer":"b"},{"answer":"c"}]}"#;
    for specs in [
        &["prompt=p", "chosen=best", "rejected=losers", "responses.text=answer"][..],
        &["prompt=p", "chosen=best.answer", "rejected=losers.answer"],
    ] {
        assert_eq!(gist("a.jsonl", rmb, specs), "row-1 user: Hi -> a | b | c");
    }
    insta::assert_snapshot!(gist("a.jsonl", rmb, &["prompt=p", "chosen=best.answer", "rejected=losers.anser"]), @"a.jsonl row 1: no column `losers.anser` (for `rejected`); nearest: `losers`; the row has: p, best, losers");
    insta::assert_snapshot!(gist("a.jsonl", rmb, &["prompt=p", "chosen=best", "rejected=losers", "responses.text=anser"]), @"a.jsonl row 1: no column `anser`; nearest: `answer`; `best` has: answer");
}

#[test]
fn bad_rows_are_left_out_where_that_is_asked_for() {
    let rows = concat!(
        "{\"id\":1,\"prompt\":\"P\",\"responses\":[\"a\",null]}\n",
        "{\"id\":2,\"prompt\":\"P\",\"responses\":[\"a\",\"b\"]}\n",
        "{\"id\":2,\"prompt\":\"P\",\"responses\":[\"a\",\"c\"]}\n",
        "{\"broken\n",
        "{\"id\":3,\"prompt\":\"P\",\"responses\":[\"a\",\"b\"]}\n",
    );
    let fixture = file("a.jsonl", rows);
    let options = ReadOptions { skip_bad_rows: true, name: Some("a.jsonl".to_owned()), ..columns(&[]) };
    let read: Vec<_> = read(&fixture.path, &options).unwrap().map(|item| item.unwrap().id).collect();
    let summary = check(&fixture.path, &options).unwrap();
    assert_eq!((read, summary.total().rows, summary.skipped.rows), (vec!["2".to_owned(), "3".to_owned()], 2, 3));
    insta::assert_snapshot!(summary.skipped.first.join("\n"), @r#"
    a.jsonl row 1: `responses[1]` must be a response: text, an object with the text, or a list of messages; found null
    a.jsonl row 3: the id `2` was already used
    a.jsonl row 4: broken JSON at column 8: the text ends inside quotes; in JSONL each line holds one whole row
    "#);
    // Rows that are all bad are an error, and so is damage to the file.
    let bad = file("a.jsonl", "{}\n{}\n");
    insta::assert_snapshot!(check(&bad.path, &options).unwrap_err()[0], @"a.jsonl: none of its 2 rows can be used: a.jsonl row 1: no column `responses` (nor `chosen` and `rejected`); the row has: nothing; a.jsonl row 2: no column `responses` (nor `chosen` and `rejected`); the row has: nothing");
    assert!(check(&file("a.jsonl.gz", &gzip(rows.as_bytes())[..40]).path, &options).is_err());
}

#[test]
fn ids_can_be_left_out() {
    let rows = "{\"id\":\"q\",\"prompt\":\"P\",\"chosen\":\"a\",\"rejected\":\"b\"}\n".repeat(2);
    assert!(gist("a.jsonl", &rows, &[]).contains("already used"));
    assert_eq!(gist("a.jsonl", &rows, &["id="]), "row-1 user: P -> a | b\nrow-2 user: P -> a | b");
}

#[test]
fn pictures_in_messages_are_refused() {
    let row = |message: serde_json::Value| serde_json::json!({"prompt": [message], "responses": ["a", "b"]}).to_string();
    for message in [
        serde_json::json!({"role": "user", "content": "What is in it?", "images": ["iVBORw0KGgo"]}),
        serde_json::json!({"role": "user", "content": "What is in it?", "attachments": [{"url": "https://a/b"}]}),
        serde_json::json!({"role": "user", "content": [{"type": "text", "text": "What?", "image_url": {"url": "https://a/b"}}]}),
    ] {
        let read = gist("rows.jsonl", row(message.clone()), &[]);
        assert!(read.contains("only text can be judged"), "{message}: {read}");
    }
    let nothing = serde_json::json!({"role": "user", "content": "Hi", "images": []});
    assert_eq!(gist("rows.jsonl", row(nothing), &[]), "row-1 user: Hi -> a | b");
}

#[test]
fn a_quoted_cell_of_tsv_joins_no_rows() {
    let two = "prompt\tr1\tr2\n\"abc\tx\ty\nq2\tdef\"\tz\tw\n";
    assert!(gist("a.tsv", two, &["responses=r1,r2"]).contains("goes on over a tab and a line end"));
    assert_eq!(gist("a.tsv", "prompt\tr1\tr2\n\"two\nlines\"\tx\ty\n", &["responses=r1,r2"]), "row-1 user: two\nlines -> x | y");
}

#[test]
fn lists_that_are_answers_stay_texts() {
    let row = serde_json::json!({"prompt": "[\"b\",\"a\"]", "responses": ["[\"a\",\"b\"]", "[\"b\",\"a\"]"]}).to_string();
    assert_eq!(gist("rows.jsonl", row, &[]), "row-1 user: [\"b\",\"a\"] -> [\"a\",\"b\"] | [\"b\",\"a\"]");
}
