//! What the binary says about itself.

use crate::{rrm, stdout};

#[test]
fn help_lists_the_commands() {
    insta::assert_snapshot!(stdout(&rrm(["--help"])), @r#"
    Reward reasoning models: a judge thinks, then says which of two responses is better; verdicts become
    rankings

    Usage: rrm <COMMAND>

    Commands:
      judge   Judge pairs: which of the two responses of each row is better
      rank    Rank the responses of each row, best first
      plan    Say what a judge or rank command would take, before it runs
      show    Show one row of a result: bracket, votes, and what the judge wrote
      doctor  Try a server for real: what it supports, and what to fix
      model   Look into models, and convert them for llama.cpp
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
fn help_of_convert_names_its_types() {
    insta::assert_snapshot!(stdout(&rrm(["model", "convert", "--help"])));
}
