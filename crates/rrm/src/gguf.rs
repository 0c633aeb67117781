//! A GGUF file -> its header: metadata, and the place of each tensor. Strict and bounded, because ggml ends the process on a bad file.
//!
//! Layout: `ggml/docs/gguf.md`, versions 2 and 3, little-endian. Every number in the file is checked against the file's size before it is used.

use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
    io::{self, Read, Seek},
    path::{Path, PathBuf},
};

use source::Source;

mod source;

/// Most bytes of a text that is accepted; some converters put a whole `tokenizer.json` under one key.
const MAX_TEXT: u64 = 32 << 20;
/// Most bytes of keys and texts in memory.
const MAX_HELD: usize = 64 << 20;
/// Most keys, and most tensors; the largest mixtures of experts have some thousands.
const MAX_ENTRIES: u64 = 1 << 16;
/// Longest key in bytes (format specification).
const MAX_KEY: u64 = 65_535;
/// Longest tensor name in bytes: ggml keeps 64 with the closing zero.
const MAX_NAME: u64 = 63;
/// Most dimensions of a tensor (`GGML_MAX_DIMS`).
const MAX_DIMENSIONS: u32 = 4;
/// Alignment of tensor data if the file states none (format specification).
const DEFAULT_ALIGNMENT: u64 = 32;
/// Largest alignment that is accepted; real files use 32.
const MAX_ALIGNMENT: u64 = 1 << 16;

/// The header of a GGUF file.
#[derive(Clone, Debug, PartialEq)]
pub struct GgufHeader {
    /// Format version, 2 or 3.
    pub version: u32,
    /// All keys and values. Arrays are described, and not loaded.
    pub metadata: BTreeMap<String, GgufValue>,
    /// All tensors, in the order of their data.
    pub tensors: Vec<GgufTensor>,
    /// Start of the tensor data, in bytes from the start of the file.
    pub data_offset: u64,
}

/// One metadata value.
#[derive(Clone, Debug, PartialEq)]
pub enum GgufValue {
    /// `uint8` to `uint64`.
    Unsigned(u64),
    /// `int8` to `int64`.
    Signed(i64),
    /// `float32` or `float64`.
    Float(f64),
    /// `bool`.
    Bool(bool),
    /// `string`.
    Text(String),
    /// `array`, as the place of its elements.
    Array(GgufArray),
}

/// An array that was checked and skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GgufArray {
    /// Type of the elements, as numbered by the format.
    pub element_type: u32,
    /// Number of elements.
    pub len: u64,
    /// Start of the first element, in bytes from the start of the file.
    pub offset: u64,
}

/// One tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GgufTensor {
    /// Its name, unique in the file.
    pub name: String,
    /// Its extents, fastest first, one to four of them, none of them 0.
    pub shape: Vec<u64>,
    /// Its element type, as numbered by ggml.
    pub element_type: u32,
    /// Start of its data, in bytes from `data_offset`.
    pub offset: u64,
    /// Number of its bytes.
    pub size: u64,
}

/// The reason why a file is no GGUF file that could be loaded.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// The file cannot be read.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// Message of the operating system.
        source: io::Error,
    },
    /// The file does not begin with `GGUF`.
    #[error("{}: not a GGUF file", file.display())]
    NotGguf {
        /// The file.
        file: PathBuf,
    },
    /// A version other than 2 and 3, or a big-endian file.
    #[error("{}: GGUF version {version} is not supported, only 2 and 3", file.display())]
    Version {
        /// The file.
        file: PathBuf,
        /// The version it states.
        version: u32,
    },
    /// The header contradicts the format or the file's size.
    #[error("{}: damaged GGUF header near byte {offset}: {what}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Byte at which reading stopped.
        offset: u64,
        /// Description of the error there.
        what: String,
    },
}

