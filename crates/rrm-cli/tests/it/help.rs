//! What the binary says about itself.

use std::process::Command;

use crate::{file, rrm, stderr, stdout};

#[test]
fn help_lists_the_commands() {
    insta::assert_snapshot!(stdout(&rrm(["--help"])), @r#"
    Reward reasoning models: a judge thinks, then says which of two responses is better; verdicts become
    rankings

    Usage: rrm <COMMAND>

    Commands:
      judge   Judge pairs: which of the two responses of each row is better
      rank    Rank the responses of each row, best first
      label   Label preferences: rank the responses of each row, and write chosen and rejected as
              trainers read them
      plan    Predict the calls, tokens and cost of a judge, rank, label or eval command
      eval    Measure a judge on a benchmark, by its own rules and by strict ones
      tune    Say whether a judge is good enough on your labelled pairs, and with how many votes, which
              budget, one order or two
      pairs   Make preference pairs of questions with verifiable answers: one right response and one
              wrong one
      verify  Tell whether responses give the right answer: numbers, LaTeX, sets, intervals, choices,
              short texts
      report  Report on judges that `rrm eval` measured: scores, differences, figures, transcripts
      serve   Serve a judge over HTTP: rewards for trainers, judgments, rankings
      show    Show one row of a result: bracket, votes, and what the judge wrote
      doctor  Try a server for real: what it supports, and what to fix
      model   Look into models, and convert them for llama.cpp
      train   Train a judge: supervised fine-tuning, or reinforcement learning with a verdict reward
      batch   Read what an offline batch answered into the store
      store   Look into, clean or merge stores of completions
      help    Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version
    "#);
}

#[test]
fn help_of_rank_lists_its_options() {
    insta::assert_snapshot!(stdout(&rrm(["rank", "--help"])));
}

#[test]
fn help_of_eval_lists_its_options() {
    insta::assert_snapshot!(stdout(&rrm(["eval", "--help"])));
}

#[test]
fn help_of_convert_names_its_types() {
    insta::assert_snapshot!(stdout(&rrm(["model", "convert", "--help"])));
}

#[test]
fn help_of_train_lists_its_options() {
    insta::assert_snapshot!(stdout(&rrm(["train", "--help"])), @r#"
    Train a judge: supervised fine-tuning, or reinforcement learning with a verdict reward

    Usage: rrm train [OPTIONS] <CONFIG>

    Arguments:
      <CONFIG>  The run's configuration, in TOML; docs/training.md describes it

    Options:
          --set <KEY=VALUE>  Put a value over the file's own, such as optimizer.max_steps=100; can be
                             repeated
          --dry-run          Print the whole configuration, with sizes, tokens and memory, and train
                             nothing
      -h, --help             Print help
    "#);
}

#[test]
fn help_of_pairs_lists_its_options() {
    insta::assert_snapshot!(stdout(&rrm(["pairs", "--help"])));
}

#[test]
fn help_of_verify_lists_its_options() {
    insta::assert_snapshot!(stdout(&rrm(["verify", "--help"])), @r#"
    Tell whether responses give the right answer: numbers, LaTeX, sets, intervals, choices, short texts

    Usage: rrm verify [OPTIONS] <INPUT>

    Arguments:
      <INPUT>  JSONL, JSON or Parquet, also gzipped; - for stdin

    Options:
          --gold <COLUMN>
              Column of the right answer: bare, a solution that ends with it, or a list of which any
              will do; a dot looks into an object [default: the only one of gold, answer, ground_truth,
              solution, target, reference_answer, reward_model.ground_truth]
          --response <COLUMN>
              Column of the response: a text, or messages, whose last turn of the assistant counts; a
              dot looks into an object [default: the only one of response, pred, prediction, completion,
              output, model_output]
          --decimals <N>
              Decimal places to which decimals must agree [default: 6]
          --any-names
              Match variables in the order in which they occur, whatever their names
          --inequality-for-interval[=<BOOL>]
              Let an inequality answer where the right answer is an interval [default: true] [possible
              values: true, false]
      -o, --output <FILE>
              Where rows go [default: stdout]
      -h, --help
              Print help
    "#);
}

/// The commands that `rrm -h` lists, and those below them.
fn commands(words: &[&str]) -> Vec<Vec<String>> {
    let help = stdout(&rrm(words.iter().chain(&["-h"])));
    let listed = help.split("\nCommands:\n").nth(1).unwrap_or_default().split("\n\n").next().unwrap_or_default();
    let names = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<&str> = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    let mut all = vec![words.iter().map(|word| (*word).to_owned()).collect()];
    names.into_iter().for_each(|name| all.extend(commands(&[words, &[name]].concat())));
    all
}

#[test]
fn the_short_help_of_every_command_fits_a_screen() {
    let all = commands(&[]);
    assert!(all.len() > 20, "{all:?}");
    for words in all {
        let short = stdout(&rrm(words.iter().map(String::as_str).chain(["-h"])));
        assert!(short.lines().count() <= 45, "{words:?}: {} lines", short.lines().count());
        insta::assert_snapshot!(
            format!("short_help_{}", if words.is_empty() { "rrm".to_owned() } else { words.join("_") }),
            short
        );
    }
}

#[test]
fn completions_load_in_bash_and_complete() {
    let (_folder, script) = file("rrm.bash", stdout(&rrm(["completions", "bash"])));
    let complete = "source \"$1\"; COMP_WORDS=(rrm ra); COMP_CWORD=1; _rrm rrm ra rrm; echo \"${COMPREPLY[@]}\"; \
        COMP_WORDS=(rrm rank --max-c); COMP_CWORD=2; _rrm rrm --max-c rank; echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").args(["-c", complete, "bash"]).arg(&script).output().unwrap();
    assert_eq!(stdout(&output), "rank\n--max-calls --max-cost\n");
    for shell in ["zsh", "fish", "powershell", "elvish"] {
        assert!(stdout(&rrm(["completions", shell])).contains("strategy"), "{shell} knows options");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("pages");
    stdout(&rrm(["man", "--output", pages.to_str().unwrap()]));
    let names: Vec<String> = commands(&[])
        .iter()
        .filter(|words| words.len() < 2)
        .map(|words| [&["rrm".to_owned()], &words[..]].concat().join("-"))
        .collect();
    for name in names {
        let page = std::fs::read_to_string(pages.join(format!("{name}.1"))).unwrap();
        assert!(page.contains(&format!(".TH {name} 1")) && page.contains(".SH SYNOPSIS"), "{page}");
    }
    let page = stdout(&rrm(["man", "rank"]));
    assert!(page.contains(".SH OPTIONS") && page.contains("strategy"), "{page}");
    assert!(stderr(&rrm(["man", "rnak"])).contains("there is no command `rnak`"));
}
