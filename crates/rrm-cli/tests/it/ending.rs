//! A server that takes no more money in the middle of a run: what was asked for before is answered, stored and counted.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use rrm::store;
use serde_json::{Value, json};

use crate::{
    command,
    faulty_server::{Fault, FaultyServer, Plan, model::Said},
    ledger::many,
    paying::probes,
    stderr,
};

/// The number before these words.
fn number(said: &str, words: &str) -> u64 {
    let before = said.split(words).next().filter(|before| before.len() < said.len()).unwrap_or_else(|| panic!("{said}"));
    before.rsplit([' ', '(']).next().unwrap().parse().unwrap_or_else(|_| panic!("{said}"))
}

#[test]
fn answers_that_come_after_a_refusal_are_stored_and_counted() {
    let inputs = tempfile::tempdir().unwrap();
    let (pairs, rows) = (many(inputs.path(), "pairs.jsonl", 60, 2), many(inputs.path(), "rows.jsonl", 12, 5));
    let known = probes(&["judge", &pairs]);
    let labelled = inputs.path().join("labelled.jsonl");
    let row = |i: usize| json!({"id": i, "prompt": format!("Q{i}"), "chosen": format!("yes {i}"), "rejected": format!("no {i}")});
    std::fs::write(&labelled, (0..40).map(|i| row(i).to_string() + "\n").collect::<String>()).unwrap();
    let labelled = labelled.to_str().unwrap();
    let commands: [&[&str]; 5] = [
        &["judge", &pairs],
        &["judge", &pairs, "--votes", "3", "--adaptive=sparing"],
        &["rank", &rows, "--strategy", "elo", "--votes", "2"],
        &["label", &rows],
        &["eval", "pairs", "--data", labelled],
    ];
    for (words, status) in commands.iter().flat_map(|words| [(words, 402), (words, 401)]) {
        let counted = AtomicU64::new(0);
        let plan: Plan = Arc::new(move |_, _| match counted.fetch_add(1, SeqCst) {
            n if n < known => Fault::None,
            n if n == known + 12 => Fault::Status(status),
            n => Fault::Late(if n < known + 8 { 5 } else { 700 }),
        });
        let server = FaultyServer::start(Said::default(), plan);
        let folder = tempfile::tempdir().unwrap();
        let (store_at, out) = (folder.path().join("store.sqlite"), folder.path().join("out.json"));
        let mut run = command();
        run.args(*words).args(["--engine", &server.url, "--concurrency", "6", "--store"]).arg(&store_at).arg("-o").arg(&out);
        let output = run.output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        let calls = number(&said, " calls (0 from the store)");
        let again = if said.contains("sent again") { number(&said, " times") } else { 0 };
        let sent = calls + again + number(&said, " more requests to identify");
        assert_eq!(sent, server.requests(), "{words:?} {status}: {said}");
        let kept = store::stats(&store_at).unwrap().completions;
        let unfinished = number(&said, " calls cancelled or failed");
        // Only the one that was refused gave no answer, and those that came late are there.
        assert_eq!((kept, unfinished), (calls - 1, 1), "{words:?} {status}: {said}");
        assert!(kept >= 12, "{words:?} {status}: {said}");
        let account: Value = serde_json::from_slice(&std::fs::read(folder.path().join("out.json.spent.json")).unwrap()).unwrap();
        let spent = |name: &str| account["spent"][name].as_u64().unwrap();
        assert_eq!((spent("calls") + spent("again") + spent("probes"), spent("unfinished")), (server.requests(), 1), "{account}");
    }
}
