//! The SQLite file: one thread writes, connections read.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use self::explain::explain;
use super::{FingerprintMismatch, Identity, Origin, StoreError};
use crate::{
    address::CompletionKey,
    engine::{Completion, EngineInfo},
};

mod elsewhere;
mod explain;
mod gc;
mod identity;
mod merge;
mod row;
mod schema;
mod stats;
mod writer;

pub use self::{
    elsewhere::OtherFingerprints,
    gc::{Garbage, GcReport, gc},
    identity::Identities,
    merge::{MergeReport, merge},
    stats::{EngineStats, StoreStats, stats},
};

/// Time after a failed write in which no more completions are asked for.
const TROUBLED: Duration = Duration::from_secs(5);

/// An open store. Clones share it. When the last clone is dropped, the writer finishes its queue in the background and ends.
///
/// Dropping without [`close`](Store::close) loses nothing that was acknowledged; it only leaves SQLite's log beside the file.
#[derive(Clone)]
pub struct Store(Arc<StoreState>);

struct StoreState {
    path: PathBuf,
    readers: Vec<Mutex<Connection>>,
    next_reader: AtomicUsize,
    /// Queue of the writer, or the reason why the file cannot be written.
    queue: Result<mpsc::Sender<writer::WriterCommand>, StoreError>,
    /// Completions of the same model under other fingerprints, for which nothing may be paid again without a warning.
    elsewhere: OnceLock<OtherFingerprints>,
    /// Time and error of the last failed write; `None` after a write that succeeded.
    trouble: Mutex<Option<(Instant, StoreError)>>,
}

