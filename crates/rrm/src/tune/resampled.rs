//! The worth of settings on each pair -> intervals over pairs, the choice of a setting, and its accuracy on other pairs.

use crate::{keyed::KeyedRandom, ranking::rating::Score};

const RESAMPLES: u64 = 1000;

/// Settings, the cheapest first, with their worth on every pair, and bootstrap draws of the same pairs with replacement.
pub(super) struct Bootstrap<'a> {
    settings: Vec<&'a [f64]>,
    /// Number of times that each pair occurs in each draw.
    draws: Vec<Vec<u16>>,
    /// The mean worth of each setting in each draw.
    means: Vec<Vec<f64>>,
    /// Standard error of the difference between each two settings.
    errors: Vec<Vec<f64>>,
}

impl<'a> Bootstrap<'a> {
    /// Draws the pairs by seed.
    pub fn new(settings: Vec<&'a [f64]>, seed: u64) -> Self {
        let pairs = settings.first().map_or(0, |worth| worth.len());
        let draws: Vec<Vec<u16>> = (0..RESAMPLES)
            .map(|draw| {
                let mut keyed = KeyedRandom::new(seed, "", "tune", &[draw]);
                let mut times = vec![0u16; pairs];
                (0..pairs).for_each(|_| times[keyed.below(pairs.max(1) as u64) as usize] += 1);
                times
            })
            .collect();
        let mean =
            |worth: &[f64], times: &[u16]| worth.iter().zip(times).map(|(w, n)| w * f64::from(*n)).sum::<f64>() / pairs as f64;
        let means = settings.iter().map(|worth| draws.iter().map(|times| mean(worth, times)).collect()).collect();
        let n = pairs as f64;
        let error = |a: &[f64], b: &[f64]| {
            let mean = a.iter().zip(b).map(|(a, b)| a - b).sum::<f64>() / n;
            let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b - mean).powi(2)).sum();
            (squares / (n - 1.0).max(1.0) / n).sqrt()
        };
        let errors = settings.iter().map(|a| settings.iter().map(|b| error(a, b)).collect()).collect();
        Bootstrap { settings, draws, means, errors }
    }

    /// Returns the most accurate setting and the chosen one, on all pairs, and whether the choice reaches the target, if there is one.
    pub fn pick(&self, target: Option<f64>) -> (usize, usize, bool) {
        let means = self.settings.iter().map(|worth| worth.iter().sum::<f64>() / worth.len() as f64).collect::<Vec<_>>();
        self.pick_by(|at| means[at], self.needs(target).as_deref())
    }

    /// Returns the accuracy that each setting needs so that its interval lies above the target.
    fn needs(&self, target: Option<f64>) -> Option<Vec<f64>> {
        let need = |target: f64| {
            let below = |(at, worth): (usize, &&[f64])| {
                let mean = worth.iter().sum::<f64>() / worth.len() as f64;
                self.interval(at).0.map_or(f64::INFINITY, |low| target + mean - low)
            };
            self.settings.iter().enumerate().map(below).collect()
        };
        target.map(need)
    }

    /// Returns the best setting, the chosen one, and whether that reaches the target. The chosen one is the cheapest whose interval lies above the
    /// target, or else the cheapest that is as good as the best.
    fn pick_by(&self, mean: impl Fn(usize) -> f64, needs: Option<&[f64]>) -> (usize, usize, bool) {
        let settings = 0..self.settings.len();
        // The cheapest of equally good settings.
        let best = settings.clone().fold(0, |best, at| if mean(at) > mean(best) + 1e-12 { at } else { best });
        let reaches = |at: &usize| needs.is_some_and(|needs| mean(*at) >= needs[*at] - 1e-12);
        if let Some(chosen) = settings.clone().find(reaches) {
            return (best, chosen, true);
        }
        let near = |at: &usize| mean(best) - mean(*at) <= self.errors[best][*at] + 1e-12;
        (best, settings.clone().find(near).unwrap_or(best), false)
    }

    /// Returns the 95% interval of a setting's accuracy. If its worth is the same on all pairs, it is Wilson's interval.
    pub fn interval(&self, at: usize) -> (Option<f64>, Option<f64>) {
        let worth = self.settings[at];
        if worth.iter().all(|w| w == &worth[0]) {
            let wilson = crate::ranking::rating::wilson(worth.iter().sum(), worth.len() as f64);
            return (wilson.and_then(|score| score.low), wilson.and_then(|score| score.high));
        }
        let (low, high) = ends(self.means[at].clone());
        (Some(low), Some(high))
    }

    /// Returns the difference of the accuracies of two settings, with its 95% interval over the same pairs.
    pub fn difference(&self, one: usize, other: usize) -> Score {
        let differences = self.means[one].iter().zip(&self.means[other]).map(|(a, b)| a - b).collect();
        let (low, high) = ends(differences);
        let pairs = self.settings[one].len() as f64;
        let value = self.settings[one].iter().zip(self.settings[other]).map(|(a, b)| a - b).sum::<f64>() / pairs;
        Score { value, low: Some(low), high: Some(high) }
    }

    /// Returns the accuracy of the settings that are chosen on drawn pairs, on the pairs that were not drawn: the mean over all draws.
    pub fn elsewhere(&self, target: Option<f64>) -> Option<f64> {
        let needs = self.needs(target);
        let worths = self.draws.iter().enumerate().filter_map(|(draw, times)| {
            let (_, chosen, _) = self.pick_by(|at| self.means[at][draw], needs.as_deref());
            let left: Vec<f64> = self.settings[chosen].iter().zip(times).filter(|(_, n)| **n == 0).map(|(w, _)| *w).collect();
            (!left.is_empty()).then(|| left.iter().sum::<f64>() / left.len() as f64)
        });
        let worths: Vec<f64> = worths.collect();
        (!worths.is_empty()).then(|| worths.iter().sum::<f64>() / worths.len() as f64)
    }
}

/// Returns the 2.5th and the 97.5th percentile.
fn ends(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    (at(0.025), at(0.975))
}
