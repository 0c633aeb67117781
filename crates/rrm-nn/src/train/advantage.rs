//! Rewards of groups of completions -> advantages: how much better each completion is than its group.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Visitor};

/// The divisor of the difference from a group's mean: TRL's `scale_rewards`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ScaleRewards {
    /// The standard deviation of the group, as in the paper that introduced GRPO (arXiv 2402.03300). TRL accepts `true` for it, too.
    #[default]
    Group,
    /// The standard deviation of all rewards of the batch (arXiv 2508.08221).
    Batch,
    /// No scaling (Dr. GRPO, arXiv 2503.20783). TRL accepts `false` for it, too.
    None,
}

/// Constant that is added to the divisor, for groups of nearly equal rewards: TRL 1.16's constant.
const LEAST: f64 = 1e-4;

/// Returns the advantage of each completion. `rewards` holds group after group of `num_generations` each; every reward is finite.
///
/// Equal to TRL 1.16 with one reward function: deviations are sample deviations (divided by n - 1).
///
/// # Panics
/// When a group has fewer than two completions, or the last group is incomplete.
pub fn advantages(rewards: &[f32], num_generations: usize, scale_rewards: ScaleRewards) -> Vec<f32> {
    let groups = groups(rewards, num_generations);
    let all = deviation(rewards);
    let advantages = groups.flat_map(|group| {
        let mean = mean(group);
        let divisor = match scale_rewards {
            ScaleRewards::Group => deviation(group) + LEAST,
            ScaleRewards::Batch => all + LEAST,
            ScaleRewards::None => 1.0,
        };
        group.iter().map(move |reward| ((f64::from(*reward) - mean) / divisor) as f32)
    });
    advantages.collect()
}

/// Returns for each group whether its rewards differ. Otherwise all of its advantages are 0 and nothing is learnt from it.
///
/// # Panics
/// As [`advantages`].
pub fn signals(rewards: &[f32], num_generations: usize) -> Vec<bool> {
    groups(rewards, num_generations).map(|group| group.iter().any(|reward| *reward != group[0])).collect()
}

fn groups(rewards: &[f32], num_generations: usize) -> std::slice::ChunksExact<'_, f32> {
    assert!(num_generations >= 2, "a group of {num_generations} compares nothing");
    assert!(rewards.len().is_multiple_of(num_generations), "{} rewards are no groups of {num_generations}", rewards.len());
    rewards.chunks_exact(num_generations)
}

fn mean(rewards: &[f32]) -> f64 {
    rewards.iter().copied().map(f64::from).sum::<f64>() / rewards.len() as f64
}

fn deviation(rewards: &[f32]) -> f64 {
    let mean = mean(rewards);
    let squares: f64 = rewards.iter().map(|reward| (f64::from(*reward) - mean).powi(2)).sum();
    (squares / (rewards.len() as f64 - 1.0)).sqrt()
}

// Written by hand because TRL accepts truth values in addition to the three names.
impl<'de> Deserialize<'de> for ScaleRewards {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrTruth;
        impl Visitor<'_> for NameOrTruth {
            type Value = ScaleRewards;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(r#""group" (or true), "batch", or "none" (or false)"#)
            }

            fn visit_bool<E>(self, scaled: bool) -> Result<ScaleRewards, E> {
                Ok(if scaled { ScaleRewards::Group } else { ScaleRewards::None })
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<ScaleRewards, E> {
                match name {
                    "group" => Ok(ScaleRewards::Group),
                    "batch" => Ok(ScaleRewards::Batch),
                    "none" => Ok(ScaleRewards::None),
                    other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
                }
            }
        }
        deserializer.deserialize_any(NameOrTruth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_of_equal_rewards_has_no_signal_and_advantages_of_exactly_0() {
        let rewards = [1.1, 1.1, 1.1, -1.0, 1.1, -1.0];
        assert_eq!(signals(&rewards, 3), [false, true]);
        for scale in [ScaleRewards::Group, ScaleRewards::Batch, ScaleRewards::None] {
            let found = advantages(&rewards, 3, scale);
            assert_eq!(found[..3], [0.0; 3]);
            assert!(found[4] > 0.0 && found[3] == found[5]);
        }
    }

    #[test]
    fn unscaled_advantages_are_distances_from_the_mean() {
        assert_eq!(advantages(&[1.0, -1.0, 1.0, 1.0], 4, ScaleRewards::None), [0.5, -1.5, 0.5, 0.5]);
        // The sample's deviation of 1, -1 is the root of 2.
        let scaled = advantages(&[1.0, -1.0], 2, ScaleRewards::Group);
        assert!((f64::from(scaled[0]) - 1.0 / (2f64.sqrt() + 1e-4)).abs() < 1e-7);
    }

    #[test]
    fn names_and_truth_values_are_read_and_nothing_else() {
        let read = |text: &str| serde_json::from_str::<ScaleRewards>(text);
        assert_eq!(read("true").unwrap(), ScaleRewards::Group);
        assert_eq!(read("false").unwrap(), ScaleRewards::None);
        for scale in [ScaleRewards::Group, ScaleRewards::Batch, ScaleRewards::None] {
            assert_eq!(read(&serde_json::to_string(&scale).unwrap()).unwrap(), scale);
        }
        assert!(read("\"std\"").unwrap_err().to_string().contains("batch"));
    }

    #[test]
    #[should_panic(expected = "5 rewards are no groups of 2")]
    fn half_a_group_is_refused() {
        advantages(&[1.0; 5], 2, ScaleRewards::Group);
    }
}
