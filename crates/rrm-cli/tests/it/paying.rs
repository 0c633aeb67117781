//! What a store holds under another fingerprint is not paid for again in silence; and no secret of an address reaches a file.

use std::{path::Path, process::Output, sync::atomic::Ordering::SeqCst};

use crate::{
    command,
    faulty_server::{FaultyServer, model::Said, well},
    stderr,
};

/// Requests that find out who judges, where nobody remembers it.
pub fn probes(command_of: &[&str]) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let (server, out) = (FaultyServer::start(Said::default(), well()), folder.path().join("out.json"));
    let mut asks = command();
    asks.args(command_of).args(["--engine", &server.url, "--store"]).arg(folder.path().join("store.sqlite")).arg("-o").arg(&out);
    let output = asks.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let stats: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("out.json.stats.json")).unwrap()).unwrap();
    let probes = stats["spent"]["probes"].as_u64().unwrap();
    assert!(probes > 5, "{stats}");
    probes
}

/// A server whose weights are these.
pub fn server(weights: u64, model: &'static str) -> FaultyServer {
    let said = Said { models: vec![model], ..Said::default() };
    said.weights.store(weights, SeqCst);
    FaultyServer::start(said, well())
}

pub fn rows(folder: &Path, name: &str, prefix: &str) -> String {
    let row = |i: usize| {
        format!("{{\"id\": \"{prefix}{i}\", \"prompt\": \"Question {i}?\", \"responses\": [\"yes {i}\", \"no {i}\"]}}\n")
    };
    let path = folder.join(name);
    std::fs::write(&path, (0..8).map(row).collect::<String>()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// `rrm judge` over these rows with the one store of the folder.
pub fn judge(folder: &Path, rows: &str, engine: &str, more: &[&str]) -> Output {
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
    let most = (probes(&["judge", &pairs]) + 5).to_string();
    let stopped = judge(folder, &pairs, &before.url, &["--max-calls", &most]);
    assert_eq!(stopped.status.code(), Some(1), "{}", stderr(&stopped));

    let other = server(2, "judge");
    let again = judge(folder, &pairs, &other.url, &[]);
    let said = stderr(&again);
    assert_eq!(again.status.code(), Some(1), "{said}");
    assert!(said.contains("remembers judge since 2") && said.contains("holds 5 completions of it"), "{said}");
    assert!(said.contains("--revision NAME") && said.contains("--same-weights"), "{said}");
    let probes = other.requests();
    assert_eq!(judge(folder, &pairs, &other.url, &[]).status.code(), Some(1));
    assert_eq!(other.requests(), 2 * probes, "nothing but probes was asked");

    // Three that make sure of who answers, and three that are left.
    let same = judge(folder, &pairs, &before.url, &["--max-calls", "6"]);
    assert!(same.status.success(), "the fingerprint is the same: {}", stderr(&same));
    let paid = judge(folder, &pairs, &other.url, &["--pay-again"]);
    assert!(paid.status.success() && stderr(&paid).contains("8 calls (0 from the store)"), "{}", stderr(&paid));
    assert!(stderr(&paid).contains("8 completions of this model are stored under another fingerprint"), "{}", stderr(&paid));
    let named = judge(folder, &pairs, &other.url, &["--revision", "step-2"]);
    assert!(named.status.success(), "who names the weights knows: {}", stderr(&named));
}

/// The lists of models and the completions that were asked for.
fn asked(server: &FaultyServer) -> (u64, u64) {
    (server.said().counter.load(SeqCst), server.requests())
}

#[test]
fn a_run_that_the_store_answers_asks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, pairs) = (folder.path(), rows(folder.path(), "pairs.jsonl", "r"));
    let server = server(1, "judge");
    let named = ["--model", "judge"];
    let budget = ["--model", "judge", "--max-thinking-tokens", "200"];
    let declared = ["--model", "judge", "--revision", "7"];
    for options in [&named[..], &budget, &declared] {
        let first = judge(folder, &pairs, &server.url, options);
        assert!(first.status.success(), "{}", stderr(&first));
        let (written, before) = (std::fs::read(folder.join("out.jsonl")).unwrap(), asked(&server));
        let again = judge(folder, &pairs, &server.url, options);
        assert!(again.status.success() && stderr(&again).contains("0 calls (8 from the store)"), "{}", stderr(&again));
        assert_eq!(asked(&server), before, "{options:?}");
        assert_eq!(std::fs::read(folder.join("out.jsonl")).unwrap(), written, "{options:?}");
    }
    let before = asked(&server);
    let again = judge(folder, &pairs, &server.url, &[]);
    assert!(again.status.success() && stderr(&again).contains("was not asked who it is"), "{}", stderr(&again));
    assert_eq!(asked(&server), (before.0 + 1, before.1), "only which models there are");
    let url = server.url.clone();
    drop(server);
    let alone = judge(folder, &pairs, &url, &["--model", "judge"]);
    assert!(alone.status.success(), "nobody has to be there: {}", stderr(&alone));
}

#[test]
fn the_same_weights_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, pairs) = (folder.path(), rows(folder.path(), "pairs.jsonl", "r"));
    let before = server(1, "judge");
    let most = (probes(&["judge", &pairs]) + 5).to_string();
    judge(folder, &pairs, &before.url, &["--max-calls", &most]);
    let after = server(2, "judge");
    let same = judge(folder, &pairs, &after.url, &["--same-weights"]);
    assert!(same.status.success() && stderr(&same).contains("3 calls (5 from the store)"), "{}", stderr(&same));
    let more = judge(folder, &rows(folder, "more.jsonl", "s"), &after.url, &[]);
    assert!(more.status.success(), "once is enough: {}", stderr(&more));
    let both = judge(folder, &pairs, &after.url, &["--same-weights", "--pay-again"]);
    assert!(stderr(&both).contains("cannot be used with"), "{}", stderr(&both));
}

