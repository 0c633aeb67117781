//! A run's seed and the name of a decision -> its random numbers.
//!
//! Nothing here keeps state between decisions: a coin or a seed depends only on its purpose, so order, concurrency, retries and resuming change no
//! result. The values are pinned by golden tests: a change of any of them changes every result ever published with a seed.

use std::sync::LazyLock;

use blake3::hazmat::{ContextKey, HasherExt, hash_derive_key_context};

static CONTEXT: LazyLock<ContextKey> = LazyLock::new(|| hash_derive_key_context("rrm keyed randomness 1"));

/// Upper limit of seeds (2^53), so that every JSON reader keeps them exact.
const SEED_LIMIT: u64 = 1 << 53;

/// Returns the seed of the completion that is vote number `vote` on a pair of responses of one item. It is always below 2^53.
///
/// `pair` holds the indices of the two responses in the order of the match; `swapped` says that the judge sees them in the other order.
pub fn seed(run_seed: u64, item: &str, pair: (usize, usize), swapped: bool, vote: u32) -> u64 {
    let numbers = [pair.0 as u64, pair.1 as u64, u64::from(swapped), u64::from(vote)];
    KeyedRandom::new(run_seed, item, "seed", &numbers).u64() % SEED_LIMIT
}

/// Returns a fair coin for the decision `what` (such as `undecided`) on a pair of responses of one item.
///
/// The order of `pair` matters: a caller that needs the same coin for both orders passes the smaller index first.
pub fn coin(run_seed: u64, item: &str, what: &str, pair: (usize, usize)) -> bool {
    KeyedRandom::new(run_seed, item, what, &[pair.0 as u64, pair.1 as u64]).u64() & 1 == 1
}

/// Returns the numbers `0..n` in a random order that is fixed by run seed, item and purpose (such as `bracket`).
pub fn shuffle(n: usize, run_seed: u64, item: &str, what: &str) -> Vec<usize> {
    let mut keyed = KeyedRandom::new(run_seed, item, what, &[]);
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        order.swap(last, keyed.below(last as u64 + 1) as usize);
    }
    order
}

/// A stream of random numbers that is fixed by its key: the output of BLAKE3 in extendable mode.
#[derive(Clone, Debug)]
pub struct KeyedRandom(blake3::OutputReader);

impl KeyedRandom {
    /// Returns the stream for one purpose: `what` separates purposes, `numbers` separates the decisions of one purpose.
    pub fn new(run_seed: u64, item: &str, what: &str, numbers: &[u64]) -> Self {
        let mut hasher = blake3::Hasher::new_from_context_key(&CONTEXT);
        hasher.update(&run_seed.to_le_bytes());
        for text in [item, what] {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        for number in numbers {
            hasher.update(&number.to_le_bytes());
        }
        KeyedRandom(hasher.finalize_xof())
    }

    /// Returns the next number, uniform over all 64 bits.
    pub fn u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// Returns the next number below `n`, with equal probabilities; 0 if `n` is 0.
    ///
    /// It takes the high half of a 128-bit product, and repeats the few draws that would favour some numbers (Lemire 2019, "Fast Random Integer
    /// Generation in an Interval", algorithm 5).
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        let favoured = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.u64()) * u128::from(n);
            if product as u64 >= favoured {
                return (product >> 64) as u64;
            }
        }
    }

    /// Returns the next number in `[0, 1)`, a multiple of 2^-53.
    pub fn f64(&mut self) -> f64 {
        (self.u64() >> 11) as f64 / SEED_LIMIT as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The expected values were computed independently, with the Python package `blake3`.
    #[test]
    fn values_are_pinned() {
        let seeds = [seed(0, "", (0, 1), false, 0), seed(0, "", (0, 1), true, 0), seed(7, "row-1", (3, 2), false, 4)];
        assert_eq!(seeds, [6_688_339_643_022_749, 5_865_816_314_758_375, 7_471_919_872_594_177]);
        let coins: String = (0..16).map(|i| if coin(7, "row-1", "undecided", (i, i + 1)) { '1' } else { '0' }).collect();
        assert_eq!(coins, "0111001011010101");
        assert_eq!(shuffle(10, 7, "row-1", "bracket"), [2, 8, 7, 0, 3, 4, 1, 6, 9, 5]);
        let mut keyed = KeyedRandom::new(7, "row-1", "test", &[1, 2]);
        assert_eq!(keyed.u64(), 8_125_560_686_538_981_846);
        assert_eq!(keyed.below(1000), 821);
        assert_eq!(keyed.f64(), 0.188_442_390_864_650_2);
    }

    #[test]
    fn every_part_of_the_key_counts() {
        let seeds = [
            seed(1, "a", (0, 1), false, 0),
            seed(2, "a", (0, 1), false, 0),
            seed(1, "b", (0, 1), false, 0),
            seed(1, "a", (1, 0), false, 0),
            seed(1, "a", (0, 2), false, 0),
            seed(1, "a", (0, 1), true, 0),
            seed(1, "a", (0, 1), false, 1),
        ];
        let distinct: std::collections::HashSet<u64> = seeds.into_iter().collect();
        assert_eq!(distinct.len(), seeds.len());
        assert_ne!(KeyedRandom::new(1, "ab", "c", &[]).u64(), KeyedRandom::new(1, "a", "bc", &[]).u64());
    }

    #[test]
    fn coins_are_fair_and_small_ranges_even() {
        // 10,000 fair coins stray more than 300 from the middle once in 10^9; the key is fixed, so this passes always or never.
        let heads = (0..10_000).filter(|i| coin(5, "x", "undecided", (*i, 0))).count();
        assert!(heads.abs_diff(5_000) < 300, "{heads} heads");
        let mut keyed = KeyedRandom::new(5, "x", "range", &[]);
        let mut counts = [0_u32; 6];
        (0..60_000).for_each(|_| counts[keyed.below(6) as usize] += 1);
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 500), "{counts:?}");
    }

    #[test]
    fn short_shuffles_reach_every_order_equally() {
        let mut counts = std::collections::HashMap::new();
        for i in 0..6_000 {
            *counts.entry(shuffle(3, i, "x", "bracket")).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| count.abs_diff(1_000) < 200), "{counts:?}");
    }

    proptest! {
        #[test]
        fn ranges_hold(run_seed: u64, item: String, n in 1_u64.., vote: u32) {
            prop_assert!(seed(run_seed, &item, (0, 1), false, vote) < SEED_LIMIT);
            let mut keyed = KeyedRandom::new(run_seed, &item, "range", &[]);
            prop_assert!(keyed.below(n) < n);
            prop_assert!((0.0..1.0).contains(&keyed.f64()));
            prop_assert_eq!(keyed.below(0), 0);
        }

        #[test]
        fn a_shuffle_is_a_permutation(run_seed: u64, n in 0_usize..200) {
            let mut order = shuffle(n, run_seed, "item", "bracket");
            order.sort_unstable();
            prop_assert_eq!(order, (0..n).collect::<Vec<_>>());
        }
    }
}
