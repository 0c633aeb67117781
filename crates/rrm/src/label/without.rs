//! Stands in for the writer of Parquet without the feature `parquet`.

use std::{convert::Infallible, io::Write, marker::PhantomData};

use super::{ColumnType, OutputRow};

/// The error that Parquet is not built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rrm writes Parquet only when it is built with the cargo feature `parquet`")]
pub struct NotBuiltIn;

/// Type without values.
pub struct ParquetRows<W: Write + Send>(Infallible, PhantomData<W>);

impl<W: Write + Send> ParquetRows<W> {
    /// Fails.
    ///
    /// # Errors
    /// Always.
    pub fn new(_: W, _: Vec<(&'static str, ColumnType)>) -> Result<Self, NotBuiltIn> {
        Err(NotBuiltIn)
    }

    /// Cannot be called.
    ///
    /// # Errors
    /// None.
    pub fn row(&mut self, _: OutputRow) -> Result<(), NotBuiltIn> {
        match self.0 {}
    }

    /// Cannot be called.
    ///
    /// # Errors
    /// None.
    pub fn finish(self) -> Result<W, NotBuiltIn> {
        match self.0 {}
    }
}
