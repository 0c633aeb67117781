//! `rrm tune`: what is read from stored votes, what is chosen, what is refused.

use serde_json::Value;

use crate::{file, rrm, stderr, stdout};

fn pairs(n: usize) -> String {
    let row =
        |i: usize| format!("{{\"id\":\"p{i}\",\"prompt\":\"Question {i}\",\"chosen\":\"yes {i}\",\"rejected\":\"no {i}\"}}\n");
    (0..n).map(row).collect()
}

#[test]
fn a_judge_of_known_accuracy_is_told_by_every_setting() {
    let (folder, path) = file("mine.jsonl", pairs(200));
    let out = folder.path().join("tuned.json");
    let args = [
        "tune",
        "--data",
        path.to_str().unwrap(),
        "--engine",
        "scripted:accuracy=0.7",
        "--target",
        "0.8",
        "--store",
        "none",
        "-o",
    ];
    let told = rrm([&args[..], &[out.to_str().unwrap()]].concat());
    insta::assert_snapshot!(stdout(&told), @r#"
    200 labelled pairs
    0.0% of votes without a verdict, 11.3% of decisions change when the responses are swapped

    setting                                      accuracy             95%  undecided  tokens/pair tokens/right
    1 vote, one order                                70.3      68.9..71.9        0.0            0            0
    2 votes, both orders                             49.2      47.1..51.4       42.2            0            0
    3 votes, one order                               79.0      77.1..81.1        0.0            0            0
    4 votes, both orders                             65.8      63.2..68.6       26.3            0            0
    5 votes, one order                               84.2      82.0..86.4        0.0            0            0 <- cheapest that reaches the target
    8 votes, one order                               80.0      76.2..83.5       15.5            0            0
    8 votes, both orders                             81.6      78.7..84.5       13.2            0            0
    16 votes, both orders                            93.5      89.5..96.5        5.0            0            0 <- best

    the best is right 9.3 points more often than the chosen [6.7, 12.0]
    accuracy on pairs that were not used for the choice: 84.6%
    good enough: the interval of the chosen setting lies above 80.0%; the interval does not account for choosing among 8 settings
    "#);
    let tuned: Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    let settings = tuned["settings"].as_array().unwrap();
    let accuracy = |both: bool, votes: u64| {
        let found = settings.iter().find(|s| s["setting"]["both_orders"] == both && s["setting"]["votes"] == votes).unwrap();
        found["accuracy"]["value"].as_f64().unwrap()
    };
    // Majorities of votes that are right with 0.7 each: 0.784 of three, 0.837 of five; half of the pairs' 16 votes is what each is read from.
    for (votes, expected) in [(1, 0.7), (3, 0.784), (5, 0.837)] {
        assert!((accuracy(false, votes) - expected).abs() < 0.02, "{votes}: {}", accuracy(false, votes));
    }
    // Two votes must agree.
    assert!((accuracy(true, 2) - 0.49).abs() < 0.02);
    assert_eq!(tuned["enough"]["answer"], "yes");
    let chosen = std::fs::read_to_string(folder.path().join("tuned.json.chosen.toml")).unwrap();
    // The best is 16 votes in both orders; five in one are enough for the target.
    assert!(chosen.contains("votes = 5") && chosen.contains("both-orders = false"), "{chosen}");
    // The file is one that judges read.
    let config = folder.path().join("tuned.json.chosen.toml");
    let judged = rrm(["judge".as_ref(), path.as_os_str(), "--config".as_ref(), config.as_os_str()]);
    assert!(judged.status.success(), "{}", stderr(&judged));
}

#[test]
fn a_judge_of_places_and_one_that_says_nothing_are_told_so() {
    let (_folder, path) = file("mine.jsonl", pairs(40));
    let tune = |engine: &str| {
        stdout(&rrm(["tune", "--data", path.to_str().unwrap(), "--engine", engine, "--votes", "2", "--target", "0.9"]))
    };
    let first = tune("scripted:first");
    assert!(
        first.contains("100.0% of decisions change when the responses are swapped") && first.contains("not good enough"),
        "{first}"
    );
    // What says nothing cannot be tuned.
    let silent =
        rrm(["tune", "--data", path.to_str().unwrap(), "--engine", "scripted:silent", "--votes", "2", "--target", "0.9"]);
    assert_eq!((silent.status.code(), silent.stdout.len()), (Some(1), 0));
    assert!(stderr(&silent).contains("error: 160 of 160 votes gave no verdict (no_verdict 160)"), "{}", stderr(&silent));
    let coin = tune("scripted:random");
    assert!(coin.contains("not good enough"), "{coin}");
}

#[test]
fn what_cannot_be_tuned_is_refused() {
    let (_folder, path) = file("mine.jsonl", pairs(4));
    let refused = |more: &[&str]| {
        let output = rrm([&["tune", "--data", path.to_str().unwrap()], more].concat());
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    assert!(refused(&[]).contains("--engine says whose judgments are tuned"));
    let engine = ["--engine", "scripted:first"];
    assert!(refused(&[&engine[..], &["--both-orders"]].concat()).contains("unexpected argument '--both-orders'"));
    assert!(refused(&[&engine[..], &["--target", "80"]].concat()).contains("--target must lie between 0 and 1"));
    assert!(refused(&[&engine[..], &["--budgets", "none,many"]].concat()).contains("found 'many'"));
    assert!(refused(&[&engine[..], &["--votes", "65"]].concat()).contains("between 1 and 64"));
}
