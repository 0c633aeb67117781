//! The scores of a group whose members are rewarded together.

/// The group that a score is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Members {
    /// Each score, and how many members have it.
    pub scores: Vec<(f64, f64)>,
    /// How many members there are.
    pub count: f64,
    /// The mean score of all members.
    pub mean: f64,
    /// Rounds that were played; 1 outside a knockout.
    pub rounds: u32,
}

impl Members {
    /// The members of a group, by their scores.
    pub fn new(scores: Vec<(f64, f64)>, rounds: u32) -> Self {
        let count: f64 = scores.iter().map(|(_, n)| n).sum();
        let mean = scores.iter().map(|(value, n)| value * n).sum::<f64>() / count;
        Members { scores, count, mean, rounds }
    }
}
