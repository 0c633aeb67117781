//! The command line: arguments -> configuration -> library -> what is printed.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

mod batch;
mod commands;
mod engines;
mod failure;
mod numbers;
mod options;
mod output;
mod requests;
mod row_votes;
mod scores;
mod session;
mod terminal;
mod training;
mod verdicts;

use std::process::ExitCode;

use clap::Parser;

/// Reward reasoning models: a judge thinks, then says which of two responses is better; verdicts become rankings.
#[derive(Parser)]
#[command(name = "rrm", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help goes to stdout and is no failure; a wrong option is the user's error.
        Err(said) => {
            said.print().ok();
            return ExitCode::from(u8::from(said.use_stderr()));
        }
    };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = cli.command.threads() {
        runtime.worker_threads(threads);
    }
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failure::report(&failure::Failure::ours(error.into())),
    };
    let outcome = runtime.block_on(commands::run(cli.command));
    // What a cancelled generation still holds must not keep the program from ending.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code,
        Err(failure) => failure::report(&failure),
    }
}
