//! `rrm report`: files of `rrm eval` -> one report on their judges as JSON, Markdown or HTML.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use rrm::{
    eval, report,
    report::{JudgeRun, Report, Sources},
    store::Store,
};
use serde::Deserialize;

use crate::{
    engines,
    failure::Failure,
    options::ColumnArgs,
    output::{Output, beside, note, print},
};

/// What the command takes.
#[derive(clap::Args)]
pub struct ReportArgs {
    /// Files that `rrm eval -o` wrote, with what it wrote beside them.
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Write the report here: FILE.html is a page that needs nothing but itself, FILE.md Markdown, FILE.json JSON; repeatable [default: Markdown to
    /// standard output].
    #[arg(short, long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// Cases of each run that the page shows, at most: the first that are wrong, flipped or abstained on, then the first others.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub cases: usize,
    /// Put three and more judges of a benchmark to a vote, from what they decided: the jury's score, against its best member.
    #[arg(long)]
    pub jury: bool,
    /// The store that holds the transcripts [default: each run's].
    #[arg(long, value_name = "FILE")]
    pub store: Option<PathBuf>,
}

/// The format of a report.
#[derive(Clone, Copy)]
enum ReportFormat {
    Html,
    Markdown,
    Json,
}

/// Runs `rrm report`.
pub fn run(args: &ReportArgs) -> Result<ExitCode, Failure> {
    let kinds = args.output.iter().map(|path| kind(path)).collect::<anyhow::Result<Vec<ReportFormat>>>()?;
    let mut report = report::read(&args.runs, args.cases, args.jury)?;
    if args.jury && report.juries.is_empty() {
        let error = anyhow::anyhow!("--jury: no three runs have pairs of one benchmark in common");
        return Err(Failure::user(error).with_hint("name three and more files of the same benchmark, judged by different judges"));
    }
    let sources: Vec<Sources> =
        report.runs.iter().map(|run| sources(run, args.store.as_deref())).collect::<Result<_, Failure>>()?;
    report::add_transcripts(&mut report, &sources)?;
    if args.output.is_empty() {
        print(&report::markdown(&report, &[])?)?;
    }
    let taken: Vec<PathBuf> = args.runs.iter().flat_map(|run| [run.clone(), beside(run, "cases.jsonl")]).collect();
    for (path, kind) in args.output.iter().zip(kinds) {
        let mut output = Output::open(Some(path), &taken)?;
        output.text(&text(&report, path, kind)?).with_context(|| format!("cannot write {}", path.display()))?;
        output.appear()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn kind(path: &Path) -> anyhow::Result<ReportFormat> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("html") => Ok(ReportFormat::Html),
        Some("md") => Ok(ReportFormat::Markdown),
        Some("json") => Ok(ReportFormat::Json),
        _ => anyhow::bail!("{}: a report ends in .html, .md or .json", path.display()),
    }
}

fn text(report: &Report, path: &Path, kind: ReportFormat) -> anyhow::Result<String> {
    Ok(match kind {
        ReportFormat::Html => report::page(report)?,
        ReportFormat::Markdown => report::markdown(report, &figures(report, path)?)?,
        ReportFormat::Json => serde_json::to_string_pretty(report)? + "\n",
    })
}

/// Writes the figures next to a Markdown file: `FILE.1.svg`, `FILE.2.svg` ... Returns their titles and link targets.
fn figures(report: &Report, path: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut links = Vec::new();
    for (number, (title, svg)) in report::figure_files(report)?.into_iter().enumerate() {
        let file = beside(path, &format!("{}.svg", number + 1));
        fs::write(&file, svg).with_context(|| format!("cannot write {}", file.display()))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().replace(' ', "%20");
        links.push((title, name));
    }
    Ok(links)
}

/// The saved options of a run that a report needs.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RunOptionsFile {
    store: Option<PathBuf>,
    format: Option<String>,
    column: Vec<String>,
}

/// Returns the sources of a run's texts, by its saved options. Files that are missing or have changed are left out with a note.
fn sources(run: &JudgeRun, store: Option<&Path>) -> Result<Sources, Failure> {
    let config = beside(&run.file, "config.toml");
    let options: RunOptionsFile = match fs::read_to_string(&config) {
        Ok(text) => toml::from_str(&text).with_context(|| config.display().to_string())?,
        Err(_) => RunOptionsFile::default(),
    };
    let own = options.store.as_deref().map(|store| found(run, store));
    let store = match store.map(Path::to_owned).or(own) {
        Some(store) => Some(store),
        None => engines::default_store().ok(),
    };
    let store = match store.filter(|store| store.exists()) {
        Some(store) => Some(Store::open(&store)?),
        None => None,
    };
    let thinking = engines::format(options.format.as_deref()).ok().and_then(|format| format.file.thinking);
    Ok(Sources { suite: suite(run, &options), store, thinking })
}

/// Resolves a path from a run's options: as it is, or relative to the folder of the run.
fn found(run: &JudgeRun, path: &Path) -> PathBuf {
    let beside = run.file.parent().map(|folder| folder.join(path)).filter(|other| !path.exists() && other.exists());
    beside.unwrap_or_else(|| path.to_owned())
}

fn suite(run: &JudgeRun, options: &RunOptionsFile) -> Option<eval::Suite> {
    let data = &run.evaluation.data;
    let files: Vec<PathBuf> = data.iter().map(|file| found(run, Path::new(&file.file))).collect();
    let gone = |why: &str| note(&format!("{}: {why}; its texts are not shown", run.name));
    let columns = ColumnArgs { column: options.column.clone() }.names();
    let Some(suite) = columns.ok().and_then(|columns| eval::load(run.evaluation.benchmark, &files, &columns).ok()) else {
        gone("the data that was judged cannot be read");
        return None;
    };
    if suite.files.iter().zip(data).any(|(now, then)| now.blake3 != then.blake3) {
        gone("the data has changed since it was judged");
        return None;
    }
    Some(suite)
}
