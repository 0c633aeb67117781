//! A store that a version without identities wrote: what it holds is found, or said and adopted by one option.

use std::{path::Path, process::Output};

use crate::{
    command,
    faulty_server::FaultyServer,
    paying::{judge, rows, server},
    stderr,
};

/// Written by `rrm judge` of commit b2cdc56 over the eight rows of `rows`, at the server of weights 1.
const STORE: &[u8] = include_bytes!("store_without_identities.sqlite");

fn older(folder: &Path) -> String {
    std::fs::write(folder.join("store.sqlite"), STORE).unwrap();
    rows(folder, "pairs.jsonl", "r")
}

fn judged(folder: &Path, pairs: &str, server: &FaultyServer, options: &[&str]) -> Output {
    let output = judge(folder, pairs, &server.url, options);
    assert!(output.status.success(), "{}", stderr(&output));
    output
}

#[test]
fn what_an_earlier_version_stored_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = older(folder.path());
    let stats = command().args(["store", "stats"]).arg(folder.path().join("store.sqlite")).output().unwrap();
    assert!(stats.status.success(), "it can be read as it is: {}", stderr(&stats));
    let server = server(1, "judge");
    let found = judged(folder.path(), &pairs, &server, &[]);
    assert!(stderr(&found).contains("0 calls (8 from the store)"), "{}", stderr(&found));
    let asked = server.requests();
    let again = judged(folder.path(), &pairs, &server, &["--model", "judge"]);
    assert!(stderr(&again).contains("0 calls (8 from the store)"), "{}", stderr(&again));
    assert_eq!(server.requests(), asked, "it is remembered now");
}

#[test]
fn what_is_not_found_is_counted_and_adopted_by_one_option() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = older(folder.path());
    // The same weights, whose greedy answer is another today.
    let server = server(2, "judge");
    let stopped = judge(folder.path(), &pairs, &server.url, &[]);
    let said = stderr(&stopped);
    assert_eq!(stopped.status.code(), Some(1), "{said}");
    assert!(said.contains("holds 8 completions of judge under another fingerprint"), "{said}");
    assert!(said.contains("--same-weights") && said.contains("--pay-again"), "{said}");
    let adopted = judged(folder.path(), &pairs, &server, &["--same-weights"]);
    let said = stderr(&adopted);
    assert!(said.contains("8 completions under") && said.contains("0 calls (8 from the store)"), "{said}");
    let written = std::fs::read(folder.path().join("out.jsonl")).unwrap();
    let again = judged(folder.path(), &pairs, &server, &[]);
    assert!(stderr(&again).contains("0 calls (8 from the store)"), "{}", stderr(&again));
    assert_eq!(std::fs::read(folder.path().join("out.jsonl")).unwrap(), written);
    let more = judged(folder.path(), &rows(folder.path(), "more.jsonl", "s"), &server, &[]);
    assert!(stderr(&more).contains("8 calls (0 from the store)"), "{}", stderr(&more));
}
