//! Matches, in any order -> Bradley-Terry strengths by maximum likelihood, with Wald intervals.

use std::collections::BTreeMap;

use super::{
    DecidedMatch, Ratings, Score, Z95,
    cholesky::{Cholesky, dot},
    connected, reachable,
};

/// Most Newton steps of a fit; a dozen are usual.
const MAX_STEPS: usize = 200;

/// The scale of Bradley-Terry scores, and the penalty where there is no maximum of the likelihood.
#[derive(Clone, Debug, PartialEq)]
pub struct BtConfig {
    /// Mean of all scores.
    pub centre: f64,
    /// Points that stand for odds of ten to one.
    pub scale: f64,
    /// Standard deviation of the penalty's normal prior, in points; see [`bradley_terry`].
    pub spread: f64,
}

impl Default for BtConfig {
    /// Centre and scale are those of Elo, so that scores of both methods compare. A spread of 400 points says that about one
    /// response in six beats an average one at more than ten to one: wide beside what answers of one model to one prompt show.
    fn default() -> Self {
        BtConfig { centre: 1000.0, scale: 400.0, spread: 400.0 }
    }
}

/// Bradley-Terry scores of `n` responses: `P(a beats b) = 1 / (1 + 10^((b - a) / scale))`, fitted by maximum likelihood.
///
/// The order of the matches does not matter. A tie counts as half a win for each, the common convention (the likelihood of
/// Bradley and Terry 1952 has no ties; those of Davidson or Rao and Kupper do, with one parameter more); since a tie says more
/// than that, intervals are then a little wide. Scores have the mean `centre` over all rated responses.
///
/// Intervals are `value ± 1.96 standard errors`, from the inverse of the observed information on the space of strengths that sum
/// to zero: they tell where a response stands relative to the mean of all, if matches are independent. They lean on large
/// samples. Scores and intervals are rounded to a millionth of a point, so that equal records get equal scores.
///
/// # Where the likelihood has no maximum
/// It has one if and only if every response can be reached from every other by a chain of wins (Ford 1957; a tie is a win both
/// ways). Elsewhere, as after any knockout, some strength would be infinite. Then, and only then, the strengths get a
/// normal prior with standard deviation `spread` and mean zero, the result says `penalised`, and the intervals are those of the
/// penalised fit: wide, at most about `± 1.96 spread`. Groups that never met get comparable scores only by that prior; they
/// are reported as not `connected`.
///
/// Time grows with `n³`, memory with `n²`.
///
/// # Panics
/// If a match names a response that does not exist, or the same one twice.
pub fn bradley_terry(n: usize, played: &[DecidedMatch], config: &BtConfig) -> Ratings {
    let connected = connected(n, played);
    let (rated, pairs) = tally(n, played);
    let points = config.scale / std::f64::consts::LN_10;
    let prior = (points / config.spread).powi(2);
    let plain = has_maximum(rated.len(), &pairs).then(|| fit(rated.len(), &pairs, 0.0)).flatten();
    let penalised = plain.is_none() && !pairs.is_empty();
    let mut scores = vec![None; n];
    if let Some(fitted) = plain.or_else(|| fit(rated.len(), &pairs, prior)) {
        for (place, index) in rated.iter().enumerate() {
            let value = config.centre + points * fitted.strengths[place];
            let reach = Z95 * points * fitted.variances[place].max(0.0).sqrt();
            scores[*index] =
                Some(Score { value: rounded(value), low: Some(rounded(value - reach)), high: Some(rounded(value + reach)) });
        }
    }
    Ratings { scores, penalised, connected }
}

/// Wins of two responses against each other; a tie is half a win for each.
struct PairWins {
    i: usize,
    j: usize,
    wins_i: f64,
    wins_j: f64,
}

/// Strengths (natural logarithms of odds against the mean), and the variances of their errors.
struct StrengthFit {
    strengths: Vec<f64>,
    variances: Vec<f64>,
}

