//! Help against the defaults that hold.

use clap::CommandFactory;
use rrm::{
    engine::http::HttpConfig,
    judge::JudgeSettings,
    label::{AnswerRows, LabelSettings, Pairs, PreferenceLayout},
    pairs,
    ranking::{rank::TeamRule, strategy::Strategy},
};
use rrm_engines::Storage;
use rrm_server::settings::ServerSettings;

use super::word;
use crate::Cli;

/// All commands with their names.
fn commands(command: &clap::Command, before: &str) -> Vec<(String, clap::Command)> {
    let each = command.get_subcommands().flat_map(|sub| {
        let name = format!("{before}{}", sub.get_name());
        let mut below = commands(sub, &format!("{name} "));
        below.push((name, sub.clone()));
        below
    });
    each.collect()
}

#[test]
fn help_tells_the_defaults_that_hold() {
    let (judge, http, serve, pairs) =
        (JudgeSettings::default(), HttpConfig::default(), ServerSettings::default(), pairs::PairSettings::default());
    let label = LabelSettings::default();
    let seconds = |time: std::time::Duration| time.as_secs_f64().to_string();
    // Where two commands mean different things by one name, the command is named.
    let defaults = [
        ("votes", judge.votes.to_string()),
        ("adaptive", word(judge.adaptive)),
        ("max-tokens", judge.sampling.max_tokens.to_string()),
        ("temperature", judge.sampling.temperature.to_string()),
        ("top-p", judge.sampling.top_p.to_string()),
        ("seed", judge.seed.to_string()),
        ("strategy", word(Strategy::default())),
        ("teams", word(TeamRule::default())),
        ("timeout", http.timeout.to_string()),
        ("max-retries", http.max_retries.to_string()),
        ("wait-for-server", http.away.to_string()),
        ("weights", word(Storage::default())),
        ("pairs", word(Pairs::default())),
        ("write", word(PreferenceLayout::default())),
        ("min-margin", label.min_margin.to_string()),
        ("min-agreement", label.min_agreement.to_string()),
        ("deadline", seconds(serve.deadline)),
        ("judging-deadline", seconds(serve.judging_deadline)),
        ("keep", seconds(serve.keep)),
        ("on-partial", word(serve.on_partial)),
        ("scale", word(serve.scale)),
        ("openrlhf-key", word(serve.openrlhf_key)),
        ("max-response-bytes", serve.max_response_bytes.to_string()),
        ("max-body-bytes", serve.max_body_bytes.to_string()),
        ("max-waiting", serve.max_waiting.to_string()),
        ("max-abstained", crate::abstentions::MOST_ABSTAINED.to_string()),
        ("max-row-votes", rrm::plan::MOST_ROW_VOTES.to_string()),
        ("per-question", pairs.per_question.to_string()),
        ("ngram", pairs.ngram.to_string()),
        ("overlap", pairs.overlap.to_string()),
        ("near-duplicates", pairs.near_duplicates.unwrap().to_string()),
        ("min-chars", pairs.min_chars.to_string()),
        ("decimals", rrm::verify::VerifyOptions::default().decimals.to_string()),
        ("inequality-for-interval", rrm::verify::VerifyOptions::default().inequality_for_interval.to_string()),
    ];
    // What no settings hold: a choice of the command itself.
    let own = ["concurrency", "bind", "drain", "workers", "cases", "type", "filter-votes", "limit"];
    let mut seen = Vec::new();
    for (name, command) in commands(&Cli::command(), "") {
        for arg in command.get_arguments().filter(|arg| !arg.get_default_values().is_empty()) {
            let long = arg.get_long().unwrap();
            let said = arg.get_default_values()[0].to_string_lossy().into_owned();
            seen.push(long.to_owned());
            if own.contains(&long) || (name.as_str(), long) == ("tune", "votes") {
                continue;
            }
            let expected = defaults.iter().find(|(name, _)| *name == long);
            let rank = ("write", word(AnswerRows::default()));
            let expected = if (name.as_str(), long) == ("rank", "write") { Some(&rank) } else { expected };
            let (_, expected) = expected.unwrap_or_else(|| panic!("rrm {name} --{long}: nothing says what its default is to be"));
            assert_eq!(&said, expected, "rrm {name} --{long}");
        }
    }
    let gone = |name: &&str| !seen.iter().any(|seen| seen == name);
    let gone: Vec<&str> = defaults.iter().map(|(name, _)| *name).chain(own).filter(gone).collect();
    assert!(gone.is_empty(), "no option has these names: {gone:?}");
}

/// A default that stands in a text is no default that clap prints: those that are left have no value to print.
#[test]
fn no_help_text_writes_a_number_as_its_default() {
    let written: Vec<String> = commands(&Cli::command(), "")
        .into_iter()
        .flat_map(|(name, command)| {
            let help = |arg: &clap::Arg| Some((arg.get_long()?.to_owned(), arg.get_help()?.to_string()));
            let found = command.get_arguments().filter_map(help).filter_map(move |(long, help)| {
                let default = help.split("[default: ").nth(1)?.split([']', ';']).next()?.to_owned();
                default.parse::<f64>().is_ok().then(|| format!("rrm {name} --{long}: {default}"))
            });
            found.collect::<Vec<_>>()
        })
        .collect();
    // Best of N: two numbers, by benchmark.
    assert_eq!(written, ["rrm plan eval --largest: 16", "rrm eval --largest: 16"]);
}

#[test]
fn commands_make_sense_to_clap() {
    Cli::command().debug_assert();
}