#[test]
fn merged_stores_remember_what_each_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, pairs) = (folder.path(), rows(folder.path(), "pairs.jsonl", "r"));
    let (one, other) = (server(1, "judge"), server(1, "judge"));
    for (server, part) in [(&one, "1/2"), (&other, "2/2")] {
        let part = judge(folder, &pairs, &server.url, &["--shard", part]);
        assert!(part.status.success(), "{}", stderr(&part));
        let name = format!("{}.sqlite", server.url.rsplit(':').next().unwrap());
        std::fs::rename(folder.join("store.sqlite"), folder.join(name)).unwrap();
    }
    let parts = [&one, &other].map(|server| folder.join(format!("{}.sqlite", server.url.rsplit(':').next().unwrap())));
    let merged = command().args(["store", "merge"]).arg(folder.join("store.sqlite")).args(&parts).output().unwrap();
    assert!(merged.status.success(), "{}", stderr(&merged));
    let before = asked(&one);
    let all = judge(folder, &pairs, &one.url, &["--model", "judge"]);
    assert!(all.status.success() && stderr(&all).contains("0 calls (8 from the store)"), "{}", stderr(&all));
    assert_eq!(asked(&one), before);
    let stats = command().args(["store", "stats"]).arg(folder.join("store.sqlite")).output().unwrap();
    let stats = String::from_utf8(stats.stdout).unwrap();
    assert_eq!(stats.matches("judge: one greedy answer").count(), 1, "{stats}");
}

#[test]
fn parts_that_knew_the_same_weights_by_other_answers_become_one() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, pairs) = (folder.path(), rows(folder.path(), "pairs.jsonl", "r"));
    let (idle, busy) = (server(1, "judge"), server(1, "judge"));
    // What it is asked first is computed beside other people's requests.
    busy.said().load.store(3, SeqCst);
    for (server, part) in [(&idle, "1/2"), (&busy, "2/2")] {
        let done = judge(folder, &pairs, &server.url, &["--shard", part]);
        assert!(done.status.success(), "{}", stderr(&done));
        std::fs::rename(folder.join("store.sqlite"), folder.join(part.replace('/', "of"))).unwrap();
    }
    let parts = ["1of2", "2of2"].map(|part| folder.join(part));
    let merged = command().args(["store", "merge"]).arg(folder.join("store.sqlite")).args(&parts).output().unwrap();
    assert!(merged.status.success(), "{}", stderr(&merged));
    let stopped = judge(folder, &pairs, &idle.url, &[]);
    assert_eq!(stopped.status.code(), Some(1), "{}", stderr(&stopped));
    assert!(stderr(&stopped).contains("holds 4 completions of judge under another fingerprint"), "{}", stderr(&stopped));
    let same = judge(folder, &pairs, &idle.url, &["--same-weights"]);
    assert!(same.status.success() && stderr(&same).contains("0 calls (8 from the store)"), "{}", stderr(&same));
    let before = asked(&idle);
    let again = judge(folder, &pairs, &idle.url, &["--model", "judge"]);
    assert!(again.status.success() && stderr(&again).contains("0 calls (8 from the store)"), "{}", stderr(&again));
    assert_eq!(asked(&idle), before, "there is one of the name");
}

#[test]
fn nobody_is_warned_about_models_that_were_never_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, pairs) = (folder.path(), rows(folder.path(), "pairs.jsonl", "r"));
    let first = judge(folder, &pairs, &server(1, "judge").url, &[]);
    assert!(first.status.success() && !stderr(&first).contains("fingerprint"), "{}", stderr(&first));
    let other_model = judge(folder, &pairs, &server(2, "writer").url, &[]);
    assert!(other_model.status.success() && !stderr(&other_model).contains("fingerprint"), "{}", stderr(&other_model));
    // Who answers otherwise under a name that is known is told, whatever the rows.
    let other_rows = judge(folder, &rows(folder, "others.jsonl", "s"), &server(3, "judge").url, &[]);
    assert!(stderr(&other_rows).contains("Nothing was paid for"), "{}", stderr(&other_rows));
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

#[test]
fn weights_that_were_named_and_requests_with_other_fields_are_no_second_bill() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, pairs) = (folder.path(), rows(folder.path(), "pairs.jsonl", "r"));
    let (server, other) = (server(1, "judge"), server(2, "judge"));
    let said = |output: &Output| {
        assert!(output.status.success(), "{}", stderr(output));
        stderr(output)
    };
    said(&judge(folder, &pairs, &server.url, &[]));
    assert!(said(&judge(folder, &pairs, &other.url, &["--revision", "z"])).contains("8 calls"));
    // Back to the first, for more votes: its own completions are found, and the others are meant to be others.
    assert!(said(&judge(folder, &pairs, &server.url, &["--votes", "2"])).contains("8 calls (8 from the store)"));
    assert!(said(&judge(folder, &pairs, &server.url, &["--request-field", "reasoning_effort=high"])).contains("8 calls (0 "));
    assert!(said(&judge(folder, &pairs, &server.url, &["--votes", "3"])).contains("8 calls (16 from the store)"));
    // Who named the weights from the beginning and forgets to is told.
    let fresh = folder.join("fresh");
    std::fs::create_dir(&fresh).unwrap();
    said(&judge(&fresh, &pairs, &server.url, &["--revision", "r"]));
    let forgotten = judge(&fresh, &pairs, &server.url, &[]);
    assert_eq!(forgotten.status.code(), Some(1), "{}", stderr(&forgotten));
    assert!(stderr(&forgotten).contains("under another fingerprint"), "{}", stderr(&forgotten));
}
