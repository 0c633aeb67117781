//! The table of all commands; each has a file of its own.

mod batch;
mod best_of;
mod completions;
mod diff;
mod doctor;
mod eval;
mod format;
mod judging;
mod label;
mod man;
mod model;
mod pairs;
mod plan;
mod recorded;
mod report;
mod results;
mod rows;
mod serve;
mod show;
mod store;
mod train;
mod tune;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{failure::Failure, options::CommandCall};

/// Reward reasoning models: a judge thinks, then says which of two responses is better; verdicts become rankings.
#[derive(Parser)]
#[command(name = "rrm", version, arg_required_else_help = true)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What rrm can do.
#[derive(Subcommand)]
pub enum Command {
    /// Judge pairs: which of the two responses of each row is better.
    Judge(judging::JudgeCommand),
    /// Rank the responses of each row, best first.
    Rank(judging::RankCommand),
    /// Label preferences: rank the responses of each row, and write chosen and rejected as trainers read them.
    Label(label::LabelArgs),
    /// Predict the calls, tokens and cost of a judge, rank, label or eval command.
    Plan(plan::PlanArgs),
    /// Measure a judge on a benchmark, by its own rules and by strict ones.
    Eval(eval::EvalArgs),
    /// Say whether a judge is good enough on your labelled pairs, and with how many votes, which budget, one order or two.
    Tune(tune::TuneArgs),
    /// Make preference pairs of questions with verifiable answers: one right response and one wrong one.
    Pairs(pairs::PairsArgs),
    /// Tell whether responses give the right answer: numbers, LaTeX, sets, intervals, choices, short texts.
    Verify(verify::VerifyArgs),
    /// Report on judges that `rrm eval` measured: scores, differences, figures, transcripts.
    Report(report::ReportArgs),
    /// Serve a judge over HTTP: rewards for trainers, judgments, rankings.
    Serve(serve::ServeArgs),
    /// Show a result: a list of its rows, or one row with its bracket, its votes, and what the judge wrote.
    Show(show::ShowArgs),
    /// Compare two results of the same rows: how often they agree, and where they differ.
    Diff(diff::DiffArgs),
    /// Try a server for real: what it supports, and what to fix.
    Doctor(doctor::DoctorArgs),
    /// List, show and check judge formats, and show what a judge would be asked.
    Format(format::FormatCommandArgs),
    /// Look into models, and convert them for llama.cpp.
    Model(model::ModelCommandArgs),
    /// Train a judge: supervised fine-tuning, or reinforcement learning with a verdict reward.
    Train(train::TrainArgs),
    /// Read what an offline batch answered into the store.
    Batch(batch::BatchCommandArgs),
    /// Look into, clean or merge stores of completions.
    Store(store::StoreCommandArgs),
    /// Print the script that completes commands and options in a shell.
    Completions(completions::CompletionArgs),
    /// Print manual pages.
    Man(man::ManArgs),
}

impl Command {
    /// Returns the number of threads of the runtime for sockets; `None` means one for each core.
    pub fn threads(&self) -> Option<usize> {
        match self {
            Command::Serve(args) => Some(args.workers.get()),
            _ => None,
        }
    }
}

/// Runs a command and returns its exit code.
pub async fn run(command: Command, called: &CommandCall) -> Result<ExitCode, Failure> {
    match command {
        Command::Judge(args) => judging::judge(args, called).await,
        Command::Rank(args) => judging::rank(args, called).await,
        Command::Label(args) => label::run(args, called).await,
        Command::Plan(args) => plan::run(args, called),
        Command::Eval(args) => eval::run(args, called).await,
        Command::Tune(args) => tune::run(args, called).await,
        Command::Pairs(args) => pairs::run(args, called).await,
        Command::Verify(args) => verify::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Serve(args) => serve::run(args, called).await,
        Command::Show(args) => show::run(args).await,
        Command::Diff(args) => diff::run(&args),
        Command::Doctor(args) => doctor::run(args, called).await,
        Command::Format(args) => format::run(args),
        Command::Model(args) => model::run(args),
        Command::Train(args) => train::run(&args),
        Command::Batch(args) => batch::run(args).await,
        Command::Store(args) => store::run(args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}
