//! Preferences whose truth is known -> their accuracy and their coverage at each threshold of the margin.

use super::{
    FigureError,
    figure::{self, Figure, FigurePoint, Series},
};
use crate::ranking::rating::{Score, wilson};

/// Preferences that remain at one threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelPoint {
    /// The threshold: least margin, from 0 to 1.
    pub min_margin: f64,
    /// Number of preferences with at least this margin.
    pub kept: u64,
    /// Share of all pairs that get a label, from 0 to 1.
    pub coverage: f64,
    /// Share of the kept preferences that are right, with Wilson's interval; `None` if none is kept.
    pub accuracy: Option<Score>,
}

/// Returns a point for each of `thresholds`. `labels` holds the margin of each preference and whether it is right; `pairs` is the number of judged
/// pairs, including those without a preference.
pub fn label_points(labels: &[(f64, bool)], pairs: u64, thresholds: &[f64]) -> Vec<LabelPoint> {
    let point = |min_margin: f64| {
        // A margin of 0.6 must pass a threshold that was computed as 0.6000000000000001.
        let kept = || labels.iter().filter(|(margin, _)| *margin >= min_margin - 1e-9);
        let (kept, right) = (kept().count() as u64, kept().filter(|(_, right)| *right).count() as u64);
        let accuracy = wilson(right as f64, kept as f64);
        LabelPoint { min_margin, kept, coverage: kept as f64 / pairs.max(1) as f64, accuracy }
    };
    thresholds.iter().copied().map(point).collect()
}

/// Returns a figure of accuracy by coverage as an SVG file, with a line for each number of votes and a point for each threshold; `None` if nothing is
/// labelled.
///
/// # Errors
/// The error if the figure cannot be drawn.
pub fn label_figure(title: &str, series: &[(String, Vec<LabelPoint>)]) -> Result<Option<String>, FigureError> {
    let percent = |share: f64| share * 100.0;
    let drawn = |(name, points): &(String, Vec<LabelPoint>)| {
        let point = |point: &LabelPoint| {
            let Score { value, low, high } = point.accuracy?;
            let (low, high) = (low.unwrap_or(value), high.unwrap_or(value));
            Some(FigurePoint { x: percent(point.coverage), y: percent(value), low: percent(low), high: percent(high) })
        };
        let mut points: Vec<FigurePoint> = points.iter().filter_map(point).collect();
        // Thresholds between the same two margins keep the same pairs.
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
