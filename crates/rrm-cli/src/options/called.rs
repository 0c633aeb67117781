//! Words of a command line and the file of --config -> arguments, and which of them the user gave.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Parser, error::ErrorKind, parser::ValueSource};
use rrm::engine::http::shown_address;

use super::{
    brief,
    file::{self, File},
    planned::PlannedWords,
};
use crate::{
    failure::{Failure, usage},
    output::note,
};

/// The file of options.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    /// Read options from this TOML file, under the names that they have here; flags override it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Options that concern a single run; they are not saved to files of options.
const OF_ONE_RUN: [&str; 9] =
    ["config", "output", "record", "stream", "batch-out", "pay-again", "same-weights", "dry-run", "list"];

/// Options whose values are addresses, which may contain passwords and keys.
const ADDRESSES: [&str; 2] = ["engine", "filter-engine"];

/// The options of a command as it was called.
#[derive(Default)]
pub struct CommandCall {
    options: Vec<CalledOption>,
    planned: Vec<OsString>,
}

/// One option of the command.
struct CalledOption {
    name: String,
    /// `None` if the option has no value.
    value: Option<toml::Value>,
    given: bool,
    /// Whether it has the value that it would have by default.
    as_default: bool,
}

/// The reason why no command can be run.
pub enum CallError {
    /// Help was requested, or the words are not a command.
    Clap(clap::Error),
    /// The file of options is invalid.
    File(Failure),
}

/// Parses the words of a command line. Options from a file count as if they stood before all others.
pub fn parse<C: Parser>(words: Vec<OsString>) -> Result<(C, CommandCall), CallError> {
    parse_besides(words, &[])
}

/// Like [`parse`], but options of a file that are named in `others_own` are left to another reader.
pub fn parse_besides<C: Parser>(words: Vec<OsString>, others_own: &[&str]) -> Result<(C, CommandCall), CallError> {
    let mut program = brief::shaped(C::command(), options(&words).any(|(_, word)| word == "-h"));
    program.build();
    let depth = depth(&program, &words);
    let command = words[1..depth].iter().fold(&program, |command, word| command.find_subcommand(word).unwrap_or(command));
    let (before, own) = words.split_at(depth);
    let PlannedWords { plan: own, mut others, command: planned } = PlannedWords::of(&program, command, (before, own));
    let own = &own;
    if let Some(wrong) = detached(&program, command, (before, own)) {
        return Err(CallError::File(wrong));
    }
    let named = named_file(command, own);
    let flags = match &named {
        Some(path) => {
            let file = File { path, program: &program, words: before, command, others_own };
            let (flags, of_file) = file.flags(|arg| is_given(arg, own)).map_err(CallError::File)?;
            others.extend(of_file.into_iter().map(|name| format!("{name} (in {})", path.display())));
            flags
        }
        None => Vec::new(),
    };
    if !others.is_empty() {
        note(&format!("a plan does not depend on {}", others.join(", ")));
    }
    let words = before.iter().chain(&flags).chain(own);
    let matches = program.clone().try_get_matches_from(words).map_err(CallError::Clap)?;
    let own = inner(&matches);
    let reads = command.get_arguments().any(|arg| arg.get_long() == Some("config"));
    if named.is_none() && reads && own.contains_id("config") {
        return Err(CallError::File(usage("--config=FILE: the name is not UTF-8; write --config FILE").into()));
    }
    let called = CommandCall { planned, ..CommandCall::of(command, own) };
    let arguments = C::from_arg_matches(&matches).map_err(|error| CallError::Clap(error.format(&mut program.clone())))?;
    Ok((arguments, called))
}

/// Returns the number of words that name the program and its command.
fn depth(program: &Command, words: &[OsString]) -> usize {
    let mut command = program;
    let mut depth = words.len().min(1);
    while let Some(next) = words.get(depth).and_then(|word| command.find_subcommand(word)) {
        command = next;
        depth += 1;
    }
    depth
}

/// Returns the words up to `--`, behind which no word is an option.
fn options(words: &[OsString]) -> impl Iterator<Item = (usize, &OsStr)> {
    words.iter().map(OsString::as_os_str).enumerate().take_while(|(_, word)| *word != "--")
}

/// Returns the file that --config names, if the command has this option.
fn named_file(command: &Command, words: &[OsString]) -> Option<PathBuf> {
    command.get_arguments().find(|arg| arg.get_long() == Some("config"))?;
    options(words).find_map(|(at, word)| match word.to_str() {
        Some("--config") => words.get(at + 1).map(PathBuf::from),
        word => word?.strip_prefix("--config=").map(PathBuf::from),
    })
}

/// Refuses a word behind an option whose value must follow `=`, if the word would be taken for an input file that does not exist.
fn detached(program: &Command, command: &Command, (before, own): (&[OsString], &[OsString])) -> Option<Failure> {
    let reads_files = command.get_positionals().any(|arg| arg.get_id() == "input");
    let two = own.windows(2).take_while(|two| two[0] != "--").filter(|_| reads_files);
    two.filter_map(|two| {
        let (option, word) = (two[0].to_str()?, two[1].to_str()?);
        let arg = command.get_arguments().find(|arg| arg.get_long().is_some_and(|long| option == format!("--{long}")))?;
        let is_file = word.starts_with('-') || Path::new(word).exists();
        if !arg.is_require_equals_set() || is_file {
            return None;
        }
        let joined = format!("{option}={word}");
        let tried = program.clone().try_get_matches_from(before.iter().cloned().chain([OsString::from(&joined)]));
        let why = tried.err().filter(|error| error.kind() == ErrorKind::ValueValidation).map(|error| error.to_string());
        let why = why.and_then(|text| Some(text.lines().next()?.rsplit_once(": ")?.1.to_owned()));
        let error = usage(format!("{option} {word}: `{word}` was taken for an input file, and there is no such file"));
        Some(Failure::from(error).with_hint(match why {
            Some(why) => format!("{option} takes its value behind `=`, and `{word}` is none: {why}"),
            None => format!("{option} takes its value behind `=`: {joined}"),
        }))
    })
    .next()
}

