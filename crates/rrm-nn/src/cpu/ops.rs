//! The operations between products: norms, rotations, the gate, softmax. All sums have a fixed order over 32 lanes, and all functions are polynomials
//! that are written out here, so that results are the same on every processor.

use super::kernel::TILE;

/// Defines a function that runs its body with the instructions of the given set.
macro_rules! by_isa {
    ($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) $body:ident) => {
        $(#[$doc])*
        #[allow(unsafe_code, reason = "calls a copy compiled for instructions that `isa` says are there")]
        pub fn $name(isa: $crate::cpu::kernel::Isa, $($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,fma")]
                fn wide($($arg: $type),*) {
                    $body($($arg),*);
                }
                #[target_feature(enable = "avx2,fma")]
                fn narrow($($arg: $type),*) {
                    $body($($arg),*);
                }
                use $crate::cpu::kernel::InstructionSet;
                match isa.kind() {
                    // SAFETY: an `Isa` exists only where its instructions do.
                    InstructionSet::Avx512 => return unsafe { wide($($arg),*) },
                    // SAFETY: as above.
                    InstructionSet::Avx2 => return unsafe { narrow($($arg),*) },
                    InstructionSet::Plain => {}
                }
            }
            let _ = isa;
            $body($($arg),*);
        }
    };
}

pub(crate) use by_isa;

by_isa! {
    /// For each row of `x` `(tiles, rows, 32)`: one over the root of the mean square of its first `width` numbers (the others are zeros).
    inverse_rms(x: &[f32], width: usize, eps: f32, out: &mut [f32]) inverse_rms_body
}

#[inline(always)]
fn inverse_rms_body(x: &[f32], width: usize, eps: f32, out: &mut [f32]) {
    let rows = out.len();
    for (row, out) in out.iter_mut().enumerate() {
        let mut sums = [0f32; TILE];
        for tile in x.chunks_exact(rows * TILE) {
            let (lanes, _) = tile[row * TILE..].as_chunks::<TILE>();
            for (sum, value) in sums.iter_mut().zip(&lanes[0]) {
                *sum = value.mul_add(*value, *sum);
            }
        }
        *out = 1.0 / (total(&sums) / width as f32 + eps).sqrt();
    }
}

by_isa! {
    /// One tile of all rows: `out = x * factors[row] * weight`.
    scale_rows(x: &[f32], factors: &[f32], weight: &[f32], out: &mut [f32]) scale_rows_body
}

#[inline(always)]
fn scale_rows_body(x: &[f32], factors: &[f32], weight: &[f32], out: &mut [f32]) {
    let (x, _) = x.as_chunks::<TILE>();
    let (out, _) = out.as_chunks_mut::<TILE>();
    for ((x, out), factor) in x.iter().zip(out).zip(factors) {
        for lane in 0..TILE {
            out[lane] = x[lane] * factor * weight[lane];
        }
    }
}

by_isa! {
    /// SwiGLU on tiles that come in pairs, gate and up `(pairs, 2, rows, 32)`: `out = silu(gate) * up`, `(pairs, rows, 32)`.
    gate(pairs: &[f32], rows: usize, out: &mut [f32]) gate_body
}

#[inline(always)]
fn gate_body(pairs: &[f32], rows: usize, out: &mut [f32]) {
    for (pair, out) in pairs.chunks_exact(2 * rows * TILE).zip(out.chunks_exact_mut(rows * TILE)) {
        let (gate, up) = pair.split_at(rows * TILE);
        let ((gate, _), (up, _), (out, _)) = (gate.as_chunks::<TILE>(), up.as_chunks::<TILE>(), out.as_chunks_mut::<TILE>());
        for ((gate, up), out) in gate.iter().zip(up).zip(out) {
            for lane in 0..TILE {
                out[lane] = gate[lane] / (1.0 + exp(-gate[lane])) * up[lane];
            }
        }
    }
}

by_isa! {
    /// Softmax of one line's scores, `(blocks, lines, 32)`, of which the first `length` are used. The scores become weights that are not yet divided
    /// by their sum, the rest of the last block becomes zeros, and `inverse` is one over the sum.
    softmax(scores: &mut [f32], line: usize, lines: usize, length: usize, inverse: &mut f32) softmax_body
}

#[inline(always)]
fn softmax_body(scores: &mut [f32], line: usize, lines: usize, length: usize, inverse: &mut f32) {
    let blocks = length.div_ceil(TILE);
    let rest = length - (blocks - 1) * TILE;
    for value in &mut scores[((blocks - 1) * lines + line) * TILE + rest..][..TILE - rest] {
        *value = f32::NEG_INFINITY;
    }
    let mut highest = [f32::NEG_INFINITY; TILE];
    for block in 0..blocks {
        let tile = &scores[(block * lines + line) * TILE..][..TILE];
        for (most, value) in highest.iter_mut().zip(tile) {
            *most = if *value > *most { *value } else { *most };
        }
    }
    let most = highest.iter().fold(f32::NEG_INFINITY, |a, b| if *b > a { *b } else { a });
    let mut sums = [0f32; TILE];
    for block in 0..blocks {
        let tile = &mut scores[(block * lines + line) * TILE..][..TILE];
        for (sum, value) in sums.iter_mut().zip(tile) {
            *value = exp(*value - most);
            *sum += *value;
        }
    }
    *inverse = 1.0 / total(&sums);
}

/// Sums 32 lanes by halves.
#[inline(always)]
pub fn total(lanes: &[f32; TILE]) -> f32 {
    let mut sums = *lanes;
    let mut half = TILE / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}

/// e to the `x`, relative error below 2e-7; 0 for -infinity, and below the smallest normal number.
/// The argument is cut into n ln 2 + r, and e^r is the polynomial of Cephes' `expf` (S. L. Moshier), whose coefficients these are.
#[inline(always)]
#[allow(clippy::excessive_precision, reason = "the coefficients as published")]
pub fn exp(x: f32) -> f32 {
    // NaN passes through both comparisons.
    let clamped = if x < -87.3 { -87.3 } else { x };
    let clamped = if clamped > 88.0 { 88.0 } else { clamped };
    // Adding and subtracting 1.5 * 2^23 rounds to a whole number, which then stands in the lowest bits.
    let shifted = clamped.mul_add(std::f32::consts::LOG2_E, 12_582_912.0);
    let n = shifted - 12_582_912.0;
    let r = n.mul_add(-0.693_359_375, clamped);
    let r = n.mul_add(2.121_944_4e-4, r);
    let p = 1.987_569_15e-4f32.mul_add(r, 1.398_199_950_7e-3);
    let p = p.mul_add(r, 8.333_451_907_3e-3);
    let p = p.mul_add(r, 4.166_579_589_4e-2);
    let p = p.mul_add(r, 1.666_666_545_9e-1);
    let p = p.mul_add(r, 5.000_000_120_1e-1);
    let y = p.mul_add(r * r, r) + 1.0;
    let power = f32::from_bits(shifted.to_bits().wrapping_sub(12_582_912f32.to_bits()).wrapping_add(127) << 23);
    if x < -87.3 { 0.0 } else { y * power }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_close_and_ends_well() {
        for i in -87_000..88_000 {
            let x = i as f32 / 1000.0;
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) / exact - 1.0).abs() < 3e-7, "{x}");
        }
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NAN).is_nan());
    }
}
