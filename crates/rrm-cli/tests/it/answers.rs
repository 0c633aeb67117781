//! `rrm rank --write`: rows with the texts of responses, as JSONL, CSV and Parquet.

use serde_json::{Value, json};

use crate::{file, rrm, stderr, stdout};

const ROWS: &str = concat!(
    r#"{"id": "a", "prompt": "2 + 2?", "responses": [{"text": "5", "correct": false, "by": "x"}, {"text": "it is \"4\",\nsurely", "correct": true, "by": "y"}], "source": "sums"}"#,
    "\n",
    r#"{"id": "b", "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "3 + 3?"}], "responses": [{"text": "6", "correct": true}, {"text": "six?", "correct": false}, {"text": "7", "correct": false}]}"#,
    "\n",
);

fn ranked(engine: &str, name: &str, options: &[&str]) -> (std::process::Output, Option<Vec<u8>>) {
    let (folder, path) = file("in.jsonl", ROWS);
    let out = folder.path().join(name);
    let args = ["rank", path.to_str().unwrap(), "--engine", engine, "-o", out.to_str().unwrap()];
    let output = rrm([&args, options].concat());
    (output, std::fs::read(out).ok())
}

fn texts(engine: &str, name: &str, write: &str) -> Vec<u8> {
    let (output, written) = ranked(engine, name, &["--write", write]);
    assert!(output.status.success(), "{}", stderr(&output));
    written.unwrap()
}

fn lines(text: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(text).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_best_text_of_each_row_is_a_line() {
    let rows = lines(&texts("scripted:accuracy=1", "best.jsonl", "best"));
    assert_eq!(rows[0]["response"], "it is \"4\",\nsurely");
    assert_eq!((&rows[0]["prompt"], &rows[0]["index"], &rows[0]["rank"]), (&json!("2 + 2?"), &json!(1), &json!(1)));
    assert_eq!(rows[0]["extra"], r#"{"source":"sums","by":"y"}"#);
    assert_eq!(rows[1]["response"], "6");
    let prompt: Value = serde_json::from_str(rows[1]["prompt"].as_str().unwrap()).unwrap();
    assert_eq!(prompt[0], json!({"role": "system", "content": "Be brief."}));
    assert_eq!(rows.len(), 2);
}

#[test]
fn all_texts_stand_best_first() {
    let rows = lines(&texts("scripted:accuracy=1", "all.jsonl", "all"));
    let places: Vec<_> = rows.iter().map(|row| (row["id"].as_str().unwrap(), row["rank"].as_u64().unwrap())).collect();
    assert_eq!(places, [("a", 1), ("a", 2), ("b", 1), ("b", 2), ("b", 3)]);
    assert_eq!(rows[2]["response"], "6");
}

#[test]
fn csv_and_parquet_hold_what_the_lines_hold() {
    let lines = lines(&texts("scripted:accuracy=1", "all.jsonl", "all"));
    let column = |name: &str| -> Vec<String> { lines.iter().map(|row| row[name].as_str().unwrap().to_owned()).collect() };
    for name in ["all.csv", "all.parquet"] {
        let written = texts("scripted:accuracy=1", name, "all");
        // `rrm judge` reads both: here each answer is a row of its own, and a second response is named twice.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, written).unwrap();
        let args = [
            "judge",
            path.to_str().unwrap(),
            "--engine",
            "scripted:first",
            "--column",
            "responses=response,extra",
            "--column",
            "id=",
        ];
        let output = rrm(args);
        let read = stdout(&output);
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        assert_eq!(read.lines().count(), column("response").len(), "{name}");
    }
    let csv = String::from_utf8(texts("scripted:accuracy=1", "all.csv", "all")).unwrap();
    assert!(csv.starts_with("id,prompt,response,index,rank,score,extra\r\na,2 + 2?,\"it is \"\"4\"\",\nsurely\",1,1,"), "{csv}");
}

#[test]
fn a_row_that_no_verdict_decides_has_no_best_response() {
    let (output, written) = ranked("scripted:silent=0.5", "best.jsonl", &["--write", "best", "--seed", "3"]);
    let rows = lines(&written.unwrap_or_default());
    let said = stderr(&output);
    assert_eq!(rows.len() < 2, said.contains("have no best response"), "{rows:?}\n{said}");
    let (output, written) = ranked("scripted:silent=1", "best.jsonl", &["--write", "best"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(lines(&written.unwrap_or_default()).is_empty());
    // All texts are there, and none has a place.
    let (_, written) = ranked("scripted:silent=1", "all.jsonl", &["--write", "all"]);
    let rows = lines(&written.unwrap_or_default());
    assert!(rows.len() == 5 && rows.iter().all(|row| row["rank"].is_null()), "{rows:?}");
}

#[test]
fn equal_scores_share_a_place_and_a_shared_best_is_told() {
    let write = |responses: &str, write: &str| {
        let (folder, path) = file("in.jsonl", format!(r#"{{"id": "a", "prompt": "Yes?", "responses": {responses}}}"#));
        let out = folder.path().join("out.jsonl");
        let args = ["rank", path.to_str().unwrap(), "--engine", "scripted:longer", "--strategy", "win-rate"];
        let output = rrm([&args[..], &["-o", out.to_str().unwrap(), "--write", write]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        (lines(&std::fs::read(&out).unwrap()), stderr(&output))
    };
    let ranks = |rows: &[Value]| rows.iter().map(|row| row["rank"].as_u64().unwrap()).collect::<Vec<_>>();
    let (one, two) = (r#"["yes", "yes", "certainly yes"]"#, r#"["yes", "certainly yes", "certainly yes"]"#);
    assert_eq!(ranks(&write(one, "all").0), [1, 2, 2]);
    let (rows, said) = write(one, "best");
    assert!(rows[0]["response"] == "certainly yes" && !said.contains("share the best place"), "{said}");
    assert_eq!(ranks(&write(two, "all").0), [1, 1, 3]);
    let (rows, said) = write(two, "best");
    assert!(rows.len() == 1 && said.contains("in 1 rows several responses share the best place"), "{said}");
}

#[test]
fn a_name_that_says_something_else_is_refused_before_anything_is_asked() {
    for (name, write, said) in [
        ("x.csv", "ranking", "--write best"),
        ("x.parquet", "ranking", "--write best"),
        ("x.xlsx", "best", ".jsonl, .csv or .parquet"),
        ("x", "all", ".jsonl, .csv or .parquet"),
    ] {
        let (output, written) = ranked("scripted:first", name, &["--write", write]);
        assert_eq!((output.status.code(), written), (Some(2), None), "{name} {write}");
        assert!(stderr(&output).contains(said), "{name} {write}: {}", stderr(&output));
    }
}
