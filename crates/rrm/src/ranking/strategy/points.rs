//! Points on the Elo scale, where 400 points are odds of ten to one -> rewards and margins of preferences.

use super::Members;

/// Returns the mean probability of winning against the other members.
pub fn unit(value: f64, members: &Members) -> f64 {
    let beats = |other: f64| 1.0 / (1.0 + 10f64.powf((other - value) / 400.0));
    let others = members.scores.iter().map(|(other, n)| beats(*other) * n).sum::<f64>() - 0.5;
    others / (members.count - 1.0)
}

/// Returns the points above the mean of the members, in units of 400.
pub fn centred(value: f64, members: &Members) -> f64 {
    (value - members.mean) / 400.0
}

/// Returns twice the probability that the better response wins, less one.
pub fn margin(apart: f64, _: usize) -> f64 {
    2.0 / (1.0 + 10f64.powf(-apart / 400.0)) - 1.0
}
