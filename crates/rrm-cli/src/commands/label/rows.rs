//! Preferences -> lines of JSON or Parquet, by the name of the file.

use std::io::{self, Write};

use rrm::{
    dataset::Item,
    label::{ParquetRows, Preference, PreferenceLayout, PreferenceSource},
};

use crate::output::Output;

/// The writer of preferences.
pub struct PreferenceWriter {
    layout: PreferenceLayout,
    source: Option<PreferenceSource>,
    to: PreferenceSink,
}

/// The output that preferences go to.
enum PreferenceSink {
    Lines(Output),
    // A file of Parquet is written through the output that makes it appear.
    Parquet(Box<ParquetRows<Output>>),
}

impl PreferenceWriter {
    /// Rows of a layout, with what they rest on where a source is given.
    pub fn new(output: Output, layout: PreferenceLayout, source: Option<PreferenceSource>) -> anyhow::Result<Self> {
        let parquet = output.path().is_some_and(|path| path.extension().is_some_and(|end| end == "parquet"));
        let to = match parquet {
            true => PreferenceSink::Parquet(Box::new(ParquetRows::new(output, layout.schema(source.is_some()))?)),
            false => PreferenceSink::Lines(output),
        };
        Ok(PreferenceWriter { layout, source, to })
    }

    /// Writes the rows of one preference.
    pub fn preference(&mut self, item: &Item, preference: &Preference) -> io::Result<()> {
        for row in self.layout.rows(item, preference, self.source.as_ref()) {
            match &mut self.to {
                PreferenceSink::Lines(output) => output.row(&row, || {
                    let mut stdout = io::stdout().lock();
                    serde_json::to_writer(&mut stdout, &row)?;
                    stdout.write_all(b"\n")
                })?,
                PreferenceSink::Parquet(rows) => rows.row(row).map_err(io::Error::other)?,
            }
        }
        Ok(())
    }

    /// Ends what was written; the output can appear now.
    pub fn finish(self) -> anyhow::Result<Output> {
        Ok(match self.to {
            PreferenceSink::Lines(output) => output,
            PreferenceSink::Parquet(rows) => rows.finish()?,
        })
    }
}
