//! Keys, values and tensors -> the first bytes of a GGUF file, up to its tensor data (format: `ggml/docs/gguf.md`, version 3).

use super::tensors::TensorPlan;

/// Alignment of each tensor's data; the format's default if a file states none.
pub(super) const ALIGNMENT: usize = 32;
/// Version of the format.
const VERSION: u32 = 3;

/// The format's codes of value types.
const UINT32: u32 = 4;
const INT32: u32 = 5;
const FLOAT32: u32 = 6;
const BOOL: u32 = 7;
const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// A value under a key.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum MetadataValue {
    U32(u32),
    F32(f32),
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    I32s(Vec<i32>),
}

/// Returns everything before the tensor data, padded to the alignment. The data of all tensors follows in order, each padded as well.
pub(super) fn header(values: &[(String, MetadataValue)], tensors: &[TensorPlan]) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((tensors.len() as u64).to_le_bytes());
    bytes.extend((values.len() as u64).to_le_bytes());
    for (key, value) in values {
        push_text(&mut bytes, key);
        push_value(&mut bytes, value);
    }
    let mut offset = 0u64;
    for tensor in tensors {
        push_text(&mut bytes, &tensor.name);
        bytes.extend((tensor.shape.len() as u32).to_le_bytes());
        // Fastest dimension first.
        bytes.extend(tensor.shape.iter().rev().flat_map(|extent| (*extent as u64).to_le_bytes()));
        bytes.extend(tensor.element_type.code().to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        offset += tensor.bytes().next_multiple_of(ALIGNMENT) as u64;
    }
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    bytes
}

fn push_value(bytes: &mut Vec<u8>, value: &MetadataValue) {
    match value {
        MetadataValue::U32(number) => {
            bytes.extend(UINT32.to_le_bytes());
            bytes.extend(number.to_le_bytes());
        }
        MetadataValue::F32(number) => {
            bytes.extend(FLOAT32.to_le_bytes());
            bytes.extend(number.to_le_bytes());
        }
        MetadataValue::Bool(truth) => {
            bytes.extend(BOOL.to_le_bytes());
            bytes.push(u8::from(*truth));
        }
        MetadataValue::Text(text) => {
            bytes.extend(STRING.to_le_bytes());
            push_text(bytes, text);
        }
        MetadataValue::Texts(texts) => {
            push_array(bytes, STRING, texts.len());
            texts.iter().for_each(|text| push_text(bytes, text));
        }
        MetadataValue::I32s(numbers) => {
            push_array(bytes, INT32, numbers.len());
            bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        }
    }
}

fn push_array(bytes: &mut Vec<u8>, element_type: u32, len: usize) {
    bytes.extend(ARRAY.to_le_bytes());
    bytes.extend(element_type.to_le_bytes());
    bytes.extend((len as u64).to_le_bytes());
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}
