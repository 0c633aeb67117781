//! A value for each group -> the distance of recent values from the first ones.

use std::sync::{Mutex, PoisonError};

/// Number of groups that define the usual values.
const FIRST: u32 = 100;

/// Weight of the newest group in the recent mean: half of the weight is on the last 35 groups.
const WEIGHT: f64 = 0.02;

/// The drift of a value: (recent mean - mean of the first 100 groups) / their standard deviation.
#[derive(Default)]
pub struct Drift(Mutex<DriftState>);

/// The running values of a drift.
#[derive(Clone, Copy, Default)]
struct DriftState {
    seen: u32,
    mean: f64,
    squares: f64,
    recent: f64,
}

impl Drift {
    /// Adds the value of one more group; values that are not finite are ignored.
    pub fn add(&self, value: f64) {
        if !value.is_finite() {
            return;
        }
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.seen < FIRST {
            state.seen += 1;
            let off = value - state.mean;
            state.mean += off / f64::from(state.seen);
            state.squares += off * (value - state.mean);
            state.recent = state.mean;
        } else {
            state.recent += WEIGHT * (value - state.recent);
        }
    }

    /// Returns the drift in standard deviations; NaN before the first 100 groups, or if these did not vary.
    pub fn value(&self) -> f64 {
        let state = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spread = (state.squares / f64::from(FIRST - 1)).sqrt();
        if state.seen < FIRST || spread == 0.0 { f64::NAN } else { (state.recent - state.mean) / spread }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_is_told_in_deviations_of_the_first_groups() {
        let drift = Drift::default();
        (0..99).for_each(|i| drift.add(f64::from(i % 2)));
        assert!(drift.value().is_nan(), "99 groups are not enough");
        drift.add(1.0);
        assert!(drift.value().abs() < 1e-9);
        (0..1000).for_each(|_| drift.add(3.0));
        // Mean 0.5, deviation 0.5025: 3 lies 4.975 deviations above.
        assert!((drift.value() - 4.975).abs() < 0.01, "{}", drift.value());
        let still = Drift::default();
        (0..200).for_each(|_| still.add(1.0));
        assert!(still.value().is_nan());
    }
}
