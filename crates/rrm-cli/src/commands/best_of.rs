//! `rrm eval mmlu-pro`: questions with many responses -> how often a judge's pick is right, with a figure beside the numbers.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use anyhow::Context;
use rrm::{eval, report, shard::Shard};

use crate::{
    engines,
    failure::Failure,
    options::{Options, to_toml},
    output::{Output, beside, note, print},
    scores,
    session::Session,
};

/// What the benchmark is called.
pub const NAME: &str = "mmlu-pro";

/// Measures picks by knockout and by Elo at 1, 2, 4, 8 and 16 responses.
pub async fn measure(data: Vec<PathBuf>, options: Options) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let options = options.resolve()?;
    let chosen = options.strategy.is_some() || options.opponents.is_some() || !options.column.is_empty();
    if chosen {
        return Err(Failure::user(anyhow::anyhow!(
            "{NAME} has its own strategies and columns: --strategy, --opponents and --column do not go with it"
        )));
    }
    options.check()?;
    if options.batch_out.is_some() {
        let hint = "name a server with --engine; rank and label write batches";
        let error = anyhow::anyhow!("{NAME} stops at the first question without an answer: --batch-out does not go with it");
        return Err(Failure::user(error).with_hint(hint));
    }
    let (mut items, files) = eval::load_best_of(&data, options.judge().seed)?;
    let questions = items.len() as u64;
    items = Shard::of(options.shard, questions, items.into_iter()).collect();
    let format = engines::format(options.format.as_deref())?;
    let taken = options.files(&data);
    let mut output = options.output.as_deref().map(|path| Output::open(Some(path), &taken)).transpose()?;
    let opened = engines::open(&options).await?;
    let session = Session::open(&options, opened, format, items.len() as u64, started)?;
    let done = || {
        session.progress.row();
        Ok(())
    };
    let of = eval::best_of(&session.judge, (&items, files), &options.rank(), options.window(), done).await?;
    let (stats, _) = session.close(items.len() as u64, 0).await?;
    if let Some(shard) = options.shard {
        note(&format!("shard {shard} of {questions} questions; a run over the merged stores writes the scores"));
        crate::terminal::summary(&stats, options.price());
        return Ok(ExitCode::SUCCESS);
    }
    print(&scores::best_of(&of))?;
    match output.take() {
        Some(mut output) => {
            if let Some(path) = output.path() {
                let path = beside(path, "svg");
                std::fs::write(&path, report::best_of_figure(&of)?)
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
            output.text(&(serde_json::to_string_pretty(&of)? + "\n"))?;
            let paths: String = data.iter().map(|path| format!(" --data {}", path.display())).collect();
            output.finish(&stats, &to_toml(&options, &format!("eval {NAME}{paths}"))?, options.price())?;
        }
        None => crate::terminal::summary(&stats, options.price()),
    }
    Ok(ExitCode::SUCCESS)
}
