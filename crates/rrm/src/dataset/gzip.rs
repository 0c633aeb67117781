//! Gzip -> the bytes that were packed.

use std::{io::BufReader, sync::Arc};

use flate2::bufread::MultiGzDecoder;

use super::{DatasetError, rows::BoxedReader};

/// Unpacks as it reads.
pub(super) fn unpacked(packed: BoxedReader, _: &Arc<str>) -> Result<BoxedReader, DatasetError> {
    Ok(Box::new(BufReader::new(MultiGzDecoder::new(packed))))
}
