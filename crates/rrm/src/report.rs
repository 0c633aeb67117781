//! Files of `rrm eval` -> one report on all of their judges: JSON, Markdown, and a self-contained HTML page.
//!
//! [`read()`] reads the cases of each run line by line, [`add_transcripts`] adds the judges' completions, [`markdown`] and [`page()`] write the
//! report.

mod cases;
mod figure;
mod figures;
mod jury;
mod labels;
mod own;
mod page;
mod paired;
mod patterns;
mod rates;
mod transcripts;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

pub use self::{
    cases::{AtVotes, Biases, Bin, PATTERN_SAMPLE},
    figure::FigureError,
    figures::{best_of_figures, figure_files},
    jury::Jury,
    labels::{LabelPoint, label_figure, label_points},
    own::OwnFamily,
    page::{PageError, markdown, page},
    paired::{Pairing, SubsetDifference},
    patterns::Pattern,
    rates::HoldRate,
    transcripts::{CaseResponse, CaseTexts, Entry, Sources, VoteTranscript, add_transcripts},
};
use crate::{
    eval::{BenchmarkEvaluation, BestOf, CaseRow, GroupLevel, GroupScore},
    judge::JudgeKind,
    result,
    spending::SpendingTotals,
};

/// A report on several runs, with their comparisons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Layout version.
    pub rrm: u32,
    /// The runs, in the order in which they were given.
    pub runs: Vec<JudgeRun>,
    /// Comparisons of each two runs of the same benchmark with common cases.
    pub pairings: Vec<Pairing>,
    /// Agreement of all judges of a benchmark, if it has several.
    pub agreement: Vec<Agreement>,
    /// Juries of all judges of a benchmark, if they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub juries: Vec<Jury>,
    /// Accuracy of picks among many responses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub picks: Vec<PickReport>,
}

/// One judge's picks among many responses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PickReport {
    /// Name of the picks in figures: the judge's name, and the name of the questions or the file if there are several.
    pub name: String,
    /// The file that `rrm eval` wrote.
    pub file: PathBuf,
    /// Accuracy of the picks.
    pub of: BestOf,
}

/// The agreement of all judges of a benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// The benchmark's name.
    pub benchmark: String,
    /// Number of judges.
    pub judges: usize,
    /// Krippendorff's alpha of their first decisions, at most 1; `None` if all decisions are the same.
    pub alpha: Option<f64>,
}

/// One judge on one benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgeRun {
    /// Name of the run in figures: the judge's name, and the name of the benchmark or the file if there are several.
    pub name: String,
    /// The file that `rrm eval` wrote.
    pub file: PathBuf,
    /// Scores of the judge.
    pub evaluation: BenchmarkEvaluation,
    /// Counted votes of all cases.
    pub votes: u64,
    /// Position bias and length bias.
    pub biases: Biases,
    /// Tokens and seconds for each right decision.
    pub cost: DecisionCost,
    /// Scores with fewer votes, computed from the same votes.
    pub by_votes: Vec<AtVotes>,
    /// Accuracy of decisions by their share of votes.
    pub calibration: Vec<Bin>,
    /// Accuracy of decisions by the judge's own verdict probabilities; empty if it gives none.
    pub probabilities: Vec<Bin>,
    /// Self-preference of the judge. Absent if the data does not name the writers, or if no pair has exactly one response of the judge's family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_family: Option<OwnFamily>,
    /// Whether decisions come from votes or from scores of single responses.
    #[serde(rename = "scored", default, skip_serializing_if = "JudgeKind::compares")]
    pub judge: JudgeKind,
    /// Whether none of the votes that the official score counts gave a verdict. Then there is no score, and nothing is compared with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    /// Reasoning patterns of the judge; absent without transcripts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Reasoning>,
    /// Number of cases that the page does not show.
    pub left_out: u64,
    /// Cases to be read. They are only in the page, because their texts would be most of the JSON.
    #[serde(skip)]
    pub shown: Vec<Entry>,
    /// The rows of the shown cases.
    #[serde(skip)]
    rows: Vec<CaseRow>,
    /// Addresses of the transcripts that are searched for reasoning patterns.
    #[serde(skip)]
    sample: Vec<String>,
}

/// Tokens and seconds for each right decision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionCost {
    /// Tokens written for each pair that counts officially; `None` if none counts.
    pub tokens: Option<f64>,
    /// Seconds of wall time for each of them; `None` also if some votes came from the store, whose time is not known.
    pub seconds: Option<f64>,
}

