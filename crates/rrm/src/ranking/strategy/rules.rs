//! The rules of a strategy: its matches, and how its scores are used.

use super::Members;
use crate::ranking::{
    rating::{self, Ratings},
    schedule::{self, Teams},
};

/// The rules of one strategy.
pub struct Rules {
    /// Name of the strategy in commands and files.
    pub name: &'static str,
    /// Short description for help texts.
    pub about: &'static str,
    /// The matches and their rating.
    pub matches: Matches,
    /// Function from a score to a reward from 0 to 1 among the members of its group.
    pub unit: fn(f64, &Members) -> f64,
    /// Function from a score to a reward that is centred on the mean of the members.
    pub centred: fn(f64, &Members) -> f64,
}

/// Function from the decided matches of `n` responses to a score for each. Methods that draw something use the seed and the row's id.
pub type RateFn = fn(usize, &[rating::DecidedMatch], (u64, &str)) -> Ratings;

/// Function from a difference of scores, and the number of responses, to a margin from 0 to 1.
pub type Margin = fn(f64, usize) -> f64;

/// The matches that a strategy plays, and their rating.
#[derive(Clone, Copy, Debug)]
pub enum Matches {
    /// A bracket drawn by seed: n - 1 matches. The response that gets further is better, and the score is the number of rounds survived.
    Bracket,
    /// Every pair, or some opponents of each response.
    Pairs {
        /// Rating of the matches.
        rate: RateFn,
        /// Margin of a preference by the difference of two scores.
        margin: Margin,
    },
}

impl Matches {
    /// Returns the most matches that responses of these teams play, in a row with this seed and id.
    pub fn count(self, teams: &Teams, opponents: Option<usize>, (seed, item): (u64, &str)) -> u64 {
        match (self, opponents) {
            (Matches::Bracket, _) => (teams.len() as u64).saturating_sub(1),
            (Matches::Pairs { .. }, Some(m)) => schedule::count_opponents(m, teams, seed, item),
            (Matches::Pairs { .. }, None) => schedule::count_round_robin(teams),
        }
    }

    /// Returns the most matches of any row of up to `n` responses.
    pub fn most(self, n: usize, opponents: Option<usize>) -> u64 {
        let n = n as u64;
        let pairs = n.saturating_mul(n.saturating_sub(1)) / 2;
        match (self, opponents) {
            (Matches::Bracket, _) => n.saturating_sub(1),
            (Matches::Pairs { .. }, Some(m)) => n.saturating_mul(m as u64).min(pairs),
            (Matches::Pairs { .. }, None) => pairs,
        }
    }

    /// Returns how many steps the matches of `n` responses take if all matches that can be played at once are.
    pub fn steps(self, n: usize, matches: u64) -> u64 {
        match self {
            Matches::Bracket => u64::from(n.next_power_of_two().trailing_zeros()),
            Matches::Pairs { .. } => matches.min(1),
        }
    }
}
