//! First bytes of a safetensors file -> its tensors. A pure function of bytes, so that it can be fuzzed.

use safetensors::{Dtype, tensor::Metadata};

/// Bytes before the header: its length, little-endian.
pub(super) const PREFIX: usize = 8;
/// Longest header that the format allows, in bytes.
const MAX_HEADER: u64 = 100_000_000;

/// The position of a tensor in its file. `offset + bytes` is at most the file's length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTensor {
    /// Type of its numbers.
    pub dtype: Dtype,
    /// Its extents, slowest first.
    pub shape: Vec<usize>,
    /// Its first byte, counted from the start of the file.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u64,
}

/// The reason why a safetensors header is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The file is too short for the length of a header.
    #[error("is no safetensors file: it ends before the length of its header")]
    Short,
    /// The length is more than the format allows.
    #[error("is no safetensors file: its header would take {0} bytes")]
    Long(u64),
    /// The header ends behind the end of the file.
    #[error("is cut off: its header takes {header} bytes, but the file has {file}")]
    CutHeader {
        /// Bytes of the header.
        header: u64,
        /// Bytes of the file.
        file: u64,
    },
    /// The header is not valid JSON of tensors, or types, shapes and offsets contradict each other.
    #[error("has a damaged header: {0}")]
    Damaged(String),
    /// The last tensor does not end at the end of the file.
    #[error("is cut off or damaged: its tensors end at byte {end}, but the file has {file}")]
    Length {
        /// The end of the last tensor.
        end: u64,
        /// Bytes of the file.
        file: u64,
    },
}

/// Returns the length of the JSON behind the first eight bytes. It is at most the format's limit and the rest of the file.
///
/// # Errors
/// [`HeaderError`] when `start` has fewer than eight bytes or states an impossible length.
pub(super) fn header_len(start: &[u8], file_len: u64) -> Result<usize, HeaderError> {
    let prefix = start.first_chunk::<PREFIX>().ok_or(HeaderError::Short)?;
    let header = u64::from_le_bytes(*prefix);
    if header > MAX_HEADER {
        return Err(HeaderError::Long(header));
    }
    if header + PREFIX as u64 > file_len {
        return Err(HeaderError::CutHeader { header, file: file_len });
    }
    Ok(header as usize)
}

/// Returns the names and positions of all tensors. `start` holds the first bytes of a file of `file_len` bytes, at least to the end of its header.
///
/// # Errors
/// [`HeaderError`] unless the tensors lie end to end between the header and the end of the file, without gaps or overlaps, each as long as its shape
/// and type require.
pub fn read_header(start: &[u8], file_len: u64) -> Result<Vec<(String, StoredTensor)>, HeaderError> {
    let len = header_len(start, file_len)?;
    let cut = HeaderError::CutHeader { header: len as u64, file: start.len() as u64 };
    let json = start.get(PREFIX..PREFIX + len).ok_or(cut)?;
    // The deserializer checks order, sizes and overflow.
    let metadata: Metadata = serde_json::from_slice(json).map_err(|error| damaged(&error.to_string()))?;
    let data = (PREFIX + len) as u64;
    let end = data.saturating_add(metadata.data_len() as u64);
    if end != file_len {
        return Err(HeaderError::Length { end, file: file_len });
    }
    let place = |(name, info): (String, &safetensors::tensor::TensorInfo)| {
        let (from, to) = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
        (name, StoredTensor { dtype: info.dtype, shape: info.shape.clone(), offset: data + from, bytes: to - from })
    };
    Ok(metadata.tensors().into_iter().map(place).collect())
}

/// Shortens the message, because names in a hostile header can be long.
fn damaged(what: &str) -> HeaderError {
    HeaderError::Damaged(what.chars().take(300).collect())
}
