//! Preferences -> rows of a table; the name of the file determines its kind.

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
    source: Option<PreferenceSource>,
    to: TableWriter,
}

impl PreferenceWriter {
    /// Makes the writer for a layout. The evidence columns are written if `source` is given.
    pub fn new(output: Output, layout: PreferenceLayout, source: Option<PreferenceSource>) -> anyhow::Result<Self> {
        let parquet = output.path().is_some_and(|path| path.extension().is_some_and(|end| end == "parquet"));
        let kind = if parquet { TableKind::Parquet } else { TableKind::Lines };
        let to = TableWriter::new(output, kind, &layout.schema(source.is_some()))?;
        Ok(PreferenceWriter { layout, source, to })
    }

    /// Writes the rows of one preference.
    pub fn preference(&mut self, item: &Item, preference: &Preference) -> io::Result<()> {
        let rows = self.layout.rows(item, preference, self.source.as_ref());
        rows.into_iter().try_for_each(|row| self.to.row(row, show_line))
    }

    /// Finishes writing. The returned output can then appear.
    pub fn finish(self) -> anyhow::Result<Output> {
        self.to.finish()
    }
}
