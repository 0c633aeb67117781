//! The ways to bring responses into an order. Each one has a file here with its rules: its name, its matches, how they are rated, and what the scores
//! mean.

mod bradley_terry;
mod elo;
mod knockout;
mod members;
mod play;
mod points;
mod rules;
mod win_rate;

use serde::{Deserialize, Serialize};

pub use self::{
    members::Members,
    play::{DecidedBy, Match, PairJudgment, all_pairs, knockout, settle},
    rules::{Margin, Matches, RateFn, Rules},
};

/// Strategy by which responses are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Single elimination (paper, section 3.3).
    #[default]
    Knockout,
    /// Elo ratings (paper, section 3.3).
    Elo,
    /// Bradley-Terry by maximum likelihood.
    BradleyTerry,
    /// The share of matches won.
    WinRate,
}

impl Strategy {
    /// All strategies, in the order in which they are listed.
    pub const ALL: [Strategy; 4] = [Strategy::Knockout, Strategy::Elo, Strategy::BradleyTerry, Strategy::WinRate];

    /// Returns the rules of the strategy: its matches, how they are rated, and what the scores mean.
    pub fn rules(self) -> &'static Rules {
        match self {
            Strategy::Knockout => &knockout::RULES,
            Strategy::Elo => &elo::RULES,
            Strategy::BradleyTerry => &bradley_terry::RULES,
            Strategy::WinRate => &win_rate::RULES,
        }
    }

    /// Returns the strategies that use ratings, over all pairs or some opponents of each response.
    pub fn rated() -> impl Iterator<Item = Strategy> {
        Strategy::ALL.into_iter().filter(|strategy| matches!(strategy.rules().matches, Matches::Pairs { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_every_strategy_under_the_name_that_files_have() {
        let unknown = serde_json::from_str::<Strategy>("\"none\"").unwrap_err().to_string();
        let names: Vec<String> = Strategy::ALL.into_iter().map(|strategy| format!("`{}`", strategy.rules().name)).collect();
        assert!(unknown.contains(&format!("expected one of {} at", names.join(", "))), "{unknown}");
        for strategy in Strategy::ALL {
            assert_eq!(serde_json::to_value(strategy).unwrap(), strategy.rules().name);
        }
    }

    #[test]
    fn numbers_mean_what_rewards_and_margins_need() {
        let members = Members::new(vec![(1.0, 2.0), (0.0, 1.0)], 1);
        for strategy in Strategy::ALL {
            let Rules { unit, centred, .. } = strategy.rules();
            let units = [1.0, 0.0].map(|value| unit(value, &members));
            assert!(units.iter().all(|unit| (0.0..=1.0).contains(unit)) && units[0] > units[1], "{strategy:?} {units:?}");
            let mean = 2.0 * centred(1.0, &members) + centred(0.0, &members);
            assert!(mean.abs() < 1e-12, "{strategy:?}: centred rewards of the members add up to {mean}");
        }
        for strategy in Strategy::rated() {
            let Matches::Pairs { margin, .. } = strategy.rules().matches else { continue };
            assert!(margin(0.0, 2) == 0.0 && margin(0.5, 2) > 0.0 && margin(1.0, 2) <= 1.0, "{strategy:?}");
        }
    }
}
