//! What a strategy is: which matches it plays, and what its numbers mean.

use super::Members;
use crate::ranking::{
    rating::{self, Ratings},
    schedule::{self, Teams},
};

/// The rules of one strategy.
pub struct Rules {
    /// As commands and files spell it.
    pub name: &'static str,
    /// A few words for help texts.
    pub about: &'static str,
    /// Which matches are played, and what comes of them.
    pub matches: Matches,
    /// A score from 0 to 1 among the members of a group, for rewards.
    pub unit: fn(f64, &Members) -> f64,
    /// A score less the mean of the members, for rewards.
    pub centred: fn(f64, &Members) -> f64,
}

/// A function from the decided matches of `n` responses to a score for each. The seed and the row's id are for methods that draw something.
pub type RateFn = fn(usize, &[rating::DecidedMatch], (u64, &str)) -> Ratings;

/// A difference of scores among so many responses -> a margin from 0 to 1.
pub type Margin = fn(f64, usize) -> f64;

/// The matches that a strategy plays, and how they are rated.
#[derive(Clone, Copy, Debug)]
pub enum Matches {
    /// A bracket that is drawn by seed: n - 1 matches. Who gets further is better, and the score is the number of rounds survived.
    Bracket,
    /// Every pair, or so many opponents of each response.
    Pairs {
        /// How the matches are rated.
        rate: RateFn,
        /// What a difference of scores means for preferences.
        margin: Margin,
    },
}

impl Matches {
    /// Matches that responses of these teams play at most, in a row of this seed and id.
    pub fn count(self, teams: &Teams, opponents: Option<usize>, (seed, item): (u64, &str)) -> u64 {
        match (self, opponents) {
            (Matches::Bracket, _) => (teams.len() as u64).saturating_sub(1),
            (Matches::Pairs { .. }, Some(m)) => schedule::count_opponents(m, teams, seed, item),
            (Matches::Pairs { .. }, None) => schedule::count_round_robin(teams),
        }
    }

    /// No row of up to `n` responses plays more matches.
    pub fn most(self, n: usize, opponents: Option<usize>) -> u64 {
        let n = n as u64;
        let pairs = n.saturating_mul(n.saturating_sub(1)) / 2;
        match (self, opponents) {
            (Matches::Bracket, _) => n.saturating_sub(1),
            (Matches::Pairs { .. }, Some(m)) => n.saturating_mul(m as u64).min(pairs),
            (Matches::Pairs { .. }, None) => pairs,
        }
    }

    /// How many of the matches of `n` responses must wait for one another.
    pub fn steps(self, n: usize, matches: u64) -> u64 {
        match self {
            Matches::Bracket => u64::from(n.next_power_of_two().trailing_zeros()),
            Matches::Pairs { .. } => matches.min(1),
        }
    }
}
