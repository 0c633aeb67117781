//! Logits -> a token: temperature, then `top_k`, `top_p` and `min_p`, then a draw that depends on the seed alone.

use std::cmp::Ordering;

use crate::engine::Sampling;

/// Draws the tokens of one completion.
pub struct Sampler {
    sampling: Sampling,
    random: SplitMix64,
    /// Token and weight (its probability times an unknown factor); kept between draws to spare allocations.
    candidates: Vec<(usize, f64)>,
}

impl Sampler {
    /// A sampler whose draws follow from `seed`.
    pub fn new(sampling: &Sampling, seed: u64) -> Self {
        Sampler { sampling: sampling.clone(), random: SplitMix64(seed), candidates: Vec::new() }
    }

    /// The next token's index in `logits`; `None` when there is no finite logit. Equal logits: the lower index is likelier to be kept.
    pub fn draw(&mut self, logits: &[f32]) -> Option<usize> {
        let (best, top) = logits
            .iter()
            .enumerate()
            .filter(|(_, logit)| logit.is_finite())
            .reduce(|best, next| if next.1 > best.1 { next } else { best })?;
        if self.sampling.temperature <= 0.0 {
            return Some(best);
        }
        let scale = 1.0 / self.sampling.temperature;
        let weight = |logit: &f32| ((f64::from(*logit) - f64::from(*top)) * scale).exp();
        self.candidates.clear();
        self.candidates.extend(logits.iter().map(weight).enumerate().filter(|(_, weight)| *weight > 0.0 && weight.is_finite()));
        self.keep_top_k();
        self.keep_top_p();
        if let Some(least) = self.sampling.min_p {
            // The best candidate weighs exactly 1.
            self.candidates.retain(|(_, weight)| *weight >= least.min(1.0));
        }
        Some(self.pick())
    }

    fn keep_top_k(&mut self) {
        let Some(k) = self.sampling.top_k.map(|k| k.max(1) as usize).filter(|k| *k < self.candidates.len()) else { return };
        self.candidates.select_nth_unstable_by(k - 1, likelier);
        self.candidates.truncate(k);
    }

    /// Keeps the fewest candidates whose probabilities sum to `top_p`, and at least one.
    fn keep_top_p(&mut self) {
        if self.sampling.top_p >= 1.0 {
            return;
        }
        self.candidates.sort_unstable_by(likelier);
        let wanted = self.sampling.top_p * self.total();
        let mut sum = 0.0;
        let enough = self.candidates.iter().position(|(_, weight)| {
            sum += weight;
            sum >= wanted
        });
        self.candidates.truncate(enough.map_or(usize::MAX, |last| last + 1));
    }

    fn pick(&mut self) -> usize {
        let mut left = self.random.unit() * self.total();
        let mut picked = 0;
        for (token, weight) in &self.candidates {
            picked = *token;
            left -= weight;
            if left < 0.0 {
                break;
            }
        }
        picked
    }

    fn total(&self) -> f64 {
        self.candidates.iter().map(|(_, weight)| weight).sum()
    }
}

fn likelier(a: &(usize, f64), b: &(usize, f64)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// Sebastiano Vigna's SplitMix64, <https://prng.di.unimi.it/splitmix64.c>.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1): the upper 53 bits.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Softmax of these at temperature 1: 0.1, 0.2, 0.3, 0.4.
    fn logits() -> Vec<f32> {
        [0.1f32, 0.2, 0.3, 0.4].iter().map(|probability| probability.ln()).collect()
    }

    fn sampling() -> Sampling {
        Sampling { temperature: 1.0, ..Sampling::default() }
    }

    /// How often each of four tokens is drawn in 20000.
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
