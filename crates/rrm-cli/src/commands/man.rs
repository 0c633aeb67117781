//! `rrm man`: the commands and their options -> manual pages.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Command, CommandFactory};

use super::Cli;
use crate::{
    failure::{Failure, usage},
    options::brief,
    output::print,
};

/// Arguments of `rrm man`.
#[derive(clap::Args)]
pub struct ManArgs {
    /// The command whose page is printed, such as rank; without it the page of rrm.
    pub command: Option<String>,
    /// Write the pages of rrm and of all commands into this folder (rrm.1, rrm-rank.1, ...).
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    pub output: Option<PathBuf>,
}

/// Prints one page, or writes all of them.
pub fn run(args: &ManArgs) -> Result<ExitCode, Failure> {
    let mut program = brief::shaped(Cli::command(), false);
    // Gives each command its full name, as in `rrm rank`.
    program.build();
    if let Some(folder) = &args.output {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for command in std::iter::once(&program).chain(program.get_subcommands().filter(|command| command.get_name() != "help")) {
            let path = folder.join(format!("{}.1", name(command)));
            std::fs::write(&path, page(command)?).with_context(|| format!("cannot write {}", path.display()))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let command = match &args.command {
        None => &program,
        Some(name) => program.find_subcommand(name).ok_or_else(|| usage(format!("there is no command `{name}`")))?,
    };
    print(&String::from_utf8_lossy(&page(command)?))?;
    Ok(ExitCode::SUCCESS)
}

/// The name of a page, such as `rrm-rank`.
fn name(command: &Command) -> String {
    command.get_bin_name().unwrap_or(command.get_name()).replace(' ', "-")
}

fn page(command: &Command) -> anyhow::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).title(name(command)).render(&mut page)?;
    Ok(page)
}
