//! Files that are no stores, damaged stores, and the upkeep of good ones.

use std::{fs, path::Path};

use rrm::store::{EngineStats, Garbage, MergeReport, Store, StoreError, gc, merge, stats};
use rusqlite::Connection;
use tempfile::tempdir;

use crate::store::{assert_holds, completion, fill, key, origin};

/// What opening this file as a store says, with the directory cut out.
fn refusal(path: &Path) -> String {
    let before = fs::read(path).ok();
    let message = Store::open(path).unwrap_err().to_string();
    assert_eq!(fs::read(path).ok(), before, "a refused file is not touched");
    message.replace(&format!("{}/", path.parent().unwrap().display()), "")
}

#[tokio::test]
async fn other_files_are_refused_and_left_alone() {
    let directory = tempdir().unwrap();
    let path = |name| directory.path().join(name);
    fs::write(path("text"), "{\"id\": 1}\n".repeat(1000)).unwrap();
    Connection::open(path("other")).unwrap().execute_batch("CREATE TABLE t (a); PRAGMA user_version = 1").unwrap();
    fs::create_dir(path("directory")).unwrap();
    fill(&path("newer"), "judge", 0..1).await;
    Connection::open(path("newer")).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
    let refusals = ["text", "other", "none/store.db", "directory", "newer"].map(|name| refusal(&path(name)));
    insta::assert_snapshot!(refusals.join("\n"), @"
    text: is not a store (not an SQLite database): name another file
    other: is not a store (an SQLite database of another program): name another file
    store.db: cannot be opened or created: its directory does not exist
    directory: cannot be opened or created: it is a directory
    newer: is a store of layout 2, this version knows up to 1: use a newer rrm, or name another file
    ");
}

#[test]
fn upkeep_wants_a_store_that_is_there() {
    let directory = tempdir().unwrap();
    let (missing, empty) = (directory.path().join("missing"), directory.path().join("empty"));
    let expected = StoreError::Missing { path: missing.clone() };
    assert_eq!(stats(&missing), Err(expected.clone()));
    assert_eq!(gc(&missing, &Garbage::CreatedBefore(0)), Err(expected.clone()));
    assert_eq!(merge(directory.path().join("target"), &[&missing]), Err(expected));
    assert!(!missing.exists() && !directory.path().join("target").exists());
    fs::write(&empty, "").unwrap();
    assert!(matches!(stats(&empty), Err(StoreError::NotAStore { .. })));
}

#[tokio::test]
async fn a_damaged_store_is_reported_and_never_a_panic() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store.db");
    fill(&path, "judge", 0..300).await;
    let whole = fs::read(&path).unwrap();
    let mut reported = 0;
    for page in 0..whole.len() / 8192 {
        let mut damaged = whole.clone();
        damaged[page * 8192..(page + 1) * 8192].fill(0xA5);
        fs::write(&path, damaged).unwrap();
        let Ok(store) = Store::open(&path) else {
            reported += 1;
            continue;
        };
        let got: Result<Vec<_>, _> = (0..300).map(|i| store.get(key(i)).map(|found| (i, found))).collect();
        match got {
            Err(StoreError::Corrupt { .. }) => reported += 1,
            Err(error) => panic!("{error}"),
            Ok(found) => found.into_iter().for_each(|(i, found)| assert_eq!(found, Some(completion(i)))),
        }
        let put = store.put(key(1000), origin("judge", 1000), completion(1000)).await;
        assert!(put.is_ok() || matches!(put, Err(StoreError::Corrupt { .. })), "{put:?}");
        store.close().await.unwrap_or_default();
    }
    assert!(reported > whole.len() / 8192 / 2, "{reported}");
}

#[tokio::test]
async fn stats_count_by_engine() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store.db");
    fill(&path, "small", 0..10).await;
    fill(&path, "large", 10..13).await;
    let found = stats(&path).unwrap();
    assert_eq!((found.completions, found.prompt_tokens, found.completion_tokens), (13, 1300, (0..13).sum()));
    let engines: Vec<_> =
        found.engines.iter().map(|engine| (engine.engine.as_str(), engine.completions, engine.formats)).collect();
    assert_eq!(engines, [("large", 3, 1), ("small", 10, 1)]);
    let EngineStats { fingerprint, oldest, newest, bytes, .. } = &found.engines[0];
    assert!(fingerprint == "large-weights" && *oldest > 1_700_000_000 && newest >= oldest && *bytes > 300);
    assert!(found.bytes >= fs::metadata(&path).unwrap().len());
}

#[tokio::test]
async fn gc_drops_what_is_named_and_gives_the_space_back() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store.db");
    fill(&path, "kept", 0..50).await;
    fill(&path, "old", 50..2000).await;
    assert_eq!(gc(&path, &Garbage::Engine("nobody".into())).unwrap().dropped, 0);
    assert_eq!(gc(&path, &Garbage::CreatedBefore(1_700_000_000)).unwrap().dropped, 0);
    let report = gc(&path, &Garbage::Fingerprint("old-weights".into())).unwrap();
    assert_eq!((report.dropped, report.kept), (1950, 50));
    assert!(report.bytes_after * 4 < report.bytes_before, "{report:?}");
    assert_eq!(report.bytes_after, fs::metadata(&path).unwrap().len());
    assert_holds(&path, 0..50);
    assert_eq!(stats(&path).unwrap().engines.len(), 1);
    assert_eq!(gc(&path, &Garbage::CreatedBefore(u64::MAX)).unwrap().kept, 0);
}

#[tokio::test]
async fn gc_beside_a_running_store_harms_nobody() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = Store::open(&path).unwrap();
    store.put(key(0), origin("judge", 0), completion(0)).await.unwrap();
    assert_eq!(gc(&path, &Garbage::Engine("judge".into())).unwrap().dropped, 1);
    assert_eq!(store.get(key(0)).unwrap(), None);
    // The engine's row went with its last completion: it must come back with the next one.
    store.put(key(1), origin("judge", 1), completion(1)).await.unwrap();
    assert_eq!(stats(&path).unwrap().engines[0].engine, "judge");
}

#[tokio::test]
async fn merge_unites_and_the_first_stays() {
    let directory = tempdir().unwrap();
    let path = |name| directory.path().join(name);
    fill(&path("a"), "judge", 0..700).await;
    fill(&path("b"), "other", 600..1300).await;
    let conflicting = Store::open(path("c")).unwrap();
    conflicting.put(key(5), origin("judge", 5), completion(6)).await.unwrap();
    let report = merge(path("target"), &[path("a"), path("b"), path("c")]).unwrap();
    assert_eq!(report, MergeReport { added: 1300, present: 100, conflicts: 1 });
    assert_holds(&path("target"), 0..1300);
    let again = merge(path("target"), &[path("a"), path("target")]).unwrap();
    assert_eq!(again, MergeReport { added: 0, present: 2000, conflicts: 0 });
    assert_eq!(stats(path("target")).unwrap().engines.len(), 2);
}
