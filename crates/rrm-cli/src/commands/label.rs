//! `rrm label`: prompts with responses -> preferences by a judge, as trainers read them, and beside them what was dropped and why.

mod rows;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, time::Instant};

use rrm::{
    dataset::{self, Item, ReadOptions},
    label::{self, LabelSettings, Labelled, Layout, Pairs, Reason, Source},
    result::Row,
    run::{self, RunError, Task},
    shard::Shard,
};

use self::rows::Rows;
use super::judging::Checked;
use crate::{
    engines,
    failure::Failure,
    options::{Options, named, to_toml},
    output::{Output, Spooled, beside, note},
    row_votes,
    session::{self, Session},
    verdicts,
};

/// What the command takes.
#[derive(clap::Args)]
pub struct Args {
    /// Rows: JSONL, JSON, CSV, TSV or Parquet, also gzipped; `-` reads from stdin.
    pub input: PathBuf,
    /// Which pairs become preferences: best-worst of each ranking, or all matches that votes decided.
    #[arg(long, value_name = "WHICH", value_parser = named::<Pairs>, default_value = "best-worst", help_heading = "Labels")]
    pub pairs: Pairs,
    /// Drop pairs whose margin, from 0 to 1, is less; docs/label.md defines it.
    #[arg(long, value_name = "M", default_value_t = 0.0, help_heading = "Labels")]
    pub min_margin: f64,
    /// Drop pairs for which less than this share of the votes agrees.
    #[arg(long, value_name = "A", default_value_t = 0.0, help_heading = "Labels")]
    pub min_agreement: f64,
    /// Which columns: dpo, kto, reward, messages, messages-kto, text, text-kto; docs/label.md says who reads which.
    #[arg(long, value_name = "LAYOUT", value_parser = named::<Layout>, default_value = "dpo", help_heading = "Labels")]
    pub write: Layout,
    /// Leave the columns out that say what a preference rests on.
    #[arg(long, help_heading = "Labels")]
    pub bare: bool,
    #[command(flatten)]
    pub options: Options,
}

/// Labels every row.
pub async fn run(args: Args) -> Result<ExitCode, Failure> {
    session::unless_stopped(label_rows(args)).await
}

