//! Gzip -> the uncompressed bytes.

use std::{io::BufReader, sync::Arc};

use flate2::bufread::MultiGzDecoder;

use super::{DatasetError, rows::BoxedReader};

/// Returns a reader that decompresses while it is read.
pub(super) fn unpacked(packed: BoxedReader, _: &Arc<str>) -> Result<BoxedReader, DatasetError> {
    Ok(Box::new(BufReader::new(MultiGzDecoder::new(packed))))
}
