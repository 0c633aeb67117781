//! `rrm batch read`: replies of `vllm run-batch` -> the store, so that the command that wrote the requests can continue.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use rrm::batch::{self, ReadReport};

use crate::{
    batch::origins,
    engines,
    failure::{Failure, ensure},
    options::StoreArgs,
    output::print,
};

/// What the command takes.
#[derive(clap::Args)]
pub struct BatchCommandArgs {
    #[command(subcommand)]
    command: BatchCommand,
}

#[derive(Subcommand)]
enum BatchCommand {
    /// Put the replies to a batch of requests into the store; in any order, twice or in several files.
    Read {
        /// What `vllm run-batch` wrote.
        #[arg(required = true)]
        replies: Vec<PathBuf>,
        /// The file that --batch-out wrote; its FILE.origins.jsonl is read.
        #[arg(long, value_name = "FILE")]
        requests: PathBuf,
        /// The store of the command that wrote the requests [default: the user's data directory, rrm/store.sqlite].
        #[arg(long, value_name = "FILE")]
        store: Option<PathBuf>,
    },
}

/// Most bad replies that are named.
const NAMED: usize = 10;

/// Reads replies into the store.
pub async fn run(args: BatchCommandArgs) -> Result<ExitCode, Failure> {
    let BatchCommand::Read { replies, requests, store } = args.command;
    let store = StoreArgs { store };
    ensure!(store.keeps(true), "--store none: replies are kept in a store");
    let store = engines::store(&store)?;
    let report = batch::read(&origins(&requests), &replies, &store).await?;
    store.close().await?;
    let ReadReport { requests, answered, unknown, mut bad } = report;
    let mut out = format!("{answered} of {requests} requests are answered; {} are left\n", requests - answered);
    if unknown > 0 {
        out += &format!("{unknown} replies are to requests that are not in this file, and were left out\n");
    }
    print(&out)?;
    if bad.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let message = format!("{} replies are no completions", bad.len());
    bad.truncate(NAMED);
    let lines = bad.into_iter().map(|bad| format!("{} (row {}): {}", bad.custom_id, bad.item, bad.detail)).collect();
    let hint = "what was answered is stored; the command that wrote the requests writes the rest again";
    Err(Failure::user(anyhow::anyhow!(message)).with_lines(lines).with_hint(hint))
}
