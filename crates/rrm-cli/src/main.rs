//! The command line: arguments -> configuration -> library -> printed output.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

mod abstentions;
mod batch;
mod commands;
mod engines;
mod failure;
mod lines;
mod log;
mod numbers;
mod options;
mod output;
mod owned;
mod row_votes;
mod run;
mod scores;
mod stats;
mod table;
mod terminal;
mod totals;
mod training;
mod verdicts;

use std::process::ExitCode;

use crate::{
    commands::Cli,
    options::called::{self, CallError},
};

fn main() -> ExitCode {
    let (cli, called) = match called::parse::<Cli>(std::env::args_os().collect()) {
        Ok(parsed) => parsed,
        // Help goes to stdout and is not a failure.
        Err(CallError::Clap(said)) => {
            said.print().ok();
            return failure::FailureKind::of_words(said.use_stderr());
        }
        Err(CallError::File(failure)) => return failure::report(&failure),
    };
    if let Err(failure) = log::start() {
        return failure::report(&failure);
    }
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = cli.command.threads() {
        runtime.worker_threads(threads);
    }
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failure::report(&failure::Failure::user(error)),
    };
    let outcome = runtime.block_on(commands::run(cli.command, &called));
    // Resources of a cancelled generation must not keep the program from ending.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code,
        Err(failure) => failure::report(&failure),
    }
}
