//! Messages that say what to write, and inputs that are refused with it.

use crate::{file, rrm, stderr, stdout};

/// Whether a call fails with this exit code and says all of these.
fn says(args: &[&str], code: i32, wanted: &[&str]) {
    let output = rrm(args);
    let said = stderr(&output) + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    for part in wanted {
        assert!(said.contains(part), "{args:?} does not say `{part}`: {said}");
    }
}

#[test]
fn show_refuses_a_file_that_was_not_judged() {
    let rows = r#"{"id": "one", "prompt": "Q", "responses": ["red", "yellow"], "topic": "paint"}
{"id": "two", "prompt": "Q", "responses": ["moss", "an oak"]}
"#;
    let (folder, path) = file("in.jsonl", rows);
    let at = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let out = folder.path().join("out.jsonl").to_str().unwrap().to_owned();
    let path = path.to_str().unwrap();
    assert!(rrm(["judge", path, "--engine", "scripted:longer", "-o", &out]).status.success());
    for (name, text, other) in [
        ("more.jsonl", r#"{"id": "one", "prompt": "Q", "responses": ["x", "y", "z"]}"#, "3 responses here, and 2 in the result"),
        (
            "column.jsonl",
            r#"{"id": "one", "prompt": "Q", "responses": ["x", "y"], "topic": "rivers"}"#,
            "another value in the column `topic`",
        ),
    ] {
        let input = at(name, text);
        for args in [vec!["show", &out, "one", "--input", &input], vec!["show", &out, "--input", &input]] {
            says(&args, 1, &["the row 'one' is not the one that was judged", other]);
        }
    }
    let strange = at("strange.jsonl", r#"{"id": "nine", "prompt": "Q", "responses": ["x", "y"]}"#);
    says(&["show", &out, "--input", &strange], 1, &["no row has an id of"]);
    let labelled = at("labelled.jsonl", r#"{"id": "l", "prompt": "Q", "chosen": "red", "rejected": "yellow"}"#);
    let turned =
        at("turned.jsonl", r#"{"id": "l", "prompt": "Q", "responses": [{"text": "r", "score": 1}, {"text": "y", "score": 2}]}"#);
    let judged = folder.path().join("labelled.out").to_str().unwrap().to_owned();
    assert!(rrm(["judge", &labelled, "--engine", "scripted:longer", "-o", &judged]).status.success());
    says(&["show", &judged, "l", "--input", &turned, "--brief"], 1, &["another label"]);
    // The file that was judged, and one without the column, are shown.
    let bare = at("bare.jsonl", r#"{"id": "one", "prompt": "Q", "responses": ["red", "yellow"]}"#);
    says(&["show", &out, "one", "--input", path, "--brief"], 0, &["yellow"]);
    says(&["show", &out, "--input", &bare], 0, &["yellow", "1 vote"]);
    assert!(!stdout(&rrm(["show", &out])).contains("1 votes"));
}

#[test]
fn gzipped_results_and_stdin_are_read_or_refused_by_name() {
    let (folder, packed) = file("out.jsonl.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00");
    let packed = packed.to_str().unwrap();
    says(&["show", packed], 1, &["is gzipped; results are read unpacked", "gunzip -k"]);
    says(&["diff", packed, packed], 1, &["is gzipped", "gunzip -k"]);
    says(&["tune", "--data", "-", "--engine", "scripted:longer"], 2, &["rows are not read from stdin here"]);
    says(&["eval", "pairs", "--data", "-", "--engine", "scripted:longer"], 2, &["is not read from stdin"]);
    // An empty stdin is a file without rows.
    says(&["show", "-"], 1, &["there are no rows"]);
    says(&["format", "preview", "rrm", "-"], 1, &["standard input"]);
    drop(folder);
}

#[test]
fn addresses_say_what_is_meant() {
    let serve = ["serve", "--engine", "scripted:longer", "--bind"];
    let with = |address: &'static str| serve.iter().copied().chain([address]).collect::<Vec<_>>();
    says(&with("0x50"), 2, &["`0x50` is no host", "127.0.0.1:8700"]);
    says(&with("127.1:80"), 2, &["`127.1` is no host"]);
    says(&with("127.0.0.1:99999"), 2, &["`99999` is no port (0 to 65535)"]);
    says(&with(":80"), 2, &["127.0.0.1:80 is for this machine only"]);
    says(&["doctor", "127.0.0.1:8000"], 1, &["did you mean http://127.0.0.1:8000?"]);
    says(&["doctor", "localhost:8000"], 1, &["did you mean http://localhost:8000?"]);
    says(&["doctor", "api.example.com"], 1, &["did you mean https://api.example.com?"]);
}

#[test]
fn columns_say_what_to_write() {
    let (_folder, path) =
        file("in.jsonl", r#"{"prompt": "Q", "responses": [{"text": "a", "score": 1}, {"text": "b", "score": 2}]}"#);
    let path = path.to_str().unwrap();
    let rank = |spec: &str| {
        let output = rrm(["rank", path, "--engine", "scripted:longer", "--column", spec]);
        (output.status.code(), stderr(&output))
    };
    for spec in ["responses.rank=score:lower", "responses.rank=place:higher"] {
        let (code, said) = rank(spec);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("of ranks the lowest is best, so that nothing stands behind the column"), "{said}");
        assert!(!said.contains(":lower:lower") && !said.contains("`rrm help`"), "{said}");
    }
    assert_eq!(rank("responses.score=score:lower").0, Some(0));
}

#[test]
fn formats_that_hide_a_response_or_name_no_label_are_told() {
    let (folder, path) = file(
        "in.jsonl",
        format!(
            "{{\"id\": \"long\", \"prompt\": \"Q\", \"responses\": [\"a\", \"{}\"]}}\n{{\"id\": \"short\", \"prompt\": \"Q\", \"responses\": [\"one\", \"two words\"]}}\n",
            "word ".repeat(200)
        ),
    );
    let shipped = stdout(&rrm(["format", "show", "direct"]));
    let at = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let hides =
        at("hides.toml", &shipped.replace("{{ response_2 }}", "{% if response_2|length < 100 %}{{ response_2 }}{% endif %}"));
    let path = path.to_str().unwrap();
    says(&["format", "check", &hides], 1, &["of a row with long responses, its messages do not show all of {{ response_2 }}"]);
    says(&["format", "preview", &hides, path], 1, &["row 1 (long)", "does not show all of {{ response_2 }}"]);
    says(&["format", "preview", &hides, path, "short"], 0, &["two words"]);
    // In the other order the response is shown.
    let votes = ["--votes", "2", "--both-orders"];
    let judged = rrm([&["judge", path, "--engine", "scripted:longer", "--format", &hides][..], &votes].concat());
    let lines = String::from_utf8_lossy(&judged.stdout);
    assert!(
        lines.contains("does not show all of") && lines.contains("\"id\":\"short\",\"verdict\""),
        "{lines}{}",
        stderr(&judged)
    );
    says(&["format", "check", "direct"], 0, &["both responses are shown"]);
    assert!(!stderr(&rrm(["format", "check", "direct"])).contains("no message names a label"));
    let labels = "name = \"mine\"\n[[messages]]\nrole = \"user\"\ncontent = \"{{ prompt }} {{ response_1 }} {{ response_2 }} Which?\"\n[verdict]\n";
    let verdict: String =
        shipped.lines().skip_while(|line| !line.starts_with("[verdict]")).skip(1).map(|line| format!("{line}\n")).collect();
    let unnamed = at("unnamed.toml", &format!("{labels}{verdict}"));
    says(
        &["format", "check", &unnamed],
        0,
        &["no message names a label of verdict.first", "no message names a label of verdict.second"],
    );
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    assert!(rrm(["man", "--output", to]).status.success());
    for (name, title) in
        [("rrm.1", ".TH rrm 1"), ("rrm-rank.1", ".TH rrm-rank 1"), ("rrm-format-check.1", ".TH rrm-format-check 1")]
    {
        let page = std::fs::read_to_string(folder.path().join(name)).unwrap();
        let header = page.lines().find(|line| line.starts_with(".TH")).unwrap();
        assert!(header.starts_with(title) && header.contains("\"rrm ") && !header.contains("\"rank \""), "{header}");
        // Every page that is named is there.
        for named in page.lines().filter_map(|line| line.strip_suffix("(1)")).filter(|name| name.starts_with("rrm")) {
            let named = named.replace("\\-", "-");
            assert!(folder.path().join(format!("{named}.1")).exists(), "{named}");
        }
    }
    assert!(stdout(&rrm(["man", "format", "check"])).contains(".TH rrm-format-check 1"));
    says(&["man", "format", "chek"], 2, &["there is no command `format chek`"]);
}
