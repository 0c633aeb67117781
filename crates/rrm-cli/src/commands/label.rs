//! `rrm label`: prompts with responses -> preferences by a judge, in the layouts of trainers, and next to them the dropped pairs with reasons.

mod rows;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use rrm::{
    dataset::{self, Item, ReadOptions},
    label::{self, LabelSettings, NoPreference, Pairs, PreferenceLayout, PreferenceSource, RowPreferences},
    result::Row,
    run::{self, RunError, Task},
    shard::Shard,
};

use self::rows::PreferenceWriter;
use super::judging::{self, InputSummary, OverRows};
use crate::{
    engines,
    failure::{Failure, ensure},
    options::{ColumnArgs, CommandCall, RatingArgs, RowVoteArgs, SkipArgs, TeamArgs, default_word, named, word},
    output::{Output, SpooledInput, beside, note},
    row_votes::RowVotes,
    run::{Run, unless_stopped},
    verdicts,
};

/// What the command takes.
#[derive(clap::Args)]
pub struct LabelArgs {
    /// Rows: JSONL, JSON, CSV, TSV or Parquet, also gzipped; `-` reads from stdin.
    pub input: PathBuf,
    /// Which pairs become preferences: best-worst of each ranking, or all matches that votes decided.
    #[arg(long, value_name = "WHICH", value_parser = named::<Pairs>, default_value = default_word(Pairs::default()), help_heading = "Labels")]
    pub pairs: Pairs,
    /// Drop pairs whose margin, from 0 to 1, is less; docs/label.md defines it.
    #[arg(long, value_name = "M", default_value_t = LabelSettings::default().min_margin, help_heading = "Labels")]
    pub min_margin: f64,
    /// Drop pairs for which less than this share of the votes agrees.
    #[arg(long, value_name = "A", default_value_t = LabelSettings::default().min_agreement, help_heading = "Labels")]
    pub min_agreement: f64,
    /// Which columns: dpo, kto, reward, messages, messages-kto, text, text-kto; docs/label.md says who reads which.
    #[arg(long, value_name = "LAYOUT", value_parser = named::<PreferenceLayout>, default_value = default_word(PreferenceLayout::default()), help_heading = "Labels")]
    pub write: PreferenceLayout,
    /// Leave out the columns with the evidence: margin, agreement, votes, judge and cost.
    #[arg(long, help_heading = "Labels")]
    pub bare: bool,
    #[command(flatten)]
    pub over: OverRows,
    #[command(flatten)]
    pub rating: RatingArgs,
    #[command(flatten)]
    pub teams: TeamArgs,
    #[command(flatten)]
    pub row_votes: RowVoteArgs,
}

impl LabelArgs {
    /// Refuses invalid values and combinations of options.
    pub fn check(&self, called: &CommandCall) -> anyhow::Result<()> {
        for (name, least) in [("--min-margin", self.min_margin), ("--min-agreement", self.min_agreement)] {
            ensure!((0.0..=1.0).contains(&least), "{name} must lie between 0 and 1");
        }
        self.rating.check()?;
        self.row_votes.check(self.over.judge.votes.votes)?;
        self.over.check(called)
    }
}

/// Runs `rrm label`.
pub async fn run(args: LabelArgs, called: &CommandCall) -> Result<ExitCode, Failure> {
    unless_stopped(work(args, called)).await
}

/// Returns the options for reading rows.
pub fn reading(columns: &ColumnArgs, skip: SkipArgs, input: &Path) -> anyhow::Result<ReadOptions> {
    Ok(ReadOptions {
        columns: columns.names()?,
        last_turns: true,
        name: Some(judging::name(input)),
        skip_bad_rows: skip.skip_bad_rows,
        ..ReadOptions::default()
    })
}

