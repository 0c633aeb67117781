//! What all runs of a job have spent -> FILE.spent.json beside its output, written as it is spent: a run that is killed has told it, too.

use std::{
    fs::File,
    io::{self, Seek, Write},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::Context;
use rrm::spending::Spent;
use serde::{Deserialize, Serialize};

use crate::output::{beside, note};

/// The account of several runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Total {
    /// How many runs spent something.
    pub runs: u64,
    /// What they spent.
    pub spent: Spent,
}

/// More bytes than any account takes.
const LONGEST: usize = 1000;

/// The file in which it stands.
pub struct Totals {
    path: PathBuf,
    former: Total,
    file: OnceLock<Option<File>>,
}

impl Totals {
    /// Reads what former runs over the same output have spent; none where the output is no file.
    pub fn open(output: Option<&Path>) -> anyhow::Result<Option<Self>> {
        let Some(output) = output else { return Ok(None) };
        let output = std::fs::canonicalize(output).unwrap_or_else(|_| output.to_owned());
        if std::fs::metadata(&output).is_ok_and(|about| !about.is_file()) {
            return Ok(None);
        }
        let path = beside(&output, "spent.json");
        let former = match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .with_context(|| format!("{}: is no account of what was spent; move it away", path.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Total::default(),
            Err(error) => return Err(anyhow::Error::from(error).context(format!("cannot read {}", path.display()))),
        };
        Ok(Some(Totals { path, former, file: OnceLock::new() }))
    }

    /// The account with that of this run.
    pub fn with(&self, spent: Spent) -> Total {
        let mut total = self.former;
        total.runs += u64::from(spent.calls > 0);
        total.spent += spent;
        total
    }

    /// Whether a run before this one has spent something.
    pub fn is_later(&self) -> bool {
        self.former.runs > 0
    }

    /// Writes the account with that of this run. Only one thread at a time may.
    pub fn write(&self, spent: Spent) {
        let failed = |error: &dyn std::fmt::Display| note(&format!("{} cannot be written: {error}", self.path.display()));
        // The file begins with the first request: a run that spends nothing leaves none.
        let create = || File::create(&self.path).inspect_err(|error| failed(error)).ok();
        let Some(mut file) = self.file.get_or_init(create).as_ref() else { return };
        let text = serde_json::to_string_pretty(&self.with(spent)).unwrap_or_default() + "\n";
        // In one call, so that whoever is killed leaves the account before or after it; blanks cover a longer one that was there.
        let text = format!("{text:<LONGEST$}\n");
        if let Err(error) = file.rewind().and_then(|()| file.write_all(text.as_bytes())) {
            failed(&error);
        }
    }
}