/// Whether the option is among the words. No value begins with a hyphen, except for negative numbers.
fn is_given(arg: &Arg, words: &[OsString]) -> bool {
    let long = arg.get_long().map(|long| format!("--{long}"));
    let short = arg.get_short().map(|short| format!("-{short}"));
    options(words).any(|(_, word)| {
        let word = word.to_string_lossy();
        let long = long
            .as_ref()
            .is_some_and(|long| word.strip_prefix(long.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')));
        long || short.as_ref().is_some_and(|short| word.starts_with(short.as_str()))
    })
}

/// Returns the matches of the innermost command.
fn inner(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, matches)| inner(matches))
}

impl CommandCall {
    fn of(command: &Command, matches: &ArgMatches) -> Self {
        let options = command.get_arguments().filter_map(|arg| {
            let id = arg.get_id().as_str();
            let known = matches.try_contains_id(id).unwrap_or(false);
            let given = known && matches.value_source(id) == Some(ValueSource::CommandLine);
            let value = if known { value(arg, matches) } else { None };
            let raw = if given { matches.get_raw(id) } else { None };
            let as_default = raw.is_none_or(|raw| raw.eq(arg.get_default_values().iter().map(|value| value.as_os_str())));
            Some(CalledOption { name: arg.get_long()?.to_owned(), value, given, as_default })
        });
        CommandCall { options: options.collect(), planned: Vec::new() }
    }

    /// Returns the words of the planned command, for `rrm plan`.
    pub fn planned(&self) -> &[OsString] {
        &self.planned
    }

    /// Whether the option was given, by a flag or in a file.
    pub fn gave(&self, name: &str) -> bool {
        self.options.iter().any(|option| option.given && option.name == name)
    }

    /// Whether the option was given with another value than its default.
    pub fn changed(&self, name: &str) -> bool {
        self.options.iter().any(|option| option.given && !option.as_default && option.name == name)
    }

    /// Returns the first given option that is not in `names`.
    pub fn besides(&self, names: &[&str]) -> Option<&str> {
        let other = |option: &&CalledOption| option.given && !names.contains(&option.name.as_str());
        self.options.iter().find(other).map(|option| option.name.as_str())
    }

    /// Returns the options to save, so that the command can be repeated with them: all except those that concern a single run. Defaults are included,
    /// so that the file shows what was used.
    pub fn saved(&self) -> SavedOptions {
        let lasting = |option: &&CalledOption| !OF_ONE_RUN.contains(&option.name.as_str());
        SavedOptions(self.options.iter().filter(lasting).map(|option| (option.name.clone(), option.value.clone())).collect())
    }

    /// Like [`saved`](Self::saved), with only the options that were given.
    pub fn named(&self) -> SavedOptions {
        let given = |(name, value): (String, Option<toml::Value>)| (name.clone(), value.filter(|_| self.gave(&name)));
        SavedOptions(self.saved().0.into_iter().map(given).collect())
    }
}

/// Options in the order of their command, with their values as in files.
pub struct SavedOptions(Vec<(String, Option<toml::Value>)>);

impl SavedOptions {
    /// Sets an option, which replaces its earlier value.
    pub fn with(mut self, name: &str, value: impl Into<toml::Value>) -> Self {
        let value = Some(value.into());
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some(option) => option.1 = value,
            None => self.0.push((name.to_owned(), value)),
        }
        self
    }

    /// Removes these options.
    pub fn without(mut self, names: &[&str]) -> Self {
        self.0.iter_mut().filter(|(name, _)| names.contains(&name.as_str())).for_each(|(_, value)| *value = None);
        self
    }

    /// Returns the text of the file, with a line about its origin.
    pub fn text(&self, title: &str) -> String {
        let lines = self.0.iter().filter_map(|(name, value)| Some(format!("{name} = {}\n", value.as_ref()?)));
        format!("# {title}\n{}", lines.collect::<String>())
    }
}

/// Returns the value of an option as in files.
fn value(arg: &Arg, matches: &ArgMatches) -> Option<toml::Value> {
    let id = arg.get_id().as_str();
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return matches.get_flag(id).then_some(toml::Value::Boolean(true));
    }
    let address = arg.get_long().is_some_and(|name| ADDRESSES.contains(&name));
    let text = |raw: &OsStr| {
        let text = raw.to_string_lossy();
        file::value(&if address { shown_address(&text) } else { text.into_owned() })
    };
    let mut values: Vec<toml::Value> = matches.get_raw(id)?.map(text).collect();
    match arg.get_action() {
        ArgAction::Append => Some(toml::Value::Array(values)),
        ArgAction::Set => values.pop(),
        _ => None,
    }
}
