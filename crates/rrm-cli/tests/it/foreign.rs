//! Other people's files from the command line: labels, tables, JSON with quirks. Read right or refused, with exit code, note and hint.

use std::path::PathBuf;

use crate::{file, rrm, skipping::shared, stderr, stdout};

/// A folder of small inputs that once went wrong.
fn case(name: &str) -> Option<PathBuf> {
    shared(&format!("cases/{name}"))
}

/// The official score of a judge that prefers the longer response.
fn score(path: &str, specs: &[&str]) -> String {
    let columns: Vec<&str> = specs.iter().flat_map(|spec| ["--column", spec]).collect();
    let output = rrm([&["eval", "pairs", "--data", path, "--engine", "scripted:longer"], &columns[..]].concat());
    if !output.status.success() {
        assert!(matches!(output.status.code(), Some(1 | 2)));
        return stderr(&output).replace(path, "FILE");
    }
    let out = stdout(&output);
    out.lines().last().unwrap().split_whitespace().nth(2).unwrap().to_owned()
}

#[test]
fn labels_of_the_cases_score_as_they_mean() {
    let responses = "responses=response1,response2";
    for (name, specs) in [
        ("input/labels-from-zero/pku.jsonl", &["responses=response_0,response_1", "label=better_response_id"][..]),
        ("input/labels-from-zero/shp.jsonl", &["prompt=history", "responses=human_ref_A,human_ref_B", "label=labels"]),
        ("input/labels-signed/helpsteer3-weak.jsonl", &["prompt=context", responses, "label=overall_preference"]),
    ] {
        let Some(path) = case(name) else { continue };
        assert_eq!(score(path.to_str().unwrap(), specs), "100.00", "{name}");
    }
}

#[test]
fn files_of_the_cases_are_read() {
    let Some(folder) = case("input/json-quirks") else { return };
    let files = [
        "bom-inside.jsonl",
        "columns.json",
        "cr.jsonl",
        "csv-noext",
        "data-key.json",
        "nan.jsonl",
        "pandas.json",
        "surrogate.jsonl",
        "trailing.jsonl",
    ];
    let tables = ["../csv/quoted.csv", "../csv/tsv.tsv"];
    for name in files.iter().chain(&tables) {
        let output = rrm(["judge", folder.join(name).to_str().unwrap(), "--engine", "scripted:longer"]);
        assert!(output.status.success(), "{name}: {}", stderr(&output));
    }
}

