//! `rrm show` without an id, and `rrm diff`.

use crate::{file, rrm, stderr, stdout};

/// Rows that a judge of longer texts ranks without doubt, and one row about plants.
const ROWS: &str = r#"{"id": "one", "prompt": "Name a colour.", "responses": ["red", "yellow", "blue!"], "topic": "paint"}
{"id": "two", "prompt": "Name a plant.", "responses": ["a fern", "moss", "an oak tree"]}
{"id": "three", "prompt": "Name a river.", "responses": ["Po", "Nile", "Rhine"]}
"#;

#[test]
fn rows_and_matches_of_a_result_are_listed() {
    let (folder, path) = file("in.jsonl", ROWS);
    let out = folder.path().join("out.jsonl");
    let (path, out) = (path.to_str().unwrap(), out.to_str().unwrap());
    let ranked = rrm(["rank", path, "--engine", "scripted:longer", "--strategy", "win-rate", "--votes", "3", "-o", out]);
    assert!(ranked.status.success(), "{}", stderr(&ranked));
    insta::assert_snapshot!(stdout(&rrm(["show", out])), @"");
    insta::assert_snapshot!(stdout(&rrm(["show", out, "--input", path, "--search", "PLANT"])), @"");
    // A column of the input is in the result.
    assert!(stdout(&rrm(["show", out, "--search", "paint"])).starts_with("one "));
    let none = rrm(["show", out, "--search", "nothing like it"]);
    assert_eq!((none.status.code(), stderr(&none).contains("no row is like that")), (Some(1), true), "{}", stderr(&none));

    // A judge that is silent in one of two votes, and undecided otherwise.
    let doubtful = folder.path().join("doubtful.jsonl");
    let doubtful = doubtful.to_str().unwrap();
    let engine = ["--engine", "scripted:silent=0.4", "--strategy", "win-rate", "--votes", "5"];
    let ranked = rrm([&["rank", path, "-o", doubtful], engine.as_slice()].concat());
    assert!(ranked.status.success(), "{}", stderr(&ranked));
    let closest = stdout(&rrm(["show", doubtful, "--closest", "2"]));
    let worst = stdout(&rrm(["show", doubtful, "--worst", "9"]));
    assert_eq!((closest.lines().count(), worst.lines().count()), (2, 9));
    insta::assert_snapshot!(closest, @"");
    insta::assert_snapshot!(worst, @"");
}

#[test]
fn what_is_no_result_is_named() {
    let (folder, path) = file("in.jsonl", ROWS);
    let best = folder.path().join("best.jsonl");
    let (path, best) = (path.to_str().unwrap(), best.to_str().unwrap());
    assert!(rrm(["rank", path, "--engine", "scripted:longer", "--write", "best", "-o", best]).status.success());
    for (file, expected) in [(path, "is an input row, and no result of rrm"), (best, "as --write best and --write all write it")]
    {
        for words in [&["show", file][..], &["show", file, "one"], &["diff", file, file]] {
            let output = rrm(words);
            assert_eq!(output.status.code(), Some(1), "{words:?}");
            assert!(stderr(&output).contains(expected) && stderr(&output).contains("row 1 "), "{words:?}: {}", stderr(&output));
        }
    }
}

#[test]
fn two_results_are_compared() {
    let (folder, path) = file("in.jsonl", ROWS);
    let path = path.to_str().unwrap();
    let ranked = |name: &str, engine: &str| {
        let out = folder.path().join(name).to_str().unwrap().to_owned();
        assert!(rrm(["rank", path, "--engine", engine, "--strategy", "win-rate", "-o", &out]).status.success());
        out
    };
    let (longer, shorter) = (ranked("longer.jsonl", "scripted:longer"), ranked("shorter.jsonl", "scripted:shorter"));
    let shown = |text: String| text.replace(folder.path().to_str().unwrap(), "FOLDER");
    insta::assert_snapshot!(shown(stdout(&rrm(["diff", &longer, &longer]))), @"");
    insta::assert_snapshot!(shown(stdout(&rrm(["diff", &longer, &shorter, "--limit", "2"]))), @"");

    // Rows with the same id and other responses are not the same rows.
    let (other_folder, other) = file("in.jsonl", r#"{"id": "one", "prompt": "Q", "responses": ["red", "yellow"]}"#);
    let out = other_folder.path().join("out.jsonl");
    let out = out.to_str().unwrap();
    assert!(rrm(["rank", other.to_str().unwrap(), "--engine", "scripted:longer", "-o", out]).status.success());
    let refused = rrm(["diff", &longer, out]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("row 'one' has 3 responses in A and 2 in B"), "{}", stderr(&refused));
}
