//! Output of a run -> a lock that keeps other runs away from it and names its holder.

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

/// The lock of an output, held as long as this lives. If the process is killed, the lock file remains, but it is no longer locked.
pub struct OutputLock {
    path: PathBuf,
    file: Option<File>,
    /// The file that was there before, also locked, because it may be the output of another run under another name.
    _former: Option<File>,
}

impl OutputLock {
    /// Locks the output, or names the holder of its lock.
    ///
    /// # Errors
    /// When another run holds the lock.
    pub fn take(output: &Path) -> anyhow::Result<Self> {
        let path = beside(output, "lock");
        let former = File::open(output).ok();
        let taken = |who: &str| anyhow::anyhow!("{}: is being written by another run{who}", output.display());
        if former.as_ref().is_some_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock))) {
            let holder = fs::read_to_string(&path).unwrap_or_default();
            let named = named(holder.trim());
            return Err(taken(if named.is_empty() { ", under another name" } else { &named }));
        }
        loop {
            let opened = File::options().read(true).write(true).create(true).truncate(false).open(&path);
            // If nothing can be written there, the error is reported when the output is opened.
            let Ok(mut file) = opened else { return Ok(OutputLock { path, file: None, _former: former }) };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    file.read_to_string(&mut holder).ok();
                    return Err(taken(&named(holder.trim())));
                }
                // Some file systems have no locks.
                Err(TryLockError::Error(_)) => return Ok(OutputLock { path, file: None, _former: former }),
            }
            // The former holder may have removed the file between the two calls.
            if !is_at(&file, &path) {
                continue;
            }
            let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
            let command = words.get(1).map_or("rrm", String::as_str);
            let told = file.set_len(0).and_then(|()| file.rewind());
            told.and_then(|()| writeln!(file, "process {}, {command}", std::process::id())).ok();
            return Ok(OutputLock { path, file: Some(file), _former: former });
        }
    }
}

impl Drop for OutputLock {
    fn drop(&mut self) {
        // The file is removed while it is still locked; the next run creates its own.
        if self.file.is_some() {
            fs::remove_file(&self.path).ok();
        }
    }
}

fn named(holder: &str) -> String {
    if holder.is_empty() { String::new() } else { format!(" ({holder})") }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same = |one: fs::Metadata, other: fs::Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
    file.metadata().ok().zip(fs::metadata(path).ok()).is_some_and(|(one, other)| same(one, other))
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Returns the file that a path refers to, with links resolved and its folder in canonical form. The file need not exist.
pub fn real(path: &Path) -> PathBuf {
    /// The most links that are followed, as in operating systems.
    const LINKS: usize = 40;
    // Links of the system may lead to files without a name, such as pipes.
    if fs::metadata(path).is_ok() {
        return fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    }
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = fs::read_link(&path) else { break };
        // An absolute target replaces the whole path.
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (fs::canonicalize(folder), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

/// Returns `FILE.suffix`.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}
