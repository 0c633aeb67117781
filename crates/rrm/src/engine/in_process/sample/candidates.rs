//! The tokens that can be drawn: selected by their weights, cut by `top_k`, `top_p` and `min_p`, and one of them picked.

use std::cmp::Ordering;

use super::weight::{self, CHUNK, LogitScale};

/// Units of mass for a weight of 1; the mass of a million tokens fits into 64 bits.
pub(super) const UNITS: f64 = (1u64 << 40) as f64;

/// Number of bins for weights from 1 down to 2^-40; each bin is a 32nd of a power of two wide.
const BINS: usize = 40 * 32 + 1;

/// Tokens that can be drawn.
#[derive(Default)]
pub(super) struct Candidates {
    /// The candidates, by index.
    kept: Vec<TokenWeight>,
    /// Buffer for some of them, in any order.
    some: Vec<TokenWeight>,
}

/// A token that can be drawn.
#[derive(Clone, Copy, Default)]
struct TokenWeight {
    token: u32,
    weight: f32,
}

/// The least logit and the least weight of a candidate.
#[derive(Clone, Copy)]
pub(super) struct Threshold {
    pub logit: f32,
    pub weight: f32,
}

impl Candidates {
    /// Selects the tokens that reach this logit and this weight. Tokens without weight are not selected.
    #[inline]
    pub(super) fn gather(&mut self, logits: &[f32], maxima: &[f32], weights: LogitScale, least: Threshold) {
        let least = Threshold { weight: least.weight.max(f32::MIN_POSITIVE), ..least };
        let mut found = 0;
        for (index, maximum) in maxima.iter().enumerate() {
            if *maximum < least.logit || weights.of(*maximum) < least.weight {
                continue;
            }
            if self.kept.len() < found + CHUNK {
                self.kept.resize((2 * found).max(found + CHUNK), TokenWeight::default());
            }
            let chunk = weight::chunk(logits, index);
            let place = &mut self.kept[found..found + CHUNK];
            let mut kept = 0;
            for (offset, (logit, weight)) in chunk.into_iter().zip(weights.of_chunk(&chunk)).enumerate() {
                // Written in any case: a branch would be mispredicted too often.
                place[kept] = TokenWeight { token: (index * CHUNK + offset) as u32, weight };
                kept += usize::from((logit >= least.logit) & (weight >= least.weight));
            }
            found += kept;
        }
        self.kept.truncate(found);
    }

    #[inline]
    pub(super) fn keep_top_k(&mut self, k: usize) {
        if k < self.kept.len() {
            self.some.clone_from(&self.kept);
            let last = *self.some.select_nth_unstable_by(k - 1, likelier).1;
            self.kept.retain(|candidate| likelier(candidate, &last).is_le());
        }
    }

    /// Keeps the fewest candidates whose masses sum to `wanted` units, and at least one. Whole bins are counted first, so that only the bin in which
    /// the sum is reached must be sorted.
    #[inline]
    pub(super) fn keep_top_p(&mut self, wanted: f64) {
        let mut wanted = wanted as u64;
        let mut bins = [0; BINS];
        self.kept.iter().for_each(|candidate| bins[bin(candidate.weight)] += units(candidate.weight));
        let reached = bins.iter().position(|mass| {
            let reached = *mass > 0 && *mass >= wanted;
            wanted -= if reached { 0 } else { *mass };
            reached
        });
        // If rounding leaves a rest, all are kept.
        let Some(reached) = reached else { return };
        self.some.clear();
        self.some.extend(self.kept.iter().filter(|candidate| bin(candidate.weight) == reached));
        self.some.sort_unstable_by(likelier);
        let last = self.some.iter().find(|candidate| {
            let last = units(candidate.weight) >= wanted;
            wanted = wanted.saturating_sub(units(candidate.weight));
            last
        });
        if let Some(last) = last {
            self.kept.retain(|candidate| likelier(candidate, last).is_le());
        }
    }

    #[inline]
    pub(super) fn keep_min_p(&mut self, least: f32) {
        self.kept.retain(|candidate| candidate.weight >= least);
    }

    /// Returns the mass of all candidates.
    #[inline]
    pub(super) fn mass(&self) -> u64 {
        self.kept.iter().map(|candidate| units(candidate.weight)).sum()
    }

    /// Returns the token whose mass covers a random number below 2^53.
    #[inline]
    pub(super) fn pick(&self, random: u64) -> usize {
        let mut left = ((u128::from(random) * u128::from(self.mass())) >> 53) as u64;
        let mut picked = 0;
        for TokenWeight { token, weight } in &self.kept {
            picked = *token as usize;
            if left < units(*weight) {
                break;
            }
            left -= units(*weight);
        }
        picked
    }
}

/// Orders the likelier of two candidates first, and of equal ones the lower index.
#[inline]
fn likelier(a: &TokenWeight, b: &TokenWeight) -> Ordering {
    b.weight.total_cmp(&a.weight).then(a.token.cmp(&b.token))
}

/// Returns a weight of at most 1 in units, rounded down: its 24 binary digits, shifted by its exponent.
#[inline]
fn units(weight: f32) -> u64 {
    let digits = u64::from((weight.to_bits() & 0x7f_ffff) | 0x80_0000);
    (digits << 17) >> (127 - (weight.to_bits() >> 23)).min(63)
}

/// Returns the bin of a weight of at most 1. The likeliest tokens are in the first bin.
#[inline]
fn bin(weight: f32) -> usize {
    (((1f32.to_bits() - weight.to_bits()) >> 18) as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_weights_and_bins_follow_their_order() {
        let mut last = 0;
        for weight in (0..4000).map(|step| 0.99f32.powi(step)) {
            assert_eq!(units(weight), (f64::from(weight) * UNITS) as u64, "{weight}");
            assert!(bin(weight) >= last, "{weight}");
            last = bin(weight);
        }
        assert_eq!((bin(1.0), last, units(0.0)), (0, BINS - 1, 0));
    }
}
