//! `rrm label`: what is written for trainers, what is dropped, and what is refused.

use serde_json::Value;

use crate::{file, rrm, stderr, stdout};

const ROWS: &str = concat!(
    r#"{"id": "sums", "prompt": "2 + 2?", "responses": [{"text": "5", "correct": false}, {"text": "4", "correct": true}, {"text": "4 is it", "correct": true}]}"#,
    "\n",
    r#"{"id": "same", "prompt": "Yes?", "responses": ["yes", "yes"]}"#,
    "\n",
);

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The rows of a layout, and what was dropped.
fn label(layout: &str, options: &[&str]) -> (Vec<Value>, Vec<Value>, String) {
    let (folder, path) = file("in.jsonl", ROWS);
    let out = folder.path().join("out.jsonl");
    let args =
        ["label", path.to_str().unwrap(), "--engine", "scripted:accuracy=1", "-o", out.to_str().unwrap(), "--write", layout];
    let output = rrm([&args, options].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let read = |name: &str| lines(&std::fs::read_to_string(folder.path().join(name)).unwrap());
    (read("out.jsonl"), read("out.jsonl.dropped.jsonl"), stderr(&output))
}

#[test]
fn the_best_and_the_worst_are_a_row_for_dpo() {
    let (rows, dropped, said) = label("dpo", &["--votes", "3"]);
    insta::assert_json_snapshot!(rows, @r#"
    [
      {
        "prompt": [
          {
            "role": "user",
            "content": "2 + 2?"
          }
        ],
        "chosen": [
          {
            "role": "assistant",
            "content": "4 is it"
          }
        ],
        "rejected": [
          {
            "role": "assistant",
            "content": "5"
          }
        ],
        "rrm_id": "sums",
        "rrm_chosen": 2,
        "rrm_rejected": 0,
        "rrm_margin": 1.0,
        "rrm_agreement": 1.0,
        "rrm_votes": 3,
        "rrm_abstained": 0,
        "rrm_judge": "scripted:accuracy=1",
        "rrm_format": "rrm",
        "rrm_prompt_tokens": 0,
        "rrm_completion_tokens": 0,
        "rrm_cost": 0.0
      }
    ]
    "#);
    insta::assert_json_snapshot!(dropped, @r#"
    [
      {
        "id": "same",
        "pair": [
          0,
          1
        ],
        "reason": "equal"
      }
    ]
    "#);
    assert!(said.contains("note: 1 preferences of 2 rows; 1 dropped: 1 equal"), "{said}");
}

#[test]
fn layouts_hold_what_their_readers_name() {
    let all = |layout| {
        let (rows, ..) = label(layout, &["--bare"]);
        rows.iter().map(Value::to_string).collect::<Vec<_>>()
    };
    let user = r#"{"role":"user","content":"2 + 2?"}"#;
    let (good, bad) = (r#"{"role":"assistant","content":"4"}"#, r#"{"role":"assistant","content":"5"}"#);
    assert_eq!(all("dpo"), [format!(r#"{{"prompt":[{user}],"chosen":[{good}],"rejected":[{bad}]}}"#)]);
    assert_eq!(all("reward"), [format!(r#"{{"chosen":[{user},{good}],"rejected":[{user},{bad}]}}"#)]);
    assert_eq!(all("messages"), [format!(r#"{{"messages":[{user}],"chosen":{good},"rejected":{bad}}}"#)]);
    assert_eq!(all("text"), [r#"{"prompt":"2 + 2?","chosen":"4","rejected":"5"}"#]);
    let kto = |side: &str, label: bool| format!(r#"{{"prompt":[{user}],"completion":[{side}],"label":{label}}}"#);
    assert_eq!(all("kto"), [kto(good, true), kto(bad, false)]);
    let kto = |side: &str, label: bool| format!(r#"{{"messages":[{user},{side}],"label":{label}}}"#);
    assert_eq!(all("messages-kto"), [kto(good, true), kto(bad, false)]);
    let kto = |side: &str, label: bool| format!(r#"{{"prompt":"2 + 2?","completion":"{side}","label":{label}}}"#);
    assert_eq!(all("text-kto"), [kto("4", true), kto("5", false)]);
}

#[test]
fn what_was_not_decided_is_dropped_and_never_guessed() {
    let options = ["--engine", "scripted:first", "--votes", "2", "--both-orders", "--pairs", "all"];
    let (folder, path) = file("in.jsonl", ROWS);
    let out = folder.path().join("out.jsonl");
    let output = rrm([&["label", path.to_str().unwrap(), "-o", out.to_str().unwrap()], options.as_slice()].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "");
    let dropped = lines(&std::fs::read_to_string(folder.path().join("out.jsonl.dropped.jsonl")).unwrap());
    let reasons: Vec<&str> = dropped.iter().map(|row| row["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["undecided", "undecided", "equal"]);
    assert_eq!((&dropped[0]["margin"], &dropped[0]["votes"]), (&0.0.into(), &2.into()));
}

#[test]
fn ratings_and_thresholds_choose_pairs() {
    let options = ["--strategy", "win-rate", "--votes", "5", "--engine", "scripted:accuracy=0.7", "--pairs", "all"];
    let (folder, path) = file("in.jsonl", ROWS);
    let count = |more: &[&str]| {
        let out = folder.path().join("out.jsonl");
        let args = [&["label", path.to_str().unwrap(), "-o", out.to_str().unwrap()], options.as_slice(), more].concat();
        assert!(rrm(args).status.success());
        let kept = lines(&std::fs::read_to_string(&out).unwrap());
        let dropped = lines(&std::fs::read_to_string(folder.path().join("out.jsonl.dropped.jsonl")).unwrap());
        let reasons: Vec<String> = dropped.iter().map(|row| row["reason"].as_str().unwrap().to_owned()).collect();
        (kept.iter().map(|row| row["rrm_margin"].as_f64().unwrap()).collect::<Vec<_>>(), reasons)
    };
    let (all, none) = count(&[]);
    // Responses of one team are not matched where ratings are used, so nothing is said about the second row.
    assert_eq!((all.len(), none.len()), (3, 0));
    assert!(all.iter().any(|margin| *margin < 1.0), "{all:?}");
    let (kept, reasons) = count(&["--min-margin", "1"]);
    assert_eq!(kept, all.iter().copied().filter(|margin| *margin >= 1.0).collect::<Vec<_>>());
    assert!(reasons.iter().all(|reason| reason == "margin"), "{reasons:?}");
    let (kept, reasons) = count(&["--min-agreement", "1"]);
    assert_eq!(kept.len() + reasons.len(), 3);
    assert!(reasons.iter().all(|reason| reason == "agreement"), "{reasons:?}");
}

#[test]
fn parquet_holds_the_rows_of_jsonl() {
    let (folder, path) = file("in.jsonl", ROWS);
    for layout in ["dpo", "kto", "reward", "messages", "text"] {
        let read = |name: &str| {
            let out = folder.path().join(name);
            let args = [
                "label",
                path.to_str().unwrap(),
                "--engine",
                "scripted:accuracy=1",
                "-o",
                out.to_str().unwrap(),
                "--write",
                layout,
            ];
            assert!(rrm(args).status.success());
            let columns = rrm::dataset::first_columns(&out).unwrap();
            let options = rrm::dataset::ReadOptions::default();
            // Layouts of pairs are read back as pairs; of the others the columns are compared.
            let items: Vec<_> = match layout {
                "dpo" | "reward" | "text" => rrm::dataset::read(&out, &options).unwrap().map(Result::unwrap).collect(),
                _ => Vec::new(),
            };
            (columns, items)
        };
        assert_eq!(read("out.parquet"), read("twin.jsonl"), "{layout}");
    }
}

#[test]
fn responses_of_one_text_are_never_a_pair() {
    let row = |i: usize| {
        format!("{{\"id\": \"r{i}\", \"prompt\": \"Q\", \"responses\": [\"same\", \"same\", \"same\", \"other\", \"third\"]}}\n")
    };
    let (folder, path) = file("in.jsonl", (0..60).map(row).collect::<String>());
    let out = folder.path().join("out.jsonl");
    let args =
        ["label", path.to_str().unwrap(), "--engine", "scripted:random", "--strategy", "win-rate", "--opponents", "1", "-o"];
    let output = rrm([&args[..], &[out.to_str().unwrap(), "--write", "text"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let rows = lines(&std::fs::read_to_string(&out).unwrap());
    assert!(rows.iter().all(|row| row["chosen"] != row["rejected"]));
    let dropped = lines(&std::fs::read_to_string(folder.path().join("out.jsonl.dropped.jsonl")).unwrap());
    // One text has one rating, whomever each of the three met: it is not the best and the worst of a row.
    assert_eq!((rows.len(), dropped.len()), (60, 0), "{dropped:?}");
}

#[test]
fn what_a_layout_cannot_hold_is_refused_before_anything_is_asked() {
    let row = r#"{"id": "two", "prompt": [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}], "responses": ["a", "b"]}"#;
    let (_folder, path) = file("in.jsonl", row);
    let output = rrm(["label", path.to_str().unwrap(), "--engine", "http://127.0.0.1:1", "--write", "text"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(stderr(&output), @r"
    error: row 1 (two): a prompt of 2 turns is no single text
    hint: --write dpo, kto, reward, messages and messages-kto hold conversations
    ");
    let output = rrm(["label", path.to_str().unwrap(), "--engine", "scripted:first", "--min-margin", "2"]);
    assert!(stderr(&output).contains("--min-margin must lie between 0 and 1"), "{}", stderr(&output));
}

#[test]
fn lines_go_to_stdout_without_a_file() {
    let (_folder, path) = file("in.jsonl", ROWS);
    let out = stdout(&rrm(["label", path.to_str().unwrap(), "--engine", "scripted:longer", "--write", "text", "--bare"]));
    assert_eq!(lines(&out).len(), 1);
}

#[test]
fn help_of_label_lists_its_options() {
    let help = stdout(&rrm(["label", "--help"]));
    let own = help.split("\nLabels:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    insta::assert_snapshot!(own, @r"
        --pairs <WHICH>      Which pairs become preferences: best-worst of each ranking, or all
                             matches that votes decided [default: best-worst]
        --min-margin <M>     Drop pairs whose margin, from 0 to 1, is less; docs/label.md defines it
                             [default: 0]
        --min-agreement <A>  Drop pairs for which less than this share of the votes agrees [default:
                             0]
        --write <LAYOUT>     Which columns: dpo, kto, reward, messages, messages-kto, text, text-kto;
                             docs/label.md says who reads which [default: dpo]
        --bare               Leave out the columns with the evidence: margin, agreement, votes, judge
                             and cost
    ");
}

#[test]
fn a_run_that_drops_most_pairs_says_what_keeps_them() {
    let rows: String =
        (0..20).map(|i| format!("{{\"prompt\": \"{i}\", \"responses\": [\"a\", \"bb\", \"ccc\", \"dddd\"]}}\n")).collect();
    let (_folder, path) = file("rows.jsonl", rows);
    let said = |engine: &str, more: &[&str]| {
        stderr(&rrm([&["label", path.to_str().unwrap(), "--engine", engine, "--store", "none"], more].concat()))
    };
    let both = ["--votes", "4", "--both-orders"];
    for (engine, more, expected) in [
        ("scripted:random", &["--votes", "3", "--min-margin", "1"][..], "a smaller --min-margin (it is 1) keeps more of them"),
        ("scripted:random", &["--votes", "5", "--min-agreement", "1"], "a smaller --min-agreement (it is 1) keeps more of them"),
        ("scripted:first", &both, "`--strategy bradley-terry --opponents 4` needs no single match"),
        (
            "scripted:first",
            &[&both[..], &["--strategy", "win-rate"]].concat(),
            "an odd number of --votes leaves fewer matches even",
        ),
    ] {
        let said = said(engine, more);
        assert!(said.contains("note: most pairs were dropped") && said.contains(expected), "{engine} {more:?}: {said}");
    }
    for (engine, more) in [("scripted:longer", &[][..]), ("scripted:silent", &[])] {
        let said = said(engine, more);
        assert!(!said.contains("most pairs were dropped"), "{engine}: {said}");
    }
}
