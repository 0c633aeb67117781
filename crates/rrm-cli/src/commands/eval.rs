//! `rrm eval`: a benchmark's files -> official and strict scores of a judge; its cases and their votes in files next to them.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use rrm::{
    eval::{self, Benchmark, CaseCounts, Questions},
    shard::Shard,
};

use super::{best_of, judging::title, recorded};
use crate::{
    batch, engines,
    failure::{Failure, ensure},
    options::{BatchArgs, ColumnArgs, CommandCall, JudgeArgs, RowVoteArgs, RunArgs, ShardArgs, TeamArgs},
    output::{Output, beside, note, print},
    run::{Run, unless_stopped},
    scores, stats, verdicts,
};

/// What the command takes.
#[derive(clap::Args)]
pub struct EvalArgs {
    /// Which benchmark: rewardbench, rewardbench2, rm-bench, judgebench, pandalm, llmbar, evalbiasbench, ppe, autoj, mt-bench-human, or pairs for labelled pairs of your own; mmlu-pro and ppe-best-of-k for best of N, or best-of for your own responses.
    #[arg(required_unless_present = "list", value_parser = benchmark)]
    pub benchmark: Option<EvalTarget>,
    /// Say what each benchmark holds, how its decisions count, and what of it was tried.
    #[arg(long)]
    pub list: bool,
    /// Its files as they are published, or folders that hold them; repeatable.
    #[arg(long, value_name = "PATH", required_unless_present = "list")]
    pub data: Vec<PathBuf>,
    /// Judgments that others published about the data (of judgebench its `outputs`, of llmbar `evaluators/JUDGE/*/result.json`, of pandalm the predictions), files or folders; repeatable. They are scored in place of a judge's, and nobody is asked.
    #[arg(long, value_name = "PATH")]
    pub recorded: Vec<PathBuf>,
    #[command(flatten)]
    pub extent: Extent,
    #[command(flatten)]
    pub judge: JudgeArgs,
    #[command(flatten)]
    pub columns: ColumnArgs,
    #[command(flatten)]
    pub teams: TeamArgs,
    #[command(flatten)]
    pub row_votes: RowVoteArgs,
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub shard: ShardArgs,
    #[command(flatten)]
    pub batch: BatchArgs,
}

impl EvalArgs {
    /// Refuses invalid values and combinations of options.
    pub fn check(&self, named: EvalTarget, called: &CommandCall) -> anyhow::Result<()> {
        named.check(self.extent, &self.columns, called)?;
        let stdin = self.data.iter().any(|path| path.as_os_str() == "-");
        ensure!(!stdin, "--data -: a benchmark is not read from stdin; name a file or a folder");
        self.judge.check(called)?;
        self.row_votes.check(self.judge.votes.votes)?;
        batch::check(&self.batch, &self.judge.ask, self.judge.thinking, self.run.output.as_deref())
    }

    /// Returns the files that the run reads or keeps, which its output must not replace.
    pub fn files(&self, inputs: &[PathBuf]) -> Vec<PathBuf> {
        let others: Vec<PathBuf> = inputs.iter().chain(&self.batch.batch_out).cloned().collect();
        self.judge.ask.files(&self.run, &others)
    }
}

/// How much of a benchmark is asked about.
#[derive(clap::Args, Clone, Copy, PartialEq, Default)]
pub struct Extent {
    /// Ask only in the orders that the official score uses. Where that is one order, this halves the calls and gives no strict score.
    #[arg(long)]
    pub official_only: bool,
    /// Of best of N, the largest N: 1, 2, 4, 8, 16 or 32. A round robin of 32 responses is 496 matches [default: 16; of ppe-best-of-k 32].
    #[arg(long, value_name = "N", value_parser = size)]
    pub largest: Option<usize>,
}

impl Extent {
    /// Returns the most responses of each question.
    pub fn largest(self, questions: Questions) -> usize {
        self.largest.unwrap_or(if questions == Questions::PpeBestOfK { 32 } else { 16 })
    }
}

