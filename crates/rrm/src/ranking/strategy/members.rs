//! The scores of a group whose members are rewarded together.

/// The group of scores that a score is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Members {
    /// Each score with the number of members that have it.
    pub scores: Vec<(f64, f64)>,
    /// Number of members.
    pub count: f64,
    /// The mean score of all members.
    pub mean: f64,
    /// Rounds of the knockout; 1 for ratings.
    pub rounds: u32,
}

impl Members {
    /// Returns the group of members with these scores.
    pub fn new(scores: Vec<(f64, f64)>, rounds: u32) -> Self {
        let count: f64 = scores.iter().map(|(_, n)| n).sum();
        let mean = scores.iter().map(|(value, n)| value * n).sum::<f64>() / count;
        Members { scores, count, mean, rounds }
    }
}
