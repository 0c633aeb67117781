//! Logits -> weights: probabilities times an unknown factor, such that the best token has a weight of exactly 1.
//!
//! Additions and multiplications in a fixed order give the same bits on every machine; the `exp` of a system's library does not. Loops have a fixed
//! number of lanes, so that the compiler can use the vectors of the target.

/// Number of logits in a chunk; a multiple of [`LANES`].
pub(super) const CHUNK: usize = 128;
const LANES: usize = 16;

/// Smallest exponent with a weight: e^-80 is 2e-35, and its power of two is still a normal number.
const LEAST: f32 = -80.0;

/// Adding and subtracting this constant rounds to a whole number, which is then in the lowest bits of the sum.
const ROUND: f32 = 12_582_912.0;

/// The natural logarithm of 2 in two parts. The first part has so few digits that its multiples are exact.
const LN_2: [f32; 2] = [0.693_359_4, -0.000_212_194_44];

/// Coefficients of (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2: a least-squares fit, reweighted until the relative error of e^r is even, 3e-9.
const CURVE: [f32; 5] = [0.499_999_94, 0.166_665_21, 0.041_668_39, 0.008_368_731, 0.001_381_457_1];

/// The scale by which logits become weights.
#[derive(Clone, Copy)]
pub(super) struct LogitScale {
    /// The best logit.
    pub top: f32,
    /// 1 / temperature.
    pub scale: f32,
}

impl LogitScale {
    /// Returns exp((logit - top) / temperature), to a relative error of 1e-7 plus that of rounding the exponent; 0 for a logit that is not finite.
    #[inline]
    pub(super) fn of(self, logit: f32) -> f32 {
        let x = (logit - self.top) * self.scale;
        // The test also fails for NaN and for infinite logits, which cannot be the best one.
        let counts = (x > LEAST) & (x <= 0.0);
        let x = if counts { x } else { 0.0 };
        let rounded = x * std::f32::consts::LOG2_E + ROUND;
        let power = rounded - ROUND;
        let r = (x - power * LN_2[0]) - power * LN_2[1];
        let [c2, c3, c4, c5, c6] = CURVE;
        let curve = (((c6 * r + c5) * r + c4) * r + c3) * r + c2;
        let root = (r * r * curve + r) + 1.0;
        // The whole number is added to the exponent's bits.
        let weight = f32::from_bits(root.to_bits().wrapping_add(rounded.to_bits() << 23));
        if counts { weight } else { 0.0 }
    }

    /// Returns the weights of one chunk.
    #[inline]
    pub(super) fn of_chunk(self, chunk: &[f32; CHUNK]) -> [f32; CHUNK] {
        chunk.map(|logit| self.of(logit))
    }

    /// Computes the sum of each chunk's weights.
    #[inline]
    pub(super) fn sums(self, logits: &[f32], sums: &mut Vec<f64>) {
        sums.clear();
        chunks(logits, |chunk| {
            let mut lanes = [0.0; LANES];
            for row in chunk.as_chunks::<LANES>().0 {
                for (lane, logit) in lanes.iter_mut().zip(row) {
                    *lane += self.of(*logit);
                }
            }
            sums.push(f64::from(fold(lanes, |a, b| a + b)));
        });
    }
}

/// Computes the largest finite logit of each chunk; -inf if there is none.
#[inline]
pub(super) fn maxima(logits: &[f32], maxima: &mut Vec<f32>) {
    maxima.clear();
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    chunks(logits, |chunk| {
        let mut lanes = [f32::NEG_INFINITY; LANES];
        for row in chunk.as_chunks::<LANES>().0 {
            for (lane, logit) in lanes.iter_mut().zip(row) {
                // Neither +inf nor NaN passes the comparison.
                let finite = if *logit < f32::INFINITY { *logit } else { f32::NEG_INFINITY };
                *lane = larger(*lane, finite);
            }
        }
        maxima.push(fold(lanes, larger));
    });
}

/// Hands on all logits in chunks; -inf fills the last one.
#[inline]
pub(super) fn chunks(logits: &[f32], mut take: impl FnMut(&[f32; CHUNK])) {
    let (whole, rest) = logits.as_chunks::<CHUNK>();
    whole.iter().for_each(&mut take);
    if !rest.is_empty() {
        take(&filled(rest));
    }
}

/// Returns the chunk with this index; -inf fills the last one.
#[inline]
pub(super) fn chunk(logits: &[f32], index: usize) -> [f32; CHUNK] {
    let rest = &logits[index * CHUNK..];
    filled(&rest[..rest.len().min(CHUNK)])
}

#[inline]
fn filled(part: &[f32]) -> [f32; CHUNK] {
    let mut chunk = [f32::NEG_INFINITY; CHUNK];
    chunk[..part.len()].copy_from_slice(part);
    chunk
}

/// Combines the lanes by halves.
#[inline]
fn fold(mut lanes: [f32; LANES], combine: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = combine(lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_exponentials() {
        let weights = LogitScale { top: 0.0, scale: 1.0 };
        for step in 0..790_000 {
            let logit = -(step as f32) * 1e-4;
            let (weight, exact) = (f64::from(weights.of(logit)), f64::from(logit).exp());
            assert!((weight / exact - 1.0).abs() < 1e-7, "{logit}: {weight} {exact}");
        }
    }

    #[test]
    fn the_best_weighs_one_and_what_is_not_finite_nothing() {
        let weights = LogitScale { top: 3.5, scale: 1.0 / 0.6 };
        assert_eq!(weights.of(3.5), 1.0);
        assert_eq!([f32::NAN, f32::NEG_INFINITY, f32::INFINITY, -1e30].map(|logit| weights.of(logit)), [0.0; 4]);
    }

    #[test]
    fn bits_are_the_same_everywhere() {
        let weights = LogitScale { top: 0.25, scale: 1.25 };
        let bits = [0.2f32, -1.0, -7.7, -33.3].map(|logit| weights.of(logit).to_bits());
        // Computed with numpy's float32 as well.
        assert_eq!(bits, [1_064_336_736, 1_045_865_566, 944_419_780, 557_097_969]);
    }
}
