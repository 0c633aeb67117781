//! Preferences -> rows of a table, by the name of the file.

use std::io;

use rrm::{
    dataset::Item,
    label::{Preference, PreferenceLayout, PreferenceSource},
};

use crate::{
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
        let parquet = output.path().is_some_and(|path| path.extension().is_some_and(|end| end == "parquet"));
        let kind = if parquet { TableKind::Parquet } else { TableKind::Lines };
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
