//! `rrm doctor`: a server's address -> what it can do, tried for real, and what to fix.

use std::process::ExitCode;

use rrm::engine::doctor::{self, CheckState};

use crate::{engines, failure::Failure, options::Options};

/// What the command takes.
#[derive(clap::Args)]
pub struct Args {
    /// The server, such as http://127.0.0.1:8000.
    pub url: String,
    #[command(flatten)]
    pub options: Options,
}

/// Tries everything and prints a line for each check; exit code 1 when the server cannot judge.
#[expect(clippy::print_stdout, reason = "the report is the output")]
pub async fn run(args: Args) -> Result<ExitCode, Failure> {
    let options = args.options.resolve()?;
    let mut config = engines::http(&options)?;
    config.urls = vec![args.url];
    let report = doctor::doctor(config).await;
    for check in &report.checks {
        let mark = match check.state {
            CheckState::Ok => "ok     ",
            CheckState::Missing => "missing",
            CheckState::Failed => "FAILED ",
        };
        println!("{mark}  {:<18} {}", check.name, check.detail);
        if let Some(fix) = &check.fix {
            println!("         {:<18} fix: {fix}", "");
        }
    }
    Ok(if report.is_usable() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
