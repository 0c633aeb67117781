//! `rrm judge` and `rrm rank`: rows of a file -> result rows, what was spent, and a view for people.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use rrm::{
    dataset::{self, ReadOptions},
    result::Row,
    run::{self, Counted, RunError, Task},
    shard::Shard,
};

use crate::{
    engines,
    failure::Failure,
    options::{Options, to_toml},
    output::{Output, Spooled, note},
    row_votes,
    session::{self, Session},
    terminal, verdicts,
};

/// What these commands take.
#[derive(clap::Args)]
pub struct Args {
    /// Rows: JSONL, JSON, CSV, TSV or Parquet, also gzipped; `-` reads from stdin.
    pub input: PathBuf,
    /// Further files of answers, with --join.
    #[arg(value_name = "MORE", requires = "join")]
    pub more: Vec<PathBuf>,
    /// The files hold one answer of one model a row (FastChat's and Arena-Hard's answers, AlpacaEval's outputs): answers whose rows say the same in this column are put together.
    #[arg(long, value_name = "COLUMN")]
    pub join: Option<String>,
    /// With --join: a file with a row for each question, which holds what is asked (`turns` or `prompt`).
    #[arg(long, value_name = "FILE", requires = "join")]
    pub questions: Option<PathBuf>,
    #[command(flatten)]
    pub options: Options,
}

/// Which of the two commands.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// Two responses a row.
    Judge,
    /// Any number of responses a row.
    Rank,
}

impl Kind {
    /// Refuses options that could only be mistakes, for this command.
    pub fn check(self, options: &Options) -> anyhow::Result<()> {
        let ranking = options.strategy.is_some() || options.opponents.is_some() || options.teams.is_some();
        anyhow::ensure!(self == Kind::Rank || !ranking, "--strategy, --opponents and --teams are for `rrm rank`");
        options.check()
    }

    /// What is done with each row.
    pub fn task(self, options: &Options) -> Task {
        match self {
            Kind::Judge => Task::Judge,
            Kind::Rank => Task::Rank(options.rank()),
        }
    }

    /// How rows are read.
    pub fn reading(self, options: &Options, input: &Path) -> anyhow::Result<ReadOptions> {
        let exactly = (self == Kind::Judge).then_some(2);
        let stdin = input.as_os_str() == "-";
        let name = Some(if stdin { "stdin".to_owned() } else { input.display().to_string() });
        Ok(ReadOptions {
            exactly,
            at_least: 2,
            columns: options.columns()?,
            last_turns: false,
            name,
            skip_bad_rows: options.skip_bad_rows,
        })
    }
}

/// What an input holds.
pub struct Checked {
    /// Rows.
    pub rows: u64,
    /// Responses of a row, at most.
    pub responses: usize,
}

/// Reads the whole input, before anything is spent; says what was read otherwise than it stands there and which rows are left out.
pub fn checked(input: &Path, reading: &ReadOptions) -> Result<Checked, Failure> {
    let summary = dataset::check(input, reading).map_err(Failure::rows)?;
    let (rows, responses) = (summary.total().rows, summary.by_responses.keys().last().copied().unwrap_or(0));
    let name = reading.name.as_deref().unwrap_or_default();
    summary.notes.iter().for_each(|said| note(&format!("{name}: {said}")));
    let left = &summary.skipped;
    if left.rows > 0 {
        note(&format!("{name}: {} of {} rows cannot be used and are left out", left.rows, left.rows + rows));
        left.first.iter().for_each(|said| note(&format!("left out: {said}")));
        if left.rows > left.first.len() as u64 {
            note(&format!("left out: {} more", left.rows - left.first.len() as u64));
        }
    }
    Ok(Checked { rows, responses })
}

/// Judges or ranks every row.
pub async fn run(args: Args, kind: Kind) -> Result<ExitCode, Failure> {
    session::unless_stopped(judge_rows(args, kind)).await
}

