//! Values -> the number of values up to each bound, as in Prometheus' histograms.

use std::{
    fmt::Write,
    sync::{Mutex, PoisonError},
};

/// A histogram with bounds that grow by a constant factor.
pub struct Histogram {
    bounds: Vec<f64>,
    inner: Mutex<(Vec<u64>, f64)>,
}

impl Histogram {
    /// Makes a histogram with `n` bounds: `first`, `first * factor`, ...
    pub fn new(first: f64, factor: f64, n: usize) -> Self {
        let bounds: Vec<f64> = std::iter::successors(Some(first), |bound| Some(bound * factor)).take(n).collect();
        Histogram { inner: Mutex::new((vec![0; n + 1], 0.0)), bounds }
    }

    /// Counts a value.
    pub fn add(&self, value: f64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.0[at] += 1;
        inner.1 += value;
    }

    /// Appends the histogram in Prometheus' text format.
    pub fn text(&self, text: &mut String, name: &str, help: &str) {
        let (counts, sum) = self.inner.lock().unwrap_or_else(PoisonError::into_inner).clone();
        writeln!(text, "# HELP rrm_{name} {help}\n# TYPE rrm_{name} histogram").ok();
        let mut below = 0;
        for (bound, count) in self.bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]).zip(counts) {
            below += count;
            writeln!(text, "rrm_{name}_bucket{{le=\"{bound}\"}} {below}").ok();
        }
        writeln!(text, "rrm_{name}_sum {sum}\nrrm_{name}_count {below}").ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_in_its_bound_and_all_above() {
        let histogram = Histogram::new(0.5, 2.0, 3);
        [0.5, 0.6, 9.0].into_iter().for_each(|value| histogram.add(value));
        let mut text = String::new();
        histogram.text(&mut text, "x", "X.");
        let lines: Vec<&str> = text.lines().skip(2).collect();
        let expected = [
            "rrm_x_bucket{le=\"0.5\"} 1",
            "rrm_x_bucket{le=\"1\"} 2",
            "rrm_x_bucket{le=\"2\"} 2",
            "rrm_x_bucket{le=\"+Inf\"} 3",
            "rrm_x_sum 10.1",
            "rrm_x_count 3",
        ];
        assert_eq!(lines, expected);
    }
}
