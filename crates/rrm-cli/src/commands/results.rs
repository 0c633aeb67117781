//! A result file of `rrm judge` or `rrm rank` -> its rows.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use anyhow::{Context, anyhow};
use rrm::result::{Row, VERSION};
use serde_json::Value;

use crate::{failure::Failure, output};

/// Reads the rows of a result file one after the other.
pub fn rows(path: &Path) -> Result<impl Iterator<Item = Result<Row, Failure>>, Failure> {
    let name = path.display().to_string();
    // Of stdin a copy is read, which its open file keeps.
    let copy = output::spooled(path)?;
    let mut file = BufReader::new(File::open(copy.path()).with_context(|| format!("cannot read {name}"))?);
    if file.fill_buf().is_ok_and(|head| head.starts_with(b"\x1f\x8b")) {
        let failure = Failure::user(anyhow!("{name} is gzipped; results are read unpacked"));
        return Err(failure.with_hint(format!("unpack it first: gunzip -k {name}")));
    }
    Ok(file.lines().enumerate().map(move |(index, line)| {
        let place = format!("{name} row {}", index + 1);
        let line = line.with_context(|| place.clone())?;
        let row = serde_json::from_str::<Row>(&line).map_err(|error| no_result(&place, &line, error))?;
        if row.rrm > VERSION {
            return Err(Failure::user(anyhow!("{place} has layout version {}, newer than {VERSION}", row.rrm)));
        }
        if row.result.is_none() && row.error.is_none() {
            return Err(Failure::user(anyhow!(
                "{place} has neither a result nor an error: it is no result of `rrm judge` or `rrm rank`"
            )));
        }
        Ok(row)
    }))
}

/// The error for a line that is no result row.
fn no_result(place: &str, line: &str, error: serde_json::Error) -> Failure {
    let value = serde_json::from_str::<Value>(line).ok();
    let has = |name: &str| value.as_ref().is_some_and(|value| value.get(name).is_some());
    if has("rank") && has("response") {
        let failure = Failure::user(anyhow!("{place} is a response as --write best and --write all write it, and no ranking"));
        return failure.with_hint("matches and votes are in the file that `rrm rank` writes without --write");
    }
    if has("responses") || has("prompt") {
        let failure = Failure::user(anyhow!("{place} is an input row, and no result of rrm"));
        return failure.with_hint("the result is the file that `rrm judge -o FILE` or `rrm rank -o FILE` writes");
    }
    let failure = Failure::user(anyhow::Error::new(error).context(format!("{place} is no result of `rrm judge` or `rrm rank`")));
    failure.with_hint("the result is the file of JSON lines that `rrm judge -o FILE` or `rrm rank -o FILE` writes")
}
