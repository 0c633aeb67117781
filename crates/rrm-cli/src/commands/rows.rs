//! Rows of a file -> judged rows, in the five steps of `rrm judge`, `rank` and `label`: read, check, open, stream, finish.

use std::{io, path::PathBuf, process::ExitCode};

use rrm::{
    dataset::{self, Item, ReadOptions},
    engine::EngineInfo,
    result::Row,
    run::{self, RunError, Task},
    shard::Shard,
    spending::Price,
};

use super::judging::{InputSummary, OverRows, checked, name, title};
use crate::{
    abstentions::{AbstentionLimit, TooManyAbstentions},
    engines,
    failure::Failure,
    options::{CommandCall, RowVoteArgs},
    output::{Output, SpooledInput},
    row_votes::RowVotes,
    run::Run,
    verdicts,
};

/// A command that judges rows of a file.
pub struct RowsCommand<'a> {
    /// Options of the command that the user gave.
    pub called: &'a CommandCall,
    /// Options about the judge, the rows and the run.
    pub over: &'a OverRows,
    /// Judge or rank.
    pub task: Task,
    /// Votes that one row may take; `None` where a row has one match.
    pub limit: Option<RowVoteArgs>,
    /// Input files as the user named them.
    pub inputs: Vec<PathBuf>,
}

/// Writes what a command makes of its rows.
pub trait RowWriter {
    /// Refuses rows that the output cannot hold. Called before anything is spent.
    fn check(&self, _input: &SpooledInput, _reading: &ReadOptions) -> Result<(), Failure> {
        Ok(())
    }

    /// Takes note of the judge, once it is known: its engine, the name of its format, its price.
    fn judged_by(&mut self, _engine: &EngineInfo, _format: &str, _price: Price) {}

    /// Writes one row. Rows come in the order of the file.
    fn row(&mut self, item: &Item, row: &Row) -> io::Result<()>;

    /// Ends the rows, of which there were so many, and gives the output, which has not appeared yet.
    fn finish(self, rows: u64) -> anyhow::Result<Output>;

    /// Where a reader finds why a row has no result.
    fn reasons(&self) -> &'static str;

    /// The consequence for the output if no vote gave a verdict.
    fn without_verdicts(&self) -> &'static str;
}

impl RowsCommand<'_> {
    /// Judges all rows. `read` gives the input, and `open` the writer, for which it gets the files that must not be replaced.
    ///
    /// # Errors
    /// If the input or an option is wrong, the judge cannot be reached, a row has no result, or no vote gave a verdict, or too few did.
    pub async fn run<W: RowWriter>(
        self,
        read: impl FnOnce() -> Result<(SpooledInput, ReadOptions), Failure>,
        open: impl FnOnce(&[PathBuf]) -> Result<W, Failure>,
    ) -> Result<ExitCode, Failure> {
        let RowsCommand { called, over, task, limit, inputs } = self;
        let ask = &over.judge.ask;
        let mut work = Run::begin(ask, &over.run)?;

        // Read: the whole input once, before anything is spent. A bad last row costs nothing.
        let (input, reading) = read()?;
        let rows_of = || dataset::read(input.path(), &reading);
        let InputSummary { rows, responses } = checked(input.path(), &reading)?;

        // Check: whatever can be known without the judge.
        if let Some(RowVoteArgs { max_row_votes: most }) = limit {
            let votes = over.judge.votes.votes;
            RowVotes { task: &task, seed: ask.seed.seed, votes, most }.check(responses, rows_of)?;
        }
        let format = engines::format_for(&over.judge, &over.batch, rows_of)?;
        let mut writer = open(&over.files(&inputs))?;
        writer.check(&input, &reading)?;

        // Open: the judge and its store.
        let (opened, format) = work.open_for(&over.judge, &over.batch, format).await?;
        writer.judged_by(opened.engine.info(), &format.file.name, ask.price.price());
        work.write_batch(&over.batch, ask)?;
        let session = work.session(ask, opened, format, over.judge.settings())?;
        work.expect(Shard::rows(over.shard.shard, rows));

        // Stream: rows in, rows out.
        let items = Shard::of(over.shard.shard, rows, rows_of()?);
        let mut abstentions = AbstentionLimit::new(over.abstained.max_abstained);
        let mut first_error = None;
        let emit = |item: Item, row: Row| {
            if first_error.is_none() {
                first_error = row.error.as_ref().map(|error| format!("{}: {error}", row.id));
            }
            work.progress.beside(|| writer.row(&item, &row))?;
            work.progress.row();
            abstentions.row(&row)
        };
        let counted = match run::run(&session.judge, &task, items, ask.window(&over.run), emit).await {
            // The reader of the output has enough, as `head` does.
            Err(RunError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
            Err(RunError::Write(error)) => {
                let ended = error.get_ref().and_then(|error| error.downcast_ref::<TooManyAbstentions>());
                return Err(ended.map(TooManyAbstentions::failure).unwrap_or_else(|| RunError::Write(error).into()));
            }
            done => done?,
        };

        // Finish: the account, the output, and whether the run was a success.
        let Some(stats) = work.end(session, (counted.rows, counted.failed), &counted.verdicts).await? else {
            return Ok(ExitCode::SUCCESS);
        };
        let (reasons, without) = (writer.reasons(), writer.without_verdicts());
        let saved = ask.saved(called).text(&title(&name(&inputs[0])));
        writer.finish(counted.rows)?.finish(&stats, &saved, ask.price.price())?;
        if counted.failed > 0 {
            let message = format!("{} of {} rows have no result; {reasons}", counted.failed, counted.rows);
            let failure = Failure::user(anyhow::anyhow!(message)).with_lines(first_error.into_iter().collect());
            return Err(failure.with_hint(work.again()));
        }
        verdicts::check(&counted.verdicts, without)?;
        Ok(ExitCode::SUCCESS)
    }
}
