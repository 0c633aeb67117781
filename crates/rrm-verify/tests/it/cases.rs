//! Cases of every kind that a verifier gets wrong: small ones beside the checkout, and siblings of them here.

use std::{fs, path::Path};

use rrm_verify::Outcome;
use serde_json::Value;

use crate::{shared, told};

/// Whether a case says that its answers are the same.
fn expected(case: &Value) -> bool {
    match &case["expected"] {
        Value::Bool(same) => *same,
        Value::String(same) => same == "equal",
        other => panic!("a case without an outcome: {other}"),
    }
}

/// The cases of a file that are told otherwise, and how many there are. Where answers differ, "unequal" and "unknown" both are right.
fn misses(path: &Path) -> (usize, Vec<String>) {
    let text = fs::read_to_string(path).unwrap();
    let mut missed = Vec::new();
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let outcome = told(case["gold"].as_str().unwrap(), case["response"].as_str().unwrap());
        let missed_here = match case["expected"].as_str() {
            // A right answer that is not understood: it may be told equal later, and never unequal.
            Some("open") => outcome == Outcome::Unequal,
            Some("unequal") => outcome != Outcome::Unequal,
            Some("unknown") => !matches!(outcome, Outcome::Unknown(_)),
            _ => (outcome == Outcome::Equal) != expected(&case),
        };
        if missed_here {
            missed.push(format!("{line} -> {outcome:?}"));
        }
    }
    (text.lines().count(), missed)
}

#[test]
fn the_cases_of_every_kind_are_told_as_they_say() {
    let Some(folder) = shared("cases/verify") else { return };
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    assert_eq!(files.len(), 23);
    let all: Vec<_> = files.iter().map(|path| misses(path)).collect();
    let missed: Vec<_> = all.iter().flat_map(|(_, missed)| missed).collect();
    assert!(missed.is_empty(), "{missed:#?}");
    assert_eq!(all.iter().map(|(cases, _)| cases).sum::<usize>(), 237);
}

#[test]
fn siblings_of_the_cases_are_told_as_they_say() {
    for (name, least) in [("siblings.jsonl", 500), ("statements.jsonl", 900), ("readings.jsonl", 590)] {
        let (cases, missed) = misses(&Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/answers")).join(name));
        assert!(missed.is_empty(), "{missed:#?}");
        assert!(cases > least, "{cases}");
    }
}
