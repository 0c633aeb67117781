//! Words of a command behind `rrm plan` -> those on which a plan depends.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

use crate::output::note;

/// The words without the options that only the planned command has: whoever writes `plan` before a command need not take any of them out. Says which
/// they are.
pub(super) fn without_others(program: &Command, command: &Command, (before, own): (&[OsString], &[OsString])) -> Vec<OsString> {
    let planned = match before {
        [_, plan, name, ..] if plan == "plan" => program.find_subcommand(name),
        _ => None,
    };
    let Some(planned) = planned else { return own.to_vec() };
    let (mut kept, mut others) = (Vec::new(), Vec::new());
    let mut words = own.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            kept.push(word.clone());
            kept.extend(words.by_ref().cloned());
            break;
        }
        let text = word.to_string_lossy();
        let other =
            planned.get_arguments().find(|arg| names(arg, &text) && !command.get_arguments().any(|own| names(own, &text)));
        let Some(other) = other else {
            kept.push(word.clone());
            continue;
        };
        if takes_next(other, &text) {
            words.next();
        }
        others.extend(other.get_long().map(|long| format!("--{long}")));
    }
    if !others.is_empty() {
        note(&format!("a plan does not depend on {}", others.join(", ")));
    }
    kept
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