async fn label_rows(args: Args) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let Args { input: named, pairs, min_margin, min_agreement, write, bare, options } = args;
    let options = options.resolve()?;
    let settings = LabelSettings { pairs, min_margin, min_agreement };
    check(&settings, &options)?;
    let input = crate::output::spooled(&named)?;
    let name = if named.as_os_str() == "-" { "stdin".to_owned() } else { named.display().to_string() };
    let reading = ReadOptions {
        columns: options.columns()?,
        last_turns: true,
        name: Some(name.clone()),
        skip_bad_rows: options.skip_bad_rows,
        ..ReadOptions::default()
    };
    // The whole input is read once before anything is spent: a bad last row costs nothing.
    let Checked { rows, responses } = super::judging::checked(input.path(), &reading)?;
    let task = Task::Rank(options.rank());
    row_votes::check(&task, responses, &options, || dataset::read(input.path(), &reading))?;
    fits(write, &input, &reading)?;
    let embedded = options.engine.is_empty() && options.batch_out.is_none();
    if embedded {
        engines::check_embedded(&options)?;
        engines::check_domain(dataset::read(input.path(), &reading)?)?;
    }
    let parquet = options.output.as_ref().is_some_and(|path| path.extension().is_some_and(|end| end == "parquet"));
    if options.shard.is_some() && parquet {
        note("parts of Parquet cannot be joined end to end: read them as a folder, or run over the merged stores");
    }
    let format = if embedded { None } else { Some(engines::format(options.format.as_deref())?) };
    let inputs = [named];
    let taken = options.files(&inputs);
    let output = Output::open(options.output.as_deref(), &taken)?;
    let dropped = output.path().map(|path| beside(path, "dropped.jsonl"));
    let mut dropped = dropped.map(|path| Output::open(Some(&path), &taken)).transpose()?;
    let (opened, format) = match format {
        None => engines::embedded(&options)?,
        Some(format) => (engines::open(&options).await?, format),
    };
    let source = Source::new(opened.engine.info(), &format.file.name, options.price());
    let mut written = Rows::new(output, write, (!bare).then_some(source))?;
    let session = Session::open(&options, opened, format, Shard::rows(options.shard, rows), started)?;
    let items = Shard::of(options.shard, rows, dataset::read(input.path(), &reading)?);
    let (strategy, mut counts) = (options.rank().strategy, Counts::default());
    let emit = |item: Item, row: Row| {
        let labelled = label::label(&item, &row, strategy, &settings);
        counts.add(&labelled);
        session
            .progress
            .beside(|| labelled.preferences.iter().try_for_each(|preference| written.preference(&item, preference)))?;
        if let Some(dropped) = &mut dropped {
            labelled.dropped.iter().try_for_each(|reason| dropped.row(reason, || Ok(())))?;
        }
        session.progress.row();
        Ok(())
    };
    let counted = match run::run(&session.judge, &task, items, options.window(), emit).await {
        Err(RunError::Write(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
        done => done?,
    };
    let Some((mut stats, stored)) = session.end(counted.rows, counted.failed).await? else { return Ok(ExitCode::SUCCESS) };
    verdicts::tell(&counted.verdicts, counted.failed);
    stats.verdicts = Some(counted.verdicts.clone());
    note(&counts.sentence(counted.rows));
    if let Some(dropped) = dropped {
        dropped.appear()?;
    }
    let saved = to_toml(&options, &format!("{name}; {}", flags(&settings, write, bare)?))?;
    written.finish()?.finish(&stats, &saved, options.price())?;
    if counted.failed > 0 {
        let message = format!("{} of {} rows have no result; OUT.dropped.jsonl says why", counted.failed, counted.rows);
        return Err(Failure::user(anyhow::anyhow!(message)).with_hint(session::again(stored)));
    }
    verdicts::check(&counted.verdicts, "nothing was decided, and there are no preferences")?;
    Ok(ExitCode::SUCCESS)
}

fn check(settings: &LabelSettings, options: &Options) -> anyhow::Result<()> {
    for (name, least) in [("--min-margin", settings.min_margin), ("--min-agreement", settings.min_agreement)] {
        anyhow::ensure!((0.0..=1.0).contains(&least), "{name} must lie between 0 and 1");
    }
    options.check()
}

/// Refuses prompts that a layout of texts cannot hold, before anything is spent.
fn fits(layout: Layout, input: &Spooled, reading: &ReadOptions) -> Result<(), Failure> {
    if !layout.is_text() {
        return Ok(());
    }
    for item in dataset::read(input.path(), reading)? {
        let item = item?;
        let turns = item.prompt.messages.len();
        if turns != 1 {
            let message = format!("row {} ({}): a prompt of {turns} turns is no single text", item.row, item.id);
            let hint = "--write dpo, kto, reward, messages and messages-kto hold conversations";
            return Err(Failure::user(anyhow::anyhow!(message)).with_hint(hint));
        }
    }
    Ok(())
}

/// The flags of this command that are not options of all, for the saved file.
fn flags(settings: &LabelSettings, write: Layout, bare: bool) -> anyhow::Result<String> {
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let (pairs, layout) = (word(serde_json::to_value(settings.pairs)?), word(serde_json::to_value(write)?));
    let bare = if bare { " --bare" } else { "" };
    let LabelSettings { min_margin, min_agreement, .. } = settings;
    Ok(format!("label --pairs {pairs} --min-margin {min_margin} --min-agreement {min_agreement} --write {layout}{bare}"))
}

/// What became of all pairs.
#[derive(Default)]
struct Counts {
    kept: u64,
    dropped: BTreeMap<Reason, u64>,
}

impl Counts {
    fn add(&mut self, labelled: &Labelled) {
        self.kept += labelled.preferences.len() as u64;
        labelled.dropped.iter().for_each(|dropped| *self.dropped.entry(dropped.reason).or_default() += 1);
    }

    fn sentence(&self, rows: u64) -> String {
        let word = |reason: &Reason| serde_json::to_value(reason).ok().and_then(|word| Some(word.as_str()?.to_owned()));
        let reasons = self.dropped.iter().filter_map(|(reason, n)| Some(format!("{n} {}", word(reason)?)));
        let reasons: Vec<String> = reasons.collect();
        let total: u64 = self.dropped.values().sum();
        let why = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join(", ")) };
        format!("{} preferences of {rows} rows; {total} dropped{why}", self.kept)
    }
}
