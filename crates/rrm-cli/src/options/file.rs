//! A TOML file of options -> the equivalent flags, and flags -> the equivalent file.

use std::{ffi::OsString, path::Path};

use clap::{Arg, ArgAction, Command, error::ErrorKind};
use rrm::dataset;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::failure::{Failure, usage};

/// A file of options, and the command for which it is read.
pub struct File<'a> {
    /// Its path.
    pub path: &'a Path,
    /// The whole program.
    pub program: &'a Command,
    /// The words that name the command, such as `plan rank`.
    pub words: &'a [OsString],
    /// The command itself.
    pub command: &'a Command,
    /// Options that another reader handles.
    pub others_own: &'a [&'a str],
}

impl File<'_> {
    /// Returns the flags of all keys that `given` does not find on the command line, which takes precedence. Also returns the keys that only the
    /// planned command has.
    ///
    /// # Errors
    /// Names the line and the key that is not an option of the command or whose value is invalid.
    pub fn flags(&self, given: impl Fn(&Arg) -> bool) -> Result<(Vec<OsString>, Vec<String>), Failure> {
        let text = std::fs::read_to_string(self.path)
            .map_err(|error| anyhow::Error::from(error).context(format!("cannot read {}", self.path.display())))?;
        let line = |at: usize| text.get(..at).map_or(0, |before| before.matches('\n').count()) + 1;
        let table = DeTable::parse(&text).map_err(|error| {
            let at = error.span().map_or(1, |span| line(span.start));
            usage(format!("{} line {at}: {}", self.path.display(), error.message()))
        })?;
        let mut keys: Vec<(&Spanned<_>, &Spanned<DeValue<'_>>)> = table.get_ref().iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        let (mut flags, mut others) = (Vec::new(), Vec::new());
        for (key, value) in keys {
            let name: &str = key.get_ref();
            if self.others_own.contains(&name) {
                continue;
            }
            let place = format!("{} line {}", self.path.display(), line(key.span().start));
            let of_planned = || self.planned().and_then(|command| option(command, name));
            let own_option = option(self.command, name);
            let Some(arg) = own_option.or_else(of_planned) else { return Err(self.unknown(name, &place)) };
            let own = flags_of(arg, value.get_ref()).ok_or_else(|| {
                let expected = expected(arg);
                usage(format!("{place}: `{name}` takes {expected}, found {}", value.get_ref().type_str()))
            })?;
            self.try_out(&own, own_option.is_some()).map_err(|why| usage(format!("{place}: {why}")))?;
            if own_option.is_none() {
                others.push(name.to_owned());
            } else if !given(arg) {
                flags.extend(own);
            }
        }
        Ok((flags, others))
    }

    /// Returns the planned command; its files of options also serve as files of the plan.
    fn planned(&self) -> Option<&Command> {
        let [_, plan, planned, ..] = self.words else { return None };
        self.program.find_subcommand(planned).filter(|_| plan == "plan")
    }

    /// Checks these flags alone, as flags of the command or of the one that it plans. The error is clap's message.
    fn try_out(&self, flags: &[OsString], own: bool) -> Result<(), String> {
        let plan = usize::from(!own);
        let words = self.words.iter().take(1).chain(self.words.iter().skip(1 + plan)).chain(flags);
        let Err(error) = self.program.clone().try_get_matches_from(words) else { return Ok(()) };
        // Other missing arguments are reported for the whole command line.
        let of_value = matches!(
            error.kind(),
            ErrorKind::InvalidValue
                | ErrorKind::ValueValidation
                | ErrorKind::NoEquals
                | ErrorKind::TooManyValues
                | ErrorKind::TooFewValues
                | ErrorKind::WrongNumberOfValues
                | ErrorKind::ArgumentConflict
        );
        let said = error.to_string();
        let said = said.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        if of_value { Err(said) } else { Ok(()) }
    }

    fn unknown(&self, name: &str, place: &str) -> Failure {
        let words: Vec<_> = self.words.iter().skip(1).map(|word| word.to_string_lossy()).collect();
        let words = words.join(" ");
        let others: Vec<String> =
            commands(self.program, "").into_iter().filter(|(_, c)| option(c, name).is_some()).map(|(n, _)| n).collect();
        let failure = Failure::from(usage(format!("{place}: `rrm {words}` has no option `{name}`")));
        let own: Vec<&str> = self.command.get_arguments().filter_map(Arg::get_long).filter(|name| may_stand(name)).collect();
        let dashed = name.replace('_', "-");
        let near = dataset::nearest(&dashed, own.iter().copied());
        failure.with_hint(match (name, others.is_empty()) {
            ("config", _) => "a file of options names no other".to_owned(),
            (_, true) if near.is_some() => format!("did you mean `{}`?", near.unwrap_or_default()),
            (_, false) => format!(
                "it is one of `rrm {}`; files that earlier versions saved hold options of other commands: take the line out",
                others.join("`, `rrm ")
            ),
            (_, true) => format!("it has {}", own.join(", ")),
        })
    }
}

/// Returns all commands with options, by their names.
fn commands<'a>(command: &'a Command, before: &str) -> Vec<(String, &'a Command)> {
    let mut all = Vec::new();
    for sub in command.get_subcommands() {
        let name = format!("{before}{}", sub.get_name());
        all.extend(commands(sub, &format!("{name} ")));
        // Commands without --config have no file of options.
        if sub.get_arguments().any(|arg| arg.get_long() == Some("config")) {
            all.push((name, sub));
        }
    }
    all
}

/// Returns the option of a command with this name, if a file may contain it.
fn option<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(name)).filter(|_| may_stand(name))
}

fn may_stand(name: &str) -> bool {
    !["config", "help"].contains(&name)
}

/// Whether the option may be given several times.
fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// Whether the option may also stand without a value.
fn may_be_bare(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set) && arg.get_num_args().is_some_and(|range| range.min_values() == 0)
}

fn expected(arg: &Arg) -> &'static str {
    match arg.get_action() {
        _ if may_be_bare(arg) => "one value, or true for what it means without one",
        ArgAction::SetTrue => "true or false",
        ArgAction::Append => "a value or a list of values",
        _ => "one value",
    }
}

/// Returns the equivalent flags; `None` if the value has the wrong type.
fn flags_of(arg: &Arg, value: &DeValue<'_>) -> Option<Vec<OsString>> {
    let flag = |text: &str| OsString::from(format!("--{}{text}", arg.get_long().unwrap_or_default()));
    match value {
        DeValue::Boolean(on) if matches!(arg.get_action(), ArgAction::SetTrue) || may_be_bare(arg) => {
            Some(if *on { vec![flag("")] } else { Vec::new() })
        }
        _ if matches!(arg.get_action(), ArgAction::SetTrue) => None,
        DeValue::Array(values) if is_list(arg) => {
            values.iter().map(|value| Some(flag(&format!("={}", plain(value.get_ref())?)))).collect()
        }
        value => Some(vec![flag(&format!("={}", plain(value)?))]),
    }
}

/// Returns a number or a text as on a command line.
fn plain(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}

/// Returns the value of an option as in files: a number if nothing is lost by it, otherwise a text.
pub fn value(text: &str) -> toml::Value {
    if let Some(number) = text.parse::<i64>().ok().filter(|number| number.to_string() == text) {
        return toml::Value::Integer(number);
    }
    match text.parse::<f64>().ok().filter(|number| number.is_finite() && number.to_string() == text) {
        Some(number) => toml::Value::Float(number),
        None => toml::Value::String(text.to_owned()),
    }
}