/// The responses that played, and the results of all pairs, numbered by place among those responses.
fn tally(n: usize, played: &[DecidedMatch]) -> (Vec<usize>, Vec<PairWins>) {
    let mut wins: BTreeMap<(usize, usize), (f64, f64)> = BTreeMap::new();
    for game in played {
        let points = game.outcome.points();
        let (key, (low, high)) =
            if game.a < game.b { ((game.a, game.b), (points, 1.0 - points)) } else { ((game.b, game.a), (1.0 - points, points)) };
        let entry = wins.entry(key).or_default();
        *entry = (entry.0 + low, entry.1 + high);
    }
    let mut place = vec![usize::MAX; n];
    wins.keys().for_each(|(i, j)| (place[*i], place[*j]) = (0, 0));
    let rated: Vec<usize> = (0..n).filter(|index| place[*index] == 0).collect();
    rated.iter().enumerate().for_each(|(number, index)| place[*index] = number);
    let pairs =
        wins.into_iter().map(|((i, j), (wins_i, wins_j))| PairWins { i: place[i], j: place[j], wins_i, wins_j }).collect();
    (rated, pairs)
}

/// Returns whether a chain of wins leads from every response to every other. Only then does the likelihood have a maximum.
fn has_maximum(n: usize, pairs: &[PairWins]) -> bool {
    let (mut beats, mut beaten_by) = (vec![Vec::new(); n], vec![Vec::new(); n]);
    for pair in pairs {
        for (winner, loser, wins) in [(pair.i, pair.j, pair.wins_i), (pair.j, pair.i, pair.wins_j)] {
            if wins > 0.0 {
                beats[winner].push(loser);
                beaten_by[loser].push(winner);
            }
        }
    }
    n > 0 && [beats, beaten_by].iter().all(|next| reachable(0, next).into_iter().all(|reached| reached))
}

/// Newton's method with step halving on a concave function, from equal strengths; `prior` is the precision of the normal prior.
///
/// `None` when rounding leaves the information matrix singular or the steps do not settle.
fn fit(n: usize, pairs: &[PairWins], prior: f64) -> Option<StrengthFit> {
    let mut strengths = vec![0.0; n];
    for _ in 0..MAX_STEPS {
        let (gradient, information) = derivatives(&strengths, pairs, prior);
        let factor = Cholesky::new(n, information)?;
        let step = factor.solve(&gradient);
        // Twice what the likelihood can still gain here, if it were quadratic.
        let gain = dot(&gradient, &step);
        if gain < 1e-18 {
            // `derivatives` added 1 to the information along equal strengths, where errors have no meaning: taken out again.
            let along = 1.0 / (n as f64 * (prior + 1.0));
            let variances = factor.inverse_diagonal().into_iter().map(|variance| variance - along).collect();
            return Some(StrengthFit { strengths: moved(&strengths, &step, 1.0), variances });
        }
        strengths = improved(&strengths, &step, gain, |at| objective(at, pairs, prior));
    }
    None
}

/// The point along a Newton step, halved until the objective grows as it should (Armijo's rule).
fn improved(strengths: &[f64], step: &[f64], gain: f64, objective: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let here = objective(strengths);
    let mut length = 1.0;
    // So near the maximum the objective's rounding hides its growth, and full steps converge by themselves.
    while gain > 1e-9 && length > 1e-9 && objective(&moved(strengths, step, length)) < here + 1e-4 * length * gain {
        length /= 2.0;
    }
    moved(strengths, step, length)
}

/// `strengths + length * step`.
fn moved(strengths: &[f64], step: &[f64], length: f64) -> Vec<f64> {
    strengths.iter().zip(step).map(|(strength, step)| strength + length * step).collect()
}

/// The logarithm of the likelihood, less the penalty.
fn objective(strengths: &[f64], pairs: &[PairWins], prior: f64) -> f64 {
    let likelihood: f64 = pairs
        .iter()
        .map(|pair| {
            let lead = strengths[pair.i] - strengths[pair.j];
            // ln(1 + e^-|lead|) is part of both terms; the winner with the lower strength adds the lead.
            -(-lead.abs()).exp().ln_1p() * (pair.wins_i + pair.wins_j) - lead.max(0.0) * pair.wins_j + lead.min(0.0) * pair.wins_i
        })
        .sum();
    likelihood - prior / 2.0 * dot(strengths, strengths)
}

