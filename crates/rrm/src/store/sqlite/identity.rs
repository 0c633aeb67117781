//! Identities of servers -> rows that later runs read, so that no server has to be probed again.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params, types::Type};

use super::{Identity, StoreError, elsewhere::model, explain::explain, schema};

/// The table is created when the first identity is remembered: stores of earlier versions do not have it, and those versions ignore it.
const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS identity (
        model       TEXT NOT NULL,    -- the name that it is asked for by
        changes     TEXT NOT NULL,    -- what is sent otherwise than usual and may change texts, or nothing
        fingerprint TEXT NOT NULL,
        first_seen  INTEGER NOT NULL, -- seconds since 1970
        last_seen   INTEGER NOT NULL,
        body        TEXT NOT NULL,    -- the rest as JSON
        PRIMARY KEY (model, changes, fingerprint)
    ) STRICT, WITHOUT ROWID;";

/// Most different answers that are remembered of one identity.
const MOST_ANSWERS: usize = 32;

/// Most addresses that are remembered of one identity.
const MOST_PLACES: usize = 256;

/// The identities that the store at a path remembers. The file is opened for each call, because calls are few.
#[derive(Clone, Debug)]
pub struct Identities {
    path: PathBuf,
}

impl Identities {
    /// Returns the identities of the store at this path, which need not exist yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Identities { path: path.into() }
    }

    /// Returns the path of the store.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns all identities with these changes to the usual request, the one that was seen last first.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read.
    pub fn asked_with(&self, changes: &str) -> Result<Vec<Identity>, StoreError> {
        let mut all = self.all()?;
        all.retain(|identity| identity.changes == changes);
        all.sort_by_key(|identity| std::cmp::Reverse(identity.last_seen));
        Ok(all)
    }

    /// Returns all identities.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read.
    pub fn all(&self) -> Result<Vec<Identity>, StoreError> {
        let Some(connection) = self.reader()? else { return Ok(Vec::new()) };
        all(&connection).map_err(|error| explain(&self.path, &error))
    }

    /// Returns the number of completions of this model under each fingerprint, in the order of the fingerprints.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read.
    pub fn stored(&self, name: &str) -> Result<Vec<(String, u64)>, StoreError> {
        let Some(connection) = self.reader()? else { return Ok(Vec::new()) };
        count(&connection, name).map_err(|error| explain(&self.path, &error))
    }

    /// Remembers this identity. Facts that another process has stored about it meanwhile are kept, too.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be created or written.
    pub fn remember(&self, identity: &Identity) -> Result<(), StoreError> {
        let mut connection = schema::open(&self.path, schema::OpenMode::Create)?;
        write(&mut connection, std::slice::from_ref(identity)).map_err(|error| explain(&self.path, &error))
    }

    /// Removes this identity, which has become part of another one.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be written.
    pub fn forget(&self, identity: &Identity) -> Result<(), StoreError> {
        let connection = schema::open(&self.path, schema::OpenMode::Existing)?;
        let Identity { model, changes, fingerprint, .. } = identity;
        let delete = "DELETE FROM identity WHERE model = ?1 AND changes = ?2 AND fingerprint = ?3";
        connection.execute(delete, params![model, changes, fingerprint]).map(drop).map_err(|error| explain(&self.path, &error))
    }

    fn reader(&self) -> Result<Option<Connection>, StoreError> {
        // An empty file becomes a store only with the first write.
        match std::fs::metadata(&self.path) {
            Ok(found) if found.len() > 0 => schema::open_reader(&self.path).map(Some),
            _ => Ok(None),
        }
    }
}

/// Returns all identities of a store; none if it has no table of them.
pub(super) fn all(connection: &Connection) -> Result<Vec<Identity>, rusqlite::Error> {
    if !is_there(connection)? {
        return Ok(Vec::new());
    }
    let mut statement = connection
        .prepare("SELECT model, changes, fingerprint, first_seen, last_seen, body FROM identity ORDER BY model, fingerprint")?;
    statement.query_map([], read)?.collect()
}

