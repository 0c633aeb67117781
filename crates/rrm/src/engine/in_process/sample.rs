//! Logits -> a token: temperature, then `top_k`, `top_p` and `min_p`, then a draw that depends only on the seed.
//!
//! The drawn token is the same on every machine. Sums over candidates are whole numbers, so that the order of addition does not matter.

mod candidates;
mod weight;

use self::{
    candidates::{Candidates, Threshold, UNITS},
    weight::{CHUNK, LogitScale},
};
use crate::engine::Sampling;

/// Sampler of the tokens of one completion.
pub struct Sampler {
    sampling: Sampling,
    random: SplitMix64,
    /// The largest logit of each chunk, and the sum of its weights. All buffers are kept between draws to avoid allocations.
    maxima: Vec<f32>,
    sums: Vec<f64>,
    candidates: Candidates,
}

// All functions that go through a vocabulary are `inline`, also in the modules below. So they are compiled in the crate of the engine, which is
// optimised even if this library is not (see the profiles in Cargo.toml).
impl Sampler {
    /// Returns a sampler whose draws follow from `seed`.
    pub fn new(sampling: &Sampling, seed: u64) -> Self {
        Sampler {
            sampling: sampling.clone(),
            random: SplitMix64(seed),
            maxima: Vec::new(),
            sums: Vec::new(),
            candidates: Candidates::default(),
        }
    }

    /// Draws the next token. Returns its index in `logits`, which has an entry for each token of the vocabulary; `None` if no logit is finite. A
    /// logit that is not finite is never drawn. Of equal logits, the lower index is preferred where some are cut.
    #[inline]
    pub fn draw(&mut self, logits: &[f32]) -> Option<usize> {
        weight::maxima(logits, &mut self.maxima);
        let top = self.maxima.iter().copied().reduce(f32::max).filter(|top| top.is_finite())?;
        let Sampling { temperature, top_p, top_k, min_p, .. } = self.sampling;
        if temperature <= 0.0 {
            let first = self.maxima.iter().position(|maximum| *maximum == top)? * CHUNK;
            return logits[first..].iter().position(|logit| *logit == top).map(|index| first + index);
        }
        let weights = LogitScale { top, scale: (1.0 / temperature).min(f64::from(f32::MAX)) as f32 };
        let top_k = top_k.map(|k| k.max(1) as usize).filter(|k| *k < logits.len());
        // The best token has a weight of exactly 1.
        let min_p = min_p.map(|least| least.min(1.0) as f32);
        let candidates = &mut self.candidates;
        match top_k {
            Some(k) => {
                candidates.gather(logits, &self.maxima, weights, Threshold { logit: bound(&self.maxima, k), weight: 0.0 });
                candidates.keep_top_k(k);
                if top_p < 1.0 {
                    candidates.keep_top_p(top_p * candidates.mass() as f64);
                }
            }
            None if top_p < 1.0 => {
                weights.sums(logits, &mut self.sums);
                let total = self.sums.iter().sum::<f64>();
                // All tokens below this weight together weigh less than the part that top-p leaves out.
                let least = (1.0 - top_p.max(0.0)) * total / logits.len() as f64;
                candidates.gather(logits, &self.maxima, weights, Threshold { logit: f32::MIN, weight: least.min(1.0) as f32 });
                candidates.keep_top_p(top_p * total * UNITS);
            }
            None => match min_p {
                Some(weight) => candidates.gather(logits, &self.maxima, weights, Threshold { logit: f32::MIN, weight }),
                None => return Some(self.pick_of_all(logits, weights)),
            },
        }
        if let Some(least) = min_p {
            candidates.keep_min_p(least);
        }
        Some(candidates.pick(self.random.next() >> 11))
    }

    /// Draws one of all tokens.
    #[inline]
    fn pick_of_all(&mut self, logits: &[f32], weights: LogitScale) -> usize {
        weights.sums(logits, &mut self.sums);
        let mut left = self.random.unit() * self.sums.iter().sum::<f64>();
        let mut picked = 0;
        for (index, sum) in self.sums.iter().enumerate().filter(|(_, sum)| **sum > 0.0) {
            picked = index;
            if left < *sum {
                break;
            }
            left -= sum;
        }
        let first = picked * CHUNK;
        let chunk = weights.of_chunk(&weight::chunk(logits, picked));
        // If rounding leaves a rest, the last token is drawn.
        for (offset, weight) in chunk.into_iter().enumerate().filter(|(_, weight)| *weight > 0.0) {
            picked = first + offset;
            left -= f64::from(weight);
            if left < 0.0 {
                break;
            }
        }
        picked
    }
}

