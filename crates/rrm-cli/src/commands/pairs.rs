//! `rrm pairs`: questions with verifiable answers and responses -> preference pairs, and next to them the dropped rows with reasons.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use rrm::{
    judge::JudgeSettings,
    pairs::{self, Benchmarks, Judges, PairColumns, PairSettings, PairTotals, PairsError, QuestionFile, RowFates, RowPairs},
    shard::Shard,
};

use super::judging;
use crate::{
    engines,
    failure::{Failure, ensure},
    numbers::grouped,
    options::{AskArgs, ColumnArgs, CommandCall, EngineArgs, ModelArgs, RunArgs, ShardArgs, kinds},
    output::{Output, SpooledInput, Stats, beside, note, spooled},
    run::{Run, Session, unless_stopped},
    stats, terminal,
    totals::RunTotals,
    verdicts,
};

/// What the command takes.
#[derive(clap::Args)]
pub struct PairsArgs {
    /// Questions: JSONL, JSON, CSV, TSV or Parquet, also gzipped; `-` reads from stdin. Published layouts are told by their columns, see docs/pairs.md.
    #[arg(required = true)]
    pub input: Vec<PathBuf>,
    /// Sample so many responses to each question from --engine, in place of those of the file.
    #[arg(long, value_name = "N", help_heading = "Pairs")]
    pub samples: Option<u32>,
    /// What is said after a question when it is sampled; empty for nothing [default: to reason, and to box the answer].
    #[arg(long, value_name = "TEXT", help_heading = "Pairs")]
    pub instruction: Option<String>,
    /// Check responses also where the file says whether they are right.
    #[arg(long, help_heading = "Pairs")]
    pub verify: bool,
    /// Pairs of one question at most.
    #[arg(long, value_name = "K", default_value_t = PairSettings::default().per_question, help_heading = "Pairs")]
    pub per_question: usize,
    /// Relative share of each file in the mixture, in their order: 5,1,1,1 [default: everything].
    #[arg(long, value_name = "W,W,...", value_delimiter = ',', help_heading = "Pairs")]
    pub mixture: Vec<f64>,
    /// Write `responses` in the drawn order and `label` (1 or 2), in place of `chosen` and `rejected`.
    #[arg(long, help_heading = "Pairs")]
    pub as_responses: bool,
    /// Write prompts and responses as lists of messages, and keep prompts of several turns.
    #[arg(long, conflicts_with = "as_responses", help_heading = "Pairs")]
    pub conversational: bool,
    /// Drop questions of these benchmarks: files, or folders of them; repeatable.
    #[arg(long, value_name = "PATH", num_args = 1.., help_heading = "Leaving out")]
    pub decontaminate: Vec<PathBuf>,
    /// Words in an n-gram of --decontaminate.
    #[arg(long, value_name = "N", default_value_t = PairSettings::default().ngram, help_heading = "Leaving out")]
    pub ngram: usize,
    /// Share of n-grams from which a question is one of a benchmark.
    #[arg(long, value_name = "SHARE", default_value_t = PairSettings::default().overlap, help_heading = "Leaving out")]
    pub overlap: f64,
    /// Similarity from which a question repeats an earlier one; above 1 keeps all.
    #[arg(long, value_name = "SHARE", default_value_t = PairSettings::default().near_duplicates.unwrap_or(1.0), help_heading = "Leaving out")]
    pub near_duplicates: f64,
    /// Characters that a response has at least.
    #[arg(long, value_name = "N", default_value_t = PairSettings::default().min_chars, help_heading = "Leaving out")]
    pub min_chars: usize,
    /// Characters that a response has at most.
    #[arg(long, value_name = "N", help_heading = "Leaving out")]
    pub max_chars: Option<usize>,
    /// Characters that a prompt has at most.
    #[arg(long, value_name = "N", help_heading = "Leaving out")]
    pub max_prompt_chars: Option<usize>,
    /// A base judge: pairs that it gets right in all of its votes are left out.
    #[arg(long, value_name = "SPEC", help_heading = "Leaving out")]
    pub filter_engine: Vec<String>,
    /// The base judge's model name at its server.
    #[arg(long, value_name = "NAME", requires = "filter_engine", help_heading = "Leaving out")]
    pub filter_model: Option<String>,
    /// Names the base judge's weights, as --revision does for --engine.
    #[arg(long, value_name = "NAME", requires = "filter_engine", help_heading = "Leaving out")]
    pub filter_revision: Option<String>,
    /// Votes of the base judge about each pair.
    #[arg(long, value_name = "K", default_value_t = FILTER_VOTES, help_heading = "Leaving out")]
    pub filter_votes: u32,
    /// Decide and say what it would take, without asking an engine or writing anything.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub ask: AskArgs,
    #[command(flatten)]
    pub columns: ColumnArgs,
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub shard: ShardArgs,
}

