//! Several processes on one store, and processes that are killed.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Lines, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Barrier,
};

use rrm::store::{Store, stats};
use tempfile::tempdir;

use crate::store::{assert_holds, completion, key, origin};

/// Tasks of a child that put at the same time.
const TASKS: usize = 32;

/// The body of a child process: puts completions from a number on, and prints the number of each that was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs as a child of the other tests of this file"]
async fn child() {
    let numbers = |name| std::env::var(name).ok().map(|value: String| value.parse::<usize>().unwrap());
    let Ok(path) = std::env::var("RRM_TEST_STORE") else { return };
    let (start, end) = (numbers("RRM_TEST_START").unwrap(), numbers("RRM_TEST_END").unwrap());
    let store = Store::open(path).unwrap();
    let tasks = (0..TASKS).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            for i in (start + task..end).step_by(TASKS) {
                assert_eq!(store.put(key(i), origin("judge", i), completion(i)).await.unwrap(), completion(i));
                writeln!(std::io::stdout(), "\nstored {i}").unwrap();
            }
        })
    });
    futures::future::try_join_all(tasks).await.unwrap();
}

fn start_child(path: &Path, range: std::ops::Range<usize>) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store_processes::child", "--ignored", "--nocapture", "--test-threads=1"])
        .current_dir(path.parent().unwrap())
        .env("RRM_TEST_STORE", path.file_name().unwrap())
        .env("RRM_TEST_START", range.start.to_string())
        .env("RRM_TEST_END", range.end.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

fn acknowledged(line: std::io::Result<String>) -> Option<usize> {
    line.ok()?.strip_prefix("stored ")?.parse().ok()
}

#[test]
fn a_killed_process_loses_nothing_that_was_acknowledged() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store.db");
    let mut stored = HashSet::new();
    for round in 0..8 {
        let start = round * 1_000_000;
        let (mut child, lines) = start_child(&path, start..start + 1_000_000);
        let mut numbers = lines.filter_map(acknowledged);
        // Later and later, so that kills hit the first commits as well as the first emptying of the log.
        stored.extend(numbers.by_ref().take(1 + round * round * 40));
        child.kill().unwrap();
        stored.extend(numbers);
        assert!(!child.wait().unwrap().success());

        let store = Store::open(&path).unwrap();
        for i in &stored {
            assert_eq!(store.get(key(*i)).unwrap(), Some(completion(*i)), "completion {i} after kill {round}");
        }
    }
    assert!(stats(&path).unwrap().completions >= stored.len() as u64);
    let check = rusqlite::Connection::open(&path).unwrap();
    let check: String = check.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

#[test]
fn two_processes_write_to_one_store() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store.db");
    // Half of the keys are put by both.
    let mut children = [start_child(&path, 0..600), start_child(&path, 300..900)];
    for (child, lines) in &mut children {
        assert_eq!(lines.filter_map(acknowledged).count(), 600);
        assert!(child.wait().unwrap().success());
    }
    assert_holds(&path, 0..900);
}

#[test]
fn names_that_mean_something_to_sqlite_are_names() {
    let directory = tempdir().unwrap();
    for name in [":memory:", "file:store.db?mode=memory"] {
        let path = directory.path().join(name);
        let (mut child, lines) = start_child(&path, 0..3);
        assert_eq!(lines.filter_map(acknowledged).count(), 3);
        child.wait().unwrap();
        assert_holds(&path, 0..3);
    }
}

#[test]
fn many_may_create_a_store_at_once() {
    for _ in 0..10 {
        let directory = tempdir().unwrap();
        let path = directory.path().join("store.db");
        let barrier = Barrier::new(8);
        let open = || {
            barrier.wait();
            Store::open(&path).map(|_| ())
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), Ok(())));
        });
    }
}