/// Gradient of the objective, and its information matrix (negative second derivatives, lower triangle).
///
/// The likelihood does not change when all strengths move together; 1/n added to every entry makes the matrix definite and, as
/// the gradient sums to zero, changes no step.
fn derivatives(strengths: &[f64], pairs: &[PairWins], prior: f64) -> (Vec<f64>, Vec<f64>) {
    let n = strengths.len();
    let mut gradient: Vec<f64> = strengths.iter().map(|strength| -prior * strength).collect();
    let mut information = vec![1.0 / n as f64; n * n];
    (0..n).for_each(|i| information[i * n + i] += prior);
    for pair in pairs {
        let expected = 1.0 / (1.0 + (strengths[pair.j] - strengths[pair.i]).exp());
        let matches = pair.wins_i + pair.wins_j;
        gradient[pair.i] += pair.wins_i - matches * expected;
        gradient[pair.j] -= pair.wins_i - matches * expected;
        let weight = matches * expected * (1.0 - expected);
        information[pair.i * n + pair.i] += weight;
        information[pair.j * n + pair.j] += weight;
        information[pair.i.max(pair.j) * n + pair.i.min(pair.j)] -= weight;
    }
    (gradient, information)
}

/// Rounded to a millionth of a point: below every error that matters, above what rounding and the order of sums leave.
fn rounded(points: f64) -> f64 {
    (points * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::rating::MatchOutcome;

    fn won(a: usize, b: usize, times: usize) -> Vec<DecidedMatch> {
        vec![DecidedMatch { a, b, outcome: MatchOutcome::A }; times]
    }

    #[test]
    fn two_responses_have_a_closed_form() {
        // 3 wins to 1: odds of 3, a gap of 400 log10(3); the variance of half the log odds is (1/3 + 1) / 4.
        let ratings = bradley_terry(2, &[won(0, 1, 3), won(1, 0, 1)].concat(), &BtConfig::default());
        let (best, worst) = (ratings.scores[0].unwrap(), ratings.scores[1].unwrap());
        assert!((best.value - worst.value - 400.0 * 3.0_f64.log10()).abs() < 3e-6);
        assert!((best.value + worst.value - 2000.0).abs() < 3e-6);
        let error = (1.0_f64 / 3.0).sqrt() * 400.0 / std::f64::consts::LN_10;
        assert!((best.high.unwrap() - best.value - Z95 * error).abs() < 3e-6);
        assert!(!ratings.penalised && ratings.connected);
    }

    #[test]
    fn an_undefeated_response_is_penalised_finite_and_wide() {
        let ratings = bradley_terry(3, &[won(0, 1, 5), won(1, 2, 2), won(2, 1, 2)].concat(), &BtConfig::default());
        assert!(ratings.penalised && ratings.connected);
        let best = ratings.scores[0].unwrap();
        assert!(best.value > 1200.0 && best.value < 1600.0, "{best:?}");
        assert!(best.high.unwrap() - best.low.unwrap() > 500.0, "{best:?}");
        assert_eq!(ratings.caveats().len(), 1);
    }

    #[test]
    fn groups_that_never_met_are_penalised_and_reported() {
        let groups = [won(0, 1, 9), won(1, 0, 1), won(2, 3, 1), won(3, 2, 1)].concat();
        let ratings = bradley_terry(5, &groups, &BtConfig::default());
        assert!(ratings.penalised && !ratings.connected);
        assert_eq!(ratings.scores[4], None);
        assert_eq!(ratings.caveats().len(), 3);
    }

    #[test]
    fn no_match_gives_no_score() {
        let ratings = bradley_terry(2, &[], &BtConfig::default());
        assert_eq!(ratings, Ratings { scores: vec![None, None], penalised: false, connected: true });
    }

    #[test]
    fn a_tie_is_a_win_both_ways_and_equal_records_score_equally() {
        let ring: Vec<DecidedMatch> = (0..7).map(|a| DecidedMatch { a, b: (a + 1) % 7, outcome: MatchOutcome::Tie }).collect();
        let ratings = bradley_terry(7, &ring, &BtConfig::default());
        assert!(!ratings.penalised);
        assert!(ratings.scores.iter().all(|score| *score == ratings.scores[0] && score.unwrap().value == 1000.0));
    }

    #[test]
    fn extreme_records_still_converge() {
        // Each beats the next 10,000 to 1: strengths spread over 40 * ln(10,000), far beyond where e^x keeps digits.
        let chain: Vec<DecidedMatch> = (0..40).flat_map(|i| [won(i, i + 1, 10_000), won(i + 1, i, 1)].concat()).collect();
        let ratings = bradley_terry(41, &chain, &BtConfig::default());
        assert!(!ratings.penalised);
        let gap = ratings.scores[0].unwrap().value - ratings.scores[40].unwrap().value;
        assert!((gap - 40.0 * 1600.0).abs() < 1e-3, "{gap}");
    }
}
