//! Words of a command behind `rrm plan` -> the words that affect a plan, and the words of the command itself.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

/// The words behind `plan COMMAND`, sorted.
#[derive(Default)]
pub(super) struct PlannedWords {
    /// The words of the plan, without the options that only the planned command has. So `plan` can be put before any command.
    pub plan: Vec<OsString>,
    /// The names of the options that were left out.
    pub others: Vec<String>,
    /// The words of the planned command; empty if nothing is planned.
    pub command: Vec<OsString>,
}

impl PlannedWords {
    /// Sorts the words `own`, which follow the names of the commands.
    pub(super) fn of(program: &Command, plan: &Command, (before, own): (&[OsString], &[OsString])) -> Self {
        let planned = match before {
            [name, planning, planned, ..] if planning == "plan" => {
                program.find_subcommand(planned).map(|command| (command, vec![name.clone(), planned.clone()]))
            }
            _ => None,
        };
        let Some((planned, command)) = planned else { return PlannedWords { plan: own.to_vec(), ..Self::default() } };
        let mut sorted = PlannedWords { command, ..Self::default() };
        let mut words = own.iter();
        while let Some(word) = words.next() {
            if word == "--" {
                let rest: Vec<OsString> = [word].into_iter().chain(words.by_ref()).cloned().collect();
                sorted.plan.extend_from_slice(&rest);
                sorted.command.extend(rest);
                break;
            }
            let text = word.to_string_lossy();
            let of = |command: &Command| command.get_arguments().find(|arg| names(arg, &text)).cloned();
            let (of_plan, of_planned) = (of(plan), of(planned));
            let next = of_plan.as_ref().or(of_planned.as_ref()).filter(|arg| takes_next(arg, &text));
            let said: Vec<OsString> = [word].into_iter().chain(next.and_then(|_| words.next())).cloned().collect();
            let (only_plan, only_planned) = (of_planned.is_none() && of_plan.is_some(), of_plan.is_none());
            if !only_plan {
                sorted.command.extend_from_slice(&said);
            }
            match of_planned.filter(|_| only_planned) {
                Some(arg) => sorted.others.extend(arg.get_long().map(|long| format!("--{long}"))),
                None => sorted.plan.extend(said),
            }
        }
        sorted
    }
}

fn names(arg: &Arg, word: &str) -> bool {
    let long = arg.get_long().is_some_and(|long| word.split('=').next() == Some(&format!("--{long}")));
    let short = arg.get_short().is_some_and(|short| !word.starts_with("--") && word.starts_with(&format!("-{short}")));
    long || short
}

/// Whether the value of the option is the next word.
fn takes_next(arg: &Arg, word: &str) -> bool {
    let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) && !arg.is_require_equals_set();
    let joined = if word.starts_with("--") { word.contains('=') } else { word.chars().count() > 2 };
    takes && !joined
}
