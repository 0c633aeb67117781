//! A path -> a connection to a store: created, checked and tuned.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{StoreError, explain::explain};

/// Layout of the tables, kept in `user_version`.
pub(super) const VERSION: i64 = 1;

/// Marks a file as ours among SQLite databases: `rrm` and a zero byte.
const APPLICATION_ID: i64 = 0x7272_6d00;

/// Longest wait for the lock of another process: long enough for a `gc` that compacts some gigabytes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// Measured with `benches/store.rs`: a completion of 10 KB takes 2.8 KB of the file with pages of 8 KB, 4.2 KB with pages of 4 KB (the rest of a page
/// stays unused), and no less with pages of 16 KB; at 1 and 3 KB all are within 6%. The table keeps its rowid: in a trial with rows of this length,
/// `WITHOUT ROWID` made files from a tenth larger to three times as large.
const PAGE_SIZE: i64 = 8192;

/// `body` is the last column, so that counting reads only the short columns of a row and skips its overflow pages.
const TABLES: &str = "
    CREATE TABLE source (
        id          INTEGER PRIMARY KEY,
        engine      TEXT NOT NULL,              -- name, for people
        fingerprint TEXT NOT NULL,
        format      TEXT NOT NULL,              -- hash of the judge format
        UNIQUE (fingerprint, engine, format)
    ) STRICT;
    CREATE TABLE completion (
        id                INTEGER PRIMARY KEY,
        key               BLOB NOT NULL UNIQUE, -- the 32 bytes of the address
        source            INTEGER NOT NULL REFERENCES source (id),
        created           INTEGER NOT NULL,     -- seconds since 1970
        prompt_tokens     INTEGER NOT NULL,
        completion_tokens INTEGER NOT NULL,
        item              TEXT NOT NULL,        -- id of the input row
        shown_first       INTEGER NOT NULL,     -- index of the response in the first place
        shown_second      INTEGER NOT NULL,
        vote              INTEGER NOT NULL,
        body              BLOB NOT NULL         -- the completion as JSON, as a zlib stream where that is shorter
    ) STRICT;";

/// The mode of opening a file: whether it may be created.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenMode {
    /// A missing or empty file becomes a store.
    Create,
    /// The file must be a store already.
    Existing,
}

/// Opens a connection that may write.
pub(super) fn open(path: &Path, mode: OpenMode) -> Result<Connection, StoreError> {
    let connection = connect(path, mode)?;
    if connection.is_readonly("main").map_err(|error| explain(path, &error))? {
        return Err(StoreError::ReadOnly { path: path.to_owned() });
    }
    Ok(connection)
}

/// Opens a connection that only reads an existing store.
///
/// It does not use SQLite's own read-only flag: such a connection cannot remove the log file when it is the last to close.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = match connect(path, OpenMode::Existing) {
        Err(error) if error.may_be_read() => return open_immutable(path).map_err(|_| error),
        connected => connected?,
    };
    connection.pragma_update(None, "query_only", true).map_err(|error| explain(path, &error))?;
    Ok(connection)
}

/// Opens a connection to a store that cannot be written here, where SQLite can neither create its log nor remove it.
pub(super) fn open_immutable(path: &Path) -> Result<Connection, StoreError> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    // The contents of the log would be missed.
    if std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        return Err(StoreError::ReadOnly { path: path.to_owned() });
    }
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let escaped = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => char::from(*byte).to_string(),
        other => format!("%{other:02X}"),
    };
    let address: String = whole.as_os_str().as_encoded_bytes().iter().map(escaped).collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(format!("file:{address}?immutable=1"), flags);
    let connection = connection.map_err(|error| explain(path, &error))?;
    match is_store(&connection, path)? {
        true => Ok(connection),
        false => Err(StoreError::NotAStore { path: path.to_owned(), detail: "an empty database".into() }),
    }
}

fn connect(path: &Path, mode: OpenMode) -> Result<Connection, StoreError> {
    if mode == OpenMode::Existing && !path.exists() {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    let create = if mode == OpenMode::Create { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    // The dot makes SQLite read names such as `:memory:` or `file:x` as plain file names.
    let mut connection = Connection::open_with_flags(Path::new(".").join(path), flags).map_err(|error| explain(path, &error))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|error| explain(path, &error))?;
    if !is_store(&connection, path)? {
        if mode == OpenMode::Existing {
            return Err(StoreError::NotAStore { path: path.to_owned(), detail: "an empty database".into() });
        }
        create_tables(&mut connection, path)?;
    }
    tune(&connection).map_err(|error| explain(path, &error))?;
    Ok(connection)
}

/// Returns whether the file holds the tables of a store; false for an empty file.
fn is_store(connection: &Connection, path: &Path) -> Result<bool, StoreError> {
    // One statement sees one state of the file, even if another process is just creating the tables.
    let found = connection.query_row(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id, pragma_user_version",
        [],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)),
    );
    match found.map_err(|error| explain(path, &error))? {
        (0, 0, 0) => Ok(false),
        (APPLICATION_ID, VERSION, _) => Ok(true),
        (APPLICATION_ID, found, _) if found > VERSION => Err(StoreError::Newer { path: path.to_owned(), found, known: VERSION }),
        _ => Err(StoreError::NotAStore { path: path.to_owned(), detail: "an SQLite database of another program".into() }),
    }
}

fn create_tables(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    enter_wal(connection).map_err(|error| explain(path, &error))?;
    let mut create = || {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have created the tables in the meantime.
        if transaction.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? == 0 {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        transaction.commit()
    };
    create().map_err(|error| explain(path, &error))?;
    is_store(connection, path).map(|_| ())
}

/// Sets the page size, and switches the file to the write-ahead log.
///
/// SQLite does not wait for locks when two processes switch the journal of the same new file, hence the loop. A file system without shared memory
/// keeps the old journal, which is slower but equally safe.
fn enter_wal(connection: &Connection) -> Result<(), rusqlite::Error> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    connection.pragma_update(None, "page_size", PAGE_SIZE)?;
    loop {
        let switched = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
        match switched {
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(5));
            }
            other => return other.map(|_| ()),
        }
    }
}

/// Sets the options of one connection, which the file does not keep.
fn tune(connection: &Connection) -> Result<(), rusqlite::Error> {
    // A kill is survived at any setting but `off`; with `full` every commit reaches the disk, so that acknowledged completions survive a power cut
    // too. A batch gathers while the previous one is written, which makes that cheap: a tenth more CPU than `normal` with 256 tasks; a completion
    // that comes alone waits some milliseconds.
    connection.pragma_update(None, "synchronous", "full")?;
    // 2000 pages are 16 MB of log, so that pages of the index that change often are copied back less often.
    connection.pragma_update(None, "wal_autocheckpoint", 2000)?;
    connection.pragma_update(None, "journal_size_limit", 32 << 20)
}
