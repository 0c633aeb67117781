//! A report -> its figures, without those that have no data.

use super::{
    Bin, FigureError, JudgeRun, Report,
    figure::{self, Figure, FigurePoint, Series},
};
use crate::{
    eval::{BestOf, GroupLevel, GroupScore, PickAccuracy, SizeAccuracy},
    ranking::rating::Score,
};

/// Returns all figures of a report, in the order in which they are shown.
pub(super) fn figures(report: &Report) -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut benchmarks: Vec<&str> = Vec::new();
    for run in &report.runs {
        let name = run.evaluation.benchmark.protocol().name;
        if benchmarks.contains(&name) {
            continue;
        }
        benchmarks.push(name);
        let runs: Vec<&JudgeRun> = report.runs.iter().filter(|run| run.evaluation.benchmark.protocol().name == name).collect();
        figures.push(groups(name, &runs, "official", |group| group.official));
        if runs.iter().all(|run| run.overall().is_some_and(|group| group.strict.is_some())) {
            figures.push(groups(name, &runs, "strict", |group| group.strict));
        }
    }
    let runs: Vec<&JudgeRun> = report.runs.iter().collect();
    if runs.iter().any(|run| run.by_votes.len() > 1) {
        figures.push(scaling(&runs, "Score against votes", "votes of each decision", |votes, _| f64::from(votes)));
        if runs.iter().all(|run| run.by_votes.iter().all(|at| at.tokens > 0.0)) {
            figures.push(scaling(&runs, "Score against tokens", "tokens written for each pair", |_, tokens| tokens));
        }
        figures.push(calibration(
            &runs,
            "Calibration of the share of votes",
            "mean share of votes for the decision, percent",
            |run| &run.calibration,
        ));
    }
    if runs.iter().any(|run| !run.probabilities.is_empty()) {
        let x = "mean verdict probability of the decision, percent";
        figures.push(calibration(&runs, "Calibration of verdict probabilities", x, |run| &run.probabilities));
    }
    for picks in &report.picks {
        figures.extend([by_size(&picks.of, &picks.name), by_cost(&picks.of, &picks.name)]);
    }
    figures
}

/// Returns the figures of a report as SVG files, each with its title.
///
/// # Errors
/// The first figure that could not be drawn.
pub fn figure_files(report: &Report) -> Result<Vec<(String, String)>, FigureError> {
    let file = |figure: &Figure| Ok(figure::draw_file(figure)?.map(|svg| (figure.title.clone(), svg)));
    figures(report).iter().filter_map(|figure| file(figure).transpose()).collect()
}

/// Returns two figures as SVG files: accuracy of picks by the number of responses, and by the judge's cost of each question. The second one is `None`
/// if no question has two responses.
///
/// # Errors
/// The first figure that could not be drawn.
pub fn best_of_figures(of: &BestOf) -> Result<[Option<String>; 2], FigureError> {
    let name = &of.engine.name;
    Ok([figure::draw_file(&by_size(of, name))?, figure::draw_file(&by_cost(of, name))?])
}

/// Returns the figure of each strategy's picks among 2, 4, 8 ... responses, by tokens written; by votes if the judge writes none.
fn by_cost(of: &BestOf, name: &str) -> Figure {
    let judged = || of.sizes.iter().filter(|size| size.n > 1).map(|size| &size.judged);
    let written = judged().flatten().any(|judged| judged.completion_tokens > 0.0);
    let cost = |judged: &PickAccuracy| if written { judged.completion_tokens } else { judged.votes };
    let series = |place: usize, label: &str| Series {
        name: format!("{label}, {name}"),
        points: judged().filter_map(|all| all.get(place)).map(|one| point(cost(one), one.accuracy)).collect(),
        line: true,
    };
    Figure {
        title: format!("Best of N by cost, {name}"),
        x: format!("{} for each question", if written { "tokens written" } else { "votes" }),
        y: "accuracy of the pick, percent".to_owned(),
        names: Vec::new(),
        doubling: true,
        diagonal: false,
        series: vec![series(0, "knockout"), series(1, "Elo, round robin"), series(2, "Bradley-Terry, the same matches")],
    }
}

