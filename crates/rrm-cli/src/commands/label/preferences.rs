//! Preferences -> rows of a table, by the name of the file.

use std::{io, path::Path};

use rrm::{
    dataset::Item,
    label::{Preference, PreferenceLayout, PreferenceSource},
};

use crate::{
    failure::usage,
    output::Output,
    table::{TableKind, TableWriter, show_line},
};

/// The writer of preferences.
pub struct PreferenceWriter {
    layout: PreferenceLayout,
    /// Whether rows have the columns with the evidence.
    evidence: bool,
    source: Option<PreferenceSource>,
    kind: TableKind,
    to: TableWriter,
}

impl PreferenceWriter {
    /// Writes rows of a layout, with the columns of the evidence if they are wanted.
    pub fn new(output: Output, layout: PreferenceLayout, evidence: bool) -> anyhow::Result<Self> {
        let end = output.path().and_then(|path| path.extension()).map(|end| end.to_string_lossy().to_ascii_lowercase());
        let kind = match end.as_deref() {
            Some("parquet") => TableKind::Parquet,
            Some(end) if ["csv", "tsv", "gz", "xlsx", "xls", "arrow", "feather"].contains(&end) => {
                let name = output.path().unwrap_or(Path::new("")).display();
                return Err(usage(format!(
                    "{name}: preferences are JSON lines or Parquet, by a name that ends in .jsonl or .parquet"
                ))
                .into());
            }
            _ => TableKind::Lines,
        };
        let to = TableWriter::new(output, kind, &layout.schema(evidence))?;
        Ok(PreferenceWriter { layout, evidence, source: None, kind, to })
    }

    /// Whether the output is Parquet.
    pub fn is_parquet(&self) -> bool {
        self.kind == TableKind::Parquet
    }

    /// The judge that the evidence names.
    pub fn judged_by(&mut self, source: PreferenceSource) {
        self.source = self.evidence.then_some(source);
    }

    /// Writes the rows of one preference.
    pub fn preference(&mut self, item: &Item, preference: &Preference) -> io::Result<()> {
        let rows = self.layout.rows(item, preference, self.source.as_ref());
        rows.into_iter().try_for_each(|row| self.to.row(row, show_line))
    }

    /// Ends the rows; the output can appear now.
    pub fn finish(self) -> anyhow::Result<Output> {
        self.to.finish()
    }
}