/// Returns a logit that at least `k` tokens reach: each of the chunks with the `k` largest maxima holds one.
#[inline]
fn bound(maxima: &[f32], k: usize) -> f32 {
    if k > maxima.len() {
        return f32::MIN;
    }
    let mut maxima = maxima.to_vec();
    let (_, bound, _) = maxima.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
    bound.max(f32::MIN)
}

/// Random numbers by Sebastiano Vigna's SplitMix64, <https://prng.di.unimi.it/splitmix64.c>.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number that is uniform in [0, 1), from the upper 53 bits.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Logits whose softmax at temperature 1 is 0.1, 0.2, 0.3, 0.4.
    fn logits() -> Vec<f32> {
        [0.1f32, 0.2, 0.3, 0.4].iter().map(|probability| probability.ln()).collect()
    }

    fn sampling() -> Sampling {
        Sampling { temperature: 1.0, ..Sampling::default() }
    }

    /// Returns the share of each of four tokens in 20000 draws.
    fn shares(sampling: Sampling) -> [f64; 4] {
        let mut sampler = Sampler::new(&sampling, 7);
        let mut shares = [0.0; 4];
        for _ in 0..20_000 {
            shares[sampler.draw(&logits()).unwrap()] += 1.0 / 20_000.0;
        }
        shares
    }

    fn assert_close(actual: [f64; 4], expected: [f64; 4]) {
        // Five standard errors of a share of 20000 are below 0.018.
        assert!(actual.iter().zip(expected).all(|(a, e)| (a - e).abs() < 0.018), "{actual:?} {expected:?}");
    }

    #[test]
    fn splitmix_gives_the_published_numbers() {
        let mut random = SplitMix64(1_234_567);
        let numbers: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(numbers, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn draws_follow_the_probabilities() {
        assert_close(shares(sampling()), [0.1, 0.2, 0.3, 0.4]);
        let squares = [0.01, 0.04, 0.09, 0.16].map(|square| square / 0.3);
        assert_close(shares(Sampling { temperature: 0.5, ..sampling() }), squares);
    }

    #[test]
    fn top_k_top_p_and_min_p_keep_the_likeliest() {
        let two = [0.0, 0.0, 3.0 / 7.0, 4.0 / 7.0];
        assert_close(shares(Sampling { top_k: Some(2), ..sampling() }), two);
        assert_close(shares(Sampling { top_p: 0.65, ..sampling() }), two);
        assert_close(shares(Sampling { min_p: Some(0.7), ..sampling() }), two);
        let one = [0.0, 0.0, 0.0, 1.0];
        assert_close(shares(Sampling { top_p: 0.0, ..sampling() }), one);
        assert_close(shares(Sampling { min_p: Some(2.0), ..sampling() }), one);
        assert_close(shares(Sampling { top_k: Some(0), ..sampling() }), one);
    }

    #[test]
    fn greedy_takes_the_first_of_the_best() {
        let mut sampler = Sampler::new(&Sampling { temperature: 0.0, ..sampling() }, 0);
        assert_eq!(sampler.draw(&[0.0, 2.0, 2.0]), Some(1));
        assert_eq!(sampler.draw(&[f32::NAN, -1.0, f32::NEG_INFINITY]), Some(1));
        assert_eq!(sampler.draw(&[f32::NAN]), None);
    }

    /// Returns each token's weight, and whether it is kept, by the definitions; `None` if rounding may decide.
    fn reference(logits: &[f32], sampling: &Sampling) -> Option<Vec<(f64, bool)>> {
        let top = logits.iter().copied().filter(|logit| logit.is_finite()).reduce(f32::max).unwrap();
        let weight = |logit: &f32| {
            let exponent = (f64::from(*logit) - f64::from(top)) / sampling.temperature;
            if logit.is_finite() { exponent.exp() } else { 0.0 }
        };
        let mut tokens: Vec<(usize, f64)> = logits.iter().map(weight).enumerate().collect();
        tokens.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        tokens.truncate(sampling.top_k.map_or(usize::MAX, |k| k.max(1) as usize));
        let wanted = sampling.top_p * tokens.iter().map(|(_, weight)| weight).sum::<f64>();
        let (mut kept, mut sum) = (vec![(0.0, false); logits.len()], 0.0);
        logits.iter().enumerate().for_each(|(token, logit)| kept[token].0 = weight(logit));
        for (rank, (token, weight)) in tokens.iter().enumerate() {
            if sampling.top_p < 1.0 && ((sum - wanted) / wanted.max(1.0)).abs() < 1e-5 && rank > 0 {
                return None;
            }
            let enough = sampling.top_p < 1.0 && sum >= wanted && rank > 0;
            let likely = sampling.min_p.is_none_or(|least| *weight >= least.min(1.0));
            if sampling.min_p.is_some_and(|least| (least.min(1.0) - weight).abs() < 1e-5 && least < 1.0) {
                return None;
            }
            kept[*token].1 = !enough && likely && *weight > 0.0;
            sum += weight;
        }
        Some(kept)
    }

    fn logit() -> impl Strategy<Value = f32> {
        // A grid has ties, and no differences that rounding could reverse.
        prop_oneof![
            30 => (-6000i32..=1000).prop_map(|step| step as f32 / 400.0),
            30 => (-240i32..=40).prop_map(|step| step as f32 / 16.0),
            2 => prop::sample::select(vec![f32::NAN, f32::NEG_INFINITY, f32::INFINITY, -500.0]),
        ]
    }

    proptest! {
        #[test]
        fn draws_are_those_of_the_definition(
            logits in prop::collection::vec(logit(), 1..700),
            temperature in 0.2f64..3.0,
            top_p in prop_oneof![Just(1.0), 0.0f64..1.0, 0.9f64..1.0],
            top_k in prop::option::of(prop_oneof![0u32..8, 0u32..800]),
            min_p in prop::option::of(prop_oneof![0.0f64..0.2, 0.0f64..1.5]),
            seed in any::<u64>(),
        ) {
            let sampling = Sampling { temperature, top_p, top_k, min_p, ..Sampling::default() };
            let mut sampler = Sampler::new(&sampling, seed);
            if !logits.iter().any(|logit| logit.is_finite()) {
                prop_assert_eq!(sampler.draw(&logits), None);
                return Ok(());
            }
            let kept = reference(&logits, &sampling);
            prop_assume!(kept.is_some());
            let kept = kept.unwrap();
            let total: f64 = kept.iter().filter(|(_, kept)| *kept).map(|(weight, _)| weight).sum();
            let mut random = SplitMix64(seed);
            for _ in 0..20 {
                let drawn = sampler.draw(&logits).unwrap();
                prop_assert!(kept[drawn].1, "{drawn} is not kept");
                let before: f64 = kept[..drawn].iter().filter(|(_, kept)| *kept).map(|(weight, _)| weight).sum();
                let place = random.unit() * total;
                prop_assert!(place > before - 1e-5 * total && place < before + kept[drawn].0 + 1e-5 * total, "{place} {before}");
            }
        }
    }

    #[test]
    fn a_vocabulary_of_another_length_does_not_disturb() {
        let sampling = Sampling { top_p: 0.9, ..sampling() };
        let long: Vec<f32> = (0..1000).map(|i| (i % 7) as f32).collect();
        let mut used = Sampler::new(&sampling, 3);
        used.draw(&long);
        let mut new = Sampler::new(&sampling, 3);
        new.random.next();
        assert_eq!(used.draw(&logits()), new.draw(&logits()));
    }

    #[test]
    fn draws_are_the_same_on_every_machine() {
        let logits: Vec<f32> = (0..5000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 16) as f32 / 6000.0).collect();
        let draws = |sampling: Sampling| {
            let mut sampler = Sampler::new(&sampling, 11);
            (0..4).map(|_| sampler.draw(&logits).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draws(sampling()), [1584, 1317, 3189, 2524]);
        assert_eq!(draws(Sampling { top_p: 0.5, temperature: 0.6, ..sampling() }), [1584, 1330, 3181, 2550]);
        assert_eq!(draws(Sampling { top_k: Some(40), ..sampling() }), [1652, 1364, 3249, 2584]);
    }

    #[test]
    fn the_seed_alone_decides() {
        let run = |seed| {
            let mut sampler = Sampler::new(&sampling(), seed);
            (0..50).map(|_| sampler.draw(&logits()).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(run(5), run(5));
        assert_ne!(run(5), run(6));
    }
}