#[test]
fn labels_that_mean_two_things_are_refused_with_what_to_write() {
    let row = |label: &str| format!("{{\"prompt\":\"P\",\"responses\":[\"long one\",\"b\"],\"choice\":{label}}}\n");
    let (_folder, path) = file("a.jsonl", [row("0"), row("0"), row("0")].concat());
    let path = path.to_str().unwrap();
    insta::assert_snapshot!(score(path, &["label=choice"]), @r#"
    error: FILE: the labels in `choice` are 0 only, which can mean two things: --column label=choice:0,1 if 0 means the first; --column label=choice:1,0 if 1 means the first
    hint: write one of the two; --column label=COLUMN:FIRST,SECOND,TIE says which values mean what
    "#);
    assert_eq!(score(path, &["label=choice:0,1"]), "100.00");
    assert_eq!(score(path, &["label=choice:1,0"]), "0.00");
    insta::assert_snapshot!(score(path, &["label=choice:yes,no"]), @r#"
    error: FILE row 1: `choice` must be yes (the first), no (the second); found a number (0)
    hint: --column label=COLUMN:FIRST,SECOND,TIE says which values mean the first, the second and neither
    "#);
    insta::assert_snapshot!(score(path, &["label=choice:0"]), @r#"
    error: column `label=choice:0`: behind the colon stand two or three different values, of the first, of the second and of neither: label=choice:0,1, label=winner:model_a,model_b,tie, label=strength:<0,>0,0; or label=a_won,b_won,tied:one-hot, label=score_a,score_b:higher (or lower)
    hint: docs/formats.md says how columns are named
    "#);
    let judged = rrm(["judge", path, "--column", "label=choice", "--engine", "scripted:longer"]);
    assert_eq!((judged.status.code(), judged.stdout.len()), (Some(1), 0));
}

#[test]
fn bad_rows_are_left_out_with_a_count() {
    let good = "{\"prompt\":\"P\",\"responses\":[\"a\",\"b\"]}\n";
    let bad = "{\"prompt\":\"P\",\"responses\":[\"a\",null]}\n";
    let (folder, path) = file("a.jsonl", [bad.repeat(7).as_str(), good].concat());
    let said = |args: &[&str]| {
        let output = rrm([&["judge", path.to_str().unwrap(), "--engine", "scripted:longer"], args].concat());
        (
            output.status.code(),
            stderr(&output).replace(folder.path().to_str().unwrap(), "DIR"),
            String::from_utf8_lossy(&output.stdout).lines().count(),
        )
    };
    let (code, stopped, rows) = said(&[]);
    assert_eq!((code, rows), (Some(1), 0));
    insta::assert_snapshot!(stopped, @r#"
    error: DIR/a.jsonl row 1: `responses[1]` must be a response: text, an object with the text, or a list of messages; found null
           DIR/a.jsonl row 2: `responses[1]` must be a response: text, an object with the text, or a list of messages; found null
           DIR/a.jsonl row 3: `responses[1]` must be a response: text, an object with the text, or a list of messages; found null
           DIR/a.jsonl row 4: `responses[1]` must be a response: text, an object with the text, or a list of messages; found null
           DIR/a.jsonl row 5: `responses[1]` must be a response: text, an object with the text, or a list of messages; found null
           DIR/a.jsonl: 2 more rows cannot be used
    hint: nothing was judged; mend the row and run again, or leave out such rows with --skip-bad-rows (docs/formats.md describes rows)
    "#);
    let (code, left, rows) = said(&["--skip-bad-rows"]);
    assert_eq!((code, rows), (Some(0), 1));
    insta::assert_snapshot!(left.lines().filter(|line| line.starts_with("note")).collect::<Vec<_>>().join("\n"), @r#"
    note: DIR/a.jsonl: 7 of 8 rows cannot be used and are left out
    note: left out: DIR/a.jsonl row 1: `responses[1]` must be a response: text, an object with the text, or a list of messages; found null
    note: left out: DIR/a.jsonl row 2: `responses[1]` must be a response: text, an object with the text, or a list of messages; found null
    note: left out: DIR/a.jsonl row 3: `responses[1]` must be a response: text, an object with the text, or a list of messages; found null
    note: left out: DIR/a.jsonl row 4: `responses[1]` must be a response: text, an object with the text, or a list of messages; found null
    note: left out: DIR/a.jsonl row 5: `responses[1]` must be a response: text, an object with the text, or a list of messages; found null
    note: left out: 2 more
    "#);
    let eval = rrm(["eval", "pairs", "--data", path.to_str().unwrap(), "--engine", "scripted:longer", "--skip-bad-rows"]);
    assert!(stderr(&eval).contains("unexpected argument '--skip-bad-rows'"), "{}", stderr(&eval));
}

#[test]
fn a_table_comes_through_stdin() {
    let (_folder, path) = file("a.csv", "prompt,chosen,rejected\n\"Hi,\n\"\"you\"\"\",Hello,What?\n");
    let mut command = crate::command();
    command.args(["judge", "-", "--engine", "scripted:longer"]).stdin(std::fs::File::open(&path).unwrap());
    let from_stdin = command.output().unwrap();
    assert!(from_stdin.status.success(), "{}", stderr(&from_stdin));
    assert_eq!(stdout(&from_stdin), stdout(&rrm(["judge", path.to_str().unwrap(), "--engine", "scripted:longer"])));
}

#[test]
fn questions_of_two_files_of_one_name_are_two() {
    let row = |n: u8| {
        format!(
            "{{\"question\":\"What is {n} and {n}?\",\"answer\":\"{}\",\"responses\":[{{\"text\":\"\\\\boxed{{{}}}\",\"correct\":true}},{{\"text\":\"\\\\boxed{{0}}\",\"correct\":false}}]}}\n",
            n + n,
            n + n
        )
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for (name, n) in [("a", 3), ("b", 4)] {
        std::fs::create_dir(path(name)).unwrap();
        std::fs::write(path(&format!("{name}/part.jsonl")), row(n)).unwrap();
    }
    let (one, two, out) = (path("a/part.jsonl"), path("b/part.jsonl"), path("out.jsonl"));
    let run = |second: &str| rrm(["pairs", &one, second, "--near-duplicates", "1", "-o", &out]);
    assert!(run(&two).status.success());
    let written = std::fs::read_to_string(&out).unwrap();
    assert_eq!(written.lines().count(), 2, "{written}");
    assert!(written.contains("part-row-1") && written.contains("part#2-row-1"), "{written}");
    // The same file twice is still one.
    assert!(run(&one).status.success());
    assert_eq!(std::fs::read_to_string(&out).unwrap().lines().count(), 1);
}

#[test]
fn names_that_say_something_else_end_with_1_and_no_score() {
    let row = |more: &str| format!("{{\"prompt\":\"Q\",\"response_a\":\"bad\",\"response_b\":\"good answer\",{more}}}\n");
    let responses = "responses=response_a,response_b";
    for (more, specs, told) in [
        (r#""loser":"A""#, &[responses, "label=loser"][..], "--column label=loser:B,A if its values name the worse response"),
        (
            r#""label":0},{"prompt":"Q","response_a":"x","response_b":"y","label":2"#,
            &[responses, "label=label"],
            "--column label=label:0,1,2 if 0 means the first, and 2 neither",
        ),
        (
            r#""score_diff":1"#,
            &[responses, "label=score_diff"],
            "--column 'label=score_diff:<0,>0,0' if numbers above 0 mean the second",
        ),
        (r#""chosen":"B","rejected":"A""#, &[], "--column responses=response_a,response_b --column label=chosen reads"),
        (r#""chosen":0.9,"rejected":0.2"#, &[], "`chosen` must be a response: text (a number in quotes)"),
        (r#""chosen":"2","rejected":"1""#, &[], "--column responses=response_a,response_b --column label=chosen:1,2 reads"),
    ] {
        let (_folder, path) = file("a.jsonl", row(more).replace("},{", "}\n{"));
        let error = score(path.to_str().unwrap(), specs);
        assert!(error.starts_with("error: FILE") && error.contains(told), "{more}: {error}");
    }
    let counted = r#"{"prompt":"Q","response_0":"bad","response_1":"good answer","better":"response 1"}"#;
    let (_folder, path) = file("a.jsonl", counted);
    let (path, responses) = (path.to_str().unwrap(), "responses=response_0,response_1");
    let error = score(path, &[responses, "label=better"]);
    let both = "FILE: a label in `better` is `response 1`, which can mean two things: --column 'label=better:response 0,response 1' \
                if the responses are 0 and 1; --column 'label=better:response 1,response 2' if they are counted from 1";
    assert!(error.contains(both), "{error}");
    assert_eq!(score(path, &[responses, "label=better:response 0,response 1"]), "100.00");
    let wrong = r#"{"prompt":"Q","responses":[{"text":"bad","is_wrong":true},{"text":"good answer","is_wrong":false}]}"#;
    let (_folder, path) = file("a.jsonl", wrong);
    let path = path.to_str().unwrap();
    let error = score(path, &["responses.correct=is_wrong"]);
    assert!(error.contains("responses.correct=is_wrong:false,true if true means a wrong response"), "{error}");
    assert_eq!(score(path, &["responses.correct=is_wrong:false,true"]), "100.00");
}
