//! Every option that a command lists does something, on the command line and in a file of options; every command reads the options it saved.

mod inputs;
mod table;
mod trial;

use std::{fs, path::Path};

use crate::{command, rrm, stderr, stdout};
use table::{Base, Trial};
use trial::{Effect, run, shows};

/// The commands that `--help` lists, with their options.
fn listed(words: &[String]) -> Vec<(String, Vec<String>)> {
    let help = stdout(&rrm(words.iter().map(String::as_str).chain(["--help"])));
    let section = |title: &str| {
        let after = help.split(&format!("\n{title}:\n")).nth(1).unwrap_or_default();
        after.split("\n\n").next().unwrap_or_default().to_owned()
    };
    let commands = section("Commands");
    let commands = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    if !names.is_empty() {
        return names.into_iter().flat_map(|name| listed(&[words, &[name.to_owned()]].concat())).collect();
    }
    let options = help.lines().filter_map(|line| {
        let line = line.trim_start();
        let long = if line.starts_with("--") { line } else { line.strip_prefix('-')?.get(1..)?.strip_prefix(", ")? };
        let name: String = long.strip_prefix("--")?.chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect();
        Some(name)
    });
    vec![(words.join(" "), options.filter(|name| name != "help").collect())]
}

/// The words with an option set, in place of what it was.
fn set(words: &[String], option: &str, values: &[&str]) -> Vec<String> {
    let flag = format!("--{option}");
    let short = if option == "output" { "-o" } else { "--" };
    let mut out = words.to_vec();
    while let Some(at) = out.iter().position(|word| *word == flag || word == short) {
        out.drain(at..at + 2);
    }
    out.extend(given(option, values));
    out
}

fn given(option: &str, values: &[&str]) -> Vec<String> {
    let flag = format!("--{option}");
    match values {
        [] => vec![flag],
        [value] if value.starts_with('=') => vec![flag + value],
        values => values.iter().flat_map(|value| [flag.clone(), (*value).to_owned()]).collect(),
    }
}

/// The same in a file of options.
fn in_file(option: &str, values: &[&str]) -> String {
    let value = |value: &&str| {
        let text = value.trim_start_matches('=');
        if text.parse::<f64>().is_ok() { text.to_owned() } else { format!("'{text}'") }
    };
    match values {
        [] => format!("{option} = true\n"),
        [one] => format!("{option} = {}\n", value(one)),
        several => format!("{option} = [{}]\n", several.iter().map(value).collect::<Vec<_>>().join(", ")),
    }
}

/// What `trial` says of `option` of `command`, or what is wrong with it.
fn tried(command: &str, option: &str, trial: &Trial, in_files: bool) -> Result<(), String> {
    if let Effect::Elsewhere(test) = trial.effect {
        return if exists(test) { Ok(()) } else { Err(format!("there is no test {test}")) };
    }
    let base: Vec<String> = trial.base.words(command).iter().chain(trial.with).map(|word| (*word).to_owned()).collect();
    // What is to go on is watched for a while, what is to end may take its time.
    let before = run(&base, None, trial.effect == Effect::Ends);
    let watched = trial.effect == Effect::Waits;
    let after = run(&set(&base, option, trial.values), None, watched);
    if !shows(trial.effect, &before, &after) {
        return Err(format!("{:?} does not hold.\nbefore: {before:#?}\nafter: {after:#?}", trial.effect));
    }
    if in_files {
        let without = set(&base, option, &[]);
        let config = in_file(option, trial.values);
        let after = run(&without[..without.len() - 1], Some(&config), watched);
        if !shows(trial.effect, &before, &after) {
            return Err(format!("in a file: {:?} does not hold.\nbefore: {before:#?}\nafter: {after:#?}", trial.effect));
        }
    }
    Ok(())
}

