//! Any bytes -> the tensors of a safetensors file and the shape of a decoder, or errors: never a panic, and never a tensor outside the
//! file.
//!
//! `cargo +nightly fuzz run checkpoint fuzz/corpus/checkpoint fuzz/seeds/checkpoint` (make the corpus folder first). The seeds are
//! a `config.json` and the header of a safetensors file of `crates/rrm-nn/tests/golden`, with the length of the file before it.
#![no_main]

use rrm_nn::{checkpoint::read_header, config::ModelConfig};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // The length of the file is part of the input: most of a real one lies behind what is read of it.
    if let Some((len, start)) = bytes.split_first_chunk::<8>() {
        let len = u64::from_le_bytes(*len);
        for (_, tensor) in read_header(start, len).unwrap_or_default() {
            assert!(tensor.offset.checked_add(tensor.bytes).is_some_and(|end| end <= len));
            let bits = tensor.shape.iter().try_fold(tensor.dtype.bitsize(), |bits, extent| bits.checked_mul(*extent));
            assert_eq!(bits.map(|bits| bits as u64), Some(tensor.bytes * 8));
        }
    }
    if let Ok(config) = ModelConfig::parse(bytes) {
        assert!(config.parameters() > 0 && config.head_dim.is_multiple_of(2));
        assert!(config.num_attention_heads.is_multiple_of(config.num_key_value_heads));
        let (angles, factor) = config.rotary();
        assert!(factor.is_finite() && angles.len() == config.head_dim / 2 && angles.iter().all(|angle| angle.is_finite()));
    }
});
