//! Judges that say nothing, half of the time something, nonsense, or both labels, through every command that judges: exit code, screen, file.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    faulty_server::{FaultyServer, model::Said, well},
    file, rrm, stderr, stdout,
};

/// What a judge writes, and what that counts as.
const WORDLESS: [(&str, &str); 3] = [
    ("scripted:silent", "no_verdict"),
    ("scripted:text=lorem ipsum dolor sit amet", "no_verdict"),
    ("scripted:text=It is \\boxed{Assistant 1 or Assistant 2}.", "ambiguous"),
];
const HALF: &str = "scripted:silent=0.5";
const STRATEGIES: [&str; 4] = ["knockout", "elo", "bradley-terry", "win-rate"];

/// Rows of four responses of different lengths, of which the longest is right.
fn rows(n: usize, responses: usize) -> String {
    let response = |i: usize| json!({"text": "x".repeat(i + 1), "correct": i + 1 == responses});
    let row = |r: usize| json!({"id": format!("r{r}"), "prompt": format!("Q{r}"), "responses": (0..responses).map(response).collect::<Vec<_>>()});
    (0..n).map(|r| format!("{}\n", row(r))).collect()
}

fn pairs(n: usize, subset: &str) -> String {
    let row = |r: usize| json!({"id": format!("p{r}"), "prompt": format!("Q{r}"), "chosen": "yes, it is", "rejected": "no", "subset": subset});
    (0..n).map(|r| format!("{}\n", row(r))).collect()
}

