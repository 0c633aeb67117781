//! Matches in the order in which they were played -> Elo scores, and intervals that show how much the scores depend on the matches and their order.

use super::{DecidedMatch, Ratings, Score, connected};
use crate::keyed::KeyedRandom;

/// Constants of Elo's update, and the number of resamples for its intervals.
#[derive(Clone, Debug, PartialEq)]
pub struct EloConfig {
    /// Score that every response starts with.
    pub initial: f64,
    /// Odds that a difference of `scale` points stands for.
    pub base: f64,
    /// Points that stand for odds of `base` to 1.
    pub scale: f64,
    /// Most points that one match can move.
    pub k: f64,
    /// Resamples for the intervals; with 0 scores come without intervals.
    pub resamples: u32,
}

impl Default for EloConfig {
    /// The defaults of `evalica.elo` (PyPI package `evalica` 0.4.2), which the paper's authors use. 200 resamples put about 5
    /// beyond each end of an interval.
    fn default() -> Self {
        EloConfig { initial: 1000.0, base: 10.0, scale: 400.0, k: 4.0, resamples: 200 }
    }
}

/// Elo scores of `n` responses after `played`, one match after the other; a tie gives half a point to each.
///
/// Elo depends on the order of the matches, and with a small `k` every score stays near where it began: read it as a ranking of
/// responses that played equally often. `run_seed` and `item` (the row's id) fix the resamples, so the same matches always get
/// the same intervals.
///
/// # What the interval means
/// Each resample draws as many matches as were played, with replacement and in random order, and rates them from the start.
/// `low` and `high` are the 2.5% and 97.5% quantiles of the scores that result, widened where needed to hold the score itself.
/// So the interval answers: *how far could the score have moved if chance had picked other matches like these and another order?*
/// It is not an interval for the strength of a response (use [`super::bradley_terry`] for that), and where all matches ended
/// alike the resamples know nothing else: few matches make it too narrow. A single match has no interval at all.
///
/// # Panics
/// If a match names a response that does not exist, or the same one twice.
pub fn elo(n: usize, played: &[DecidedMatch], config: &EloConfig, run_seed: u64, item: &str) -> Ratings {
    let connected = connected(n, played);
    let mut rated = vec![false; n];
    played.iter().for_each(|game| (rated[game.a], rated[game.b]) = (true, true));
    let values = play(n, played.iter(), config);
    let mut intervals = if played.len() < 2 { vec![None; n] } else { resample(n, played, config, run_seed, item) };
    let scores = (0..n).map(|index| {
        let value = values[index];
        let interval = intervals[index].take().map(|(low, high)| (low.min(value), high.max(value)));
        rated[index].then_some(Score { value, low: interval.map(|ends| ends.0), high: interval.map(|ends| ends.1) })
    });
    Ratings { scores: scores.collect(), penalised: false, connected }
}

/// Plays the matches in order from the start (Elo 1978).
fn play<'a>(n: usize, played: impl Iterator<Item = &'a DecidedMatch>, config: &EloConfig) -> Vec<f64> {
    let mut values = vec![config.initial; n];
    for game in played {
        let expected = 1.0 / (1.0 + config.base.powf((values[game.b] - values[game.a]) / config.scale));
        let gained = config.k * (game.outcome.points() - expected);
        values[game.a] += gained;
        values[game.b] -= gained;
    }
    values
}

/// The middle 95% of each response's score over the resamples; `None` without resamples.
fn resample(n: usize, played: &[DecidedMatch], config: &EloConfig, run_seed: u64, item: &str) -> Vec<Option<(f64, f64)>> {
    let mut drawn: Vec<Vec<f64>> = vec![Vec::with_capacity(config.resamples as usize); n];
    for number in 0..config.resamples {
        let mut keyed = KeyedRandom::new(run_seed, item, "elo resample", &[u64::from(number)]);
        // Draws with replacement are already in random order; each one is a match of the resample.
        let matches = (0..played.len()).map(|_| &played[keyed.below(played.len() as u64) as usize]);
        for (values, value) in drawn.iter_mut().zip(play(n, matches, config)) {
            values.push(value);
        }
    }
    drawn.into_iter().map(middle).collect()
}

/// The 2.5% and 97.5% quantiles, interpolated between neighbours as NumPy does.
fn middle(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let quantile = |share: f64| {
        let place = share * last as f64;
        let below = place.floor() as usize;
        let above = (below + 1).min(last);
        values[below] + (place - below as f64) * (values[above] - values[below])
    };
    Some((quantile(0.025), quantile(0.975)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::rating::MatchOutcome;

    fn some_matches() -> Vec<DecidedMatch> {
        let outcomes = [MatchOutcome::A, MatchOutcome::A, MatchOutcome::B, MatchOutcome::Tie, MatchOutcome::A];
        (0..60).map(|i| DecidedMatch { a: i % 4, b: (i % 4 + 1 + i % 3) % 4, outcome: outcomes[i % 5] }).collect()
    }

    #[test]
    fn one_match_moves_half_of_k_and_has_no_interval() {
        let ratings = elo(3, &[DecidedMatch { a: 2, b: 0, outcome: MatchOutcome::A }], &EloConfig::default(), 0, "row");
        assert_eq!(ratings.scores[2], Some(Score { value: 1002.0, low: None, high: None }));
        assert_eq!(ratings.scores[0], Some(Score { value: 998.0, low: None, high: None }));
        assert_eq!(ratings.scores[1], None);
    }

    #[test]
    fn intervals_hold_the_score_and_depend_on_the_key_alone() {
        let (played, config) = (some_matches(), EloConfig::default());
        let ratings = elo(4, &played, &config, 7, "row");
        for score in ratings.scores.iter().flatten() {
            let (low, high) = (score.low.unwrap(), score.high.unwrap());
            assert!(low <= score.value && score.value <= high && low < high, "{score:?}");
        }
        assert_eq!(ratings, elo(4, &played, &config, 7, "row"));
        assert_ne!(ratings, elo(4, &played, &config, 8, "row"));
        assert_ne!(ratings, elo(4, &played, &config, 7, "other"));
    }

    #[test]
    fn without_resamples_there_is_no_interval() {
        let ratings = elo(4, &some_matches(), &EloConfig { resamples: 0, ..EloConfig::default() }, 7, "row");
        assert!(ratings.scores.iter().flatten().all(|score| score.low.is_none() && score.high.is_none()));
    }

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([4, 1, 3, 2], [0.025, 0.975]) is [1.075, 3.925].
        let (low, high) = middle(vec![4.0, 1.0, 3.0, 2.0]).unwrap();
        assert!((low - 1.075).abs() < 1e-12 && (high - 3.925).abs() < 1e-12);
        assert_eq!(middle(vec![]), None);
    }
}
