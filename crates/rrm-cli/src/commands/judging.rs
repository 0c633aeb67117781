//! `rrm judge` and `rrm rank`: rows of a file -> result rows, what was spent, and a view for people.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use anyhow::Context;
use rrm::{
    dataset::{self, ReadOptions},
    judge::Judge,
    run::{self, Counted, RunError, Task},
    spending::Spending,
};
use tokio::sync::Semaphore;

use crate::{
    engines,
    failure::Failure,
    options::Options,
    output::{Output, Stats, note},
    terminal::Progress,
};

/// What these commands take.
#[derive(clap::Args)]
pub struct Args {
    /// Rows: JSONL, JSON or Parquet, also gzipped; `-` reads from stdin.
    pub input: PathBuf,
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
        Ok(ReadOptions { exactly, at_least: 2, columns: options.columns()?, name })
    }
}

/// Judges or ranks every row, unless it is interrupted: then nothing is written, and what was answered stays in the store.
pub async fn run(args: Args, kind: Kind) -> Result<ExitCode, Failure> {
    tokio::select! {
        done = judge_rows(args, kind) => done,
        () = stopped() => Err(Failure::user(anyhow::anyhow!("interrupted; nothing was written"))
            .with_hint("what was answered is in the store, if there was one: the same command goes on from there")),
    }
}

async fn judge_rows(args: Args, kind: Kind) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let options = args.options.resolve()?;
    kind.check(&options)?;
    let input = crate::output::spooled(&args.input)?;
    let reading = kind.reading(&options, &args.input)?;
    // The whole input is read once before anything is spent: a bad last row costs nothing.
    let rows = dataset::check(input.path(), &reading).map_err(Failure::rows)?.total().rows;
    let embedded = options.engine.is_empty();
    if embedded {
        engines::check_embedded(&options)?;
        engines::check_domain(dataset::read(input.path(), &reading)?)?;
    }
    let format = if embedded { None } else { Some(engines::format(options.format.as_deref())?) };
    let mut output = Output::open(options.output.as_deref(), kind, &options.files(&args.input))?;
    let (opened, format) = match format {
        None => engines::embedded(&options)?,
        Some(format) => (engines::open(&options).await?, format),
    };
    opened.notes.iter().for_each(|text| note(text));
    let store = engines::store(&options, opened.engine.info().paid)?;
    let stored = store.is_some();
    let judge = Judge {
        engine: opened.engine.clone(),
        format: Arc::new(format),
        settings: options.judge(),
        store: store.clone(),
        slots: Arc::new(Semaphore::new(options.concurrency())),
        spending: Arc::new(Spending::new(options.limits())),
        recorder: engines::recorder(&options, opened.engine.info())?,
        sink: options.stream.then(crate::terminal::sink),
    };
    let progress = Progress::new(rows, judge.spending.clone(), options.stream);
    let task = kind.task(&options);
    let items = dataset::read(input.path(), &reading)?;
    let window = options.concurrency().saturating_mul(2).max(16);
    let emit = |item: dataset::Item, row| {
        progress.beside(|| output.row(&item, &row))?;
        progress.row();
        Ok(())
    };
    let counted: Counted = match run::run(&judge, &task, items, window, emit).await {
        // Whoever reads the rows has read enough, as `head` does.
        Err(RunError::Write(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
        done => done?,
    };
    progress.done();
    let spent = judge.spending.spent();
    let http = opened.http.as_ref().map(|engine| engine.stats());
    drop(judge);
    if let Some(store) = store {
        store.close().await.context("closing the store")?;
    }
    let stats = Stats {
        engine: opened.engine.info().clone(),
        rows: counted.rows,
        failed: counted.failed,
        spent,
        seconds: started.elapsed().as_secs_f64(),
        http,
    };
    output.finish(&stats, &options, &args.input)?;
    if counted.failed > 0 {
        let message = format!("{} of {} rows have no result; their rows say why", counted.failed, counted.rows);
        let hint = if stored {
            "run the same command again: what was answered is in the store and is not asked for twice"
        } else {
            "there was no store, so nothing is kept; a run with a store goes on where it ended"
        };
        return Err(Failure::user(anyhow::anyhow!(message)).with_hint(hint));
    }
    Ok(ExitCode::SUCCESS)
}

/// Ends when the user or the system asks the program to end.
async fn stopped() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    tokio::signal::ctrl_c().await.ok();
}
