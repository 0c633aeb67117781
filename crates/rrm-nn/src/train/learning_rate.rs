//! A step -> its learning rate, by the schedules of transformers.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// How the learning rate changes with the steps; transformers' `lr_scheduler_type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchedulerType {
    /// Never; a warmup is passed over.
    Constant,
    /// Constant once it is warm.
    ConstantWithWarmup,
    /// Falls to 0 on a straight line; transformers' default.
    #[default]
    Linear,
    /// Falls to 0 on half a wave.
    Cosine,
    /// Falls to `min_lr` on half a wave.
    CosineWithMinLr,
}

/// A learning rate for every step. Fields carry the names of transformers' `TrainingArguments`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// How it changes with the steps.
    pub lr_scheduler_type: SchedulerType,
    /// Its highest value.
    pub learning_rate: f64,
    /// Steps in which it grows from 0 on a straight line; below 1, that share of `max_steps`, rounded up.
    pub warmup_steps: f64,
    /// Steps of the run.
    pub max_steps: u64,
    /// What [`SchedulerType::CosineWithMinLr`] ends at; the others pass it over.
    pub min_lr: f64,
}

impl SchedulerType {
    /// Whether an early step's learning rate depends on how many steps the run has.
    pub fn needs_max_steps(self) -> bool {
        !matches!(self, SchedulerType::Constant | SchedulerType::ConstantWithWarmup)
    }
}

impl Schedule {
    /// The learning rate of an update; the first one is step 0. It is 0 there with a warmup, as in transformers.
    pub fn at(&self, step: u64) -> f64 {
        self.learning_rate * self.share(step)
    }

    /// How many steps warm up.
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