impl GgufHeader {
    /// Returns the text under `key`, if it is a text.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key) {
            Some(GgufValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns the whole number under `key`, if it is one and not negative.
    pub fn number(&self, key: &str) -> Option<u64> {
        match self.metadata.get(key) {
            Some(GgufValue::Unsigned(number)) => Some(*number),
            Some(GgufValue::Signed(number)) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// Returns the array under `key`, if it is one.
    pub fn array(&self, key: &str) -> Option<GgufArray> {
        match self.metadata.get(key) {
            Some(GgufValue::Array(array)) => Some(*array),
            _ => None,
        }
    }
}

/// Reads the header of the file at `path`.
///
/// # Errors
/// [`GgufError`] when the file cannot be read or ggml would not accept it.
pub fn read_header(path: &Path) -> Result<GgufHeader, GgufError> {
    read_header_from(path, open(path)?)
}

/// Reads a header from any source; `file` is only its name in errors.
///
/// # Errors
/// As [`read_header`].
pub fn read_header_from(file: &Path, source: impl Read + Seek) -> Result<GgufHeader, GgufError> {
    let mut source = Source::new(file, source)?;
    if source.take::<4>().ok() != Some(*b"GGUF") {
        return Err(GgufError::NotGguf { file: file.to_owned() });
    }
    let version = source.u32()?;
    if version != 2 && version != 3 {
        return Err(GgufError::Version { file: file.to_owned(), version });
    }
    let tensor_count = source.count(MAX_ENTRIES, 32)?;
    let value_count = source.count(MAX_ENTRIES, 14)?;
    let metadata = read_metadata(&mut source, value_count)?;
    let alignment = match metadata.get("general.alignment") {
        None => DEFAULT_ALIGNMENT,
        Some(GgufValue::Unsigned(n)) if n.is_power_of_two() && (8..=MAX_ALIGNMENT).contains(n) => *n,
        Some(other) => return Err(source.damaged(format!("general.alignment is {other:?}"))),
    };
    let mut tensors = read_tensors(&mut source, tensor_count)?;
    let data_offset = if tensors.is_empty() { source.at } else { source.at.next_multiple_of(alignment) };
    place_tensors(&source, &mut tensors, data_offset, alignment)?;
    Ok(GgufHeader { version, metadata, tensors, data_offset })
}

/// Calls `visit` with the index and bytes of each element of an array of texts.
///
/// # Errors
/// [`GgufError`] if the file has changed since its header was read, or if the elements are no texts.
pub fn visit_texts(path: &Path, array: GgufArray, visit: impl FnMut(u64, &[u8])) -> Result<(), GgufError> {
    let mut source = Source::new(path, open(path)?)?;
    source.skip(array.offset)?;
    if array.element_type != TEXT {
        return Err(source.damaged("an array of texts is expected".to_owned()));
    }
    source.texts(array.len, visit)
}

fn open(path: &Path) -> Result<File, GgufError> {
    let io_error = |source| GgufError::Io { file: path.to_owned(), source };
    // Opening a folder succeeds on Linux; only reading it fails, with an unhelpful message.
    if path.is_dir() {
        return Err(io_error(io::Error::new(io::ErrorKind::IsADirectory, "is a folder, not a GGUF file")));
    }
    File::open(path).map_err(io_error)
}

fn read_metadata<R: Read + Seek>(source: &mut Source<'_, R>, count: u64) -> Result<BTreeMap<String, GgufValue>, GgufError> {
    let mut metadata = BTreeMap::new();
    let mut held = 0;
    for _ in 0..count {
        let key = source.text(MAX_KEY)?;
        // llama.cpp reads keys as C strings, so a zero inside would make two keys one.
        if key.is_empty() || key.contains('\0') {
            return Err(source.damaged(format!("bad key {key:?}")));
        }
        let value = read_value(source)?;
        held += key.len() + if let GgufValue::Text(text) = &value { text.len() } else { 0 };
        if held > MAX_HELD {
            return Err(source.damaged(format!("more than {MAX_HELD} bytes of text")));
        }
        if metadata.contains_key(&key) {
            return Err(source.damaged(format!("key {key:?} comes twice")));
        }
        metadata.insert(key, value);
    }
    Ok(metadata)
}

/// The format's type numbers of `string` and `array`.
const TEXT: u32 = 8;
const ARRAY: u32 = 9;

fn read_value<R: Read + Seek>(source: &mut Source<'_, R>) -> Result<GgufValue, GgufError> {
    use GgufValue::{Float, Signed, Unsigned};
    Ok(match source.u32()? {
        0 => Unsigned(source.take::<1>()?[0].into()),
        1 => Signed(i8::from_le_bytes(source.take()?).into()),
        2 => Unsigned(u16::from_le_bytes(source.take()?).into()),
        3 => Signed(i16::from_le_bytes(source.take()?).into()),
        4 => Unsigned(source.u32()?.into()),
        5 => Signed(i32::from_le_bytes(source.take()?).into()),
        6 => Float(f32::from_le_bytes(source.take()?).into()),
        7 => match source.take::<1>()?[0] {
            byte @ (0 | 1) => GgufValue::Bool(byte == 1),
            byte => return Err(source.damaged(format!("a truth value is {byte}"))),
        },
        TEXT => GgufValue::Text(source.text(MAX_TEXT)?),
        ARRAY => GgufValue::Array(read_array(source)?),
        10 => Unsigned(source.u64()?),
        11 => Signed(i64::from_le_bytes(source.take()?)),
        12 => Float(f64::from_le_bytes(source.take()?)),
        other => return Err(source.damaged(format!("unknown value type {other}"))),
    })
}

fn read_array<R: Read + Seek>(source: &mut Source<'_, R>) -> Result<GgufArray, GgufError> {
    let element_type = source.u32()?;
    let element_size = match element_type {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        TEXT => 8, // the length that stands before each text
        other => return Err(source.damaged(format!("unknown or nested array element type {other}"))),
    };
    let len = source.count(u64::MAX, element_size)?;
    let offset = source.at;
    match element_type {
        TEXT => source.texts(len, |_, _| ())?,
        _ => source.skip(len * element_size)?,
    }
    Ok(GgufArray { element_type, len, offset })
}

fn read_tensors<R: Read + Seek>(source: &mut Source<'_, R>, count: u64) -> Result<Vec<GgufTensor>, GgufError> {
    let mut tensors = Vec::new();
    let mut names = HashSet::new();
    for _ in 0..count {
        let name = source.text(MAX_NAME)?;
        if name.contains('\0') || !names.insert(name.clone()) {
            return Err(source.damaged(format!("tensor name {name:?} is bad or comes twice")));
        }
        let dimensions = source.u32()?;
        if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
            return Err(source.damaged(format!("tensor {name:?} has {dimensions} dimensions")));
        }
        let shape = (0..dimensions).map(|_| source.u64()).collect::<Result<Vec<_>, _>>()?;
        let element_type = source.u32()?;
        let size = match tensor_size(&shape, element_type) {
            Some(size) => size,
            None => return Err(source.damaged(format!("tensor {name:?} of type {element_type} cannot have shape {shape:?}"))),
        };
        tensors.push(GgufTensor { name, shape, element_type, offset: source.u64()?, size });
    }
    Ok(tensors)
}

/// Checks that the tensors follow each other without gaps, as ggml demands, and end inside the file.
fn place_tensors<R>(
    source: &Source<'_, R>,
    tensors: &mut [GgufTensor],
    data_offset: u64,
    alignment: u64,
) -> Result<(), GgufError> {
    let mut expected = 0u64;
    for tensor in tensors {
        let inside = data_offset.checked_add(expected).and_then(|start| start.checked_add(tensor.size));
        if tensor.offset != expected || inside.is_none_or(|end| end > source.len) {
            let GgufTensor { name, offset, size, .. } = tensor;
            let what = format!("tensor {name:?} of {size} bytes at {offset} is not at {expected} or passes the file's end");
            return Err(source.damaged(what));
        }
        expected = (expected + tensor.size).next_multiple_of(alignment);
    }
    Ok(())
}

/// Returns the bytes of a tensor; `None` for unknown types, empty or overflowing shapes, and rows that are no whole number of blocks.
fn tensor_size(shape: &[u64], element_type: u32) -> Option<u64> {
    let (block, bytes) = block_layout(element_type)?;
    if shape.contains(&0) || shape.first()? % block != 0 {
        return None;
    }
    let elements = shape.iter().try_fold(1u64, |product, extent| product.checked_mul(*extent))?;
    // ggml counts elements and bytes in signed 64 bits.
    (elements / block).checked_mul(bytes).filter(|_| elements <= i64::MAX as u64).filter(|size| *size <= i64::MAX as u64)
}

/// Returns the elements and bytes of one block of a ggml type (`ggml_type_traits`); `None` for numbers that ggml removed or never assigned.
fn block_layout(element_type: u32) -> Option<(u64, u64)> {
    Some(match element_type {
        0 | 26 => (1, 4),      // F32, I32
        1 | 25 | 30 => (1, 2), // F16, I16, BF16
        27 | 28 => (1, 8),     // I64, F64
        24 => (1, 1),          // I8
        2 | 20 => (32, 18),    // Q4_0, IQ4_NL
        3 => (32, 20),         // Q4_1
        6 => (32, 22),         // Q5_0
        7 => (32, 24),         // Q5_1
        8 => (32, 34),         // Q8_0
        9 => (32, 36),         // Q8_1
        39 => (32, 17),        // MXFP4
        40 => (64, 36),        // NVFP4
        42 => (64, 18),        // Q2_0
        41 => (128, 18),       // Q1_0
        10 => (256, 84),       // Q2_K
        11 | 21 => (256, 110), // Q3_K, IQ3_S
        12 => (256, 144),      // Q4_K
        13 => (256, 176),      // Q5_K
        14 => (256, 210),      // Q6_K
        15 => (256, 292),      // Q8_K
        16 | 35 => (256, 66),  // IQ2_XXS, TQ2_0
        17 => (256, 74),       // IQ2_XS
        18 => (256, 98),       // IQ3_XXS
        19 => (256, 50),       // IQ1_S
        22 => (256, 82),       // IQ2_S
        23 => (256, 136),      // IQ4_XS
        29 => (256, 56),       // IQ1_M
        34 => (256, 54),       // TQ1_0
        _ => return None,
    })
}
