//! A command as `-h` shows it: the options that most runs need, one sentence each, and examples. `--help` shows all of it.

use clap::{Arg, Command};

/// Options that `-h` shows, by command. Of commands that are not listed here it shows all.
const OFTEN: [(&str, &[&str]); 7] = [
    ("judge", &["engine", "model", "format", "votes", "both-orders", "adaptive", "column", "output", "concurrency", "max-calls"]),
    (
        "rank",
        &["engine", "model", "format", "votes", "adaptive", "strategy", "opponents", "write", "column", "output", "max-calls"],
    ),
    (
        "label",
        &["engine", "model", "format", "votes", "strategy", "opponents", "pairs", "min-margin", "write", "column", "output"],
    ),
    (
        "eval",
        &["list", "data", "recorded", "engine", "model", "format", "votes", "official-only", "column", "output", "max-calls"],
    ),
    ("tune", &["data", "votes", "budgets", "target", "engine", "model", "format", "column", "output", "max-calls"]),
    (
        "pairs",
        &[
            "dry-run",
            "samples",
            "engine",
            "model",
            "per-question",
            "as-responses",
            "decontaminate",
            "near-duplicates",
            "filter-engine",
            "column",
            "output",
        ],
    ),
    (
        "serve",
        &[
            "bind",
            "engine",
            "model",
            "format",
            "votes",
            "adaptive",
            "strategy",
            "group-size",
            "scale",
            "keys",
            "concurrency",
            "max-calls",
        ],
    ),
];

/// Examples of commands. Files and addresses in them are the user's to replace.
const EXAMPLES: [(&str, &[&str]); 10] = [
    (
        "judge",
        &[
            "rrm judge pairs.jsonl --engine http://localhost:8000 --votes 5 --both-orders -o judged.jsonl",
            "rrm judge answers.csv --engine http://localhost:8000 --column responses=a,b",
        ],
    ),
    (
        "rank",
        &[
            "rrm rank responses.jsonl --engine http://localhost:8000 -o ranked.jsonl",
            "rrm rank responses.jsonl --engine http://localhost:8000 --write best -o best.parquet",
        ],
    ),
    (
        "label",
        &["rrm label responses.jsonl --engine http://localhost:8000 --strategy bradley-terry --opponents 4 -o pairs.jsonl"],
    ),
    (
        "plan",
        &[
            "rrm plan rank responses.jsonl --votes 5",
            "rrm plan eval rewardbench --data rewardbench/ --price-prompt 0.2 --price-completion 0.8",
        ],
    ),
    (
        "eval",
        &[
            "rrm eval --list",
            "rrm eval judgebench --data judgebench/ --engine http://localhost:8000 -o judgebench.json",
            "rrm eval pairs --data own.jsonl --engine http://localhost:8000 --votes 3",
        ],
    ),
    ("tune", &["rrm tune --data labelled.jsonl --engine http://localhost:8000 --votes 8 --target 0.8"]),
    ("verify", &["rrm verify answers.jsonl --gold answer --response response"]),
    ("serve", &["rrm serve --engine http://localhost:8000 --bind 127.0.0.1:8700 --strategy win-rate"]),
    ("show", &["rrm show ranked.jsonl row-7 --input responses.jsonl"]),
    ("doctor", &["rrm doctor http://localhost:8000"]),
];

/// Returns the program with examples, and if `brief` as `-h` shows it.
pub fn shaped(program: Command, brief: bool) -> Command {
    program.mut_subcommands(|command| shaped_command(command, "rrm", brief))
}

/// The same for one command and those below it; `above` is how that is called.
fn shaped_command(command: Command, above: &str, brief: bool) -> Command {
    let name = command.get_name().to_owned();
    let called = format!("{above} {name}");
    let of = |table: &[(&str, &'static [&'static str])]| table.iter().find(|(of, _)| *of == name).map(|(_, listed)| *listed);
    let often = of(&OFTEN).filter(|_| brief);
    let examples = of(&EXAMPLES).filter(|_| above == "rrm").unwrap_or_default();
    let mut after = String::new();
    if !examples.is_empty() {
        after = format!("Examples:\n{}", examples.iter().map(|line| format!("  {line}\n")).collect::<String>());
    }
    if often.is_some() {
        after += &format!("\n`{called} --help` lists all options.");
    }
    let is_often = |often: &[&str], arg: &Arg| match arg.get_long() {
        Some(long) => often.contains(&long) || long == "help",
        None => arg.get_id() != "more",
    };
    let command = command.mut_subcommands(|inner| shaped_command(inner, &called, brief));
    let command = match brief {
        true => command.mut_args(|arg| {
            let rare = often.is_some_and(|often| !is_often(often, &arg));
            first_sentence(arg).hide(rare)
        }),
        false => command,
    };
    if after.is_empty() { command } else { command.after_help(after.trim().to_owned()) }
}

/// The option with the first sentence of its help.
fn first_sentence(arg: Arg) -> Arg {
    let Some(help) = arg.get_help().map(ToString::to_string) else { return arg };
    match help.split_once(". ") {
        Some((first, _)) => arg.help(first.to_owned()),
        None => arg,
    }
}
