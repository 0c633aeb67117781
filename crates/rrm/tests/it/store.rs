//! Putting and getting, from one task and from many.

use std::path::Path;

use rrm::{
    address::CompletionKey,
    engine::{Completion, Finish, Usage},
    store::{Origin, Store, StoreError},
};
use tempfile::tempdir;

/// The key of test completion number `i`.
pub fn key(i: usize) -> CompletionKey {
    CompletionKey(*blake3::hash(&i.to_le_bytes()).as_bytes())
}

/// An origin that names its engine and number.
pub fn origin(engine: &str, i: usize) -> Origin {
    Origin {
        engine: engine.into(),
        fingerprint: format!("{engine}-weights"),
        format_hash: "format".into(),
        item: format!("row-{i}"),
        shown: (1, 0),
        vote: 2,
    }
}

/// Completion number `i`: every third is long enough to be compressed.
pub fn completion(i: usize) -> Completion {
    let text = format!("Completion {i} prefers the first. ").repeat(if i.is_multiple_of(3) { 100 } else { 1 });
    let usage = Usage { prompt_tokens: 100, completion_tokens: i as u64 };
    Completion {
        text,
        reasoning: i.is_multiple_of(2).then(|| "So be it.".into()),
        finish: Finish::Stop,
        elicited: i.is_multiple_of(5),
        usage,
        label_logprobs: None,
    }
}

/// Puts the completions of a range, one after the other.
pub async fn fill(path: &Path, engine: &str, range: std::ops::Range<usize>) {
    let store = Store::open(path).unwrap();
    for i in range {
        store.put(key(i), origin(engine, i), completion(i)).await.unwrap();
    }
    store.close().await.unwrap();
}

/// Asserts that exactly the completions of a range are there.
pub fn assert_holds(path: &Path, range: std::ops::Range<usize>) {
    let store = Store::open(path).unwrap();
    for i in range.clone() {
        assert_eq!(store.get(key(i)).unwrap(), Some(completion(i)), "completion {i}");
    }
    assert_eq!(rrm::store::stats(path).unwrap().completions, range.len() as u64);
}

#[tokio::test]
async fn what_was_put_is_found_again_also_by_the_next_process() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = Store::open(&path).unwrap();
    assert_eq!(store.get(key(0)).unwrap(), None);
    for i in 0..10 {
        assert_eq!(store.put(key(i), origin("judge", i), completion(i)).await.unwrap(), completion(i));
        assert_eq!(store.get(key(i)).unwrap(), Some(completion(i)));
    }
    store.close().await.unwrap();
    drop(store);
    assert_holds(&path, 0..10);
}

#[tokio::test]
async fn the_first_completion_under_a_key_stays_and_later_ones_get_it() {
    let directory = tempdir().unwrap();
    let store = Store::open(directory.path().join("store.db")).unwrap();
    store.put(key(1), origin("judge", 1), completion(1)).await.unwrap();
    assert_eq!(store.put(key(1), origin("judge", 1), completion(2)).await.unwrap(), completion(1));
    assert_eq!(store.get(key(1)).unwrap(), Some(completion(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_put_and_get_at_once() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = Store::open(&path).unwrap();
    // Every key is put by two tasks with different contents: whatever one of them got must be what all others see.
    let tasks = (0..256).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut seen = Vec::new();
            for round in 0..8 {
                let i = (task / 2) * 8 + round;
                let kept = store.put(key(i), origin("judge", i), completion(i + task % 2)).await.unwrap();
                assert_eq!(store.get(key(i)).unwrap().as_ref(), Some(&kept));
                seen.push((i, kept));
            }
            seen
        })
    });
    for (i, kept) in futures::future::try_join_all(tasks).await.unwrap().into_iter().flatten() {
        assert_eq!(store.get(key(i)).unwrap(), Some(kept));
    }
    assert_eq!(rrm::store::stats(&path).unwrap().completions, 128 * 8);
}

#[tokio::test]
async fn a_cancelled_put_is_written_all_the_same() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = Store::open(&path).unwrap();
    for i in 0..100 {
        let put = store.put(key(i), origin("judge", i), completion(i));
        // One poll hands the completion to the queue; then the future is dropped.
        assert!(futures::FutureExt::now_or_never(put).is_none_or(|put| put.is_ok()));
    }
    store.close().await.unwrap();
    assert_holds(&path, 0..100);
}

#[tokio::test]
async fn closing_leaves_one_file_and_ends_all_clones() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = Store::open(&path).unwrap();
    let clone = store.clone();
    store.put(key(0), origin("judge", 0), completion(0)).await.unwrap();
    store.close().await.unwrap();
    let closed = StoreError::Closed { path: path.clone() };
    assert_eq!(clone.put(key(1), origin("judge", 1), completion(1)).await, Err(closed.clone()));
    assert_eq!(clone.close().await, Err(closed));
    assert_eq!(clone.get(key(0)).unwrap(), Some(completion(0)));
    drop((store, clone));
    let files: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["store.db"]);
}
