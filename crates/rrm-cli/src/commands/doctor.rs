//! `rrm doctor`: a server's address -> its capabilities, found by real requests, and what to fix.

use std::process::ExitCode;

use rrm::engine::{
    doctor::{self, CheckState},
    http::Continuation,
};

use crate::{
    failure::Failure,
    options::{CommandCall, ConfigArgs, ModelArgs, ServerArgs},
    output::print,
};

/// What the command takes.
#[derive(clap::Args)]
pub struct DoctorArgs {
    /// The server, such as http://127.0.0.1:8000.
    pub url: String,
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Runs all checks and prints a line for each. The exit code is 1 if the server cannot judge.
pub async fn run(args: DoctorArgs, called: &CommandCall) -> Result<ExitCode, Failure> {
    args.server.check(called)?;
    if let Some(meant) = Some(&args.url).filter(|url| !url.contains("://")).and_then(|url| rrm_engines::meant(url)) {
        return Err(Failure::user(anyhow::anyhow!("`{}` is no URL of a server; did you mean {meant}?", args.url)));
    }
    let mut config = args.server.config(args.model.model)?;
    config.urls = vec![args.url];
    config.continuation = Continuation::Auto;
    let report = doctor::doctor(config).await;
    let mut out = String::new();
    for check in &report.checks {
        let mark = match check.state {
            CheckState::Ok => "ok     ",
            CheckState::Missing => "missing",
            CheckState::Failed => "FAILED ",
        };
        out += &format!("{mark}  {:<18} {}\n", check.name, check.detail);
        if let Some(fix) = &check.fix {
            out += &format!("         {:<18} fix: {fix}\n", "");
        }
    }
    print(&out)?;
    Ok(if report.is_usable() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
