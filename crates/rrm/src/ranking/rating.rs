//! Results of matches -> a score for each response, with an interval, and the order that follows.
//!
//! Only decided matches come in here. A match without a verdict, or with equal votes for both responses, is *not* a tie: it does not say which one is
//! better, so the caller leaves it out and counts it. A tie is a verdict of its own, in formats that have one, and always counts as half a win for
//! each.

mod bradley_terry;
mod cholesky;
mod elo;

use serde::{Deserialize, Serialize};

pub use bradley_terry::{BtConfig, bradley_terry};
pub use elo::{EloConfig, elo};

/// Quantile of the normal distribution for two-sided intervals of 95%.
const Z95: f64 = 1.959_963_984_540_054;

/// A match that ended in a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DecidedMatch {
    /// Index of one response.
    pub a: usize,
    /// Index of the other response; never the same as `a`.
    pub b: usize,
    /// Result of the match.
    pub outcome: MatchOutcome,
}

/// The outcome of a decided match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchOutcome {
    /// Response `a` is better.
    A,
    /// Response `b` is better.
    B,
    /// The judge called them equal. An undecided match has no outcome and is not passed in.
    Tie,
}

impl MatchOutcome {
    /// Returns the points of response `a`: 1, 0, or one half. Response `b` gets the rest of 1.
    fn points(self) -> f64 {
        match self {
            MatchOutcome::A => 1.0,
            MatchOutcome::B => 0.0,
            MatchOutcome::Tie => 0.5,
        }
    }
}

/// The score of a response, by one method of rating.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Score; finite. In points of the Elo scale, or a share of wins from 0 to 1.
    pub value: f64,
    /// Lower end of the 95% interval, in the same unit; `None` if the method gives no interval.
    pub low: Option<f64>,
    /// Upper end of the 95% interval, in the same unit; `None` if the method gives no interval.
    pub high: Option<f64>,
}

/// Scores of all responses, with the limits on how they compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Ratings {
    /// One for each response, in input order; `None` for a response that has no decided match.
    pub scores: Vec<Option<Score>>,
    /// Whether a weak penalty was needed to keep the scores finite; see [`bradley_terry`].
    pub penalised: bool,
    /// Whether a chain of matches links every two rated responses. If not, scores compare only within a linked group.
    pub connected: bool,
}

impl Ratings {
    /// Returns the warnings that belong beside these scores, as whole sentences; empty if there are none.
    pub fn caveats(&self) -> Vec<&'static str> {
        let unrated = self.scores.iter().any(Option::is_none);
        [
            (self.penalised, "No chain of wins leads from some responses to others, so a weak penalty keeps scores finite."),
            (!self.connected, "No chain of matches links all responses, so scores compare only within a linked group."),
            (unrated, "Responses without a decided match have no score and come last."),
        ]
        .into_iter()
        .filter_map(|(applies, sentence)| applies.then_some(sentence))
        .collect()
    }
}

/// Returns the share of wins of each of `n` responses, with Wilson's 95% interval. A tie counts as half a win.
///
/// The interval is the one for a share of independent matches (Wilson 1927); half wins enter it as they are. It says how well the
/// share is known against *these* opponents: a response that met weaker ones has a higher share, which [`bradley_terry`] corrects.
///
/// # Panics
/// If a match names a response that does not exist, or the same one twice.
pub fn win_rate(n: usize, played: &[DecidedMatch]) -> Ratings {
    let mut points = vec![0.0; n];
    let mut matches = vec![0.0_f64; n];
    for game in played {
        points[game.a] += game.outcome.points();
        points[game.b] += 1.0 - game.outcome.points();
        matches[game.a] += 1.0;
        matches[game.b] += 1.0;
    }
    let scores = points.iter().zip(&matches).map(|(points, matches)| wilson(*points, *matches)).collect();
    Ratings { scores, penalised: false, connected: connected(n, played) }
}

