//! Result rows -> the output: unchanged, or as rows with the texts of responses.

use std::{
    io::{self, Write},
    path::Path,
};

use rrm::{
    dataset::Item,
    label::{AnswerRows, OutputRow},
    result::Row,
};

use super::JudgingKind;
use crate::{
    failure::ensure,
    lines::harmless,
    output::{Output, note},
    table::{TableKind, TableWriter},
    terminal,
};

/// Refuses an output whose extension does not fit the kind of rows.
pub fn check(write: AnswerRows, output: Option<&Path>) -> anyhow::Result<()> {
    if write != AnswerRows::Ranking {
        return TableKind::of(output).map(|_| ());
    }
    let end = output.and_then(Path::extension).map(|end| end.to_string_lossy().to_ascii_lowercase());
    let table = end.is_some_and(|end| ["csv", "tsv", "parquet", "gz"].contains(&end.as_str()));
    ensure!(
        !table,
        "{}: rankings are lines of JSON; --write best or --write all writes .csv and .parquet",
        output.unwrap_or(Path::new("")).display()
    );
    Ok(())
}

/// Counts of rankings without a single best response.
#[derive(Default)]
pub struct BestCounts {
    /// Rankings in which no verdict determines the best response.
    without: u64,
    /// Rankings in which several responses share the best score.
    shared: u64,
}

/// The output of rankings.
pub enum RankedRows {
    /// Result rows, unchanged.
    Whole(Output),
    /// Rows with texts, and counts of rankings without a single best response.
    Texts { to: TableWriter, write: AnswerRows, counts: BestCounts },
}

impl RankedRows {
    /// Makes the writer for the requested rows and an output of this name.
    pub fn new(output: Output, write: AnswerRows, name: Option<&Path>) -> anyhow::Result<Self> {
        if write == AnswerRows::Ranking {
            return Ok(RankedRows::Whole(output));
        }
        let kind = TableKind::of(name)?;
        Ok(RankedRows::Texts { to: TableWriter::new(output, kind, &AnswerRows::SCHEMA)?, write, counts: BestCounts::default() })
    }

    /// Writes one ranking, or shows it on the terminal.
    pub fn row(&mut self, item: &Item, row: &Row, kind: JudgingKind) -> io::Result<()> {
        match self {
            RankedRows::Whole(output) => output.row(row, || terminal::row(item, row, kind)),
            RankedRows::Texts { to, write, counts } => {
                let rows = write.rows(item, row);
                counts.without += u64::from(rows.is_empty() && row.error.is_none());
                counts.shared += u64::from(*write == AnswerRows::Best && AnswerRows::shares_the_best(row));
                rows.into_iter().try_for_each(|row| to.row(row, show))
            }
        }
    }

    /// Finishes writing. The returned output can then appear.
    pub fn finish(self) -> anyhow::Result<Output> {
        match self {
            RankedRows::Whole(output) => Ok(output),
            RankedRows::Texts { to, counts: BestCounts { without, shared }, .. } => {
                if shared > 0 {
                    note(&format!("in {shared} rows several responses share the best place; the first of the order is written"));
                }
                if without > 0 {
                    note(&format!(
                        "{without} rows have no best response, because no verdict says which it is; they are not written"
                    ));
                }
                to.finish()
            }
        }
    }
}

/// Shows one response on the terminal.
fn show(row: &OutputRow) -> io::Result<()> {
    let text = |name: &str| row.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let number = |name: &str| row.get(name).filter(|value| !value.is_null()).map_or_else(|| "-".to_owned(), ToString::to_string);
    let score =
        row.get("score").and_then(serde_json::Value::as_f64).map_or_else(|| "-".to_owned(), |score| format!("{score:.3}"));
    let head = format!("{}  place {}, response [{}], score {score}", text("id"), number("rank"), number("index"));
    writeln!(io::stdout().lock(), "{}\n{}\n", harmless(&head), harmless(&text("response")))
}
