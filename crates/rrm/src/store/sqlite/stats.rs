//! A store -> its completions, tokens and bytes, for each engine.

use std::{collections::BTreeMap, fs, path::Path};

use rusqlite::{Connection, Row};
use serde::Serialize;

use super::{StoreError, explain::explain, schema};

/// Number of completions, tokens and bytes of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreStats {
    /// Completions of all engines.
    pub completions: u64,
    /// Tokens of all requests.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Bytes on disk, with SQLite's log.
    pub bytes: u64,
    /// One entry for each engine (name and fingerprint), ordered by name.
    pub engines: Vec<EngineStats>,
}

/// Number of completions, tokens and bytes of one engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EngineStats {
    /// The engine's name.
    pub engine: String,
    /// Fingerprint of its weights.
    pub fingerprint: String,
    /// Number of judge formats that asked it.
    pub formats: u64,
    /// Its completions.
    pub completions: u64,
    /// Tokens of its requests.
    pub prompt_tokens: u64,
    /// Tokens that it wrote.
    pub completion_tokens: u64,
    /// Bytes of its completions as stored.
    pub bytes: u64,
    /// Time when the first one was stored, in seconds since 1970.
    pub oldest: u64,
    /// Time when the last one was stored, in seconds since 1970.
    pub newest: u64,
}

/// Counts the contents of a store in one pass, keeping only the counts in memory.
///
/// # Errors
/// [`StoreError`] when the file is missing, is no store, or cannot be read.
pub fn stats(path: impl AsRef<Path>) -> Result<StoreStats, StoreError> {
    let path = path.as_ref();
    let connection = schema::open_reader(path)?;
    let mut stats = StoreStats { bytes: size(path), ..StoreStats::default() };
    for engine in count(&connection).map_err(|error| explain(path, &error))? {
        stats.completions += engine.completions;
        stats.prompt_tokens = stats.prompt_tokens.saturating_add(engine.prompt_tokens);
        stats.completion_tokens = stats.completion_tokens.saturating_add(engine.completion_tokens);
        stats.engines.push(engine);
    }
    Ok(stats)
}

/// Returns the bytes of the file and of the log beside it.
pub(super) fn size(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    [path, Path::new(&log)].iter().filter_map(|path| fs::metadata(path).ok()).map(|found| found.len()).sum()
}

fn count(connection: &Connection) -> Result<Vec<EngineStats>, rusqlite::Error> {
    // SQLite's GROUP BY would first sort all rows by their source.
    let mut sources: BTreeMap<i64, EngineStats> = BTreeMap::new();
    let mut statement =
        connection.prepare("SELECT source, created, prompt_tokens, completion_tokens, length(body) FROM completion")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let created = unsigned(row, 1)?;
        let source = sources.entry(row.get(0)?).or_insert_with(|| EngineStats::none(created));
        source.completions += 1;
        source.prompt_tokens = source.prompt_tokens.saturating_add(unsigned(row, 2)?);
        source.completion_tokens = source.completion_tokens.saturating_add(unsigned(row, 3)?);
        source.bytes += unsigned(row, 4)?;
        source.oldest = source.oldest.min(created);
        source.newest = source.newest.max(created);
    }
    by_engine(connection, &mut sources)
}

/// Looks up the names of the sources, and adds up sources that differ only in the format.
fn by_engine(connection: &Connection, sources: &mut BTreeMap<i64, EngineStats>) -> Result<Vec<EngineStats>, rusqlite::Error> {
    let mut engines: Vec<EngineStats> = Vec::new();
    let mut statement = connection.prepare("SELECT id, engine, fingerprint FROM source ORDER BY engine, fingerprint, id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let Some(source) = sources.remove(&row.get(0)?) else { continue };
        let (engine, fingerprint): (String, String) = (row.get(1)?, row.get(2)?);
        match engines.last_mut().filter(|last| last.engine == engine && last.fingerprint == fingerprint) {
            Some(last) => last.add(&source),
            None => engines.push(EngineStats { engine, fingerprint, ..source }),
        }
    }
    Ok(engines)
}

/// SQLite has only signed numbers; the numbers of a store are never negative.
fn unsigned(row: &Row<'_>, column: usize) -> Result<u64, rusqlite::Error> {
    row.get::<_, i64>(column).map(|number| number.max(0) as u64)
}

impl EngineStats {
    fn none(created: u64) -> Self {
        EngineStats {
            engine: String::new(),
            fingerprint: String::new(),
            formats: 1,
            completions: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            bytes: 0,
            oldest: created,
            newest: created,
        }
    }

    fn add(&mut self, other: &EngineStats) {
        self.formats += other.formats;
        self.completions += other.completions;
        self.prompt_tokens = self.prompt_tokens.saturating_add(other.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(other.completion_tokens);
        self.bytes += other.bytes;
        self.oldest = self.oldest.min(other.oldest);
        self.newest = self.newest.max(other.newest);
    }
}
