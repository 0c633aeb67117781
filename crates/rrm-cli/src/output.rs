//! Result rows -> files that appear whole or not at all, or stdout; notes -> stderr.

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use rrm::spending::Price;
use serde::Serialize;
use tempfile::TempPath;

use crate::stats;
pub use crate::{
    lines::{note, print},
    owned::{beside, real},
    stats::Stats,
};

/// The output that result rows go to.
pub struct Output {
    to: Destination,
}

enum Destination {
    /// A temporary file beside the output, which is renamed at the end.
    File { partial: BufWriter<File>, partial_path: TempPath, path: PathBuf },
    /// A device or a named pipe, which is written to and not replaced.
    Stream(BufWriter<File>),
    /// Lines on stdout for a program.
    Pipe(BufWriter<io::Stdout>),
    /// A view on the terminal for a person.
    Terminal,
}

impl Output {
    /// Opens the output: a file, or stdout as lines or, on a terminal, as a view. Files in `taken`, which the run reads or keeps, are not
    /// overwritten.
    pub fn open(path: Option<&Path>, taken: &[PathBuf]) -> anyhow::Result<Self> {
        let to = match path {
            Some(path) => destination(path, taken)?,
            None if io::stdout().is_terminal() => Destination::Terminal,
            None => Destination::Pipe(BufWriter::new(io::stdout())),
        };
        Ok(Output { to })
    }

    /// Refuses an output next to which a file with one of these suffixes could not be written at the end.
    pub fn may_have_beside(&self, suffixes: &[&str]) -> anyhow::Result<()> {
        self.path().map_or(Ok(()), |path| suffixes.iter().try_for_each(|suffix| may_be_written(&beside(path, suffix))))
    }

    /// Returns the path at which the file will appear, if the output is a file.
    pub fn path(&self) -> Option<&Path> {
        if let Destination::File { path, .. } = &self.to { Some(path) } else { None }
    }

    /// Writes one row, or shows it on the terminal.
    pub fn row(&mut self, row: &impl Serialize, show: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match self.lines() {
            Some(lines) => line(lines, row),
            None => show(),
        }
    }

    /// Writes text unchanged.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        self.lines().map_or(Ok(()), |lines| lines.write_all(text.as_bytes()))
    }

    fn lines(&mut self) -> Option<&mut dyn Write> {
        match &mut self.to {
            Destination::File { partial, .. } => Some(partial),
            Destination::Stream(stream) => Some(stream),
            Destination::Pipe(pipe) => Some(pipe),
            Destination::Terminal => None,
        }
    }

    /// Renames the file to its name. Returns its path, if the output is a file.
    pub fn appear(self) -> anyhow::Result<Option<PathBuf>> {
        match self.to {
            Destination::File { partial, partial_path, path } => {
                let file = partial.into_inner().map_err(|e| e.into_error()).and_then(|file| file.sync_all());
                file.with_context(|| format!("cannot write {}", partial_path.display()))?;
                partial_path.persist(&path).with_context(|| format!("cannot write {}", path.display()))?;
                return Ok(Some(path));
            }
            Destination::Stream(mut stream) => stream.flush().context("cannot write the results")?,
            Destination::Pipe(mut pipe) => pipe.flush().context("cannot write the results")?,
            Destination::Terminal => {}
        }
        Ok(None)
    }

    /// Makes the file appear, with the account and the options in files beside it, and prints the account.
    pub fn finish(self, stats: &Stats, options: &str, price: Price) -> anyhow::Result<()> {
        if let Some(path) = self.appear()? {
            std::fs::write(beside(&path, "config.toml"), options)?;
            std::fs::write(beside(&path, "stats.json"), serde_json::to_string_pretty(stats)? + "\n")?;
        }
        stats::summary(stats, price);
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lines().map_or(Ok(bytes.len()), |lines| lines.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines().map_or(Ok(()), |lines| lines.flush())
    }
}

fn destination(path: &Path, taken: &[PathBuf]) -> anyhow::Result<Destination> {
    // A link is kept, and its target is written.
    let path = real(path);
    let same = |other: &PathBuf| real(other) == path;
    anyhow::ensure!(!taken.iter().any(same), "{}: -o would overwrite a file that this run reads or keeps", path.display());
    let cannot = || format!("cannot write {}", path.display());
    match std::fs::metadata(&path) {
        Ok(about) if about.is_dir() => anyhow::bail!("{} is a folder; -o takes a file", path.display()),
        Ok(about) if !about.is_file() => {
            let stream = File::options().write(true).open(&path).with_context(cannot)?;
            Ok(Destination::Stream(BufWriter::new(stream)))
        }
        _ => {
            // The name contains the process id, and the file is removed unless the run completes.
            let partial_path = beside(&path, &format!("{}.partial", std::process::id()));
            let partial = File::create(&partial_path).with_context(cannot)?;
            let partial_path = TempPath::try_from_path(partial_path)?;
            // The files that are written after the rows are checked now, before anything is spent.
            ["config.toml", "stats.json"].iter().try_for_each(|suffix| may_be_written(&beside(&path, suffix)))?;
            Ok(Destination::File { partial: BufWriter::new(partial), partial_path, path })
        }
    }
}

/// Refuses a file that exists and cannot be written.
fn may_be_written(path: &Path) -> anyhow::Result<()> {
    match File::options().append(true).open(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot write {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn line(mut to: impl Write, row: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut to, row)?;
    to.write_all(b"\n")
}

/// An input that can be read more than once.
pub enum SpooledInput {
    /// An existing file.
    Named(PathBuf),
    /// A copy of stdin or of a pipe.
    Spool(tempfile::NamedTempFile),
}

impl SpooledInput {
    /// Returns the path at which it can be read.
    pub fn path(&self) -> &Path {
        match self {
            SpooledInput::Named(path) => path,
            SpooledInput::Spool(file) => file.path(),
        }
    }
}

/// Returns the input itself, or a copy of stdin (`-`) or of a pipe, because inputs are checked before they are used.
pub fn spooled(input: &Path) -> anyhow::Result<SpooledInput> {
    let stdin = input.as_os_str() == "-";
    let pipe = std::fs::metadata(input).is_ok_and(|about| !about.is_file() && !about.is_dir());
    if !stdin && !pipe {
        return Ok(SpooledInput::Named(input.to_owned()));
    }
    let copy = || -> io::Result<_> {
        let mut file = tempfile::NamedTempFile::new()?;
        if stdin {
            io::copy(&mut io::stdin().lock(), &mut file)?
        } else {
            io::copy(&mut File::open(input)?, &mut file)?
        };
        Ok(file)
    };
    Ok(SpooledInput::Spool(copy().with_context(|| format!("cannot keep a copy of {}", input.display()))?))
}

/// Writes rows to a temporary file.
pub fn spool(rows: &[impl Serialize]) -> anyhow::Result<SpooledInput> {
    let write = || -> io::Result<_> {
        let mut file = BufWriter::new(tempfile::NamedTempFile::new()?);
        rows.iter().try_for_each(|row| line(&mut file, row))?;
        file.into_inner().map_err(|error| error.into_error())
    };
    Ok(SpooledInput::Spool(write().context("cannot keep rows")?))
}
