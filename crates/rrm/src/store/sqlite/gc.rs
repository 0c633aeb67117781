//! A store and a choice of completions -> the store without them.

use std::path::Path;

use rusqlite::{Connection, params, types::Value};
use serde::Serialize;

use super::{StoreError, explain::explain, identity, schema, stats};

/// Rows of one transaction. Other processes can write between two transactions.
const STEP: i64 = 10_000;

/// The completions to drop from a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Garbage {
    /// All completions of the weights with this fingerprint.
    Fingerprint(String),
    /// All completions of engines with this name, under any fingerprint.
    Engine(String),
    /// All completions stored before this time, in seconds since 1970.
    CreatedBefore(u64),
}

/// The result of [`gc`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GcReport {
    /// Completions that were removed.
    pub dropped: u64,
    /// Completions that are left.
    pub kept: u64,
    /// Bytes on disk before.
    pub bytes_before: u64,
    /// Bytes on disk after.
    pub bytes_after: u64,
}

/// Removes completions and gives their space back to the disk. Compacting needs as much free space as the remaining completions take.
///
/// # Errors
/// [`StoreError`]. Completions that were removed until then stay removed.
pub fn gc(path: impl AsRef<Path>, garbage: &Garbage) -> Result<GcReport, StoreError> {
    let path = path.as_ref();
    let connection = schema::open(path, schema::OpenMode::Existing)?;
    let bytes_before = stats::size(path);
    let dropped = drop_rows(&connection, garbage).map_err(|error| explain(path, &error))?;
    let kept = compact(&connection).map_err(|error| explain(path, &error))?;
    Ok(GcReport { dropped, kept, bytes_before, bytes_after: stats::size(path) })
}

fn drop_rows(connection: &Connection, garbage: &Garbage) -> Result<u64, rusqlite::Error> {
    let (condition, wanted) = match garbage {
        Garbage::Fingerprint(fingerprint) => {
            ("source IN (SELECT id FROM source WHERE fingerprint = ?3)", Value::from(fingerprint.clone()))
        }
        Garbage::Engine(name) => ("source IN (SELECT id FROM source WHERE engine = ?3)", Value::from(name.clone())),
        Garbage::CreatedBefore(time) => ("created < ?3", Value::from(i64::try_from(*time).unwrap_or(i64::MAX))),
    };
    let last: i64 = connection.query_row("SELECT coalesce(max(id), 0) FROM completion", [], |row| row.get(0))?;
    let mut delete = connection.prepare(&format!("DELETE FROM completion WHERE id > ?1 AND id <= ?2 AND {condition}"))?;
    let mut dropped = 0;
    for start in (0..last).step_by(STEP as usize) {
        dropped += delete.execute(params![start, start + STEP, wanted])? as u64;
    }
    connection.execute("DELETE FROM source WHERE id NOT IN (SELECT source FROM completion)", [])?;
    identity::forget_unused(connection)?;
    Ok(dropped)
}

/// Rewrites the file without holes and empties the log. Returns the number of completions that are left.
fn compact(connection: &Connection) -> Result<u64, rusqlite::Error> {
    connection.execute_batch("VACUUM")?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    connection.query_row("SELECT count(*) FROM completion", [], |row| row.get::<_, i64>(0)).map(|kept| kept as u64)
}
