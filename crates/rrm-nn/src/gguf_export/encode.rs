//! A row of f32 -> its bytes in a ggml type.

use half::f16;

use super::tensors::ElementType;

/// Weights that share one scale in `Q8_0`.
pub(super) const BLOCK: usize = 32;

/// The reason why a value cannot be encoded in a type.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum EncodingError {
    /// It is infinite or not a number.
    #[error("holds {0}, which is no finite number")]
    NotFinite(f32),
    /// It is beyond the largest half-precision number, 65504.
    #[error("holds {0}, which is too large for f16; --type f32 has room for it")]
    TooLarge(f32),
}

/// Appends the bytes of a row, little-endian; for `Q8_0` its length is a multiple of 32.
///
/// # Errors
/// The first value that cannot be encoded.
pub(super) fn row(numbers: &[f32], element_type: ElementType, bytes: &mut Vec<u8>) -> Result<(), EncodingError> {
    if let Some(number) = numbers.iter().find(|number| !number.is_finite()) {
        return Err(EncodingError::NotFinite(*number));
    }
    match element_type {
        ElementType::F32 => bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes())),
        ElementType::F16 => {
            for number in numbers {
                bytes.extend(half(*number)?.to_le_bytes());
            }
        }
        ElementType::Q8_0 => {
            for block in numbers.chunks(BLOCK) {
                // The scale is rounded to f16 when it is stored, but divides unrounded, as in ggml.
                let largest = block.iter().fold(0f32, |most, number| most.max(number.abs()));
                let scale = largest / 127.0;
                let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
                bytes.extend(half(scale).map_err(|_| EncodingError::TooLarge(largest))?.to_le_bytes());
                // 1 / scale is infinite for the smallest numbers, whose scale is 0 as f16.
                bytes.extend(block.iter().map(|number| ((number * inverse).round().clamp(-127.0, 127.0) as i8).to_le_bytes()[0]));
            }
        }
    }
    Ok(())
}

fn half(number: f32) -> Result<f16, EncodingError> {
    let half = f16::from_f32(number);
    if half.is_finite() { Ok(half) } else { Err(EncodingError::TooLarge(number)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(numbers: &[f32], element_type: ElementType) -> Result<Vec<u8>, EncodingError> {
        let mut bytes = Vec::new();
        row(numbers, element_type, &mut bytes).map(|()| bytes)
    }

    #[test]
    fn halves_are_rounded_to_even_and_never_infinite() {
        assert_eq!(encoded(&[1.0, -2.0], ElementType::F16).unwrap(), [0x00, 0x3c, 0x00, 0xc0]);
        // 2049 lies between 2048 and 2050, of which the first has an even last bit.
        assert_eq!(encoded(&[2049.0], ElementType::F16).unwrap(), f16::from_f32(2048.0).to_le_bytes());
        assert_eq!(encoded(&[65504.0], ElementType::F16).unwrap(), [0xff, 0x7b]);
        assert_eq!(encoded(&[65520.0], ElementType::F16), Err(EncodingError::TooLarge(65520.0)));
        assert_eq!(encoded(&[65520.0], ElementType::F32).unwrap(), 65520f32.to_le_bytes());
        for element_type in [ElementType::F32, ElementType::F16, ElementType::Q8_0] {
            assert_eq!(encoded(&[f32::INFINITY; 32], element_type), Err(EncodingError::NotFinite(f32::INFINITY)));
        }
    }

    #[test]
    fn blocks_have_a_scale_and_bytes() {
        let mut numbers = [0f32; 64];
        numbers[..3].copy_from_slice(&[127.0, -63.5, 0.4]);
        let bytes = encoded(&numbers, ElementType::Q8_0).unwrap();
        assert_eq!(bytes.len(), 68);
        // A scale of 1; halves are rounded away from 0.
        assert_eq!(bytes[..6], [0x00, 0x3c, 127, -64i8 as u8, 0, 0]);
        assert!(bytes[34..].iter().all(|byte| *byte == 0));
        assert_eq!(encoded(&[1e7; 32], ElementType::Q8_0), Err(EncodingError::TooLarge(1e7)));
        assert_eq!(encoded(&[1e-43; 32], ElementType::Q8_0).unwrap()[..2], [0, 0]);
    }

    #[test]
    fn a_block_is_off_by_half_a_step_at_most() {
        let numbers: Vec<f32> = (0..32).map(|index| (index as f32 * 1.7).sin()).collect();
        let bytes = encoded(&numbers, ElementType::Q8_0).unwrap();
        let scale = f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
        for (number, byte) in numbers.iter().zip(&bytes[2..]) {
            let error = (number - f32::from(*byte as i8) * scale).abs();
            // The scale itself is rounded, by 2^-11 of up to 127 steps.
            assert!(error <= scale * (0.5 + 127.0 / 2048.0), "{number} is off by {error}");
        }
    }
}