/// Returns the indices of all responses, best first. Equal scores keep their order; responses without a score come last.
pub fn rank(scores: &[Option<Score>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let key = |index: usize| scores[index].map_or(f64::NEG_INFINITY, |score| score.value);
    order.sort_by(|x, y| scores[*y].is_some().cmp(&scores[*x].is_some()).then(key(*y).total_cmp(&key(*x))));
    order
}

/// Returns `points / matches` with Wilson's 95% interval; `None` without matches.
pub fn wilson(points: f64, matches: f64) -> Option<Score> {
    if matches <= 0.0 {
        return None;
    }
    let share = points / matches;
    let z2 = Z95 * Z95 / matches;
    let centre = (share + z2 / 2.0) / (1.0 + z2);
    let reach = (share * (1.0 - share) * z2 + z2 * z2 / 4.0).sqrt() / (1.0 + z2);
    // At a share of 0 or 1 that end of the interval is exact; the clamp removes rounding errors.
    Some(Score { value: share, low: Some((centre - reach).clamp(0.0, share)), high: Some((centre + reach).clamp(share, 1.0)) })
}

/// Returns whether chains of matches link all responses that played.
///
/// # Panics
/// If a match names a response that does not exist, or the same one twice.
pub(crate) fn connected(n: usize, played: &[DecidedMatch]) -> bool {
    let mut neighbours = vec![Vec::new(); n];
    for game in played {
        assert!(game.a != game.b, "a response cannot play against itself: {}", game.a);
        neighbours[game.a].push(game.b);
        neighbours[game.b].push(game.a);
    }
    let Some(first) = played.first() else { return true };
    let reached = reachable(first.a, &neighbours);
    neighbours.iter().zip(reached).all(|(next, reached)| reached || next.is_empty())
}

/// Returns for each node of a graph whether it can be reached from `start`.
fn reachable(start: usize, next: &[Vec<usize>]) -> Vec<bool> {
    let mut reached = vec![false; next.len()];
    let mut open = vec![start];
    reached[start] = true;
    while let Some(node) = open.pop() {
        for other in &next[node] {
            if !std::mem::replace(&mut reached[*other], true) {
                open.push(*other);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn won(a: usize, b: usize) -> DecidedMatch {
        DecidedMatch { a, b, outcome: MatchOutcome::A }
    }

    #[test]
    fn win_rate_matches_wilson_by_hand() {
        // 8 of 10: centre (0.8 + z²/20) / (1 + z²/10), values as statsmodels' proportion_confint(8, 10, method="wilson") gives them.
        let mut played = vec![won(0, 1); 8];
        played.extend([won(1, 0), won(1, 0)]);
        let ratings = win_rate(3, &played);
        let score = ratings.scores[0].unwrap();
        assert!((score.value - 0.8).abs() < 1e-15);
        assert!(
            (score.low.unwrap() - 0.490_162_471_536_641_83).abs() < 1e-12
                && (score.high.unwrap() - 0.943_317_848_545_624_7).abs() < 1e-12
        );
        assert_eq!(ratings.scores[2], None);
        assert_eq!(ratings.caveats().len(), 1);
    }

    #[test]
    fn a_share_of_one_has_an_interval_up_to_one_and_ties_are_half() {
        let sure = win_rate(2, &[won(0, 1), won(0, 1)]).scores[0].unwrap();
        assert_eq!((sure.value, sure.high), (1.0, Some(1.0)));
        assert!(sure.low.unwrap() > 0.3 && sure.low.unwrap() < 0.4);
        let even = win_rate(2, &[DecidedMatch { a: 1, b: 0, outcome: MatchOutcome::Tie }]);
        assert_eq!(even.scores[0], even.scores[1]);
        assert_eq!(even.scores[0].unwrap().value, 0.5);
    }

    #[test]
    fn rank_puts_the_best_first_and_the_unrated_last() {
        let score = |value| Some(Score { value, low: None, high: None });
        assert_eq!(rank(&[None, score(1.0), score(3.0), score(1.0), None, score(-2.0)]), [2, 1, 3, 5, 0, 4]);
        assert_eq!(rank(&[]), Vec::<usize>::new());
    }

    #[test]
    fn groups_that_never_met_are_reported() {
        assert!(connected(5, &[won(0, 3), won(3, 1)]));
        assert!(!connected(5, &[won(0, 3), won(4, 1)]));
        assert!(connected(2, &[]));
        let apart = win_rate(4, &[won(0, 1), won(2, 3)]);
        assert_eq!(apart.caveats().len(), 1);
    }

    #[test]
    #[should_panic(expected = "cannot play against itself")]
    fn a_match_against_itself_is_a_mistake_of_the_caller() {
        win_rate(2, &[won(1, 1)]);
    }
}
