//! `rrm eval --recorded`: published judgments -> scores by the benchmark's rules, without asking a judge.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use rrm::{
    eval::{self, Benchmark, RecordedResults},
    spending::SpendingTotals,
    vote::Decision,
};

use super::{
    eval::{EvalArgs, EvalTarget, command, failed, said},
    judging::title,
};
use crate::{
    failure::Failure,
    options::CommandCall,
    output::{Output, Stats, beside, note, print},
    scores,
};

/// Options that apply when no judge is asked.
const KNOWN: [&str; 5] = ["config", "data", "recorded", "column", "output"];

/// Scores published judgments.
pub fn measure(benchmark: Benchmark, args: EvalArgs, called: &CommandCall) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    EvalTarget::Pairs(benchmark).check(args.extent, &args.columns, called)?;
    if let Some(option) = called.besides(&KNOWN) {
        let error = format!("--recorded scores judgments that are there, and asks nobody: --{option} does not go with it");
        return Err(Failure::usage(error).with_hint("leave out one of the two"));
    }
    let EvalArgs { data, recorded: paths, columns, run, judge, .. } = args;
    let suite = eval::load(benchmark, &data, &columns.names()?)?;
    said(&suite);
    let RecordedResults { rows, tally, counted, files, without_verdict, unreadable, unmatched } = eval::recorded(&suite, &paths)?;
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
    let taken = judge.ask.files(&run, &inputs);
    print(&scores::table(&evaluation))?;
    if let Some(path) = run.output.as_deref() {
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
            spent: SpendingTotals::default(),
            seconds: started.elapsed().as_secs_f64(),
            http: None,
            total: None,
            verdicts: None,
            notes: Vec::new(),
        };
        let of: String = paths.iter().map(|path| format!(" --recorded {}", path.display())).collect();
        let title = title(&(command(benchmark.protocol().name, &data) + &of));
        report.finish(&stats, &called.named().text(&title), judge.ask.price.price())?;
    }
    failed(&counted, None, "nothing was published about them; --recorded may be given several times")
}

/// Returns the name of the recorded judge: its file, or the first of several.
fn name(paths: &[PathBuf]) -> String {
    let first = paths.first().map(|path| path.display().to_string()).unwrap_or_default();
    if paths.len() > 1 { format!("{first} and {} more", paths.len() - 1) } else { first }
}
