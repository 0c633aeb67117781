//! Gzip -> the bytes that were packed.

use std::{io::BufReader, sync::Arc};

use flate2::bufread::MultiGzDecoder;

use super::{DatasetError, rows::Reader};

/// Unpacks as it reads.
pub(super) fn unpacked(packed: Reader, _: &Arc<str>) -> Result<Reader, DatasetError> {
    Ok(Box::new(BufReader::new(MultiGzDecoder::new(packed))))
}