/// Whether some test of this workspace has the name.
fn exists(test: &str) -> bool {
    fn search(folder: &Path, what: &str) -> bool {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| match path.is_dir() {
            true => search(&path, what),
            false => path.extension().is_some_and(|end| end == "rs") && fs::read_to_string(&path).unwrap().contains(what),
        })
    }
    search(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")), &format!("fn {test}("))
}

/// Tries all options of the commands of which `which` says so.
fn all(which: impl Fn(&str) -> bool) {
    let mut wrong = Vec::new();
    let mut tries = 0;
    for (command, options) in listed(&[]).into_iter().filter(|(command, _)| which(command)) {
        let in_files = options.iter().any(|option| option == "config");
        for option in &options {
            let Some(trial) = table::of(&command, option) else {
                wrong.push(format!("rrm {command} --{option}: nothing says what it does"));
                continue;
            };
            tries += 1;
            if let Err(why) = tried(&command, option, trial, in_files && option != "config") {
                wrong.push(format!("rrm {command} --{option}: {why}"));
            }
        }
    }
    assert!(wrong.is_empty() && tries > 0, "{} of {tries} options:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn every_option_of_judge_and_rank_does_something() {
    all(|command| command == "judge" || command == "rank");
}

#[test]
fn every_option_of_label_does_something() {
    all(|command| command == "label");
}

#[test]
fn every_option_of_eval_and_tune_does_something() {
    all(|command| command == "eval" || command == "tune");
}

#[test]
fn every_option_of_pairs_does_something() {
    all(|command| command == "pairs");
}

#[test]
fn every_option_of_serve_does_something() {
    all(|command| command == "serve");
}

#[test]
fn every_option_of_all_other_commands_does_something() {
    let above = ["judge", "rank", "label", "eval", "tune", "pairs", "serve"];
    all(|command| !above.contains(&command));
}

#[test]
fn the_table_has_no_entry_for_what_is_not_there() {
    let commands = listed(&[]);
    for trial in table::TRIALS {
        let of = |(command, options): &(String, Vec<String>)| trial.is_of(command) && options.iter().any(|o| o == trial.option);
        assert!(commands.iter().any(of), "--{} of {}", trial.option, trial.commands);
    }
}

/// Every command that saves its options reads them back, and saves the same again.
#[test]
fn a_command_reads_the_options_that_it_saved() {
    let mut read = 0;
    for (name, options) in listed(&[]) {
        let has = |option: &str| options.iter().any(|other| other == option);
        if !(has("config") && has("output")) {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        inputs::write(folder.path());
        let there = |word: &str| word.replace("DIR", folder.path().to_str().unwrap());
        let base: Vec<String> = Base::Own.words(&name).iter().map(|word| there(word)).collect();
        let again = |words: &[String], out: &str| {
            let done = command().args(words).args(["-o", &there(out)]).output().unwrap();
            assert!(done.status.success(), "rrm {name}: {}", stderr(&done));
            let saved = fs::read_to_string(there(&format!("{out}.config.toml"))).unwrap();
            (fs::read(there(out)).unwrap(), saved)
        };
        let (rows, saved) = again(&base, "DIR/first");
        // What the file says is said by it alone.
        let in_file = |word: &String| word.strip_prefix("--").is_some_and(|word| saved.contains(&format!("\n{word} = ")));
        let mut words = Vec::new();
        let mut skip = false;
        for word in &base {
            if !std::mem::take(&mut skip) {
                skip = in_file(word);
                words.extend((!skip).then(|| word.clone()));
            }
        }
        assert!(!words.iter().any(|word| word == "--engine"), "{words:?}");
        words.extend(["--config".to_owned(), there("DIR/first.config.toml")]);
        let (same_rows, same) = again(&words, "DIR/second");
        assert_eq!(same_rows, rows, "rrm {name}");
        assert_eq!(same, saved, "rrm {name}");
        read += 1;
    }
    assert_eq!(read, 6);
}

/// A file that an earlier version saved for `judge` holds options of `rank`.
#[test]
fn an_option_of_another_command_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    inputs::write(folder.path());
    let said = |text: &str, words: &[&str]| {
        fs::write(folder.path().join("options.toml"), text).unwrap();
        let done = command().current_dir(folder.path()).args(words).args(["--config", "options.toml"]).output().unwrap();
        assert_eq!(done.status.code(), Some(2));
        stderr(&done)
    };
    let judge = ["judge", "pairs.jsonl", "--engine", "scripted:first"];
    insta::assert_snapshot!(said("votes = 3\nstrategy = \"knockout\"\n", &judge), @r#"
    error: options.toml line 2: `rrm judge` has no option `strategy`
    hint: it is one of `rrm rank`, `rrm label`, `rrm plan rank`, `rrm plan label`, `rrm serve`; files that earlier versions saved hold options of other commands: take the line out
    "#);
    insta::assert_snapshot!(said("voets = 3\n", &["doctor", "http://127.0.0.1:1"]), @r#"
    error: options.toml line 1: `rrm doctor` has no option `voets`
    hint: it has model, api-key-env, revision, timeout, max-retries, header, request-field, without-field, rename-field, seed-bits, stream-replies
    "#);
    insta::assert_snapshot!(said("votes = \"three\"\n", &judge), @"error: options.toml line 1: invalid value 'three' for '--votes <K>': invalid digit found in string");
    insta::assert_snapshot!(said("both-orders = 1\n", &judge), @"error: options.toml line 1: `both-orders` takes true or false, found integer");
    insta::assert_snapshot!(said("votes = [1, 2]\n", &judge), @"error: options.toml line 1: `votes` takes one value, found array");
    insta::assert_snapshot!(said("votes = 3\nvotes = 4\n", &judge), @"error: options.toml line 2: duplicate key");
    insta::assert_snapshot!(said("config = \"other.toml\"\n", &judge), @r#"
    error: options.toml line 1: `rrm judge` has no option `config`
    hint: a file of options names no other
    "#);
    // A plan reads the file of what it plans, and nothing else.
    insta::assert_snapshot!(said("temperature = 0.5\npairs = \"all\"\n", &["plan", "rank", "rows.jsonl"]), @r#"
    error: options.toml line 2: `rrm plan rank` has no option `pairs`
    hint: it is one of `rrm label`; files that earlier versions saved hold options of other commands: take the line out
    "#);
}

#[test]
fn flags_count_more_than_the_file() {
    let folder = tempfile::tempdir().unwrap();
    inputs::write(folder.path());
    fs::write(folder.path().join("options.toml"), "votes = 3\nengine = \"scripted:second\"\nmax-calls = 100\n").unwrap();
    let votes = |words: &[&str]| {
        let judge = ["judge", "pairs.jsonl", "--config", "options.toml"];
        let done = command().current_dir(folder.path()).args(judge).args(words).output().unwrap();
        let row: serde_json::Value = serde_json::from_str(stdout(&done).lines().next().unwrap()).unwrap();
        (row["matches"][0]["votes"].as_array().unwrap().len(), row["matches"][0]["decision"].clone())
    };
    assert_eq!(votes(&[]), (3, "second".into()));
    assert_eq!(votes(&["--votes", "5"]), (5, "second".into()));
    assert_eq!(votes(&["--votes=1", "--engine", "scripted:first"]), (1, "first".into()));
}
