//! `rrm eval --recorded`: judgments that others published -> scores by the benchmark's rules; nobody is asked.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use rrm::{
    eval::{self, Benchmark, Recorded},
    spending::{Limits, Spending},
    vote::Decision,
};

use super::eval::{Args, Extent, Named, command, failed, said};
use crate::{
    failure::Failure,
    options::to_toml,
    output::{Output, Stats, beside, note, print},
    scores,
};

/// Scores published judgments.
pub fn measure(benchmark: Benchmark, args: Args) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let Args { data, recorded: paths, extent, options, .. } = args;
    let options = options.resolve()?;
    Named::Pairs(benchmark).check(extent, &options)?;
    let asks =
        !options.engine.is_empty() || options.batch_out.is_some() || options.shard.is_some() || extent != Extent::default();
    if asks {
        let error = anyhow::anyhow!(
            "--recorded scores judgments that are there: --engine, --batch-out, --shard and --official-only do not go with it"
        );
        return Err(Failure::user(error).with_hint("leave out one of the two"));
    }
    let suite = eval::load(benchmark, &data, &options.columns()?)?;
    said(&suite);
    let Recorded { rows, tally, counted, files, without_verdict, unreadable, unmatched } = eval::recorded(&suite, &paths)?;
    let evaluation = eval::recorded_scores(&suite, &tally, &name(&paths), files);
    for (count, what) in [
        (without_verdict, "judgments state no verdict; they count as none"),
        (unreadable, "judgments say something else than upstream's verdicts; they count as no verdict"),
        (unmatched, "judgments are about pairs that the data does not have; they do not count"),
    ] {
        if count > 0 {
            note(&format!("{count} {what}"));
        }
    }
    let silent = |row: &eval::CaseRow| row.decisions.iter().all(|decision| *decision == Decision::Undecided);
    if rows.iter().all(silent) {
        let error = anyhow::anyhow!("none of the judgments in {} states a verdict, so there is no score", name(&paths));
        return Err(Failure::user(error).with_hint("docs/eval.md says which files and which verdicts are read"));
    }
    let inputs = [&data[..], &paths[..]].concat();
    let taken = options.files(&inputs);
    print(&scores::table(&evaluation))?;
    if let Some(path) = options.output.as_deref() {
        let mut report = Output::open(Some(path), &taken)?;
        if let Some(path) = report.path().map(|path| beside(path, "cases.jsonl")) {
            let mut cases = Output::open(Some(&path), &taken)?;
            rows.iter().try_for_each(|row| cases.row(row, || Ok(())))?;
            cases.appear()?;
        }
        report.text(&(serde_json::to_string_pretty(&evaluation)? + "\n"))?;
        let stats = Stats {
            engine: evaluation.engine.clone(),
            rows: counted.cases,
            failed: counted.failed,
            spent: Spending::new(Limits::default()).spent(),
            seconds: started.elapsed().as_secs_f64(),
            http: None,
            verdicts: None,
            notes: Vec::new(),
        };
        let of: String = paths.iter().map(|path| format!(" --recorded {}", path.display())).collect();
        report.finish(&stats, &to_toml(&options, &(command(benchmark, &data) + &of))?, options.price())?;
    }
    failed(&counted, "nothing was published about them; --recorded may be given several times")
}

/// What people know the judge by: the file, or the first of several.
fn name(paths: &[PathBuf]) -> String {
    let first = paths.first().map(|path| path.display().to_string()).unwrap_or_default();
    if paths.len() > 1 { format!("{first} and {} more", paths.len() - 1) } else { first }
}
