//! `rrm label`: prompts with responses -> preferences by a judge, as trainers read them, and beside them what was dropped and why.

mod preferences;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use rrm::{
    dataset::{self, Item, ReadOptions},
    engine::EngineInfo,
    label::{self, LabelSettings, NoPreference, Pairs, PreferenceLayout, PreferenceSource, RowPreferences},
    ranking::strategy::Strategy,
    result::{Row, Verdicts},
    run::Task,
    spending::Price,
};

use self::preferences::PreferenceWriter;
use super::{
    judging::{self, OverRows},
    rows::{RowWriter, RowsCommand},
};
use crate::{
    failure::{Failure, ensure},
    options::{ColumnArgs, CommandCall, RatingArgs, RowVoteArgs, SkipArgs, TeamArgs, default_word, named, word},
    output::{Output, SpooledInput, beside, note},
    run::unless_stopped,
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
    /// Refuses values that could only be mistakes.
    pub fn check(&self, called: &CommandCall) -> anyhow::Result<()> {
        for (name, least) in [("--min-margin", self.min_margin), ("--min-agreement", self.min_agreement)] {
            ensure!((0.0..=1.0).contains(&least), "{name} must lie between 0 and 1");
        }
        self.rating.check()?;
        self.row_votes.check(self.over.judge.votes.votes)?;
        self.over.check(called)
    }
}

/// Labels every row.
pub async fn run(args: LabelArgs, called: &CommandCall) -> Result<ExitCode, Failure> {
    unless_stopped(work(args, called)).await
}

/// How rows are read.
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
    let LabelArgs { input, pairs, min_margin, min_agreement, write, bare, over, rating, teams, row_votes } = args;
    let task = Task::Rank(rating.settings(teams));
    let command = RowsCommand { called, over: &over, task, limit: Some(row_votes), inputs: vec![input.clone()] };
    let read = || Ok((crate::output::spooled(&input)?, reading(&over.columns, over.skip, &input)?));
    let open = |taken: &[PathBuf]| {
        let output = Output::open(over.run.output.as_deref(), taken)?;
        let dropped = output.path().map(|path| beside(path, "dropped.jsonl"));
        let dropped = dropped.map(|path| Output::open(Some(&path), taken)).transpose()?;
        let to = PreferenceWriter::new(output, write, !bare)?;
        if over.shard.shard.is_some() && to.is_parquet() {
            note("parts of Parquet cannot be joined end to end: read them as a folder, or run over the merged stores");
        }
        let settings = LabelSettings { pairs, min_margin, min_agreement };
        Ok(LabelledRows { layout: write, strategy: rating.strategy, settings, to, dropped, counts: PreferenceCounts::default() })
    };
    command.run(read, open).await
}

/// The output of labels: preferences, and beside them the pairs that were dropped.
struct LabelledRows {
    layout: PreferenceLayout,
    strategy: Strategy,
    settings: LabelSettings,
    to: PreferenceWriter,
    dropped: Option<Output>,
    counts: PreferenceCounts,
}

impl RowWriter for LabelledRows {
    fn check(&self, input: &SpooledInput, reading: &ReadOptions) -> Result<(), Failure> {
        fits(self.layout, input, reading)
    }

    fn judged_by(&mut self, engine: &EngineInfo, format: &str, price: Price) {
        self.to.judged_by(PreferenceSource::new(engine, format, price));
    }

    fn row(&mut self, item: &Item, row: &Row) -> io::Result<()> {
        let labelled = label::label(item, row, self.strategy, &self.settings);
        self.counts.add(&labelled);
        row.result.iter().for_each(|result| self.counts.verdicts.add_row(result));
        labelled.preferences.iter().try_for_each(|preference| self.to.preference(item, preference))?;
        match &mut self.dropped {
            Some(dropped) => labelled.dropped.iter().try_for_each(|reason| dropped.row(reason, || Ok(()))),
            None => Ok(()),
        }
    }

    fn finish(self, rows: u64) -> anyhow::Result<Output> {
        note(&self.counts.sentence(rows));
        if let Some(advice) = self.counts.advice(self.strategy, &self.settings) {
            note(&advice);
        }
        self.dropped.map(Output::appear).transpose()?;
        self.to.finish()
    }

    fn reasons(&self) -> &'static str {
        "OUT.dropped.jsonl says why"
    }

    fn without_verdicts(&self) -> &'static str {
        "nothing was decided, and there are no preferences"
    }
}

/// Refuses prompts that a layout of texts cannot hold, before anything is spent.
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
    verdicts: Verdicts,
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

    /// Returns what keeps more pairs, if most of them were dropped although the judge gave verdicts.
    fn advice(&self, strategy: Strategy, settings: &LabelSettings) -> Option<String> {
        let total: u64 = self.dropped.values().sum();
        let (reason, count) = self.dropped.iter().max_by_key(|(_, count)| **count)?;
        if total <= self.kept || self.verdicts.none() {
            return None;
        }
        let keeps = match reason {
            NoPreference::Margin => format!("a smaller --min-margin (it is {}) keeps more of them", settings.min_margin),
            NoPreference::Agreement => format!("a smaller --min-agreement (it is {}) keeps more of them", settings.min_agreement),
            NoPreference::Undecided | NoPreference::Coin if strategy == Strategy::Knockout => {
                "in a knockout one undecided match loses the row; `--strategy bradley-terry --opponents 4` needs no single match"
                    .to_owned()
            }
            NoPreference::Undecided | NoPreference::Coin | NoPreference::NoOrder => {
                "an odd number of --votes leaves fewer matches even".to_owned()
            }
            NoPreference::Error | NoPreference::Equal | NoPreference::Tie => return None,
        };
        Some(format!("most pairs were dropped, {count} of them as {}: {keeps}", word(reason)))
    }
}
