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
