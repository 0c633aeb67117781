//! Questions one after another -> the earlier kept question that each of them nearly repeats, by MinHash over runs of five words.
//!
//! A question has 60 minima (Broder 1997), in 12 bands of five. Questions that agree on a band are compared by the lowest byte of each minimum. At
//! similarity 0.8 two questions share a band with probability 0.99, at 0.5 with 0.31. A kept question takes 116 bytes.

use super::words::{grams, mix};

const SHINGLE: usize = 5;
const BANDS: usize = 12;
const ROWS: usize = 5;
const MINIMA: usize = BANDS * ROWS;
/// Slots of a band's table.
const HEADS: usize = 1 << 18;
const NONE: u32 = u32::MAX;
/// Most earlier questions that are compared in each band, the latest first. This bounds the time if thousands share a band.
const LOOKED_AT: usize = 256;

/// The kept questions so far, for finding near-duplicates.
pub(super) struct NearDuplicates {
    threshold: f64,
    factors: Vec<(u64, u64)>,
    heads: Vec<u32>,
    next: Vec<[u32; BANDS]>,
    minima: Vec<[u8; MINIMA]>,
    places: Vec<u32>,
}

impl NearDuplicates {
    /// Returns an empty index; `threshold` is the similarity from which a question repeats another.
    pub(super) fn new(threshold: f64) -> Self {
        let factor = |i: u64| (mix(2 * i + 1) | 1, mix(2 * i + 2));
        let (heads, factors) = (vec![NONE; HEADS * BANDS], (0..MINIMA as u64).map(factor).collect());
        NearDuplicates { threshold, factors, heads, next: Vec::new(), minima: Vec::new(), places: Vec::new() }
    }

    /// Returns the most similar kept question and its similarity, if it reaches the threshold. Otherwise the question is kept under `place`.
    pub(super) fn meet(&mut self, words: &[u64], place: u32) -> Option<(u32, f32)> {
        let (minima, bands) = self.signature(words);
        let mut best: Option<(u32, f64)> = None;
        for (band, head) in bands.iter().enumerate() {
            let mut at = self.heads[band * HEADS + head];
            for _ in 0..LOOKED_AT {
                if at == NONE {
                    break;
                }
                let similarity = similarity(&minima, &self.minima[at as usize]);
                if similarity >= self.threshold && best.is_none_or(|(_, most)| similarity > most) {
                    best = Some((self.places[at as usize], similarity));
                }
                at = self.next[at as usize][band];
            }
        }
        if let Some((place, similarity)) = best {
            return Some((place, similarity as f32));
        }
        let number = self.minima.len() as u32;
        let mut next = [NONE; BANDS];
        for (band, head) in bands.iter().enumerate() {
            next[band] = std::mem::replace(&mut self.heads[band * HEADS + head], number);
        }
        self.next.push(next);
        self.minima.push(minima);
        self.places.push(place);
        None
    }

    fn signature(&self, words: &[u64]) -> ([u8; MINIMA], [usize; BANDS]) {
        let mut least = [u64::MAX; MINIMA];
        for gram in grams(words, SHINGLE) {
            for (least, (factor, term)) in least.iter_mut().zip(&self.factors) {
                *least = (*least).min((gram ^ term).wrapping_mul(*factor));
            }
        }
        // The high bits of a product depend on all bits of the gram; the low ones do not.
        let minima = least.map(|minimum| (mix(minimum) >> 56) as u8);
        let mut bands = [0; BANDS];
        for (band, rows) in bands.iter_mut().zip(least.chunks_exact(ROWS)) {
            *band = (rows.iter().fold(0, |hash, row| mix(hash ^ row)) >> 46) as usize;
        }
        (minima, bands)
    }
}

/// Returns the share of equal minima, corrected for bytes that are equal by chance.
fn similarity(a: &[u8; MINIMA], b: &[u8; MINIMA]) -> f64 {
    let equal = a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / MINIMA as f64;
    ((equal - 1.0 / 256.0) / (1.0 - 1.0 / 256.0)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::{super::words::words, *};

    fn text(from: usize, to: usize) -> Vec<u64> {
        words(&(from..to).map(|i| format!("w{i} ")).collect::<String>())
    }

    #[test]
    fn the_same_and_nearly_the_same_are_found_and_others_are_kept() {
        let mut near = NearDuplicates::new(0.8);
        assert_eq!(near.meet(&text(0, 200), 7), None);
        assert_eq!(near.meet(&text(0, 200), 8), Some((7, 1.0)));
        // 190 of 200 runs are common, then 100 of 300.
        assert!(near.meet(&text(5, 200), 9).is_some_and(|(place, similarity)| place == 7 && similarity > 0.85));
        assert_eq!(near.meet(&text(100, 300), 10), None);
        assert_eq!(near.meet(&words("What is 2+3?"), 11), None);
        assert_eq!(near.meet(&words("What is 2-3?"), 12), None);
        assert!(near.meet(&words("what is 2 + 3"), 13).is_some());
    }

    #[test]
    fn estimates_are_near_the_truth() {
        // Of n runs each, with an offset of k: (n - k) / (n + k) are common.
        let off: Vec<f64> = (0..40)
            .map(|i| {
                let near = NearDuplicates::new(0.8);
                let (a, b) = (text(i * 1000, i * 1000 + 204), text(i * 1000 + 50, i * 1000 + 254));
                similarity(&near.signature(&a).0, &near.signature(&b).0) - 150.0 / 250.0
            })
            .collect();
        let mean = off.iter().sum::<f64>() / 40.0;
        assert!(mean.abs() < 0.04, "{mean}");
    }

    #[test]
    fn questions_that_share_a_band_by_the_hundred_take_bounded_time() {
        let mut near = NearDuplicates::new(1.1);
        (0..1000).for_each(|place| assert_eq!(near.meet(&text(0, 20), place), None));
    }
}
