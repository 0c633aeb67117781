//! Preferences whose truth is known -> how right they are, and how many are left, at each threshold of the margin.

use super::{
    FigureError,
    figure::{self, Figure, FigurePoint, Series},
};
use crate::ranking::rating::{Score, wilson};

/// The labels that are left at one threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelPoint {
    /// Least margin.
    pub min_margin: f64,
    /// Preferences with at least this margin.
    pub kept: u64,
    /// The share of all pairs that they are.
    pub coverage: f64,
    /// The share of them that is right, with Wilson's interval; `None` where nothing is left.
    pub accuracy: Option<Score>,
}

/// The points of `thresholds`. `labels` are margins, and whether the preference is right; `pairs` is how many pairs were judged, those
/// without a preference among them.
pub fn label_points(labels: &[(f64, bool)], pairs: u64, thresholds: &[f64]) -> Vec<LabelPoint> {
    let point = |min_margin: f64| {
        // A margin of 0.6 must pass a threshold that was computed to be 0.6000000000000001.
        let kept = || labels.iter().filter(|(margin, _)| *margin >= min_margin - 1e-9);
        let (kept, right) = (kept().count() as u64, kept().filter(|(_, right)| *right).count() as u64);
        let accuracy = wilson(right as f64, kept as f64);
        LabelPoint { min_margin, kept, coverage: kept as f64 / pairs.max(1) as f64, accuracy }
    };
    thresholds.iter().copied().map(point).collect()
}

/// Accuracy against coverage, a line for each number of votes, a point for each threshold, as an SVG file; `None` where nothing is labelled.
///
/// # Errors
/// What cannot be drawn.
pub fn label_figure(title: &str, series: &[(String, Vec<LabelPoint>)]) -> Result<Option<String>, FigureError> {
    let percent = |share: f64| share * 100.0;
    let drawn = |(name, points): &(String, Vec<LabelPoint>)| {
        let point = |point: &LabelPoint| {
            let Score { value, low, high } = point.accuracy?;
            let (low, high) = (low.unwrap_or(value), high.unwrap_or(value));
            Some(FigurePoint { x: percent(point.coverage), y: percent(value), low: percent(low), high: percent(high) })
        };
        let mut points: Vec<FigurePoint> = points.iter().filter_map(point).collect();
        // Thresholds between two margins that occur leave the same pairs.
        points.dedup_by_key(|point| point.x.to_bits());
        Series { name: name.clone(), points, line: true }
    };
    let figure = Figure {
        title: title.to_owned(),
        x: "coverage: pairs that are labelled, percent".to_owned(),
        y: "labels that are right, percent".to_owned(),
        names: Vec::new(),
        doubling: false,
        diagonal: false,
        series: series.iter().map(drawn).collect(),
    };
    figure::draw_file(&figure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn higher_thresholds_leave_fewer_and_surer_labels() {
        let labels = [(1.0, true), (1.0, true), (0.6, true), (0.2, false)];
        let points = label_points(&labels, 5, &[0.0, 0.6, 1.0, 1.1]);
        let found: Vec<_> = points.iter().map(|p| (p.kept, p.coverage, p.accuracy.map(|a| a.value))).collect();
        assert_eq!(found, [(4, 0.8, Some(0.75)), (3, 0.6, Some(1.0)), (2, 0.4, Some(1.0)), (0, 0.0, None)]);
        let figure = label_figure("Labels", &[("1 vote".to_owned(), points)]).unwrap().unwrap();
        assert!(figure.contains("aria-label=\"Labels\"") && figure.contains("1 vote"));
    }
}