async fn work(args: LabelArgs, called: &CommandCall) -> Result<ExitCode, Failure> {
    args.check(called)?;
    let LabelArgs { input: named, pairs, min_margin, min_agreement, write, bare, over, rating, teams, row_votes } = args;
    let (ask, settings) = (&over.judge.ask, LabelSettings { pairs, min_margin, min_agreement });
    let votes = over.judge.votes.votes;
    let mut work = Run::begin(ask, &over.run)?;
    // The whole input is read once before anything is spent, so that a bad last row costs nothing.
    let input = crate::output::spooled(&named)?;
    let name = judging::name(&named);
    let reading = reading(&over.columns, over.skip, &named)?;
    let InputSummary { rows, responses } = judging::checked(input.path(), &reading)?;
    let task = Task::Rank(rating.settings(teams));
    let limit = RowVotes { task: &task, seed: ask.seed.seed, votes, most: row_votes.max_row_votes };
    limit.check(responses, || dataset::read(input.path(), &reading))?;
    fits(write, &input, &reading)?;
    let format = engines::format_for(&over.judge, &over.batch, || dataset::read(input.path(), &reading))?;
    let parquet = over.run.output.as_ref().is_some_and(|path| path.extension().is_some_and(|end| end == "parquet"));
    if over.shard.shard.is_some() && parquet {
        note("parts of Parquet cannot be joined end to end: read them as a folder, or run over the merged stores");
    }
    let taken = over.files(&[named]);
    let output = Output::open(over.run.output.as_deref(), &taken)?;
    let dropped = output.path().map(|path| beside(path, "dropped.jsonl"));
    let mut dropped = dropped.map(|path| Output::open(Some(&path), &taken)).transpose()?;
    let (opened, format) = work.open_for(&over.judge, &over.batch, format).await?;
    let source = PreferenceSource::new(opened.engine.info(), &format.file.name, ask.price.price());
    let mut written = PreferenceWriter::new(output, write, (!bare).then_some(source))?;
    work.write_batch(&over.batch, ask)?;
    let session = work.session(ask, opened, format, over.judge.settings())?;
    work.expect(Shard::rows(over.shard.shard, rows));
    let items = Shard::of(over.shard.shard, rows, dataset::read(input.path(), &reading)?);
    let (mut counts, mut first) = (PreferenceCounts::default(), None);
    let emit = |item: Item, row: Row| {
        if first.is_none() {
            first = row.error.as_ref().map(|error| format!("{}: {error}", row.id));
        }
        let labelled = label::label(&item, &row, rating.strategy, &settings);
        counts.add(&labelled);
        work.progress.beside(|| labelled.preferences.iter().try_for_each(|preference| written.preference(&item, preference)))?;
        if let Some(dropped) = &mut dropped {
            labelled.dropped.iter().try_for_each(|reason| dropped.row(reason, || Ok(())))?;
        }
        work.progress.row();
        Ok(())
    };
    let counted = match run::run(&session.judge, &task, items, ask.window(&over.run), emit).await {
        Err(RunError::Write(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
        done => done?,
    };
    let ended = work.end(session, (counted.rows, counted.failed), &counted.verdicts).await?;
    let Some(stats) = ended else { return Ok(ExitCode::SUCCESS) };
    note(&counts.sentence(counted.rows));
    if let Some(dropped) = dropped {
        dropped.appear()?;
    }
    let saved = ask.saved(called).text(&judging::title(&name));
    written.finish()?.finish(&stats, &saved, ask.price.price())?;
    if counted.failed > 0 {
        let message = format!("{} of {} rows have no result; OUT.dropped.jsonl says why", counted.failed, counted.rows);
        let failure = Failure::user(anyhow::anyhow!(message)).with_lines(first.into_iter().collect());
        return Err(failure.with_hint(work.again()));
    }
    verdicts::check(&counted.verdicts, "nothing was decided, and there are no preferences")?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses prompts that a layout of plain texts cannot express, before anything is spent.
fn fits(layout: PreferenceLayout, input: &SpooledInput, reading: &ReadOptions) -> Result<(), Failure> {
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

/// Counts of the kept preferences and of the dropped pairs.
#[derive(Default)]
struct PreferenceCounts {
    kept: u64,
    dropped: BTreeMap<NoPreference, u64>,
}

impl PreferenceCounts {
    fn add(&mut self, labelled: &RowPreferences) {
        self.kept += labelled.preferences.len() as u64;
        labelled.dropped.iter().for_each(|dropped| *self.dropped.entry(dropped.reason).or_default() += 1);
    }

    fn sentence(&self, rows: u64) -> String {
        let reasons: Vec<String> = self.dropped.iter().map(|(reason, n)| format!("{n} {}", word(reason))).collect();
        let total: u64 = self.dropped.values().sum();
        let why = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join(", ")) };
        format!("{} preferences of {rows} rows; {total} dropped{why}", self.kept)
    }
}
