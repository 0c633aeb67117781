//! `rrm eval mmlu-pro|ppe-best-of-k|best-of`: questions with many responses -> how often a judge's pick is right, with a figure next to the numbers.

use std::process::ExitCode;

use anyhow::Context;
use rrm::{
    dataset::Item,
    eval::{self, BestOfInput, Questions},
    ranking::{rank::RankSettings, strategy::Strategy},
    report,
    run::Task,
    shard::Shard,
};

use super::{
    eval::{EvalArgs, EvalTarget, command},
    judging::title,
};
use crate::{
    engines,
    failure::Failure,
    options::{CommandCall, RowVoteArgs},
    output::{Output, beside, note, print},
    row_votes::RowVotes,
    run::Run,
    scores, stats, verdicts,
};

/// The consequence of a run without any verdict, for its error.
const NOTHING: &str = "nothing was decided, and the judge picked nothing";

/// Refuses a question that would take too many votes, counted by its round robin, which has the most matches.
pub fn check_votes(
    items: &[Item],
    largest: usize,
    rank: RankSettings,
    (votes, limit): (u32, RowVoteArgs),
) -> Result<(), Failure> {
    let task = Task::Rank(RankSettings { strategy: Strategy::Elo, ..rank });
    // A round robin draws nothing, so the seed does not matter.
    let limit = RowVotes { task: &task, seed: 0, votes, most: limit.max_row_votes };
    items.iter().try_for_each(|item| limit.check_first(item, largest))
}

/// Measures picks by knockout, Elo and Bradley-Terry at 1, 2, 4, 8 ... responses.
pub async fn measure(questions: Questions, args: EvalArgs, called: &CommandCall) -> Result<ExitCode, Failure> {
    args.check(EvalTarget::BestOf(questions), called)?;
    if args.batch.batch_out.is_some() {
        let hint = "name a server with --engine; rank and label write batches";
        let name = questions.name();
        let error = format!("{name} stops at the first question without an answer: --batch-out does not go with it");
        return Err(Failure::usage(error).with_hint(hint));
    }
    let (ask, shard, price) = (&args.judge.ask, args.shard.shard, args.judge.ask.price.price());
    let mut work = Run::begin(ask, &args.run)?;
    let (mut items, files, notes) = eval::load_best_of(questions, &args.data, &args.columns.names()?, ask.seed.seed)?;
    notes.iter().for_each(|said| note(said));
    let count = items.len() as u64;
    let largest = args.extent.largest(questions);
    let rank = RankSettings { teams: args.teams.teams, ..RankSettings::default() };
    check_votes(&items, largest, rank, (args.judge.votes.votes, args.row_votes))?;
    items = Shard::of(shard, count, items.into_iter()).collect();
    let format = engines::format(ask.engine.format.as_deref())?;
    let taken = args.files(&args.data);
    let mut output = args.run.output.as_deref().map(|path| Output::open(Some(path), &taken)).transpose()?;
    output.iter().try_for_each(|output| output.may_have_beside(&["svg", "cost.svg"]))?;
    let (opened, format) = work.open_for(&args.judge, &args.batch, Some(format)).await?;
    let session = work.session(ask, opened, format, args.judge.settings())?;
    work.expect(items.len() as u64);
    let done = || {
        work.progress.row();
        Ok(())
    };
    let asked = BestOfInput { questions, items: &items, data: files, largest };
    let (of, votes) = eval::best_of(&session.judge, asked, &rank, ask.window(&args.run), done).await?;
    let Some(stats) = work.end(session, (items.len() as u64, 0), &votes).await? else { return Ok(ExitCode::SUCCESS) };
    if let Some(shard) = shard {
        note(&format!("shard {shard} of {count} questions; a run over the merged stores writes the scores"));
        stats::summary(&stats, price);
        verdicts::check(&votes, NOTHING)?;
        return Ok(ExitCode::SUCCESS);
    }
    print(&scores::best_of(&of))?;
    match output.take() {
        Some(mut output) => {
            output.text(&(serde_json::to_string_pretty(&of)? + "\n"))?;
            if let Some(path) = output.path() {
                let files = ["svg", "cost.svg"].into_iter().zip(report::best_of_figures(&of)?);
                for (suffix, figure) in files.filter_map(|(suffix, figure)| Some((suffix, figure?))) {
                    let path = beside(path, suffix);
                    std::fs::write(&path, figure).with_context(|| format!("cannot write {}", path.display()))?;
                }
            }
            output.finish(&stats, &ask.saved(called).text(&title(&command(questions.name(), &args.data))), price)?;
        }
        None => stats::summary(&stats, price),
    }
    verdicts::check(&votes, NOTHING)?;
    Ok(ExitCode::SUCCESS)
}
