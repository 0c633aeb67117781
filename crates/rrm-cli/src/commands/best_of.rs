//! `rrm eval mmlu-pro|ppe-best-of-k|best-of`: questions with many responses -> how often a judge's pick is right, with a figure beside the numbers.

use std::{process::ExitCode, time::Instant};

use anyhow::Context;
use rrm::{
    eval::{self, Asked, Questions},
    rank::RankSettings,
    report,
    run::Task,
    shard::Shard,
    strategy::Strategy,
};

use super::eval::{Args, Named};
use crate::{
    engines,
    failure::Failure,
    options::to_toml,
    output::{Output, beside, note, print},
    row_votes, scores,
    session::Session,
    verdicts,
};

/// What it means that no vote gave a verdict.
const NOTHING: &str = "nothing was decided, and the judge picked nothing";

/// Measures picks by knockout, Elo and Bradley-Terry at 1, 2, 4, 8 ... responses.
pub async fn measure(questions: Questions, args: Args) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let Args { data, extent, options, .. } = args;
    let options = options.resolve()?;
    Named::BestOf(questions).check(extent, &options)?;
    if options.batch_out.is_some() {
        let hint = "name a server with --engine; rank and label write batches";
        let error = anyhow::anyhow!(
            "{} stops at the first question without an answer: --batch-out does not go with it",
            questions.name()
        );
        return Err(Failure::user(error).with_hint(hint));
    }
    let (mut items, files, notes) = eval::load_best_of(questions, &data, &options.columns()?, options.judge().seed)?;
    notes.iter().for_each(|said| note(said));
    let count = items.len() as u64;
    let task = Task::Rank(RankSettings { strategy: Strategy::Elo, ..options.rank() });
    let largest = extent.largest(questions);
    items.iter().try_for_each(|item| row_votes::check_first(item, largest, &task, &options))?;
    items = Shard::of(options.shard, count, items.into_iter()).collect();
    let format = engines::format(options.format.as_deref())?;
    let taken = options.files(&data);
    let mut output = options.output.as_deref().map(|path| Output::open(Some(path), &taken)).transpose()?;
    let opened = engines::open(&options).await?;
    let session = Session::open(&options, opened, format, items.len() as u64, started)?;
    let done = || {
        session.progress.row();
        Ok(())
    };
    let asked = Asked { questions, items: &items, data: files, largest };
    let (of, votes) = eval::best_of(&session.judge, asked, &options.rank(), options.window(), done).await?;
    let (mut stats, _) = session.close(items.len() as u64, 0).await?;
    verdicts::tell(&votes, 0);
    stats.verdicts = Some(votes.clone());
    if let Some(shard) = options.shard {
        note(&format!("shard {shard} of {count} questions; a run over the merged stores writes the scores"));
        crate::terminal::summary(&stats, options.price());
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
            let paths: String = data.iter().map(|path| format!(" --data {}", path.display())).collect();
            let most = extent.largest.map_or_else(String::new, |n| format!(" --largest {n}"));
            output.finish(&stats, &to_toml(&options, &format!("eval {}{paths}{most}", questions.name()))?, options.price())?;
        }
        None => crate::terminal::summary(&stats, options.price()),
    }
    verdicts::check(&votes, NOTHING)?;
    Ok(ExitCode::SUCCESS)
}
