//! Elo ratings: points after each match in turn, averaged over random orders of the matches.

use super::{Matches, Rules, points};
use crate::ranking::rating::{self, EloConfig};

pub const RULES: Rules = Rules {
    name: "elo",
    about: "Elo ratings of all pairs",
    matches: Matches::Pairs {
        rate: |n, played, (seed, item)| rating::elo(n, played, &EloConfig::default(), seed, item),
        margin: points::margin,
    },
    unit: points::unit,
    centred: points::centred,
};