/// Exit code, stderr, and the file that was written.
fn run(command: &[&str], input: &Path, more: &[&str]) -> (i32, String, String) {
    let out = input.with_extension("out.jsonl");
    std::fs::remove_file(&out).ok();
    let named = [input.to_str().unwrap()];
    let input: &[&str] = if command[0] == "eval" || command[0] == "tune" { &["--data", named[0]] } else { &named };
    let output = rrm([command, input, &["--store", "none", "-o", out.to_str().unwrap()], more].concat());
    let written = std::fs::read_to_string(&out).unwrap_or_default();
    (output.status.code().unwrap(), stderr(&output) + &String::from_utf8_lossy(&output.stdout), written)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn stats(input: &Path) -> Value {
    let path = input.with_extension("out.jsonl.stats.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_run_without_any_verdict_is_no_success_and_its_rows_have_no_rank() {
    let (_folder, path) = file("in.jsonl", rows(6, 4));
    for (engine, reason) in WORDLESS {
        for strategy in STRATEGIES {
            let (code, said, written) = run(&["rank", "--strategy", strategy], &path, &["--engine", engine]);
            let votes = if strategy == "knockout" { 18 } else { 36 };
            assert_eq!(code, 1, "{engine} {strategy}: {said}");
            let error = format!(
                "error: {votes} of {votes} votes gave no verdict ({reason} {votes}); nothing was decided, and no row has an order\nhint: does the judge answer"
            );
            assert!(said.contains(&error), "{engine} {strategy}: {said}");
            assert!(!said.contains("note:"), "it is said twice: {said}");
            for row in lines(&written) {
                assert_eq!((&row["order"], &row["coins"]), (&Value::Null, &json!(0)), "{row}");
                assert_eq!((&row["ranks"], &row["scores"]), (&json!([null, null, null, null]), &json!([null, null, null, null])));
                assert!(row["matches"].as_array().unwrap().iter().all(|m| m["winner"].is_null() && m["decided_by"] == "nothing"));
            }
            let counted = &stats(&path)["verdicts"];
            let expected = json!({"votes": votes, "abstained": {reason: votes}, "matches": votes, "decided": 0, "coins": 0, "undecided": votes,
                "without_verdict": votes, "rows_without_place": 6, "rows_disconnected": 0});
            assert_eq!(counted, &expected);
        }
    }
}

#[test]
fn judging_labelling_evaluating_picking_and_tuning_say_that_nothing_was_decided() {
    let (_folder, two) = file("two.jsonl", rows(6, 2));
    let (_folder, four) = file("four.jsonl", rows(6, 4));
    let (_folder, labelled) = file("labelled.jsonl", pairs(6, "a"));
    let (_folder, bench) = file("filtered.jsonl", pairs(6, "xstest-should-respond"));
    for (engine, reason) in WORDLESS {
        let engine = ["--engine", engine];
        let (code, said, written) = run(&["judge"], &two, &engine);
        assert!(
            code == 1 && said.contains(&format!("error: 6 of 6 votes gave no verdict ({reason} 6); nothing was decided\n")),
            "{said}"
        );
        assert!(lines(&written).iter().all(|row| row["verdict"] == "undecided" && row["scores"] == json!([null, null])));
        for strategy in STRATEGIES {
            for pairs in ["best-worst", "all"] {
                let (code, said, written) = run(&["label", "--strategy", strategy, "--pairs", pairs], &four, &engine);
                assert!(code == 1 && said.contains("nothing was decided, and there are no preferences"), "{said}");
                assert!(written.is_empty() && stats(&four)["verdicts"]["decided"] == 0, "{written}");
                let dropped = lines(&std::fs::read_to_string(four.with_extension("out.jsonl.dropped.jsonl")).unwrap());
                assert!(!dropped.is_empty() && dropped.iter().all(|row| row["reason"] == "undecided"), "{dropped:?}");
            }
        }
        // RewardBench counts a half for no verdict, and that is no score of this judge.
        for (benchmark, data) in [("pairs", &labelled), ("rewardbench", &bench)] {
            let (code, said, written) = run(&["eval", benchmark], data, &engine);
            assert!(code == 1 && said.contains("12 of 12 votes gave no verdict"), "{said}");
            assert!(
                said.contains("nothing was decided, and there is no score")
                    && said.contains("no vote gave a verdict, so there is no score")
            );
            assert!(!said.contains("50.0"), "{said}");
            let scores: Value = serde_json::from_str(&written).unwrap();
            let groups = scores["groups"].as_array().unwrap();
            assert!(groups.iter().all(|group| group["official"].is_null() && group["strict"].is_null()), "{scores}");
            let report = stdout(&rrm(["report", data.with_extension("out.jsonl").to_str().unwrap()]));
            assert!(
                report.contains("No vote that the official score counts gave a verdict") && !report.contains("50.0"),
                "{report}"
            );
        }
        let (code, said, written) = run(&["eval", "best-of"], &four, &engine);
        assert!(code == 1 && said.contains("nothing was decided, and the judge picked nothing"), "{said}");
        assert!(said.contains("6 of 6 questions have no pick by knockout at N = 4, and count as wrong"), "{said}");
        let of: Value = serde_json::from_str(&written).unwrap();
        // One response needs no judge.
        assert_eq!(of["sizes"][0]["judged"][0].get("without_pick"), None);
        assert!(
            of["sizes"][1]["judged"]
                .as_array()
                .unwrap()
                .iter()
                .all(|judged| judged["without_pick"] == 6 && judged["accuracy"]["value"] == 0.0)
        );
        let (code, said, written) = run(&["tune", "--votes", "2"], &labelled, &engine);
        assert!(code == 1 && said.contains("there is no setting to choose") && written.is_empty(), "{said}");
        assert!(!labelled.with_extension("out.jsonl.chosen.toml").exists());
    }
}

#[test]
fn a_base_judge_without_a_verdict_sifts_nothing() {
    let row = |n: usize| json!({"prompt": format!("What is {n} and {n}?"), "reference": (2 * n).to_string(), "responses": [format!("\\boxed{{{}}}", 2 * n), "\\boxed{7}"]});
    let (_folder, path) = file("questions.jsonl", (1..5).map(|n| format!("{}\n", row(n * 100))).collect::<String>());
    let more = ["--near-duplicates", "2", "--filter-votes", "2", "--filter-engine"];
    for (engine, reason) in WORDLESS {
        let (code, said, written) = run(&["pairs"], &path, &[&more[..], &[engine]].concat());
        assert!(
            code == 1 && said.contains(&format!("8 of 8 votes gave no verdict ({reason} 8); the base judge sifted nothing")),
            "{said}"
        );
        assert!(written.is_empty(), "{written}");
    }
    let (code, said, written) = run(&["pairs"], &path, &[&more[..], &[HALF]].concat());
    assert!(code == 0 && said.contains("of 8 votes gave no verdict") && !written.is_empty(), "{said}");
    assert!(stats(&path)["filter"]["verdicts"]["abstained"]["no_verdict"].as_u64() > Some(0));
}

#[test]
fn a_judge_that_speaks_half_of_the_time_ranks_and_labels_only_what_it_decided() {
    let (_folder, path) = file("in.jsonl", rows(40, 4));
    for strategy in STRATEGIES {
        let (code, said, written) = run(&["rank", "--strategy", strategy], &path, &["--engine", HALF]);
        assert_eq!(code, 0, "{said}");
        let counted = &stats(&path)["verdicts"];
        let note = format!(
            "{} of {} votes gave no verdict (no_verdict {})",
            counted["abstained"]["no_verdict"], counted["votes"], counted["undecided"]
        );
        assert!(
            said.contains(&note) && counted["coins"] == 0 && counted["without_verdict"] == counted["undecided"],
            "{said}\n{counted}"
        );
        let (mut whole, mut open) = (0, 0);
        for row in lines(&written) {
            match row["order"].as_array() {
                // Where all is known the longest is first, as the judge says whenever it speaks.
                Some(order) => {
                    whole += 1;
                    assert!(row.get("ranks").is_none() && (strategy != "knockout" || order[0] == 3), "{row}");
                }
                None => {
                    open += 1;
                    let (ranks, scores) = (row["ranks"].as_array().unwrap(), row["scores"].as_array().unwrap());
                    assert!(ranks.iter().any(Value::is_null), "{row}");
                    assert!(ranks.iter().zip(scores).all(|(rank, score)| rank.is_null() || !score.is_null()), "{row}");
                }
            }
        }
        assert!(whole > 0 && open > 0 && counted["rows_without_place"] == open, "{strategy}: {whole} {open}");
        let (code, _, written) = run(&["label", "--strategy", strategy], &path, &["--engine", HALF]);
        let labels = lines(&written);
        // Best and worst are taken of rows that have an order, and are what the judge says whenever it speaks.
        assert!(code == 0 && labels.len() <= whole && !labels.is_empty(), "{strategy}: {} of {whole}", labels.len());
        if strategy == "knockout" {
            assert!(labels.iter().all(|label| label["rrm_chosen"] == 3 && label["rrm_abstained"] == 0), "{written}");
        }
        let (code, _, written) = run(&["label", "--strategy", strategy, "--pairs", "all"], &path, &["--engine", HALF]);
        assert!(code == 0 && lines(&written).iter().all(|label| label["rrm_abstained"] == 0 && label["rrm_margin"] == 1.0));
        assert!(lines(&written).iter().all(|label| label["rrm_chosen"].as_u64() > label["rrm_rejected"].as_u64()));
    }
    let (_folder, bench) = file("filtered.jsonl", pairs(80, "hep-go") + &pairs(1, "donotanswer").replace("p0", "q"));
    let (code, said, _) = run(&["eval", "rewardbench"], &bench, &["--engine", "scripted:silent=0.9"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains(
            "donotanswer: no vote that counts officially gave a verdict; its score is what the benchmark counts for that"
        ),
        "{said}"
    );
}

#[test]
fn an_official_score_wants_a_verdict_in_the_order_that_it_counts() {
    // Of the pairs that are left the judge says something only in the order that upstream does not ask in.
    let (_folder, bench) = file("filtered.jsonl", pairs(40, "hep-go"));
    let out = bench.with_extension("out.jsonl");
    let (code, said, _) = run(&["eval", "rewardbench"], &bench, &["--engine", HALF]);
    assert!(code == 0 && !said.contains("there is no"), "{said}");
    let cases = lines(&std::fs::read_to_string(out.with_extension("jsonl.cases.jsonl")).unwrap());
    let quiet = cases.iter().filter(|case| case["decisions"][0] == "undecided" && case["decisions"][1] != "undecided");
    let quiet: Vec<String> = quiet.map(|case| case["id"].as_str().unwrap().replace("hep-go/", "")).collect();
    let rows: String = pairs(40, "hep-go")
        .lines()
        .filter(|row| quiet.iter().any(|id| row.contains(&format!("\"{id}\""))))
        .map(|row| format!("{row}\n"))
        .collect();
    assert!(rows.lines().count() > 2);
    let (_folder, few) = file("filtered.jsonl", rows);
    let (code, said, written) = run(&["eval", "rewardbench"], &few, &["--engine", HALF]);
    assert!(code == 0 && said.contains("no vote that the official score counts gave a verdict, so there is none"), "{said}");
    let scores: Value = serde_json::from_str(&written).unwrap();
    let groups = scores["groups"].as_array().unwrap();
    assert!(
        groups.iter().all(|group| group["official"].is_null() && group["strict"]["value"] == 0.0 && group["unheard"] == true),
        "{scores}"
    );
}

#[test]
fn a_bracket_is_shown_with_what_nobody_decided() {
    let (_folder, path) = file("in.jsonl", rows(1, 4));
    let out = path.with_extension("out.jsonl");
    let show = |engine: &str| {
        run(&["rank"], &path, &["--engine", engine]);
        stdout(&rrm(["show", out.to_str().unwrap(), "r0", "--input", path.to_str().unwrap(), "--brief"]))
    };
    insta::assert_snapshot!(show("scripted:silent"), @r#"
    r0  4 responses, 3 matches, 3 votes (3 abstained), 0 tokens written
       -   [0]     -  x
       -   [1]     -  xx
       -   [2]     -  xxx
       -   [3]     -  xxxx
      note: there is no order: a match had no verdict, so responses without a rank have no place

      [1] ─┐
           ├─ [-] 0:0 1 abstained ─┐
      [3] ─┘                       │
                                   ├─ [-] 0:0 1 abstained
      [2] ─┐                       │
           ├─ [-] 0:0 1 abstained ─┘
      [0] ─┘
    "#);
    insta::assert_snapshot!(show(HALF), @r#"
    r0  4 responses, 3 matches, 3 votes (1 abstained), 0 tokens written
      3.   [1]      0  xx
       -   [0]     -  x
       -   [2]     -  xxx
       -   [3]     -  xxxx
      note: there is no order: a match had no verdict, so responses without a rank have no place

      [1] ─┐
           ├─ [3] 1:0 ─────────────┐
      [3] ─┘                       │
                                   ├─ [3] 1:0
      [2] ─┐                       │
           ├─ [-] 0:0 1 abstained ─┘
      [0] ─┘
    "#);
}

#[test]
fn matches_that_leave_parts_are_told_at_the_end() {
    let (_folder, path) = file("in.jsonl", rows(1, 4));
    let more = ["--opponents", "1", "--engine", "scripted:longer"];
    let (code, said, written) = run(&["rank", "--strategy", "elo"], &path, &more);
    assert_eq!((code, &lines(&written)[0]["disconnected"]), (0, &json!(true)));
    assert!(
        said.contains(
            "note: the matches of 1 row have groups of responses with no match between them: do not compare across groups"
        ),
        "{said}"
    );
}

#[test]
fn equal_votes_are_told_and_are_no_failure() {
    let (_folder, path) = file("in.jsonl", rows(2, 4));
    let even = ["--engine", "scripted:first", "--votes", "2", "--both-orders"];
    let (code, said, written) = run(&["rank"], &path, &even);
    assert_eq!((code, &lines(&written)[0]["coins"]), (0, &json!(3)), "{said}");
    assert!(said.contains("note: 6 of 6 matches decided by a coin\n"), "{said}");
    let (code, said, written) = run(&["rank", "--strategy", "elo"], &path, &even);
    assert_eq!((code, &lines(&written)[0]["order"]), (0, &Value::Null), "{said}");
    assert!(said.contains("note: 12 of 12 matches undecided by equal votes; 2 rows without an order or a decision\n"), "{said}");
    // A run in which everything was decided says nothing.
    let (code, said, _) = run(&["rank"], &path, &["--engine", "scripted:longer"]);
    assert!(code == 0 && !said.contains("note:"), "{said}");
}

#[test]
fn texts_that_the_token_limit_cut_are_told_with_what_helps() {
    let (_folder, path) = file("in.jsonl", rows(2, 2));
    let server = FaultyServer::start(Said::default(), well());
    let (code, said, _) = run(&["judge"], &path, &["--engine", &server.url, "--max-tokens", "3"]);
    assert_eq!(code, 1);
    assert!(
        said.contains("error: 2 of 2 votes gave no verdict (truncated 2); nothing was decided\nhint: the token limit cut"),
        "{said}"
    );
}