/// Frequency of reasoning patterns in a judge's transcripts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reasoning {
    /// Number of transcripts that were searched: all, or a draw of [`PATTERN_SAMPLE`].
    pub transcripts: u64,
    /// The share of transcripts with each pattern.
    pub patterns: Vec<Pattern>,
}

/// The reason why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file cannot be read.
    #[error("{path}: {detail}")]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// The I/O error.
        detail: io::Error,
    },
    /// A file was not written by `rrm eval`.
    #[error("{path} is no file of scores from `rrm eval -o`: {detail}")]
    Scores {
        /// Path of the file.
        path: PathBuf,
        /// Error of the parser.
        detail: serde_json::Error,
    },
    /// A file has a layout that this version does not know.
    #[error("{path} has layout version {found}, newer than {}", result::VERSION)]
    Newer {
        /// Path of the file.
        path: PathBuf,
        /// Layout version of the file.
        found: u32,
    },
    /// A line of the cases is no case.
    #[error("{path} row {line}: no case of `rrm eval`: {detail}")]
    Line {
        /// Path of the file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// Error of the parser.
        detail: serde_json::Error,
    },
    /// A file of scores has no cases beside it.
    #[error("{path} is empty; a report needs the cases that `rrm eval` wrote beside its scores")]
    NoCases {
        /// Path of the file of cases.
        path: PathBuf,
    },
    /// The same run is named twice; it would agree with itself.
    #[error("{path} is named twice")]
    Doubled {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file of reasoning patterns cannot be parsed.
    #[error("patterns.toml: {0}")]
    Patterns(#[from] toml::de::Error),
    /// A transcript cannot be read.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

/// Reads the runs whose scores `rrm eval -o` wrote into `files`, with the cases beside them. At most `shown` cases of each run are kept for reading:
/// first those that are wrong, flipped or abstained on, then others. With `jury`, three or more judges of a benchmark also form a jury.
///
/// # Errors
/// [`ReportError`] for a file that cannot be read.
pub fn read(files: &[PathBuf], shown: usize, jury: bool) -> Result<Report, ReportError> {
    let (mut runs, mut records, mut subsets, mut picks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (place, file) in files.iter().enumerate() {
        let same = |other: &PathBuf| {
            other == file || other.canonicalize().ok().is_some_and(|path| file.canonicalize().ok() == Some(path))
        };
        if files[..place].iter().any(same) {
            return Err(ReportError::Doubled { path: file.clone() });
        }
        let evaluation = match scores(file)? {
            ScoreFile::Pairs(evaluation) => *evaluation,
            ScoreFile::BestOf(of) => {
                picks.push(PickReport { name: of.engine.name.clone(), file: file.clone(), of: *of });
                continue;
            }
        };
        let path = beside(file, "cases.jsonl");
        let mut cases = cases::read(&path, &evaluation, shown)?;
        if cases.records.is_empty() {
            return Err(ReportError::NoCases { path });
        }
        let silent = |group: &GroupScore| group.unheard || (group.counts.votes > 0 && group.counts.verdicts() == 0);
        let silent = evaluation.groups.iter().all(silent);
        if silent {
            (cases.by_votes, cases.biases) = (Vec::new(), Biases::default());
        }
        let counted = if silent { 0.0 } else { cases.records.iter().map(|record| record.official).sum::<f64>() };
        let left_out = cases.records.len() - cases.shown.len();
        cases.records.sort_unstable_by_key(|record| record.key);
        runs.push(JudgeRun {
            name: evaluation.engine.name.clone(),
            file: file.clone(),
            cost: cost(file, &evaluation, counted),
            evaluation,
            votes: cases.votes,
            biases: cases.biases,
            by_votes: cases.by_votes,
            calibration: cases.calibration,
            probabilities: cases.probabilities,
            own_family: cases.own,
            judge: cases.judge,
            silent,
            reasoning: None,
            left_out: left_out as u64,
            shown: Vec::new(),
            rows: cases.shown,
            sample: cases.sample,
        });
        records.push(cases.records);
        subsets.push(cases.subsets);
    }
    name(runs.iter_mut().map(|run| (&mut run.name, run.evaluation.benchmark.protocol().name, run.file.as_path())).collect());
    name(picks.iter_mut().map(|picks| (&mut picks.name, picks.of.questions.name(), picks.file.as_path())).collect());
    let (mut pairings, mut agreement, mut juries) = (Vec::new(), Vec::new(), Vec::new());
    for (a, run) in runs.iter().enumerate() {
        let compared = |b: &usize| runs[*b].evaluation.benchmark == run.evaluation.benchmark && !runs[*b].silent;
        let same: Vec<usize> = (0..runs.len()).filter(|b| compared(b) && !run.silent).collect();
        let others = same.iter().filter(|&&b| b > a);
        pairings.extend(others.filter_map(|&b| paired::compare((a, &records[a]), (b, &records[b]), &subsets[a])));
        if jury && same.len() > 2 && same[0] == a {
            let members: Vec<_> = same.iter().map(|&b| (b, records[b].as_slice())).collect();
            let kind = JudgeKind::from(same.iter().all(|&b| runs[b].judge == JudgeKind::Scores));
            juries.extend(jury::jury(run.evaluation.benchmark, &members, runs.len(), kind));
        }
        if same.len() > 1 && same[0] == a {
            let judges: Vec<_> = same.iter().map(|&b| records[b].as_slice()).collect();
            let benchmark = run.evaluation.benchmark.protocol().name.to_owned();
            agreement.push(Agreement { benchmark, judges: judges.len(), alpha: paired::alpha(&judges) });
        }
    }
    Ok(Report { rrm: result::VERSION, runs, pairings, agreement, juries, picks })
}

impl JudgeRun {
    /// Returns the scores and counts of all cases together.
    fn overall(&self) -> Option<&GroupScore> {
        self.evaluation.groups.iter().find(|group| group.level == GroupLevel::Overall)
    }
}

/// The content of a file of scores.
enum ScoreFile {
    Pairs(Box<BenchmarkEvaluation>),
    BestOf(Box<BestOf>),
}

fn scores(path: &Path) -> Result<ScoreFile, ReportError> {
    let text = fs::read_to_string(path).map_err(|detail| ReportError::Io { path: path.to_owned(), detail })?;
    let bad = |detail| ReportError::Scores { path: path.to_owned(), detail };
    let value: serde_json::Value = serde_json::from_str(&text).map_err(bad)?;
    // Newer layouts may have other fields, so the version is checked first.
    if let Some(found) = value["rrm"].as_u64().filter(|found| *found > u64::from(result::VERSION)) {
        return Err(ReportError::Newer { path: path.to_owned(), found: u32::try_from(found).unwrap_or(u32::MAX) });
    }
    if value.get("sizes").is_some() {
        return serde_json::from_value(value).map(ScoreFile::BestOf).map_err(bad);
    }
    // Parsed from the text, so that the error has a position.
    serde_json::from_str(&text).map(ScoreFile::Pairs).map_err(bad)
}

/// The part of a stats file that a report needs.
#[derive(Deserialize)]
struct SpendingStats {
    spent: SpendingTotals,
    seconds: f64,
}

fn cost(file: &Path, evaluation: &BenchmarkEvaluation, counted: f64) -> DecisionCost {
    let written: u64 = evaluation
        .groups
        .iter()
        .filter(|group| group.level == GroupLevel::Overall)
        .map(|group| group.counts.completion_tokens)
        .sum();
    // Without the stats file there is no time; nothing else depends on it.
    let stats: Option<SpendingStats> =
        fs::read_to_string(beside(file, "stats.json")).ok().and_then(|text| serde_json::from_str(&text).ok());
    let each = |amount: f64| (counted > 0.0).then(|| amount / counted);
    let seconds = stats.filter(|stats| stats.spent.reused == 0).and_then(|stats| each(stats.seconds));
    DecisionCost { tokens: each(written as f64), seconds }
}

/// Makes names unique: adds the name of what was judged if it differs, and the file if that is not enough.
fn name(mut all: Vec<(&mut String, &str, &Path)>) {
    let first = all.first().map(|(_, judged, _)| *judged);
    if all.iter().any(|(_, judged, _)| Some(*judged) != first) {
        all.iter_mut().for_each(|(name, judged, _)| **name = format!("{name} on {judged}"));
    }
    let names: Vec<String> = all.iter().map(|(name, ..)| (*name).clone()).collect();
    for (name, _, file) in all {
        if names.iter().filter(|other| *other == name).count() > 1 {
            *name = format!("{name} ({})", file.file_stem().unwrap_or_default().to_string_lossy());
        }
    }
}

/// Returns `FILE.suffix`, as `rrm eval` names the files beside a file.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}
