//! Commands that ask nobody, killed while they write: nothing half-written appears, and the next run gives the same bytes.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use rrm::{keyed::KeyedRandom, store};
use serde_json::json;

use crate::{
    batches::{lines, run_batch},
    command, stderr, stdout,
};

const KILLS: u64 = 20;

/// Kills a run as soon as it has come so far; false if it ended before.
fn kill_at(mut child: Child, so_far: impl Fn(u32) -> u64, at: u64) -> bool {
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if so_far(child.id()) >= at {
            child.kill().unwrap();
            // The kill may have come after the end.
            return !child.wait().unwrap().success();
        }
        thread::yield_now();
    }
}

fn spawned(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Bytes of the file that a run writes before it appears as `out`.
fn unfinished(out: &Path, process: u32) -> u64 {
    let mut partial = out.as_os_str().to_owned();
    partial.push(format!(".{process}.partial"));
    std::fs::metadata(partial).map_or(0, |about| about.len())
}

/// Kills `run` at drawn places of the file that it writes, then lets it end; `whole` is what it writes undisturbed.
fn survives(run: impl Fn(&Path) -> Command, out: &Path, whole: &Path) {
    assert!(run(whole).output().unwrap().status.success());
    let bytes = std::fs::metadata(whole).unwrap().len();
    assert!(bytes > 1 << 20, "{bytes} bytes are too few to be killed in");
    let (mut keyed, mut hits) = (KeyedRandom::new(3, "killed", "at", &[]), 0);
    for _ in 0..KILLS {
        let at = 1 + keyed.below(bytes * 9 / 10);
        if kill_at(spawned(run(out)), |process| unfinished(out, process), at) {
            hits += 1;
            assert!(!out.exists(), "something half-written appeared under the final name");
        } else {
            std::fs::remove_file(out).unwrap();
        }
    }
    assert!(hits >= KILLS * 3 / 4, "{hits} of {KILLS} kills came while it wrote");
    let last = run(out).output().unwrap();
    assert!(last.status.success(), "{}", stderr(&last));
    assert!(std::fs::read(out).unwrap() == std::fs::read(whole).unwrap(), "a run that was killed {KILLS} times differs");
}

#[test]
fn verified_rows_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.jsonl");
    let row = |i: usize| json!({"id": i, "answer": format!("{i}/7"), "response": format!("So \\boxed{{\\frac{{{}}}{{14}}}}", 2 * i + i % 3)});
    std::fs::write(&rows, (0..20_000).map(|i| format!("{}\n", row(i))).collect::<String>()).unwrap();
    let run = |out: &Path| {
        let mut run = command();
        run.arg("verify").arg(&rows).arg("-o").arg(out);
        run
    };
    survives(run, &folder.path().join("out.jsonl"), &folder.path().join("whole.jsonl"));
}

const PAIRS: usize = 2_000;

/// `rrm judge` of many pairs that asks nobody.
fn offline(folder: &Path, name: &str, requests: &Path) -> Command {
    let rows = folder.join("pairs.jsonl");
    if !rows.exists() {
        let row = |i: usize| format!("{{\"id\":\"r{i}\",\"prompt\":\"Question {i}?\",\"responses\":[\"yes {i}\",\"no {i}\"]}}\n");
        std::fs::write(&rows, (0..PAIRS).map(row).collect::<String>()).unwrap();
    }
    let place = |end: &str| folder.join(format!("{name}.{end}"));
    let mut run = command();
    run.arg("judge").arg(rows).args(["--model", "judge", "--revision", "7", "--store"]).arg(place("sqlite"));
    run.arg("-o").arg(place("jsonl")).arg("--batch-out").arg(requests);
    run
}

#[test]
fn requests_of_a_batch_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    survives(|requests| offline(folder, "judged", requests), &folder.join("requests.jsonl"), &folder.join("whole.jsonl"));
}

#[test]
fn replies_of_a_batch_are_read_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let requests = folder.join("requests.jsonl");
    assert!(offline(folder, "killed", &requests).output().unwrap().status.success());
    let replies = folder.join("replies.jsonl");
    std::fs::write(&replies, lines(&run_batch(&requests))).unwrap();
    let place = |name: &str| -> PathBuf { folder.join(format!("{name}.sqlite")) };
    let read = |name: &str| {
        let mut read = command();
        read.args(["batch", "read"]).arg(&replies).arg("--requests").arg(&requests).arg("--store").arg(place(name));
        read
    };
    let stored = |name: &str| store::stats(place(name)).map_or(0, |stats| stats.completions);
    // Each kill comes further than the one before, since what is stored stays.
    let hits = (0..KILLS).filter(|kill| kill_at(spawned(read("killed")), |_| stored("killed"), kill * PAIRS as u64 / KILLS));
    let hits = hits.count() as u64;
    assert!(hits >= KILLS * 3 / 4, "{hits} of {KILLS} kills came while it read");
    for name in ["killed", "quiet"] {
        let told = stdout(&read(name).output().unwrap());
        assert!(told.starts_with(&format!("{PAIRS} of {PAIRS} requests are answered; 0 are left")), "{told}");
        assert!(offline(folder, name, &folder.join(format!("{name}.more.jsonl"))).output().unwrap().status.success());
    }
    let rows = |name: &str| std::fs::read(folder.join(format!("{name}.jsonl"))).unwrap();
    assert!(rows("killed") == rows("quiet"), "the rows over a store that was killed into differ");
    assert!(!folder.join("killed.more.jsonl").exists(), "something is asked for again");
}
