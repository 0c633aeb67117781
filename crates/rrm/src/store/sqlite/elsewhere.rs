//! A store and an engine whose fingerprint is a guess -> the completions of the same model under other fingerprints.
//!
//! A fingerprint that is derived from a server's answers may change although the weights do not. Then no completion of the store is found, and all
//! would be paid for again. The user must learn of that before it costs anything.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use super::{FingerprintMismatch, Identity, identity};
use crate::engine::EngineInfo;

/// The completions that a store holds of a model under other fingerprints than the requested one.
#[derive(Debug, Default)]
pub struct OtherFingerprints {
    /// Number of these completions.
    pub completions: u64,
    /// The other fingerprints, the latest first.
    pub fingerprints: Vec<String>,
    path: PathBuf,
    model: String,
    hasher: RandomState,
    /// Number of completions for each format that asked for them.
    formats: HashMap<String, u64>,
    /// Hashes of format and row of each completion.
    items: HashSet<u64>,
}

impl OtherFingerprints {
    /// Returns the error for this row and format, if one of the completions is about them.
    pub fn about(&self, format_hash: &str, item: &str) -> Option<FingerprintMismatch> {
        self.items.contains(&self.hasher.hash_one((format_hash, item))).then(|| FingerprintMismatch {
            path: self.path.clone(),
            model: self.model.clone(),
            completions: self.formats.get(format_hash).copied().unwrap_or_default(),
            other: self.fingerprints.first().map(|other| other.chars().take(16).collect()).unwrap_or_default(),
        })
    }
}

/// Returns the model in an engine's name `MODEL at PLACE`.
pub(super) fn model(name: &str) -> &str {
    name.rsplit_once(" at ").map_or(name, |(model, _)| model)
}

/// Returns fingerprints that differ from the engine's on purpose, so that asking again pays for nothing twice: those of requests with other fields,
/// and, if the store holds completions under the engine's own fingerprint, those of weights with another declared revision.
fn meant(connection: &Connection, engine: &EngineInfo, changes: Option<&str>) -> Result<HashSet<String>, rusqlite::Error> {
    let identities = identity::all(connection)?;
    let known = identities.iter().find(|identity| identity.fingerprint == engine.fingerprint);
    let Some(changes) = known.map(|known| known.changes.as_str()).or(changes) else { return Ok(HashSet::new()) };
    let asked: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM completion JOIN source ON source.id = completion.source WHERE source.fingerprint = ?1)",
        [&engine.fingerprint],
        |row| row.get(0),
    )?;
    let is_meant = |identity: &&Identity| identity.changes != changes || (asked && identity.known.revision.is_some());
    Ok(identities.iter().filter(is_meant).map(|identity| identity.fingerprint.clone()).collect())
}

/// Finds the completions. Reads the whole table, but only if there are such fingerprints.
pub(super) fn find(
    connection: &Connection,
    path: &Path,
    engine: &EngineInfo,
    (also, changes): (&[String], Option<&str>),
) -> Result<OtherFingerprints, rusqlite::Error> {
    let wanted = model(&engine.name);
    let mut sources =
        connection.prepare("SELECT id, engine, fingerprint, format FROM source WHERE fingerprint <> ?1 ORDER BY id DESC")?;
    let rows = sources.query_map([&engine.fingerprint], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?))
    })?;
    let meant = meant(connection, engine, changes)?;
    let is_other =
        |name: &str, fingerprint: &String| model(name) == wanted && !also.contains(fingerprint) && !meant.contains(fingerprint);
    let others = rows.filter(|row| row.as_ref().map_or(true, |(_, name, fingerprint, _)| is_other(name, fingerprint)));
    let others = others.collect::<Result<Vec<_>, _>>()?;
    let mut found = OtherFingerprints { path: path.to_owned(), model: wanted.to_owned(), ..OtherFingerprints::default() };
    let formats: HashMap<i64, &str> = others.iter().map(|(id, .., format)| (*id, format.as_str())).collect();
    if formats.is_empty() {
        return Ok(found);
    }
    let mut completions = connection.prepare("SELECT source, item FROM completion")?;
    let mut rows = completions.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(format) = formats.get(&row.get(0)?) {
            found.completions += 1;
            *found.formats.entry((*format).to_owned()).or_default() += 1;
            found.items.insert(found.hasher.hash_one((*format, row.get_ref(1)?.as_str().unwrap_or_default())));
        }
    }
    // After a merge or a removal a source may have no completions.
    if found.completions > 0 {
        found.fingerprints = others.into_iter().map(|(_, _, fingerprint, _)| fingerprint).collect();
        found.fingerprints.dedup();
    }
    Ok(found)
}
