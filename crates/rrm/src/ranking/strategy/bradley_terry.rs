//! Bradley-Terry ratings by maximum likelihood, on the Elo scale.

use super::{Matches, Rules, points};
use crate::ranking::rating::{self, BtConfig};

pub const RULES: Rules = Rules {
    name: "bradley-terry",
    about: "maximum likelihood with 95% intervals",
    matches: Matches::Pairs {
        rate: |n, played, _| rating::bradley_terry(n, played, &BtConfig::default()),
        margin: points::margin,
    },
    unit: points::unit,
    centred: points::centred,
};