fn is_there(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection.query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'identity'", [], |row| {
        row.get::<_, i64>(0).map(|found| found > 0)
    })
}

fn read(row: &Row<'_>) -> Result<Identity, rusqlite::Error> {
    let seconds = |column| row.get::<_, i64>(column).map(|seconds| seconds.max(0) as u64);
    let body: String = row.get(5)?;
    let unreadable = |error| rusqlite::Error::FromSqlConversionFailure(5, Type::Text, Box::new(error));
    let known = serde_json::from_str(&body).map_err(unreadable)?;
    let (model, changes, fingerprint) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(Identity { model, changes, fingerprint, first_seen: seconds(3)?, last_seen: seconds(4)?, known })
}

/// Writes identities in one transaction. An identity that is there already is joined with the new one.
pub(super) fn write(connection: &mut Connection, identities: &[Identity]) -> Result<(), rusqlite::Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLE)?;
    for new in identities {
        let there = transaction
            .query_row(
                "SELECT model, changes, fingerprint, first_seen, last_seen, body FROM identity
                 WHERE model = ?1 AND changes = ?2 AND fingerprint = ?3",
                params![new.model, new.changes, new.fingerprint],
                read,
            )
            .optional()?;
        let whole = match there {
            Some(there) => there.and(new),
            None => new.clone(),
        };
        let body = serde_json::to_string(&whole.known).unwrap_or_default();
        transaction.execute(
            "INSERT OR REPLACE INTO identity (model, changes, fingerprint, first_seen, last_seen, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![whole.model, whole.changes, whole.fingerprint, whole.first_seen as i64, whole.last_seen as i64, body],
        )?;
    }
    transaction.commit()
}

/// Removes the identities whose fingerprint has no source any more.
pub(super) fn forget_unused(connection: &Connection) -> Result<(), rusqlite::Error> {
    if is_there(connection)? {
        connection.execute("DELETE FROM identity WHERE fingerprint NOT IN (SELECT fingerprint FROM source)", [])?;
    }
    Ok(())
}

impl Identity {
    /// Returns both as one: facts about the server are those of the newer one, and answers, addresses and fingerprints are those of both, up to their
    /// bounds.
    fn and(self, other: &Identity) -> Identity {
        let (older, newer) = if self.last_seen > other.last_seen { (other.clone(), self) } else { (self, other.clone()) };
        let mut known = newer.known;
        // An identity whose answers do not repeat has no answers, even if they seemed to repeat before.
        if !known.answers.is_empty() && !older.known.answers.is_empty() {
            union(&mut known.answers, older.known.answers);
            known.answers.truncate(MOST_ANSWERS);
        }
        union(&mut known.also, older.known.also);
        let newer_places = std::mem::replace(&mut known.places, older.known.places);
        known.places.retain(|place| !newer_places.contains(place));
        known.places.extend(newer_places);
        known.places.drain(..known.places.len().saturating_sub(MOST_PLACES));
        for (name, value) in older.known.stated {
            known.stated.entry(name).or_insert(value);
        }
        Identity { first_seen: older.first_seen.min(newer.first_seen), known, ..newer }
    }
}

fn union(texts: &mut Vec<String>, more: Vec<String>) {
    for text in more {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
}

fn count(connection: &Connection, name: &str) -> Result<Vec<(String, u64)>, rusqlite::Error> {
    let mut sources = connection.prepare("SELECT id, engine, fingerprint FROM source")?;
    let sources = sources.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)))?;
    let mut fingerprints = BTreeMap::new();
    for source in sources {
        let (id, engine, fingerprint) = source?;
        if model(&engine) == name {
            fingerprints.insert(id, fingerprint);
        }
    }
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    if fingerprints.is_empty() {
        return Ok(Vec::new());
    }
    let mut completions = connection.prepare("SELECT source FROM completion")?;
    let mut rows = completions.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(fingerprint) = fingerprints.get(&row.get(0)?) {
            *counts.entry(fingerprint.clone()).or_default() += 1;
        }
    }
    Ok(counts.into_iter().collect())
}
