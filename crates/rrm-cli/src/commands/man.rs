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
    /// The command whose page is printed, such as rank or format check; without it the page of rrm.
    pub command: Vec<String>,
    /// Write the pages of rrm and of all commands into this folder (rrm.1, rrm-rank.1, rrm-format-check.1, ...).
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    pub output: Option<PathBuf>,
}

/// Prints one page, or writes all of them.
pub fn run(args: &ManArgs) -> Result<ExitCode, Failure> {
    // Pages name the commands that have pages, and `help` has none.
    let program = brief::shaped(Cli::command(), false).disable_help_subcommand(true);
    let mut program = program.mut_subcommands(|command| command.disable_help_subcommand(true));
    // Gives each command its full name, as in `rrm rank`.
    program.build();
    if let Some(folder) = &args.output {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for command in with_all_below(&program) {
            let path = folder.join(format!("{}.1", name(command)));
            std::fs::write(&path, page(command)?).with_context(|| format!("cannot write {}", path.display()))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut command = &program;
    for (place, name) in args.command.iter().enumerate() {
        let unknown = || usage(format!("there is no command `{}`", args.command[..=place].join(" ")));
        command = command.find_subcommand(name).ok_or_else(unknown)?;
    }
    print(&String::from_utf8_lossy(&page(command)?))?;
    Ok(ExitCode::SUCCESS)
}

/// A command and all commands below it.
fn with_all_below(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().filter(|command| command.get_name() != "help");
    std::iter::once(command).chain(below.flat_map(with_all_below)).collect()
}

/// The name of a page, such as `rrm-rank`.
fn name(command: &Command) -> String {
    command.get_bin_name().unwrap_or(command.get_name()).replace(' ', "-")
}

fn page(command: &Command) -> anyhow::Result<Vec<u8>> {
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(command.clone()).title(name(command));
    man.source(format!("rrm {}", env!("CARGO_PKG_VERSION"))).manual("rrm").render(&mut page)?;
    Ok(page)
}