/// The default number of the base judge's votes about a pair.
const FILTER_VOTES: u32 = 4;

/// Runs `rrm pairs`.
pub async fn run(args: PairsArgs, called: &CommandCall) -> Result<ExitCode, Failure> {
    unless_stopped(make(args, called)).await
}

/// The output files, which appear together at the end.
struct PairFiles {
    pairs: Output,
    dropped: Option<Output>,
    filtered: Option<Output>,
}

async fn make(args: PairsArgs, called: &CommandCall) -> Result<ExitCode, Failure> {
    let (ask, price) = (&args.ask, args.ask.price.price());
    let settings = settings(&args);
    check(&args, called)?;
    let mut work = Run::begin(ask, &args.run)?;
    let columns = PairColumns::parse(&args.columns.column)?;
    let spools = args.input.iter().map(|input| spooled(input)).collect::<anyhow::Result<Vec<SpooledInput>>>()?;
    let inputs = inputs(&args, &spools);
    let benchmarks = Benchmarks::read(&args.decontaminate, &settings)?;
    for (name, prompts) in benchmarks.counts() {
        note(&format!("decontaminating against {} prompts of {name}", grouped(prompts as u64)));
    }
    // Everything is read and decided before anything is spent.
    let decided = pairs::decide(&inputs, &columns, &settings, &benchmarks)?;
    note(&prediction(&args, &settings, &decided));
    if args.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    let mut files = open(&args)?;
    let (sampler, filter) = judges(&mut work, &args).await?;
    work.expect(Shard::rows(args.shard.shard, decided.rows()));
    let judges = Judges { sampler: sampler.as_ref().map(|s| &s.judge), filter: filter.as_ref().map(|s| &s.judge) };
    let mut tally = PairTotals::default();
    let emit = |done: RowPairs| {
        tally.add(&done);
        work.progress.row();
        files.write(&done)
    };
    let (inputs, questions, window) = ((&inputs[..], &columns), (&decided, &benchmarks), ask.window(&args.run));
    match pairs::work(inputs, &settings, questions, (judges, args.shard.shard), window, emit).await {
        // The reader of the rows closed the pipe, as `head` does.
        Err(PairsError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
        Err(PairsError::Judge { id, source }) if !source.is_fatal() => {
            let error = PairsError::Judge { id, source };
            return Err(Failure::user(error).with_hint(work.again()));
        }
        done => done?,
    }
    work.close().await?;
    // Pairs that the base judge did not decide would pass for hard ones.
    verdicts::tell(&tally.verdicts, 0);
    verdicts::check(&tally.verdicts, "the base judge sifted nothing, so no pairs were written")?;
    let (mut spent, mut total) = (Vec::new(), None);
    for (what, session) in [("sampling", sampler), ("filter", filter)] {
        if let Some(session) = session {
            let mut stats = work.account(session, tally.rows, 0);
            stats.verdicts = (what == "filter").then(|| tally.verdicts.clone());
            // The total belongs to the whole command and is reported once.
            total = stats.total.take();
            spent.push((what, stats));
        }
    }
    if let Some(path) = files.finish()? {
        saved(&path, &args, called, (&spent, total))?;
    }
    spent.iter().for_each(|(_, stats)| stats::summary(stats, price));
    total.iter().for_each(|total| note(&stats::total(total, price)));
    write!(io::stderr(), "{}", summary(&tally)).ok();
    Ok(ExitCode::SUCCESS)
}

/// Opens the sampler of responses and the base judge of the filter, if named. Each has its own account under the limits of the command.
async fn judges(work: &mut Run, args: &PairsArgs) -> Result<(Option<Session>, Option<Session>), Failure> {
    let ask = &args.ask;
    let format = || engines::format(ask.engine.format.as_deref());
    let (of_sampler, of_filter) = (format()?, format()?);
    let mut sampler = None;
    if args.samples.is_some() {
        let part = work.part();
        let opened = work.open(ask, &part, false).await?;
        sampler = Some(work.session_by(part, ask, (opened, of_sampler), ask.settings())?);
    }
    let mut filter = None;
    if !args.filter_engine.is_empty() {
        let engine = EngineArgs { engine: args.filter_engine.clone(), ..ask.engine.clone() };
        let mut base = AskArgs { engine, model: ModelArgs { model: args.filter_model.clone() }, ..ask.clone() };
        // The name of the sampler's weights does not apply to other weights.
        let alone = args.samples.is_none();
        let same = alone || (args.filter_engine == ask.engine.engine && args.filter_model == ask.model.model);
        base.server.revision = args.filter_revision.clone().or_else(|| ask.server.revision.clone().filter(|_| same));
        let settings = JudgeSettings { votes: args.filter_votes, ..base.settings() };
        let part = work.part();
        let opened = work.open(&base, &part, false).await?;
        filter = Some(work.session_by(part, &base, (opened, of_filter), settings)?);
    }
    Ok((sampler, filter))
}

/// Writes the options and the account next to the pairs.
fn saved(
    path: &Path,
    args: &PairsArgs,
    called: &CommandCall,
    (spent, total): (&[(&str, Stats)], Option<RunTotals>),
) -> anyhow::Result<()> {
    let command = args.input.iter().map(|input| input.display().to_string()).collect::<Vec<_>>().join(" ");
    let text = args.ask.saved(called).text(&judging::title(&format!("pairs {command}")));
    std::fs::write(beside(path, "config.toml"), text)?;
    let mut stats = serde_json::Map::new();
    for (what, spent) in spent {
        stats.insert((*what).to_owned(), serde_json::to_value(spent)?);
    }
    if let Some(total) = total {
        stats.insert("total".to_owned(), serde_json::to_value(total)?);
    }
    if !stats.is_empty() {
        std::fs::write(beside(path, "stats.json"), serde_json::to_string_pretty(&stats)? + "\n")?;
    }
    Ok(())
}

fn settings(args: &PairsArgs) -> PairSettings {
    PairSettings {
        samples: args.samples.unwrap_or(0),
        instruction: args.instruction.clone(),
        verify: args.verify,
        per_question: args.per_question,
        near_duplicates: (args.near_duplicates <= 1.0).then_some(args.near_duplicates),
        ngram: args.ngram,
        overlap: args.overlap,
        min_chars: args.min_chars,
        max_chars: args.max_chars,
        max_prompt_chars: args.max_prompt_chars,
        conversational: args.conversational,
        as_responses: args.as_responses,
        seed: args.ask.seed.seed,
    }
}

/// Refuses invalid values and combinations of options.
fn check(args: &PairsArgs, called: &CommandCall) -> anyhow::Result<()> {
    args.ask.check(called)?;
    let (sampled, named) = (args.samples.is_some(), !args.ask.engine.is_embedded());
    ensure!(args.samples != Some(0), "--samples must be at least 1");
    ensure!(sampled || !named, "--engine samples responses: say how many with --samples N");
    ensure!(!sampled || named, "--samples needs --engine, which writes the responses");
    let engines = [&args.ask.engine.engine[..], &args.filter_engine].concat();
    if engines.is_empty() {
        kinds::check_none(called)?
    } else {
        kinds::check(&engines, called)?
    }
    let two = sampled && !args.filter_engine.is_empty();
    ensure!(
        !two || args.run.record.is_none(),
        "--record holds what one engine answers: not with both --samples and --filter-engine"
    );
    ensure!(args.per_question > 0, "--per-question must be at least 1");
    ensure!((1..=10_000).contains(&args.filter_votes), "--filter-votes must lie between 1 and 10000");
    ensure!((1..=100).contains(&args.ngram), "--ngram must lie between 1 and 100");
    ensure!(args.overlap > 0.0 && args.overlap <= 1.0, "--overlap must lie above 0 and not above 1");
    ensure!(args.near_duplicates > 0.0, "--near-duplicates must lie above 0");
    let (weights, files) = (args.mixture.len(), args.input.len());
    ensure!(weights == 0 || weights == files, "--mixture has {weights} weights for {files} files");
    ensure!(args.mixture.iter().all(|w| w.is_finite() && *w >= 0.0), "--mixture takes weights that are not negative");
    ensure!(weights == 0 || args.mixture.iter().any(|w| *w > 0.0), "--mixture: every weight is 0");
    Ok(())
}

fn inputs(args: &PairsArgs, spools: &[SpooledInput]) -> Vec<QuestionFile> {
    let input = |(i, path): (usize, &PathBuf)| QuestionFile {
        path: spools[i].path().to_owned(),
        name: judging::name(path),
        weight: args.mixture.get(i).copied(),
    };
    args.input.iter().enumerate().map(input).collect()
}

/// Describes how many rows are kept and what they will take.
fn prediction(args: &PairsArgs, settings: &PairSettings, decided: &RowFates) -> String {
    let mut text = format!("{} of {} rows are kept", grouped(decided.kept), grouped(decided.rows()));
    if settings.samples > 0 {
        text += &format!(", {} calls for samples", grouped(decided.kept * u64::from(settings.samples)));
    }
    if !args.filter_engine.is_empty() {
        text += &format!(", at most {} calls of the base judge", grouped(decided.pairs_at_most * u64::from(args.filter_votes)));
    }
    text + &format!(", at most {} pairs", grouped(decided.pairs_at_most))
}

fn open(args: &PairsArgs) -> anyhow::Result<PairFiles> {
    let taken: Vec<PathBuf> = args.input.iter().chain(&args.decontaminate).cloned().collect();
    let taken = args.ask.files(&args.run, &taken);
    let pairs = Output::open(args.run.output.as_deref(), &taken)?;
    let path = pairs.path().map(|path| path.to_owned());
    let open = |suffix| path.as_ref().map(|path| Output::open(Some(&beside(path, suffix)), &taken)).transpose();
    let filtered = if args.filter_engine.is_empty() { None } else { open("filter.jsonl")? };
    Ok(PairFiles { dropped: open("dropped.jsonl")?, filtered, pairs })
}

impl PairFiles {
    fn write(&mut self, done: &RowPairs) -> io::Result<()> {
        for pair in &done.pairs {
            self.pairs.row(pair, || {
                let mut stdout = io::stdout().lock();
                serde_json::to_writer(&mut stdout, pair)?;
                stdout.write_all(b"\n")
            })?;
        }
        if let Some(file) = &mut self.dropped {
            done.dropped.iter().try_for_each(|row| file.row(row, || Ok(())))?;
        }
        if let Some(file) = &mut self.filtered {
            done.filtered.iter().try_for_each(|row| file.row(row, || Ok(())))?;
        }
        Ok(())
    }

    /// Makes the files appear, the pairs last, so that they never appear without the other files.
    fn finish(self) -> anyhow::Result<Option<PathBuf>> {
        for file in [self.dropped, self.filtered].into_iter().flatten() {
            file.appear()?;
        }
        self.pairs.appear().context("cannot write the pairs")
    }
}

/// Returns tables of the pairs that were made and of the rows that were dropped.
fn summary(tally: &PairTotals) -> String {
    let mut out = format!(
        "{} rows, {} questions with pairs, {} pairs\n",
        grouped(tally.rows),
        grouped(tally.questions),
        grouped(tally.pairs)
    );
    let name = |text: &str| if text.is_empty() { "(none)".to_owned() } else { terminal::excerpt(text) };
    out += &format!("\n{:<24} {:>10} {:>10} {:>10}\n", "category", "rows", "questions", "pairs");
    for (category, [rows, questions, pairs]) in &tally.categories {
        out += &format!("{:<24} {:>10} {:>10} {:>10}\n", name(category), grouped(*rows), grouped(*questions), grouped(*pairs));
    }
    let word = |reason: serde_json::Value| reason.as_str().unwrap_or_default().to_owned();
    let mut table = |title: &str, counts: Vec<(serde_json::Value, u64)>| {
        if !counts.is_empty() {
            out += &format!("\n{title:<24} {:>10}\n", "");
            counts.into_iter().for_each(|(reason, n)| out += &format!("{:<24} {:>10}\n", word(reason), grouped(n)));
        }
    };
    let json = |reason: serde_json::Result<serde_json::Value>| reason.unwrap_or_default();
    table("dropped", tally.dropped.iter().map(|(reason, n)| (json(serde_json::to_value(reason)), *n)).collect());
    table("responses not used", tally.unused.iter().map(|(reason, n)| (json(serde_json::to_value(reason)), *n)).collect());
    if tally.pairs > 0 {
        let share = |n: u64| 100.0 * n as f64 / tally.pairs as f64;
        out += &format!(
            "\nright response longer: {:.1}% of pairs; right response first: {:.1}%\n",
            share(tally.longer),
            share(tally.first)
        );
    }
    out
}
