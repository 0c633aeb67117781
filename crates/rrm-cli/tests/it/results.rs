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
    insta::assert_snapshot!(stdout(&rrm(["show", out])), @r#"
    one               best [1]      score 1.00, next 0.50  9 votes
    two               best [2]      score 1.00, next 0.50  9 votes
    three             best [2]      score 1.00, next 0.50  9 votes
    "#);
    insta::assert_snapshot!(stdout(&rrm(["show", out, "--input", path, "--search", "PLANT"])), @"two               best [2]      score 1.00, next 0.50  9 votes  an oak tree");
    // A column of the input is in the result.
    assert!(stdout(&rrm(["show", out, "--search", "paint"])).starts_with("one "));
    let none = rrm(["show", out, "--search", "nothing like it"]);
    assert_eq!(
        (none.status.code(), stderr(&none).contains("no id and no column of a row holds 'nothing like it'")),
        (Some(1), true),
        "{}",
        stderr(&none)
    );

    let spoken = rrm(["show", out, "--worst", "3"]);
    assert_eq!(
        (spoken.status.code(), stderr(&spoken).contains("every vote has a verdict")),
        (Some(1), true),
        "{}",
        stderr(&spoken)
    );
    assert_eq!(rrm(["show", out, "--closest", "0"]).status.code(), Some(2));
    let listed = |name: &str, engine: &str, option: &str, most: &str| {
        let out = folder.path().join(name).to_str().unwrap().to_owned();
        let ranked = rrm(["rank", path, "--engine", engine, "--strategy", "win-rate", "--votes", "5", "-o", &out]);
        assert!(ranked.status.success(), "{}", stderr(&ranked));
        stdout(&rrm(["show", &out, option, most]))
    };
    insta::assert_snapshot!(listed("random.jsonl", "scripted:random", "--closest", "20"), @r#"
    one               round 1  [0] and [2]  [0] won  3:2
    two               round 1  [0] and [1]  [0] won  3:2
    three             round 1  [0] and [1]  [1] won  3:2
    three             round 1  [1] and [2]  [1] won  3:2
    one               round 1  [0] and [1]  [1] won  4:1
    one               round 1  [1] and [2]  [2] won  4:1
    two               round 1  [0] and [2]  [2] won  4:1
    two               round 1  [1] and [2]  [1] won  4:1
    three             round 1  [0] and [2]  [2] won  5:0
    "#);
    assert_eq!(listed("random.jsonl", "scripted:random", "--closest", "2").lines().count(), 2);
    insta::assert_snapshot!(listed("silent.jsonl", "scripted:silent=0.4", "--worst", "20"), @r#"
    one               round 1  [1] and [2]  [1] won  1:0 4 abstained
    one               round 1  [0] and [2]  [2] won  2:0 3 abstained
    two               round 1  [0] and [1]  [0] won  2:0 3 abstained
    three             round 1  [0] and [1]  [1] won  3:0 2 abstained
    three             round 1  [1] and [2]  [2] won  3:0 2 abstained
    one               round 1  [0] and [1]  [1] won  4:0 1 abstained
    two               round 1  [0] and [2]  [2] won  4:0 1 abstained
    two               round 1  [1] and [2]  [2] won  4:0 1 abstained
    "#);
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
    insta::assert_snapshot!(shown(stdout(&rrm(["diff", &longer, &longer]))), @r#"
    A  FOLDER/longer.jsonl: 3 rows
    B  FOLDER/longer.jsonl: 3 rows
    3 rows have a result in both
    same best response in 3 of 3 rows: 100.0% [43.9, 100.0]
    Kendall's tau-b of the places, mean of 3 rows: 1.000
    "#);
    insta::assert_snapshot!(shown(stdout(&rrm(["diff", &longer, &shorter, "--limit", "2"]))), @r#"
    A  FOLDER/longer.jsonl: 3 rows
    B  FOLDER/shorter.jsonl: 3 rows
    3 rows have a result in both
    same best response in 0 of 3 rows: 0.0% [0.0, 56.1]
    Kendall's tau-b of the places, mean of 3 rows: -1.000

    rows with different best responses:
      one               A [1]     B [0]     tau-b -1.00
      two               A [2]     B [1]     tau-b -1.00
      ... and 1 more (--limit)
    "#);

    // A row whose responses are equal was put to nobody, so it is no agreement.
    let (equal_folder, equal) =
        file("in.jsonl", ROWS.to_owned() + r#"{"id": "four", "prompt": "Q", "responses": ["same", "same", "same"]}"#);
    let ranked_equal = |name: &str, engine: &str| {
        let out = equal_folder.path().join(name).to_str().unwrap().to_owned();
        assert!(rrm(["rank", equal.to_str().unwrap(), "--engine", engine, "--strategy", "elo", "-o", &out]).status.success());
        out
    };
    let (one, two) = (ranked_equal("one.jsonl", "scripted:longer"), ranked_equal("two.jsonl", "scripted:shorter"));
    let told = stdout(&rrm(["diff", &one, &two]));
    assert!(
        told.contains("4 rows have a result in both\n1 of them are not compared") && told.contains("in 0 of 3 rows"),
        "{told}"
    );
    assert!(
        stdout(&rrm(["show", &one])).contains("four              best [0][1][2] equally"),
        "{}",
        stdout(&rrm(["show", &one]))
    );

    // An id twice is refused: which row is meant?
    let twice = folder.path().join("twice.jsonl");
    let text = std::fs::read_to_string(&longer).unwrap();
    std::fs::write(&twice, text.clone() + text.lines().next().unwrap() + "\n").unwrap();
    let twice = twice.to_str().unwrap();
    for words in [["diff", twice, &longer], ["diff", &longer, twice]] {
        let output = rrm(words);
        let told = stderr(&output);
        assert!(
            output.status.code() == Some(1) && told.contains("the id 'one' is in ") && told.contains("more than once"),
            "{told}"
        );
    }

    // Rows with the same id and other responses are not the same rows.
    let (other_folder, other) = file("in.jsonl", r#"{"id": "one", "prompt": "Q", "responses": ["red", "yellow"]}"#);
    let out = other_folder.path().join("out.jsonl");
    let out = out.to_str().unwrap();
    assert!(rrm(["rank", other.to_str().unwrap(), "--engine", "scripted:longer", "-o", out]).status.success());
    let refused = rrm(["diff", &longer, out]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("row 'one' has 3 responses in A and 2 in B"), "{}", stderr(&refused));
}
