//! The spending of all runs of a job -> FILE.spent.json beside its output, written as it is spent, so that a killed run is included.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context;
use rrm::spending::{SpendingReport, SpendingTotals};
use serde::{Deserialize, Serialize};

use crate::{
    lines::note,
    owned::{OutputLock, beside, real},
};

/// The totals of several runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunTotals {
    /// The number of runs that spent something.
    pub runs: u64,
    /// Their spending; an upper limit for runs that were killed.
    pub spent: SpendingTotals,
    /// Calls in `spent` without an answer, or announced in advance, when a run was killed. Some may not have been sent, and their tokens are not
    /// counted.
    #[serde(default, skip_serializing_if = "is_none")]
    pub open: u64,
    /// Whether an earlier account was truncated, so that earlier spending is unknown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_none(open: &u64) -> bool {
    *open == 0
}

/// Length of the file while it is written, in bytes: more than any account takes, so that each one overwrites the former completely.
const LENGTH: usize = 640;

/// The file that holds the totals of several runs.
pub struct TotalsFile {
    path: PathBuf,
    former: RunTotals,
    file: OnceLock<File>,
    failed: AtomicBool,
    /// The lock of the output, held as long as this lives.
    _owned: OutputLock,
}

impl TotalsFile {
    /// Reads the spending of earlier runs over the same output, and locks the output. `None` if the output is not a file.
    pub fn open(output: Option<&Path>) -> anyhow::Result<Option<Self>> {
        let Some(output) = output else { return Ok(None) };
        let output = real(output);
        if std::fs::metadata(&output).is_ok_and(|about| !about.is_file()) {
            return Ok(None);
        }
        let owned = OutputLock::take(&output)?;
        let path = beside(&output, "spent.json");
        let former = match std::fs::read(&path) {
            Ok(text) if text.trim_ascii().is_empty() => {
                note(&format!(
                    "{}: is an account that was cut: nobody knows what earlier runs spent, and this one begins a new account",
                    path.display()
                ));
                RunTotals { cut: true, ..RunTotals::default() }
            }
            Ok(text) => serde_json::from_slice(&text)
                .with_context(|| format!("{}: is no account of what was spent; move it away", path.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => RunTotals::default(),
            Err(error) => return Err(anyhow::Error::from(error).context(format!("cannot read {}", path.display()))),
        };
        Ok(Some(TotalsFile { path, former, file: OnceLock::new(), failed: AtomicBool::new(false), _owned: owned }))
    }

    /// Returns the account including this run.
    pub fn with(&self, spent: SpendingTotals) -> RunTotals {
        let mut total = self.former;
        total.runs += u64::from(spent.calls + spent.probes > 0);
        total.spent += spent;
        total
    }

    /// Whether an earlier run has spent something.
    pub fn is_later(&self) -> bool {
        self.former.runs > 0 || self.former.cut
    }

    /// Writes the account including this run. Only one thread at a time may call it.
    pub fn write(&self, told: SpendingReport) {
        let SpendingReport { mut spent, ahead, ended } = told;
        // The file is created with the first request; a run that spends nothing leaves none.
        if ended && self.file.get().is_none() {
            return;
        }
        let open = if ended { 0 } else { spent.unfinished + ahead };
        if !ended {
            spent.calls += ahead;
            spent.unfinished += ahead;
        }
        let mut total = self.with(spent);
        total.open += open;
        let text = serde_json::to_string(&total).unwrap_or_default();
        let text = format!("{text:<LENGTH$}\n");
        let written = match self.file.get() {
            None => begin(&self.path, &text).map(|file| _ = self.file.set(file)),
            // A single call, so that a killed process leaves the account from before or after it.
            Some(file) => write_over(file, &text),
        };
        if let Err(error) = written
            && !self.failed.swap(true, Ordering::Relaxed)
        {
            note(&format!("{} cannot be written: {error}", self.path.display()));
        }
    }
}

/// Creates a file with this text, which appears whole or not at all.
fn begin(path: &Path, text: &str) -> io::Result<File> {
    let partial = beside(path, &format!("{}.partial", std::process::id()));
    let written = File::create(&partial).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        std::fs::rename(&partial, path)?;
        Ok(file)
    });
    written.inspect_err(|_| _ = std::fs::remove_file(&partial))
}

#[cfg(unix)]
fn write_over(file: &File, text: &str) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, text.as_bytes(), 0)
}

#[cfg(not(unix))]
fn write_over(mut file: &File, text: &str) -> io::Result<()> {
    io::Seek::rewind(&mut file)?;
    file.write_all(text.as_bytes())
}