/// The benchmark, or the questions, to evaluate on.
#[derive(Clone, Copy)]
pub enum EvalTarget {
    /// Labelled pairs, for decisions.
    Pairs(Benchmark),
    /// Questions with many responses, for picks.
    BestOf(Questions),
}

impl EvalTarget {
    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            EvalTarget::Pairs(benchmark) => benchmark.protocol().name,
            EvalTarget::BestOf(questions) => questions.name(),
        }
    }

    /// Refuses options that do not apply to this benchmark.
    pub fn check(self, extent: Extent, columns: &ColumnArgs, called: &CommandCall) -> anyhow::Result<()> {
        let own = match self {
            EvalTarget::Pairs(benchmark) => {
                let best_of = Questions::ALL.map(Questions::name).join(", ");
                ensure!(extent.largest.is_none() && !called.gave("teams"), "--largest and --teams are for best of N: {best_of}");
                benchmark == Benchmark::Pairs
            }
            EvalTarget::BestOf(questions) => {
                ensure!(!extent.official_only, "--official-only is for pairs: best of N has no official score");
                questions == Questions::BestOf
            }
        };
        ensure!(
            own || columns.column.is_empty(),
            "--column is for `rrm eval pairs` and `best-of`; published files are read as they are"
        );
        Ok(())
    }
}

/// Parses a number of responses at which picks are measured.
fn size(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| eval::SIZES.contains(n)).ok_or_else(|| format!("expected one of {:?}", eval::SIZES))
}

/// Finds a benchmark by its name.
pub fn benchmark(name: &str) -> Result<EvalTarget, String> {
    let all = || Benchmark::ALL.map(EvalTarget::Pairs).into_iter().chain(Questions::ALL.map(EvalTarget::BestOf));
    let names = || all().map(EvalTarget::name).collect::<Vec<_>>().join(", ");
    all().find(|named| named.name() == name).ok_or_else(|| format!("no such benchmark; there are {}", names()))
}

