//! Stands in for the readers of the features `gzip` and `parquet`: errors that name the feature.

use std::sync::Arc;

use super::DatasetError;

/// Stands in for the reader of Parquet.
#[cfg(not(feature = "parquet"))]
pub(super) mod parquet {
    use std::{fs::File, iter::Empty, sync::Arc};

    use super::{super::rows::NumberedRow, DatasetError, not_built_in};

    /// Returns the error that Parquet is not built in.
    pub fn rows(_: File, name: &Arc<str>) -> Result<Empty<NumberedRow>, DatasetError> {
        Err(not_built_in(name, "a Parquet file", "parquet"))
    }
}

/// Stands in for the reader of gzip.
#[cfg(not(feature = "gzip"))]
pub(super) mod gzip {
    use std::sync::Arc;

    use super::{super::rows::BoxedReader, DatasetError, not_built_in};

    /// Returns the error that gzip is not built in.
    pub fn unpacked(_: BoxedReader, name: &Arc<str>) -> Result<BoxedReader, DatasetError> {
        Err(not_built_in(name, "a gzip file", "gzip"))
    }
}

fn not_built_in(name: &Arc<str>, found: &'static str, feature: &'static str) -> DatasetError {
    DatasetError::NotBuiltIn { file: name.clone(), found, feature }
}
