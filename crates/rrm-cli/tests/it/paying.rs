//! What a store holds under another fingerprint is not paid for again in silence; and no secret of an address reaches a file.

use std::{path::Path, process::Output, sync::atomic::Ordering::SeqCst};

use crate::{
    command,
    faulty_server::{FaultyServer, model::Said, well},
    stderr,
};

/// A server whose weights are these.
fn server(weights: u64, model: &'static str) -> FaultyServer {
    let said = Said { models: vec![model], ..Said::default() };
    said.weights.store(weights, SeqCst);
    FaultyServer::start(said, well())
}

fn rows(folder: &Path, name: &str, prefix: &str) -> String {
    let row = |i: usize| {
        format!("{{\"id\": \"{prefix}{i}\", \"prompt\": \"Question {i}?\", \"responses\": [\"yes {i}\", \"no {i}\"]}}\n")
    };
    let path = folder.join(name);
    std::fs::write(&path, (0..8).map(row).collect::<String>()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// `rrm judge` over these rows with the one store of the folder.
fn judge(folder: &Path, rows: &str, engine: &str, more: &[&str]) -> Output {
    let mut judge = command();
    judge.args(["judge", rows, "--engine", engine, "--concurrency", "2"]).args(more);
    judge.arg("--store").arg(folder.join("store.sqlite")).arg("-o").arg(folder.join("out.jsonl"));
    judge.output().unwrap()
}

#[test]
fn a_resumed_run_does_not_pay_twice_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, pairs) = (folder.path(), rows(folder.path(), "pairs.jsonl", "r"));
    let before = server(1, "judge");
    let stopped = judge(folder, &pairs, &before.url, &["--max-calls", "5"]);
    assert_eq!(stopped.status.code(), Some(1), "{}", stderr(&stopped));

    let other = server(2, "judge");
    let again = judge(folder, &pairs, &other.url, &[]);
    let said = stderr(&again);
    assert_eq!(again.status.code(), Some(1), "{said}");
    assert!(said.contains("holds 5 completions of judge under another fingerprint"), "{said}");
    assert!(said.contains("--revision") && said.contains("--pay-again"), "{said}");
    let probes = other.requests();
    assert_eq!(judge(folder, &pairs, &other.url, &[]).status.code(), Some(1));
    assert_eq!(other.requests(), 2 * probes, "nothing but probes was asked");

    let same = judge(folder, &pairs, &before.url, &["--max-calls", "3"]);
    assert!(same.status.success(), "the fingerprint is the same: {}", stderr(&same));
    let paid = judge(folder, &pairs, &other.url, &["--pay-again"]);
    assert!(paid.status.success() && stderr(&paid).contains("8 calls (0 from the store)"), "{}", stderr(&paid));
    assert!(stderr(&paid).contains("8 completions of this model are stored under another fingerprint"), "{}", stderr(&paid));
    let named = judge(folder, &pairs, &other.url, &["--revision", "step-2"]);
    assert!(named.status.success(), "who names the weights knows: {}", stderr(&named));
}

#[test]
fn nobody_is_warned_about_rows_and_models_that_were_never_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, pairs) = (folder.path(), rows(folder.path(), "pairs.jsonl", "r"));
    let first = judge(folder, &pairs, &server(1, "judge").url, &[]);
    assert!(first.status.success() && !stderr(&first).contains("fingerprint"), "{}", stderr(&first));
    let other_model = judge(folder, &pairs, &server(2, "writer").url, &[]);
    assert!(other_model.status.success() && !stderr(&other_model).contains("fingerprint"), "{}", stderr(&other_model));
    let other_rows = judge(folder, &rows(folder, "others.jsonl", "s"), &server(3, "judge").url, &[]);
    assert!(other_rows.status.success(), "{}", stderr(&other_rows));
}

#[test]
fn what_addresses_hide_reaches_no_file_and_no_screen() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, pairs) = (folder.path(), rows(folder.path(), "pairs.jsonl", "r"));
    let server = server(1, "judge");
    let hidden = server.url.replace("http://", "http://me:hidden-word@");
    let done = judge(folder, &pairs, &hidden, &[]);
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(!stderr(&done).contains("hidden-word"));
    drop(server);
    let gone = judge(folder, &pairs, &hidden, &["--max-retries", "0", "--revision", "1"]);
    assert!(!gone.status.success() && !stderr(&gone).contains("hidden-word"), "{}", stderr(&gone));
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"hidden-word"), "{}", path.display());
    }
}
