//! `rrm judge` and `rrm rank`: rows of a file -> result rows, what was spent, and a view for people.

mod answers;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use rrm::{
    dataset::{self, ReadOptions},
    label::AnswerRows,
    run::Task,
};

use self::answers::RankedRows;
use super::rows::RowsCommand;
pub use crate::terminal::JudgingKind;
use crate::{
    batch,
    failure::Failure,
    options::{
        AbstainedArgs, BatchArgs, ColumnArgs, CommandCall, JudgeArgs, RatingArgs, RowVoteArgs, RunArgs, ShardArgs, SkipArgs,
        TeamArgs, default_word, named,
    },
    output::{Output, SpooledInput, note},
    run::unless_stopped,
};

/// What is asked about rows of a file: of all commands that judge them.
#[derive(clap::Args)]
pub struct OverRows {
    #[command(flatten)]
    pub judge: JudgeArgs,
    #[command(flatten)]
    pub columns: ColumnArgs,
    #[command(flatten)]
    pub skip: SkipArgs,
    #[command(flatten)]
    pub abstained: AbstainedArgs,
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub shard: ShardArgs,
    #[command(flatten)]
    pub batch: BatchArgs,
}

/// Where rows are read.
#[derive(clap::Args)]
pub struct InputArgs {
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
}

/// What `rrm judge` takes.
#[derive(clap::Args)]
pub struct JudgeCommand {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    over: OverRows,
}

/// What `rrm rank` takes.
#[derive(clap::Args)]
pub struct RankCommand {
    #[command(flatten)]
    input: InputArgs,
    /// Rows to write: ranking (indices, scores, matches, votes), best (the text of the best response) or all (every text, best first). best and all also write .csv and .parquet.
    #[arg(long, value_name = "ROWS", value_parser = named::<AnswerRows>, default_value = default_word(AnswerRows::default()), help_heading = "Output")]
    write: AnswerRows,
    #[command(flatten)]
    over: OverRows,
    #[command(flatten)]
    rating: RatingArgs,
    #[command(flatten)]
    teams: TeamArgs,
    #[command(flatten)]
    row_votes: RowVoteArgs,
}

impl InputArgs {
    /// The files that are named.
    pub fn files(&self) -> Vec<PathBuf> {
        [&self.input].into_iter().chain(&self.more).chain(&self.questions).cloned().collect()
    }

    /// The rows of the input, and how they are read; answers of several files as rows of a file of their own.
    pub fn open(&self, reading: ReadOptions) -> Result<(SpooledInput, ReadOptions), Failure> {
        let Some(column) = &self.join else { return Ok((crate::output::spooled(&self.input)?, reading)) };
        let answers: Vec<&PathBuf> = [&self.input].into_iter().chain(&self.more).collect();
        let inputs = answers.iter().map(|path| crate::output::spooled(path)).collect::<anyhow::Result<Vec<_>>>()?;
        let files: Vec<_> = inputs.iter().zip(answers).map(|(input, path)| (input.path().to_owned(), name(path))).collect();
        let joined = dataset::join(&files, self.questions.as_deref(), column, &reading.columns)?;
        if joined.unanswered > 0 {
            note(&format!("{} questions have no answer and are left out", joined.unanswered));
        }
        let input = crate::output::spool(&joined.rows)?;
        Ok((input, ReadOptions { name: Some(format!("answers joined by {column}")), ..reading }))
    }
}

impl JudgingKind {
    /// How rows are read.
    pub fn reading(self, columns: &ColumnArgs, skip: SkipArgs, input: &Path) -> anyhow::Result<ReadOptions> {
        let exactly = (self == JudgingKind::Judge).then_some(2);
        Ok(ReadOptions {
            exactly,
            at_least: 2,
            columns: columns.names()?,
            last_turns: false,
            name: Some(name(input)),
            skip_bad_rows: skip.skip_bad_rows,
        })
    }
}

/// What people know an input by.
pub fn name(input: &Path) -> String {
    if input.as_os_str() == "-" { "stdin".to_owned() } else { input.display().to_string() }
}

impl OverRows {
    /// Refuses values that could only be mistakes.
    pub fn check(&self, called: &CommandCall) -> anyhow::Result<()> {
        self.judge.check(called)?;
        batch::check(&self.batch, &self.judge.ask, self.judge.thinking, self.run.output.as_deref())
    }

    /// Files that the run reads or keeps, which its output must not replace.
    pub fn files(&self, inputs: &[PathBuf]) -> Vec<PathBuf> {
        let others: Vec<PathBuf> = inputs.iter().chain(&self.batch.batch_out).cloned().collect();
        self.judge.ask.files(&self.run, &others)
    }
}

/// The numbers of rows and responses in an input.
pub struct InputSummary {
    /// Rows.
    pub rows: u64,
    /// Responses of a row, at most.
    pub responses: usize,
}

/// Reads the whole input, before anything is spent; says what was read otherwise than it stands there and which rows are left out.
pub fn checked(input: &Path, reading: &ReadOptions) -> Result<InputSummary, Failure> {
    let summary = dataset::check(input, reading).map_err(|errors| Failure::rows(errors).or_skipped())?;
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
    Ok(InputSummary { rows, responses })
}

impl JudgeCommand {
    /// Refuses values that could only be mistakes.
    pub fn check(&self, called: &CommandCall) -> anyhow::Result<()> {
        self.over.check(called)
    }
}

impl RankCommand {
    /// Refuses values that could only be mistakes.
    pub fn check(&self, called: &CommandCall) -> anyhow::Result<()> {
        answers::check(self.write, self.over.run.output.as_deref())?;
        self.rating.check()?;
        self.row_votes.check(self.over.judge.votes.votes)?;
        self.over.check(called)
    }
}

/// Judges every row.
pub async fn judge(args: JudgeCommand, called: &CommandCall) -> Result<ExitCode, Failure> {
    args.check(called)?;
    unless_stopped(work(args.input, args.over, Task::Judge, None, AnswerRows::Ranking, called)).await
}

/// Ranks every row.
pub async fn rank(args: RankCommand, called: &CommandCall) -> Result<ExitCode, Failure> {
    args.check(called)?;
    let task = Task::Rank(args.rating.settings(args.teams));
    unless_stopped(work(args.input, args.over, task, Some(args.row_votes), args.write, called)).await
}

/// Judges or ranks every row; with a limit, no row takes more votes than that.
async fn work(
    input: InputArgs,
    over: OverRows,
    task: Task,
    limit: Option<RowVoteArgs>,
    write: AnswerRows,
    called: &CommandCall,
) -> Result<ExitCode, Failure> {
    let kind = if matches!(task, Task::Judge) { JudgingKind::Judge } else { JudgingKind::Rank };
    let inputs = input.files();
    let named = inputs[0].clone();
    let command = RowsCommand { called, over: &over, task, limit, inputs };
    let read = || input.open(kind.reading(&over.columns, over.skip, &named)?);
    let open = |taken: &[PathBuf]| {
        let output = over.run.output.as_deref();
        Ok(RankedRows::new(Output::open(output, taken)?, write, output, kind)?)
    };
    command.run(read, open).await
}

/// The first line of a file of options.
pub fn title(what: &str) -> String {
    format!("rrm {} on {what}", env!("CARGO_PKG_VERSION"))
}
