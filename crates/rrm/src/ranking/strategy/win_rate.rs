//! The share of matches won, a tie being half a win.

use super::{Matches, Rules};
use crate::ranking::rating;

pub const RULES: Rules = Rules {
    name: "win-rate",
    about: "share of matches won with 95% intervals",
    matches: Matches::Pairs { rate: |n, played, _| rating::win_rate(n, played), margin: |apart, _| apart },
    unit: |value, _| value,
    centred: |value, members| value - members.mean,
};