impl Store {
    /// Opens a store, and creates the file if there is none; its directory must exist. A store that cannot be written is opened for reading, see
    /// [`read_only`](Store::read_only).
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be created, is something else, is damaged, or was written by a newer version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        match schema::open(path, schema::OpenMode::Create) {
            Ok(writing) => Self::start(path, writing),
            Err(error) if error.may_be_read() => match schema::open_immutable(path) {
                Ok(_) => Self::over(path, Err(StoreError::ReadOnly { path: path.to_owned() })),
                Err(_) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    fn start(path: &Path, writing: Connection) -> Result<Self, StoreError> {
        Self::over(path, Ok(writer::start(path.to_owned(), writing)?))
    }

    fn over(path: &Path, queue: Result<mpsc::Sender<writer::WriterCommand>, StoreError>) -> Result<Self, StoreError> {
        let threads = thread::available_parallelism().map_or(2, |threads| threads.get().clamp(2, 16));
        let readers: Result<_, _> = (0..threads).map(|_| schema::open_reader(path).map(Mutex::new)).collect();
        let shared = StoreState {
            path: path.to_owned(),
            readers: readers?,
            next_reader: AtomicUsize::new(0),
            queue,
            elsewhere: OnceLock::new(),
            trouble: Mutex::default(),
        };
        Ok(Store(Arc::new(shared)))
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Returns the reason why nothing can be stored here, if there is one. The store can still be read then.
    pub fn read_only(&self) -> Option<&StoreError> {
        self.0.queue.as_ref().err()
    }

    /// Returns the completion under this key, if one is stored.
    ///
    /// Runs on the calling thread, async or not. Takes some microseconds if the page is in memory, and one read of the disk otherwise.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read or is damaged.
    pub fn get(&self, key: CompletionKey) -> Result<Option<Completion>, StoreError> {
        read(&self.reader(), self.path(), key)
    }

    /// Returns the completions of this engine's model under fingerprints other than the engine's and those in `also`. `changes` are the engine's
    /// changes to the usual request, if its identity can be remembered.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read.
    pub fn elsewhere(
        &self,
        engine: &EngineInfo,
        also: &[String],
        changes: Option<&str>,
    ) -> Result<OtherFingerprints, StoreError> {
        elsewhere::find(&self.reader(), self.path(), engine, (also, changes)).map_err(|error| explain(self.path(), &error))
    }

    /// Sets the completions that [`paid_before`](Store::paid_before) looks at. Only the first call has an effect.
    pub fn guard(&self, elsewhere: OtherFingerprints) {
        self.0.elsewhere.set(elsewhere).ok();
    }

    /// Returns the error that forbids paying for this answer: the store holds completions about the same row, in the same format, of the same model
    /// under another fingerprint. `None` if there are none.
    pub fn paid_before(&self, origin: &Origin) -> Option<FingerprintMismatch> {
        self.0.elsewhere.get()?.about(&origin.format_hash, &origin.item)
    }

    /// Stores a completion. Returns, once it is safe on disk, the completion that the store holds under this key: the given one, or the one that was
    /// there before. A caller that goes on with the returned one gets the same results after a resume.
    ///
    /// Dropping the future does not undo this: a completion that reached the queue is written.
    ///
    /// # Errors
    /// [`StoreError`] if it was not stored, such as [`StoreError::Full`]; later calls may succeed.
    pub async fn put(&self, key: CompletionKey, origin: Origin, completion: Completion) -> Result<Completion, StoreError> {
        let (reply, answer) = oneshot::channel();
        let put = writer::PendingCompletion { key, origin, completion, reply };
        let queue = self.0.queue.as_ref().map_err(Clone::clone)?;
        queue.send(writer::WriterCommand::Put(Box::new(put))).await.map_err(|_| self.closed())?;
        let stored = answer.await.map_err(|_| self.closed())?;
        *self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner) =
            stored.as_ref().err().map(|error| (Instant::now(), error.clone()));
        stored
    }

    /// Returns the reason why nothing can be stored: the store is read-only, or a write failed in the last seconds. Callers that would pay for
    /// another completion check it first.
    pub fn trouble(&self) -> Option<StoreError> {
        if let Some(error) = self.read_only() {
            return Some(error.clone());
        }
        let trouble = self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.as_ref().filter(|(at, _)| at.elapsed() < TROUBLED).map(|(_, error)| error.clone())
    }

    /// Writes the queue and moves SQLite's log into the file. Afterwards [`put`](Store::put) fails on every clone.
    ///
    /// # Errors
    /// [`StoreError::Closed`] if the store was closed before; other errors if the log cannot be moved, which loses nothing.
    pub async fn close(&self) -> Result<(), StoreError> {
        let Ok(queue) = &self.0.queue else { return Ok(()) };
        let (reply, answer) = oneshot::channel();
        queue.send(writer::WriterCommand::Close(reply)).await.map_err(|_| self.closed())?;
        answer.await.map_err(|_| self.closed())?
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed { path: self.0.path.clone() }
    }

    /// Returns a connection that is not in use, or the next one in turn. There are as many as threads, so waiting is rare and short.
    fn reader(&self) -> MutexGuard<'_, Connection> {
        let readers = &self.0.readers;
        let turn = self.0.next_reader.fetch_add(1, Ordering::Relaxed);
        let free = (0..readers.len()).find_map(|offset| readers[(turn + offset) % readers.len()].try_lock().ok());
        // A poisoned connection is as good as any: a panic elsewhere left no transaction open.
        free.unwrap_or_else(|| readers[turn % readers.len()].lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.0.path).finish()
    }
}

fn read(connection: &Connection, path: &Path, key: CompletionKey) -> Result<Option<Completion>, StoreError> {
    let Some(body) = row::body(connection, key).map_err(|error| explain(path, &error))? else { return Ok(None) };
    let damaged = |detail| StoreError::Corrupt { path: path.to_owned(), detail: format!("completion {key}: {detail}") };
    row::unpack(&body).map(Some).map_err(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{Finish, Usage},
        keyed::KeyedRandom,
    };

    /// SQLite's limit on pages causes the same error as a full disk.
    #[tokio::test]
    async fn a_full_disk_is_reported_and_the_store_goes_on_when_there_is_room() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        let connection = schema::open(&path, schema::OpenMode::Create).unwrap();
        connection.pragma_update_and_check(None, "max_page_count", 20, |_| Ok(())).unwrap();
        let store = Store::start(&path, connection).unwrap();
        let put = |store: Store, i: u8| async move {
            // Random letters, so that compression hardly changes the size.
            let mut noise = KeyedRandom::new(u64::from(i), "text", "test", &[]);
            let text = (0..8000).map(|_| char::from(b' ' + noise.below(90) as u8)).collect();
            let completion = Completion {
                text,
                reasoning: None,
                finish: Finish::Stop,
                elicited: false,
                usage: Usage::default(),
                label_logprobs: None,
            };
            let origin = Origin {
                engine: "e".into(),
                fingerprint: "f".into(),
                format_hash: "h".into(),
                item: i.to_string(),
                shown: (0, 1),
                vote: 0,
            };
            store.put(CompletionKey([i; 32]), origin, completion).await
        };
        let full = StoreError::Full { path: path.clone() };
        let mut stored = 0;
        while put(store.clone(), stored).await.map_err(|error| assert_eq!(error, full)).is_ok() {
            stored += 1;
        }
        assert!(stored > 3, "{stored}");
        store.close().await.unwrap();

        let store = Store::open(&path).unwrap();
        put(store.clone(), stored).await.unwrap();
        for i in 0..=stored {
            assert!(store.get(CompletionKey([i; 32])).unwrap().is_some(), "completion {i}");
        }
    }
}
