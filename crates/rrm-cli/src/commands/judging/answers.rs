//! Result rows -> the output: as they are, or as rows with the texts of responses.

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
    commands::rows::RowWriter,
    failure::ensure,
    lines::harmless,
    output::{Output, note},
    table::{TableKind, TableWriter},
    terminal,
};

/// Refuses a name of an output that says something else than what is written.
pub fn check(write: AnswerRows, output: Option<&Path>) -> anyhow::Result<()> {
    if write != AnswerRows::Ranking {
        return TableKind::of(output).map(|_| ());
    }
    let end = output.and_then(Path::extension).map(|end| end.to_string_lossy().to_ascii_lowercase());
    let table = end.is_some_and(|end| ["csv", "tsv", "parquet", "gz", "xlsx", "xls", "arrow", "feather"].contains(&end.as_str()));
    ensure!(
        !table,
        "{}: rankings are lines of JSON; --write best or --write all writes .csv and .parquet",
        output.unwrap_or(Path::new("")).display()
    );
    Ok(())
}

/// Rankings of which the best response is not one.
#[derive(Default)]
pub struct BestCounts {
    /// No verdict says which it is.
    without: u64,
    /// Several responses have equal scores.
    shared: u64,
}

/// The output of rankings.
pub struct RankedRows {
    kind: JudgingKind,
    to: RankedOutput,
}

/// Where rankings go.
enum RankedOutput {
    /// Rows as they are.
    Whole(Output),
    /// Rows with texts, and how many rankings gave none.
    Texts { to: TableWriter, write: AnswerRows, counts: BestCounts },
}

impl RankedRows {
    /// Writes rows of this kind to an output with this name.
    pub fn new(output: Output, write: AnswerRows, name: Option<&Path>, kind: JudgingKind) -> anyhow::Result<Self> {
        let to = match write {
            AnswerRows::Ranking => RankedOutput::Whole(output),
            _ => {
                let to = TableWriter::new(output, TableKind::of(name)?, &AnswerRows::SCHEMA)?;
                RankedOutput::Texts { to, write, counts: BestCounts::default() }
            }
        };
        Ok(RankedRows { kind, to })
    }
}

impl RowWriter for RankedRows {
    fn row(&mut self, item: &Item, row: &Row) -> io::Result<()> {
        match &mut self.to {
            RankedOutput::Whole(output) => output.row(row, || terminal::row(item, row, self.kind)),
            RankedOutput::Texts { to, write, counts } => {
                let rows = write.rows(item, row);
                counts.without += u64::from(rows.is_empty() && row.error.is_none());
                counts.shared += u64::from(*write == AnswerRows::Best && AnswerRows::shares_the_best(row));
                rows.into_iter().try_for_each(|row| to.row(row, show))
            }
        }
    }

    fn finish(self, _rows: u64) -> anyhow::Result<Output> {
        match self.to {
            RankedOutput::Whole(output) => Ok(output),
            RankedOutput::Texts { to, counts: BestCounts { without, shared }, .. } => {
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

    fn reasons(&self) -> &'static str {
        "their rows say why"
    }

    fn without_verdicts(&self) -> &'static str {
        match self.kind {
            JudgingKind::Judge => "nothing was decided",
            JudgingKind::Rank => "nothing was decided, and no row has an order",
        }
    }
}

/// Shows one response to a person.
fn show(row: &OutputRow) -> io::Result<()> {
    let text = |name: &str| row.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let number = |name: &str| row.get(name).filter(|value| !value.is_null()).map_or_else(|| "-".to_owned(), ToString::to_string);
    let score =
        row.get("score").and_then(serde_json::Value::as_f64).map_or_else(|| "-".to_owned(), |score| format!("{score:.3}"));
    let head = format!("{}  place {}, response [{}], score {score}", text("id"), number("rank"), number("index"));
    writeln!(io::stdout().lock(), "{}\n{}\n", harmless(&head), harmless(&text("response")))
}
