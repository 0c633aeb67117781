//! Engine specs -> the options that their engines use. An option that none of them uses is refused, because it would be ignored silently.

use rrm::engine::http::shown_address;

use super::CommandCall;
use crate::failure::ensure;

/// The kind of an engine, as far as options differ.
#[derive(Clone, Copy, Debug, PartialEq)]
enum EngineKind {
    Server,
    Scalar,
    Local,
    Gguf,
    Replay,
    Scripted,
    Embedded,
    /// No engine is asked; requests are written to a file.
    Batch,
}

use EngineKind::{Batch, Embedded, Gguf, Local, Replay, Scalar, Scripted, Server};

/// Options that only some kinds use, with those kinds. Options that are refused elsewhere, with messages of their own, are included.
const OPTIONS: [(&str, &[EngineKind]); 18] = [
    ("model", &[Server, Scalar, Batch, Embedded]),
    ("revision", &[Server, Scalar, Batch]),
    ("api-key-env", &[Server, Scalar]),
    ("timeout", &[Server, Scalar]),
    ("max-retries", &[Server, Scalar]),
    ("wait-for-server", &[Server, Scalar]),
    ("header", &[Server, Scalar, Batch]),
    ("request-field", &[Server, Scalar, Batch]),
    ("without-field", &[Server, Scalar, Batch]),
    ("rename-field", &[Server, Scalar, Batch]),
    ("seed-bits", &[Server, Batch]),
    ("stream-replies", &[Server, Batch]),
    ("system-as-user", &[Server, Batch]),
    ("requests-per-minute", &[Server, Scalar]),
    ("tokens-per-minute", &[Server]),
    ("context-size", &[Local, Gguf, Embedded]),
    ("threads", &[Local, Gguf, Embedded]),
    ("kv-cache", &[Local, Embedded]),
];

/// The same for `weights`, which is separate because of its message.
const WEIGHTS: (&str, &[EngineKind]) = ("weights", &[Local, Embedded]);

impl EngineKind {
    /// Returns the kind of a spec; `None` for an invalid spec, which is reported when it is opened.
    fn of(spec: &str) -> Option<Self> {
        let (name, _) = spec.split_once(':')?;
        Some(match name {
            "http" | "https" => Server,
            "scalar" => Scalar,
            "local" => Local,
            "gguf" => Gguf,
            "replay" => Replay,
            "scripted" => Scripted,
            _ => return None,
        })
    }

    /// Returns the notation of the kind's specs.
    fn name(self) -> &'static str {
        match self {
            Server => "http://HOST:PORT",
            Scalar => "scalar:http://HOST:PORT",
            Local => "local:FOLDER",
            Gguf => "gguf:FILE",
            Replay => "replay:FILE",
            Scripted => "scripted:RULE",
            Embedded => "the embedded rrm-tiny",
            Batch => "--batch-out",
        }
    }
}

/// Refuses options that do not apply to the named engines; without specs, to the embedded judge or to a batch. An option with its default value is
/// accepted, because saved files contain all defaults.
pub fn check(specs: &[String], called: &CommandCall) -> anyhow::Result<()> {
    let kinds: Option<Vec<EngineKind>> = specs.iter().map(|spec| EngineKind::of(spec)).collect();
    match kinds {
        Some(kinds) if !kinds.is_empty() => {
            let specs: Vec<String> = specs.iter().map(|spec| format!("'{}'", shown_address(spec))).collect();
            used(&kinds, &specs.join(", "), called)
        }
        Some(_) if called.gave("batch-out") => used(&[Batch], Batch.name(), called),
        Some(_) => used(&[Embedded], "the embedded rrm-tiny, which judges without --engine", called),
        None => Ok(()),
    }
}

/// Refuses such options for a command that asks no engine.
pub fn check_none(called: &CommandCall) -> anyhow::Result<()> {
    used(&[], "this command, which asks no engine without --engine", called)
}