fn by_size(of: &BestOf, name: &str) -> Figure {
    let series = |name: &str, score: &dyn Fn(&SizeAccuracy) -> Option<Score>| Series {
        name: name.to_owned(),
        points: of.sizes.iter().filter_map(|size| Some(point(size.n as f64, score(size)?))).collect(),
        line: true,
    };
    let judged = |place: usize| move |size: &SizeAccuracy| size.judged.get(place).map(|judged| judged.accuracy);
    let mut figure = Figure {
        title: format!("Best of N, {name}"),
        x: "responses of each question".to_owned(),
        y: "accuracy of the pick, percent".to_owned(),
        names: Vec::new(),
        doubling: true,
        diagonal: false,
        series: vec![
            series(&format!("knockout, {name}"), &judged(0)),
            series(&format!("Elo, round robin, {name}"), &judged(1)),
            series(&format!("Bradley-Terry, the same matches, {name}"), &judged(2)),
            series("majority answer", &|size| size.majority),
            series("oracle", &|size| Some(size.oracle)),
            series("random", &|size| Some(size.random)),
            series("first", &|size| Some(size.first)),
        ],
    };
    figure.series.retain(|series| !series.points.is_empty());
    figure
}

fn point(x: f64, score: Score) -> FigurePoint {
    let percent = |share: Option<f64>| share.unwrap_or(score.value) * 100.0;
    FigurePoint { x, y: score.value * 100.0, low: percent(score.low), high: percent(score.high) }
}

fn groups(benchmark: &str, runs: &[&JudgeRun], which: &str, score: fn(&GroupScore) -> Option<Score>) -> Figure {
    // Subsets that any run has, then sections, then all cases together.
    let mut names: Vec<(GroupLevel, String)> = Vec::new();
    for level in [GroupLevel::Subset, GroupLevel::Section, GroupLevel::Overall] {
        for group in runs.iter().flat_map(|run| &run.evaluation.groups).filter(|group| group.level == level) {
            if !names.iter().any(|(_, name)| *name == group.name) {
                names.push((level, group.name.clone()));
            }
        }
    }
    let series = |run: &&JudgeRun| {
        let place = |group: &GroupScore| names.iter().position(|(_, name)| *name == group.name);
        let points = run.evaluation.groups.iter().filter_map(|group| Some(point(place(group)? as f64, score(group)?)));
        Series { name: run.name.clone(), points: points.collect(), line: false }
    };
    Figure {
        title: format!("{benchmark}: {which} score"),
        x: String::new(),
        y: format!("{which} score, percent, with 95% intervals"),
        series: runs.iter().map(series).collect(),
        names: names.into_iter().map(|(_, name)| name).collect(),
        doubling: false,
        diagonal: false,
    }
}

fn scaling(runs: &[&JudgeRun], title: &str, x: &str, place: fn(u32, f64) -> f64) -> Figure {
    let series = |run: &&JudgeRun| {
        let points = run.by_votes.iter().map(|at| point(place(at.votes, at.tokens), at.official));
        Series { name: run.name.clone(), points: points.collect(), line: true }
    };
    Figure {
        title: title.to_owned(),
        x: x.to_owned(),
        y: "official score, mean of pairs, percent".to_owned(),
        names: Vec::new(),
        doubling: true,
        diagonal: false,
        series: runs.iter().map(series).collect(),
    }
}

fn calibration(runs: &[&JudgeRun], title: &str, x: &str, bins: fn(&JudgeRun) -> &Vec<Bin>) -> Figure {
    let series = |run: &&JudgeRun| {
        let points = bins(run).iter().filter_map(|bin| Some(point(bin.said * 100.0, bin.right.share?)));
        Series { name: run.name.clone(), points: points.collect(), line: true }
    };
    Figure {
        title: title.to_owned(),
        x: x.to_owned(),
        y: "right decisions, percent".to_owned(),
        names: Vec::new(),
        doubling: false,
        diagonal: true,
        series: runs.iter().map(series).collect(),
    }
}