/// Lists the benchmarks, or measures a judge on one.
pub async fn run(args: EvalArgs, called: &CommandCall) -> Result<ExitCode, Failure> {
    match args.benchmark {
        Some(EvalTarget::Pairs(benchmark)) if !args.list && !args.recorded.is_empty() => {
            recorded::measure(benchmark, args, called)
        }
        Some(EvalTarget::BestOf(questions)) if !args.list && !args.recorded.is_empty() => {
            Err(Failure::usage(format!("--recorded is for judgments about pairs; {} ranks many responses", questions.name())))
        }
        Some(EvalTarget::Pairs(benchmark)) if !args.list => unless_stopped(measure(benchmark, args, called)).await,
        Some(EvalTarget::BestOf(questions)) if !args.list => unless_stopped(best_of::measure(questions, args, called)).await,
        _ => {
            print(&scores::list())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn measure(benchmark: Benchmark, args: EvalArgs, called: &CommandCall) -> Result<ExitCode, Failure> {
    args.check(EvalTarget::Pairs(benchmark), called)?;
    let (ask, shard) = (&args.judge.ask, args.shard.shard);
    let mut work = Run::begin(ask, &args.run)?;
    let mut suite = eval::load(benchmark, &args.data, &args.columns.names()?)?;
    said(&suite);
    let cases = suite.cases.len() as u64;
    suite.cases = Shard::of(shard, cases, suite.cases.into_iter()).collect();
    let format = engines::format(ask.engine.format.as_deref())?;
    let files: Vec<PathBuf> = suite.files.iter().map(|file| file.file.clone().into()).collect();
    let taken = args.files(&files);
    let report = args.run.output.as_deref().map(|path| Output::open(Some(path), &taken)).transpose()?;
    report.iter().try_for_each(|report| report.may_have_beside(&["rewardbench.json"]))?;
    let rows = report.as_ref().and_then(|report| report.path().map(|path| beside(path, "cases.jsonl")));
    let mut rows = rows.map(|path| Output::open(Some(&path), &taken)).transpose()?;
    let (opened, format) = work.open_for(&args.judge, &args.batch, Some(format)).await?;
    work.write_batch(&args.batch, ask)?;
    let session = work.session(ask, opened, format, args.judge.settings())?;
    work.expect(suite.cases.len() as u64);
    let mut first = None;
    let emit = |row: &eval::CaseRow| {
        if first.is_none() {
            first = row.error.as_ref().map(|error| format!("{}: {error}", row.id));
        }
        if let Some(rows) = &mut rows {
            rows.row(row, || Ok(()))?;
        }
        work.progress.row();
        Ok(())
    };
    let (counted, tally) = eval::run(&session.judge, &suite, !args.extent.official_only, ask.window(&args.run), emit).await?;
    let mut evaluation = eval::scores(&session.judge, &suite, &tally);
    eval::withhold(&mut evaluation);
    let ended = work.end(session, (counted.cases, counted.failed), &counted.verdicts).await?;
    let Some(stats) = ended else { return Ok(ExitCode::SUCCESS) };
    let price = ask.price.price();
    if let Some(shard) = shard {
        rows.map(Output::appear).transpose()?;
        note(&format!("cases of shard {shard} of {cases}; a run over the merged stores writes the scores"));
        stats::summary(&stats, price);
        return failed(&counted, first, work.again());
    }
    print(&scores::table(&evaluation))?;
    if let Some(rows) = rows {
        rows.appear()?;
    }
    match report {
        Some(mut report) => {
            if let Some((path, text)) = report.path().zip(eval::reward_bench_results(&evaluation)?) {
                let path = beside(path, "rewardbench.json");
                std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            }
            report.text(&(serde_json::to_string_pretty(&evaluation)? + "\n"))?;
            // The option for best of N does not belong into the saved options of pairs.
            let saved = ask.saved(called).without(&["teams"]);
            report.finish(&stats, &saved.text(&title(&command(benchmark.protocol().name, &args.data))), price)?;
        }
        None => stats::summary(&stats, price),
    }
    failed(&counted, first, work.again())
}

/// Prints notes about reading a suite: ignored files, notes of the reader, pairs of equal texts.
pub fn said(suite: &eval::Suite) {
    const SHOWN: usize = 5;
    let name = suite.benchmark.protocol().name;
    suite.skipped.iter().take(SHOWN).for_each(|file| note(&format!("{} holds no rows of {name}", file.display())));
    let more = suite.skipped.len().saturating_sub(SHOWN);
    if more > 0 {
        note(&format!("{more} more files hold none either"));
    }
    suite.notes.iter().for_each(|said| note(said));
    if let Some(equal) = of_one_text(suite) {
        note(&equal);
    }
}

/// Returns the note about pairs of equal texts, if there are any.
fn of_one_text(suite: &eval::Suite) -> Option<String> {
    let what = match suite.equal {
        0 => return None,
        1 => "1 pair of equal texts is".to_owned(),
        n => format!("{n} pairs of equal texts are"),
    };
    Some(match suite.benchmark {
        Benchmark::Pairs => format!("{what} left out: no judge can tell them apart"),
        _ => format!(
            "{what} labelled for one of the two; upstream counts them, so they are asked about, and a judge can only guess"
        ),
    })
}

/// Returns the command line for the file of options.
pub fn command(benchmark: &str, data: &[PathBuf]) -> String {
    let data: String = data.iter().map(|path| format!(" --data {}", path.display())).collect();
    format!("eval {benchmark}{data}")
}

/// Returns the exit code of an evaluation. Failed cases are an error although scores are shown, and so is a run without any verdict.
pub fn failed(counted: &CaseCounts, first: Option<String>, hint: &str) -> Result<ExitCode, Failure> {
    if counted.failed == 0 {
        verdicts::check(&counted.verdicts, "nothing was decided, and there is no score")?;
        return Ok(ExitCode::SUCCESS);
    }
    let message = format!("{} of {} pairs have no judgment and count as no verdict", counted.failed, counted.cases);
    Err(Failure::user(anyhow::anyhow!(message)).with_lines(first.into_iter().collect()).with_hint(hint))
}