fn used(kinds: &[EngineKind], who: &str, called: &CommandCall) -> anyhow::Result<()> {
    let unused = |(_, of): &&(&str, &[EngineKind])| !of.iter().any(|kind| kinds.contains(kind));
    let wrong = OPTIONS.iter().chain([&WEIGHTS]).filter(unused).find(|(name, _)| called.changed(name));
    if let Some((name, of)) = wrong {
        let of: Vec<&str> = of.iter().filter(|kind| ![Batch, Embedded].contains(kind)).map(|kind| kind.name()).collect();
        ensure!(false, "--{name} does nothing for {who}: it is for {}", of.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Cli,
        options::called::{CallError, parse},
    };

    /// A value of each option that is not its default.
    const VALUES: [(&str, &str); 19] = [
        ("model", "m"),
        ("revision", "r"),
        ("api-key-env", "PATH"),
        ("timeout", "5"),
        ("max-retries", "1"),
        ("wait-for-server", "2"),
        ("header", "x-a: b"),
        ("request-field", "a=1"),
        ("without-field", "seed"),
        ("rename-field", "seed=a"),
        ("seed-bits", "31"),
        ("stream-replies", ""),
        ("system-as-user", ""),
        ("requests-per-minute", "9"),
        ("tokens-per-minute", "9"),
        ("context-size", "99"),
        ("threads", "1"),
        ("kv-cache", "9"),
        ("weights", "int8"),
    ];

    fn called(words: &[&str]) -> CommandCall {
        let words = ["rrm", "judge", "x.jsonl"].iter().chain(words).map(Into::into).collect();
        match parse::<Cli>(words) {
            Ok((_, called)) => called,
            Err(CallError::Clap(error)) => panic!("{error}"),
            Err(CallError::File(_)) => panic!("there is no file"),
        }
    }

    #[test]
    fn every_option_of_an_engine_is_used_or_refused_by_every_kind() {
        let specs = [
            ("http://h", Server),
            ("https://h", Server),
            ("scalar:http://h", Scalar),
            ("local:f", Local),
            ("gguf:f", Gguf),
            ("replay:f", Replay),
            ("scripted:first", Scripted),
            ("", Embedded),
        ];
        for (spec, kind) in specs {
            let engine: Vec<String> = [spec].iter().filter(|spec| !spec.is_empty()).map(|spec| (*spec).to_owned()).collect();
            for (name, value) in VALUES {
                let flag = format!("--{name}");
                let words: Vec<&str> = [&*flag, value].into_iter().filter(|word| !word.is_empty()).collect();
                let uses = OPTIONS.iter().chain([&WEIGHTS]).find(|(option, _)| *option == name).unwrap().1.contains(&kind);
                match check(&engine, &called(&words)) {
                    Ok(()) => assert!(uses, "{spec} {flag}"),
                    Err(error) => assert!(!uses && error.to_string().starts_with(&format!("{flag} does nothing")), "{error}"),
                }
            }
            assert!(check(&engine, &called(&["--weights", "as-stored", "--timeout", "600"])).is_ok() || kind == Server, "{spec}");
            assert!(check(&engine, &called(&["--concurrency", "3", "--temperature", "0"])).is_ok(), "{spec}");
        }
        assert!(check(&["http://h".to_owned(), "local:f".to_owned()], &called(&["--threads", "1"])).is_ok());
        assert!(check_none(&called(&["--model", "m"])).is_err() && check_none(&called(&[])).is_ok());
    }

    /// An option about servers or about models in process that stands in no table here would be ignored in silence.
    #[test]
    fn every_option_of_servers_and_models_in_process_has_its_kinds() {
        use clap::CommandFactory;
        let cli = Cli::command();
        let own = |heading: &str| {
            let judge = cli.find_subcommand("judge").unwrap();
            let of = judge.get_arguments().filter(move |arg| arg.get_help_heading() == Some(heading));
            of.filter_map(|arg| arg.get_long().map(str::to_owned)).collect::<Vec<_>>()
        };
        let listed = [own("Server"), own("Model in process")].concat();
        assert!(listed.len() > 12, "{listed:?}");
        for name in listed {
            assert!(OPTIONS.iter().chain([&WEIGHTS]).any(|(option, _)| *option == name), "--{name}");
            assert!(VALUES.iter().any(|(option, _)| *option == name), "--{name}");
        }
    }
}
