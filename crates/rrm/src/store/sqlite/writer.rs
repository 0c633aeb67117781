//! A queue of completions -> transactions: the one thread that writes to a store.

use std::{
    collections::{HashMap, hash_map::Entry},
    path::{Path, PathBuf},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::{
    Origin, StoreError,
    explain::explain,
    row::{self, CompletionRow, Packer},
};
use crate::{address::CompletionKey, engine::Completion};

/// Completions that may wait for the writer. Further ones wait in their tasks, so that the memory stays bounded when the disk is slow.
const QUEUE: usize = 1024;

/// Most completions of one transaction: enough to share the cost of reaching the disk, and few enough to give other processes their turn. Further
/// ones wait for the next transaction.
const BATCH: usize = 1024;

/// A command for the writer.
pub(super) enum WriterCommand {
    Put(Box<PendingCompletion>),
    /// Finish the commands before this one, move the log into the file, and end.
    Close(oneshot::Sender<Result<(), StoreError>>),
}

/// One completion on its way to the disk.
pub(super) struct PendingCompletion {
    pub(super) key: CompletionKey,
    pub(super) origin: Origin,
    pub(super) completion: Completion,
    /// Sender of the completion that the store holds under the key, once that is safe on disk.
    pub(super) reply: oneshot::Sender<Result<Completion, StoreError>>,
}

/// Starts the writer, which ends when the queue is dropped or at a command.
pub(super) fn start(path: PathBuf, connection: Connection) -> Result<mpsc::Sender<WriterCommand>, StoreError> {
    let (queue, orders) = mpsc::channel(QUEUE);
    let failed = StoreError::Failed { path: path.clone(), detail: "no thread can be started to write".into() };
    let writer = move || run(&path, connection, orders);
    thread::Builder::new().name("rrm-store".into()).spawn(writer).map_err(|_| failed)?;
    Ok(queue)
}

fn run(path: &Path, mut connection: Connection, mut orders: mpsc::Receiver<WriterCommand>) {
    let mut packer = Packer::new();
    let mut batch = Vec::new();
    while let Some(order) = orders.blocking_recv() {
        let mut next = Some(order);
        let mut close = None;
        while let Some(order) = next {
            match order {
                WriterCommand::Put(put) => batch.push(*put),
                WriterCommand::Close(reply) => {
                    close = Some(reply);
                    break;
                }
            }
            next = if batch.len() < BATCH { orders.try_recv().ok() } else { None };
        }
        commit_and_reply(path, &mut connection, &mut packer, &mut batch);
        if let Some(reply) = close {
            // Dropping the queue tells everyone who waits in it that the store is closed.
            drop(orders);
            let _ = reply.send(finish(connection).map_err(|error| explain(path, &error)));
            return;
        }
    }
}

/// Writes and empties the batch. Every sender gets an answer after the commit, or the reason why there was none.
fn commit_and_reply(path: &Path, connection: &mut Connection, packer: &mut Packer, batch: &mut Vec<PendingCompletion>) {
    match commit(path, connection, packer, batch) {
        Ok(earlier) => {
            // A closed sender belongs to a request that was cancelled after it was paid for: its completion is kept.
            for (put, earlier) in batch.drain(..).zip(earlier) {
                let _ = put.reply.send(Ok(earlier.unwrap_or(put.completion)));
            }
        }
        Err(error) => {
            for put in batch.drain(..) {
                let _ = put.reply.send(Err(error.clone()));
            }
        }
    }
}

/// Writes the batch in one transaction. For a key that was there already, the result holds the completion that was stored before.
fn commit(
    path: &Path,
    connection: &mut Connection,
    packer: &mut Packer,
    batch: &[PendingCompletion],
) -> Result<Vec<Option<Completion>>, StoreError> {
    let explain = |error: rusqlite::Error| explain(path, &error);
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs() as i64);
    // Packing comes before the transaction, which keeps the lock short for other processes.
    let packed: Result<Vec<Vec<u8>>, _> = batch.iter().map(|put| packer.pack(&put.completion)).collect();
    let packed = packed.map_err(|error| StoreError::Failed { path: path.to_owned(), detail: error.to_string() })?;

    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(explain)?;
    // Source numbers are looked up again in each transaction, because another process may have removed one by `gc`.
    let mut sources = HashMap::new();
    let mut earlier = Vec::with_capacity(batch.len());
    for (put, body) in batch.iter().zip(packed) {
        let Origin { engine, fingerprint, format_hash, item, shown, vote } = &put.origin;
        let source = match sources.entry((engine, fingerprint, format_hash)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(row::source_id(&transaction, engine, fingerprint, format_hash).map_err(explain)?),
        };
        let row = CompletionRow {
            key: put.key,
            source,
            created,
            prompt_tokens: signed(put.completion.usage.prompt_tokens),
            completion_tokens: signed(put.completion.usage.completion_tokens),
            item: item.clone(),
            shown: (signed(shown.0 as u64), signed(shown.1 as u64)),
            vote: i64::from(*vote),
            body,
        };
        let written = row::insert(&transaction, &row).map_err(explain)?;
        earlier.push(if written { None } else { super::read(&transaction, path, put.key)? });
    }
    transaction.commit().map_err(explain)?;
    Ok(earlier)
}

/// SQLite has only signed numbers; a larger number is no count of tokens.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Moves the log into the file, so that the file alone is the store. A reader of another process may prevent that, which does no harm.
fn finish(connection: Connection) -> Result<(), rusqlite::Error> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)
}
