//! A scalar reward model from the command line, against a fake one; juries and figures of reports, which ask nobody.

use crate::{fake_scorer::FakeScorer, file, rrm, stderr, stdout};

/// One row of a subset, with a row of Ties on either side of the line.
const ROWS: &str = concat!(
    r#"{"id":"1","prompt":"P","chosen":["good 9"],"rejected":["bad 1","bad 2","bad 3"],"num_correct":1,"subset":"Math"}"#,
    "\n",
    r#"{"id":"2","prompt":"P","chosen":["good 3"],"rejected":["bad 1","bad 2","as bad 3"],"num_correct":1,"subset":"Math"}"#,
    "\n",
    r#"{"id":"ref:1","prompt":"P","chosen":["one 5"],"rejected":["bad 1"],"num_correct":1,"subset":"Ties"}"#,
    "\n",
    r#"{"id":"tied:1","prompt":"P","chosen":["one 5","two 4"],"rejected":["bad 1","bad 2"],"num_correct":2,"subset":"Ties"}"#,
    "\n",
);

#[test]
fn rewardbench_2_is_scored_by_its_rule_for_ratings_and_each_response_once() {
    let (folder, path) = file("train.jsonl", ROWS);
    let server = FakeScorer::start(&["classify"]);
    let engine = format!("scalar:{}", server.url);
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (store, data) = (at("store.sqlite"), path.to_str().unwrap().to_owned());
    let run = |out: &str| rrm(["eval", "rewardbench2", "--data", &data, "--engine", &engine, "--store", &store, "-o", &at(out)]);
    let output = run("one.json");
    let table = stdout(&output).replace(&server.url, "URL");
    // Math: one row right, one shared by two best ones. Ties: right throughout, by tanh(min(4, 2) / 1 - 1) of a hundredth more.
    insta::assert_snapshot!(table, @r#"
    rewardbench2 judged by a-fake-scalar-model at URL, in percent
             pairs  official         95%  strict         95%  consistent  abstained  truncated  tokens
    Math         6     75.00   19.8-97.3   50.00    9.5-90.5       100.0        0.0        0.0       0
    Ties         5    100.76  34.2-100.0  100.00  34.2-100.0       100.0        0.0        0.0       0

    overall     11     87.88   39.9-98.8   75.00   30.1-95.4       100.0        0.0        0.0       0
    overall is not the published score: without Factuality, Precise IF, Safety, Focus
    "#);
    assert!(server.scored().values().all(|times| *times == 1), "{:?}", server.scored());
    assert!(run("two.json").status.success());
    let read = |name: &str| std::fs::read_to_string(at(name)).unwrap();
    assert_eq!(read("one.json.cases.jsonl"), read("two.json.cases.jsonl"));
    assert!(read("one.json.cases.jsonl").contains(r#""scores":["#));
    assert!(read("two.json.stats.json").contains("\"calls\": 0"));
    let report = stdout(&rrm(["report", &at("one.json"), "--store", &store]));
    assert!(report.contains("the order of the two has no influence"), "{report}");
}

#[test]
fn best_of_k_of_ppe_takes_all_responses_and_says_how_scores_tell_right_from_wrong() {
    let mut row = serde_json::json!({"question_id": "q", "model_name": "m", "prompt": "P", "sampled_conflict_pairs": [[0, 1]]});
    for i in 1..=32 {
        row[format!("response_{i}")] = format!("score {i}").into();
    }
    // The four best ones are right but the second of them: of 3 x 29 pairs of a right and a wrong one two are the wrong way round.
    row["scores"] = (1..=32).map(|i| i > 28 && i != 31).collect::<Vec<bool>>().into();
    let (_folder, path) = file("PPE-MATH.jsonl", row.to_string());
    let server = FakeScorer::start(&["classify"]);
    let engine = format!("scalar:{}", server.url);
    let args = ["eval", "ppe-best-of-k", "--data", path.to_str().unwrap(), "--engine", &engine];
    let table = stdout(&rrm([&args[..], &["--store", "none"]].concat()));
    let (rows, auc) = table.rsplit_once("ROC AUC of 3 right and 29 wrong responses that were compared: ").unwrap();
    assert_eq!(auc.trim(), format!("{:.2}", 100.0 * 85.0 / 87.0));
    let last: Vec<&str> = rows.lines().last().unwrap().split_whitespace().collect();
    assert_eq!((last[0], last[3], last[4], last[6]), ("32", "9.38", "-", "100.00"));
}

#[test]
fn rows_are_judged_and_ranked_by_scores() {
    let (folder, path) = file("rows.jsonl", r#"{"id":"a","prompt":"P","responses":["it 2","it 9","it 4"]}"#);
    let server = FakeScorer::start(&["predict"]);
    let engine = format!("scalar:{}/predict", server.url);
    let args = ["rank", path.to_str().unwrap(), "--engine", &engine, "--strategy", "win-rate", "--store", "none"];
    let row: serde_json::Value = serde_json::from_str(stdout(&rrm(args)).lines().next().unwrap()).unwrap();
    assert_eq!(row["order"], serde_json::json!([1, 2, 0]));
    assert_eq!(server.scored().len(), 3);
    // What the server was asked is told of it as of any other: two probes, three responses, and the look at what it is.
    let out = folder.path().join("out.jsonl");
    stdout(&rrm([&args[..], &["-o", out.to_str().unwrap()]].concat()));
    let stats = std::fs::read(folder.path().join("out.jsonl.stats.json")).unwrap();
    let stats: serde_json::Value = serde_json::from_slice(&stats).unwrap();
    assert!(stats["http"]["requests"].as_u64().unwrap() >= 5, "{stats}");
    let output = rrm([&args[..], &["--votes", "3"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("--votes must be 1"), "{}", stderr(&output));
}

#[test]
fn a_jury_is_made_of_stored_runs_and_figures_lie_beside_the_markdown() {
    let rows: String = (0..12)
        .map(|i| {
            let (right, wrong) = if i % 3 == 0 { ("long enough", "no") } else { ("ok", "by far too long") };
            format!(
                "{{\"id\":\"{i}\",\"prompt\":\"P\",\"chosen\":\"{right}\",\"rejected\":\"{wrong}\",\"subset\":\"s{}\"}}\n",
                i % 2
            )
        })
        .collect();
    let (folder, path) = file("mine.jsonl", rows);
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let names = ["shorter", "longer", "random"].map(|rule| {
        let out = at(&format!("{rule}.json"));
        let engine = format!("scripted:{rule}");
        let output = rrm(["eval", "pairs", "--data", path.to_str().unwrap(), "--engine", &engine, "-o", &out]);
        assert!(output.status.success(), "{}", stderr(&output));
        out
    });
    let [a, b, c] = &names;
    let output = rrm(["report", a, b, c, "--jury", "-o", &at("r.md"), "-o", &at("r.json")]);
    assert!(output.status.success(), "{}", stderr(&output));
    let report = std::fs::read_to_string(at("r.md")).unwrap();
    insta::assert_snapshot!("a_report_with_a_jury", report.split("## Judges on the same pairs").nth(1).unwrap());
    assert!(std::fs::read_to_string(at("r.md.1.svg")).unwrap().starts_with("<svg"));
    let output = rrm(["report", a, b, "--jury"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no three runs"), "{}", stderr(&output));
}
