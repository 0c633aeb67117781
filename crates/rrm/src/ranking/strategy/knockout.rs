//! Single elimination: the score is the number of rounds survived. See [`of_knockout`](crate::ranking::of_knockout).

use super::{Matches, Rules};

pub const RULES: Rules = Rules {
    name: "knockout",
    about: "single elimination in n - 1 matches",
    matches: Matches::Bracket,
    unit: |value, members| value / f64::from(members.rounds.max(1)),
    centred: |value, members| value - members.mean,
};