/// The answers of several files as rows of a file of their own, and how that is read.
fn joined(
    answers: &[PathBuf],
    questions: Option<&Path>,
    column: &str,
    reading: ReadOptions,
) -> Result<(Spooled, ReadOptions), Failure> {
    let inputs = answers.iter().map(|path| crate::output::spooled(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let name = |path: &Path| if path.as_os_str() == "-" { "stdin".to_owned() } else { path.display().to_string() };
    let files: Vec<_> = inputs.iter().zip(answers).map(|(input, path)| (input.path().to_owned(), name(path))).collect();
    let joined = dataset::join(&files, questions, column, &reading.columns)?;
    if joined.unanswered > 0 {
        note(&format!("{} questions have no answer and are left out", joined.unanswered));
    }
    let input = crate::output::spool(&joined.rows)?;
    Ok((input, ReadOptions { name: Some(format!("answers joined by {column}")), ..reading }))
}

async fn judge_rows(args: Args, kind: Kind) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let Args { input: named, more, join, questions, options } = args;
    let options = options.resolve()?;
    kind.check(&options)?;
    let answers: Vec<PathBuf> = [named].into_iter().chain(more).collect();
    let reading = kind.reading(&options, &answers[0])?;
    let (input, reading) = match &join {
        Some(column) => joined(&answers, questions.as_deref(), column, reading)?,
        None => (crate::output::spooled(&answers[0])?, reading),
    };
    // The whole input is read once before anything is spent: a bad last row costs nothing.
    let Checked { rows, responses } = checked(input.path(), &reading)?;
    let task = kind.task(&options);
    row_votes::check(&task, responses, &options, || dataset::read(input.path(), &reading))?;
    let embedded = options.engine.is_empty() && options.batch_out.is_none();
    if embedded {
        engines::check_embedded(&options)?;
        engines::check_domain(dataset::read(input.path(), &reading)?)?;
    }
    let format = if embedded { None } else { Some(engines::format(options.format.as_deref())?) };
    let inputs: Vec<PathBuf> = answers.into_iter().chain(questions).collect();
    let mut output = Output::open(options.output.as_deref(), &options.files(&inputs))?;
    let (opened, format) = match format {
        None => engines::embedded(&options)?,
        Some(format) => (engines::open(&options).await?, format),
    };
    let session = Session::open(&options, opened, format, Shard::rows(options.shard, rows), started)?;
    let items = Shard::of(options.shard, rows, dataset::read(input.path(), &reading)?);
    let mut first = None;
    let emit = |item: dataset::Item, row: Row| {
        if first.is_none() {
            first = row.error.as_ref().map(|error| format!("{}: {error}", row.id));
        }
        session.progress.beside(|| output.row(&row, || terminal::row(&item, &row, kind)))?;
        session.progress.row();
        Ok(())
    };
    let counted: Counted = match run::run(&session.judge, &task, items, options.window(), emit).await {
        // Whoever reads the rows has read enough, as `head` does.
        Err(RunError::Write(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
        done => done?,
    };
    let Some((mut stats, stored)) = session.end(counted.rows, counted.failed).await? else { return Ok(ExitCode::SUCCESS) };
    let saved = to_toml(&options, &inputs[0].display().to_string())?;
    verdicts::tell(&counted.verdicts, counted.failed);
    stats.verdicts = Some(counted.verdicts.clone());
    output.finish(&stats, &saved, options.price())?;
    if counted.failed > 0 {
        let message = format!("{} of {} rows have no result; their rows say why", counted.failed, counted.rows);
        let failure = Failure::user(anyhow::anyhow!(message)).with_lines(first.into_iter().collect());
        return Err(failure.with_hint(session::again(stored)));
    }
    let so = if kind == Kind::Judge { "nothing was decided" } else { "nothing was decided, and no row has an order" };
    verdicts::check(&counted.verdicts, so)?;
    Ok(ExitCode::SUCCESS)
}
