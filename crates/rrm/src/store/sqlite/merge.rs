//! Several stores -> one: the union of their completions.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior, params};
use serde::Serialize;

use super::{
    StoreError,
    explain::explain,
    identity,
    row::{self, CompletionRow},
    schema,
};
use crate::address::CompletionKey;

/// Rows of one transaction, and rows in memory at once. Other processes can write between two transactions.
const STEP: usize = 500;

/// The result of [`merge`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MergeReport {
    /// Completions that are new in the target.
    pub added: u64,
    /// Completions that the target held already.
    pub present: u64,
    /// Completions whose key the target holds with another content, which it keeps.
    pub conflicts: u64,
}

/// Adds all completions of some stores, in their order, to another store, which is created if need be. Of two completions with the same key the first
/// stays. Identities are joined. The memory does not depend on the size of the stores.
///
/// # Errors
/// [`StoreError`] with the file at fault. Completions that were added until then stay, and another merge continues from there.
pub fn merge(into: impl AsRef<Path>, from: &[impl AsRef<Path>]) -> Result<MergeReport, StoreError> {
    let into = into.as_ref();
    // All are opened before anything is written, so that a wrong name changes nothing.
    let sources: Result<Vec<Connection>, StoreError> = from.iter().map(|path| schema::open_reader(path.as_ref())).collect();
    let sources = sources?;
    let mut target = schema::open(into, schema::OpenMode::Create)?;
    let mut report = MergeReport::default();
    for (path, source) in from.iter().zip(&sources) {
        let mut last_id = 0;
        loop {
            let found = next_rows(source, last_id).map_err(|error| explain(path.as_ref(), &error))?;
            let Some(last) = found.last() else { break };
            last_id = last.id;
            add(&mut target, found, &mut report).map_err(|error| explain(into, &error))?;
        }
        let identities = identity::all(source).map_err(|error| explain(path.as_ref(), &error))?;
        if !identities.is_empty() {
            identity::write(&mut target, &identities).map_err(|error| explain(into, &error))?;
        }
    }
    Ok(report)
}

/// A row of a store that is merged, with the names that its source number stands for.
struct MergedRow {
    id: i64,
    row: CompletionRow,
    engine: String,
    fingerprint: String,
    format: String,
}

/// Reads in steps, not in one long query, because SQLite's log cannot shrink while anybody reads an old state.
fn next_rows(source: &Connection, last_id: i64) -> Result<Vec<MergedRow>, rusqlite::Error> {
    let mut statement = source.prepare_cached(
        "SELECT c.id, key, created, prompt_tokens, completion_tokens, item, shown_first, shown_second, vote, body,
                engine, fingerprint, format
         FROM completion AS c JOIN source AS s ON s.id = c.source WHERE c.id > ?1 ORDER BY c.id LIMIT ?2",
    )?;
    let read = |row: &rusqlite::Row<'_>| {
        let found = CompletionRow {
            key: CompletionKey(row.get(1)?),
            source: 0,
            created: row.get(2)?,
            prompt_tokens: row.get(3)?,
            completion_tokens: row.get(4)?,
            item: row.get(5)?,
            shown: (row.get(6)?, row.get(7)?),
            vote: row.get(8)?,
            body: row.get(9)?,
        };
        Ok(MergedRow { id: row.get(0)?, row: found, engine: row.get(10)?, fingerprint: row.get(11)?, format: row.get(12)? })
    };
    statement.query_map(params![last_id, STEP as i64], read)?.collect()
}

fn add(target: &mut Connection, found: Vec<MergedRow>, report: &mut MergeReport) -> Result<(), rusqlite::Error> {
    let transaction = target.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut step = MergeReport::default();
    for MergedRow { mut row, engine, fingerprint, format, .. } in found {
        row.source = row::source_id(&transaction, &engine, &fingerprint, &format)?;
        if row::insert(&transaction, &row)? {
            step.added += 1;
        } else if row::body(&transaction, row.key)?.is_some_and(|kept| same(&kept, &row.body)) {
            step.present += 1;
        } else {
            step.conflicts += 1;
        }
    }
    transaction.commit()?;
    report.added += step.added;
    report.present += step.present;
    report.conflicts += step.conflicts;
    Ok(())
}

/// Returns whether two bodies hold the same completion, even if different versions packed them.
fn same(a: &[u8], b: &[u8]) -> bool {
    a == b || row::unpack(a).is_ok_and(|a| row::unpack(b).is_ok_and(|b| a == b))
}
