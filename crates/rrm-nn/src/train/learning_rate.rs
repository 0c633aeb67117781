//! Step -> learning rate, by the schedules of transformers.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// The schedule of the learning rate: transformers' `lr_scheduler_type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchedulerType {
    /// Constant, without warmup.
    Constant,
    /// Constant after the warmup.
    ConstantWithWarmup,
    /// Linear decay to 0; transformers' default.
    #[default]
    Linear,
    /// Decay to 0 along half a cosine.
    Cosine,
    /// Decay to `min_lr` along half a cosine.
    CosineWithMinLr,
}

/// The learning rate of every step. Fields have the names of transformers' `TrainingArguments`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The type of schedule.
    pub lr_scheduler_type: SchedulerType,
    /// The peak learning rate.
    pub learning_rate: f64,
    /// Number of steps of linear warmup from 0; below 1, a share of `max_steps`, rounded up.
    pub warmup_steps: f64,
    /// Number of steps of the run.
    pub max_steps: u64,
    /// The final learning rate of [`SchedulerType::CosineWithMinLr`]; the others ignore it.
    pub min_lr: f64,
}

impl SchedulerType {
    /// Whether the learning rate of early steps depends on the total number of steps.
    pub fn needs_max_steps(self) -> bool {
        !matches!(self, SchedulerType::Constant | SchedulerType::ConstantWithWarmup)
    }
}

impl Schedule {
    /// Returns the learning rate of an update; the first one is step 0. With a warmup it begins at 0, as in transformers.
    pub fn at(&self, step: u64) -> f64 {
        self.learning_rate * self.share(step)
    }

    /// Returns the number of warmup steps.
    pub fn warmup(&self) -> u64 {
        let share = self.warmup_steps < 1.0;
        if share { (self.max_steps as f64 * self.warmup_steps).ceil() as u64 } else { self.warmup_steps as u64 }
    }

    fn share(&self, step: u64) -> f64 {
        let warmup = self.warmup();
        if self.lr_scheduler_type == SchedulerType::Constant {
            return 1.0;
        }
        if step < warmup {
            return step as f64 / warmup as f64;
        }
        let falling = (self.max_steps.saturating_sub(warmup)).max(1) as f64;
        let progress = (step - warmup) as f64 / falling;
        let wave = 0.5 * (1.0 + (PI * progress).cos());
        match self.lr_scheduler_type {
            SchedulerType::Constant | SchedulerType::ConstantWithWarmup => 1.0,
            SchedulerType::Linear => (self.max_steps as f64 - step as f64).max(0.0) / falling,
            SchedulerType::Cosine => wave,
            SchedulerType::CosineWithMinLr => {
                let least = self.min_lr / self.learning_rate;
                wave * (1.0 - least) + least
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warmup_is_a_number_of_steps_or_a_share_of_them() {
        let schedule = |warmup_steps| Schedule {
            lr_scheduler_type: SchedulerType::Linear,
            learning_rate: 1.0,
            warmup_steps,
            max_steps: 10,
            min_lr: 0.0,
        };
        let warmups: Vec<u64> = [0.0, 0.25, 1.0, 3.0].into_iter().map(|warmup| schedule(warmup).warmup()).collect();
        assert_eq!(warmups, [0, 3, 1, 3]);
        assert_eq!(schedule(4.0).at(2), 0.5);
        assert_eq!((schedule(0.0).at(0), schedule(0.0).at(10), schedule(0.0).at(99)), (1.0, 0.0, 0.0));
    }

    #[test]
    fn names_are_those_of_transformers() {
        let read = |text: &str| serde_json::from_str::<SchedulerType>(text).unwrap();
        assert_eq!(read("\"cosine_with_min_lr\""), SchedulerType::CosineWithMinLr);
        assert_eq!(read("\"constant_with_warmup\""), SchedulerType::ConstantWithWarmup);
    }
}
