//! `rrm label`: prompts with responses -> preferences by a judge, as trainers read them, and beside them what was dropped and why.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use rrm::{
    dataset::{self, ReadOptions},
    label::{self, LabelSettings, Pairs},
    run::{self, Task},
};

use crate::{
    engines,
    failure::Failure,
    options::{Options, named, to_toml},
    output::{Output, beside},
    session::{self, Session},
};

/// What the command takes.
#[derive(clap::Args)]
pub struct Args {
    /// Rows: JSONL, JSON or Parquet, also gzipped; `-` reads from stdin.
    pub input: PathBuf,
    /// Which pairs become preferences: best-worst of each ranking, or all matches that votes decided.
    #[arg(long, value_name = "WHICH", value_parser = named::<Pairs>, default_value = "best-worst", help_heading = "Labels")]
    pub pairs: Pairs,
    /// Drop pairs whose margin, from 0 to 1, is less.
    #[arg(long, value_name = "M", default_value_t = 0.0, help_heading = "Labels")]
    pub min_margin: f64,
    /// Drop pairs for which less than this share of the votes agrees.
    #[arg(long, value_name = "A", default_value_t = 0.0, help_heading = "Labels")]
    pub min_agreement: f64,
    #[command(flatten)]
    pub options: Options,
}

/// Labels every row.
pub async fn run(args: Args) -> Result<ExitCode, Failure> {
    session::unless_stopped(label_rows(args)).await
}

async fn label_rows(args: Args) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let options = args.options.resolve()?;
    let settings = LabelSettings { pairs: args.pairs, min_margin: args.min_margin, min_agreement: args.min_agreement };
    options.check()?;
    let input = crate::output::spooled(&args.input)?;
    let name = if args.input.as_os_str() == "-" { "stdin".to_owned() } else { args.input.display().to_string() };
    let reading = ReadOptions { columns: options.columns()?, name: Some(name), ..ReadOptions::default() };
    let rows = dataset::check(input.path(), &reading).map_err(Failure::rows)?.total().rows;
    let format = engines::format(options.format.as_deref())?;
    let inputs = [args.input];
    let taken = options.files(&inputs);
    let mut output = Output::open(options.output.as_deref(), &taken)?;
    let dropped = output.path().map(|path| beside(path, "dropped.jsonl"));
    let mut dropped = dropped.map(|path| Output::open(Some(&path), &taken)).transpose()?;
    let opened = engines::open(&options).await?;
    let session = Session::open(&options, opened, format, rows, started)?;
    let task = Task::Rank(options.rank());
    let items = dataset::read(input.path(), &reading)?;
    let emit = |item: dataset::Item, row| {
        let labelled = label::label(&item, &row, options.rank().strategy, &settings);
        for preference in &labelled.preferences {
            output.row(&label::columns(&item, preference), || Ok(()))?;
        }
        if let Some(dropped) = &mut dropped {
            labelled.dropped.iter().try_for_each(|reason| dropped.row(reason, || Ok(())))?;
        }
        session.progress.row();
        Ok(())
    };
    let counted = run::run(&session.judge, &task, items, options.window(), emit).await?;
    let (stats, stored) = session.close(counted.rows, counted.failed).await?;
    if let Some(dropped) = dropped {
        dropped.appear()?;
    }
    output.finish(&stats, &to_toml(&options, &inputs[0].display().to_string())?, options.price())?;
    if counted.failed > 0 {
        let message = format!("{} of {} rows have no result", counted.failed, counted.rows);
        return Err(Failure::user(anyhow::anyhow!(message)).with_hint(session::again(stored)));
    }
    Ok(ExitCode::SUCCESS)
}
