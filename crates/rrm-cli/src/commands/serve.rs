//! `rrm serve`: a judge behind HTTP; responses of a group meet there, and every one gets its reward.

mod listening;

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use rrm::{plan, run::Task};
use rrm_server::{
    AppState, RowCheck,
    settings::{ApiKey, OnPartial, OpenRlhfKey, Scale, ServerSettings},
};
use serde::Deserialize;

use crate::{
    engines,
    failure::{Failure, ensure},
    options::{CommandCall, JudgeArgs, RatingArgs, RowVoteArgs, RunArgs, TeamArgs, WeightArgs, default_word, named},
    output::note,
    row_votes,
    run::{Run, Session},
    stats,
};

/// What this command takes.
#[derive(clap::Args)]
pub struct ServeArgs {
    /// Address to listen on: HOST:PORT, a name such as localhost, or a port of this machine. An address that others reach needs --keys.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8700", value_parser = place, help_heading = "Serving")]
    bind: SocketAddr,
    /// Members of a group whose requests name no size: what the trainer calls num_generations, rollout.n or n_samples_per_prompt.
    #[arg(long, value_name = "N", help_heading = "Serving")]
    group_size: Option<usize>,
    /// Seconds for a group to gather, from its first member.
    #[arg(long, value_name = "SECONDS", default_value_t = ServerSettings::default().deadline.as_secs_f64(), help_heading = "Serving")]
    deadline: f64,
    /// Seconds for judging a group once it has gathered. After that all members get an error, and open requests are cancelled.
    #[arg(long, value_name = "SECONDS", default_value_t = ServerSettings::default().judging_deadline.as_secs_f64(), help_heading = "Serving")]
    judging_deadline: f64,
    /// What happens at the deadline to a group that is not complete: fail, or judge those who are there.
    #[arg(long, value_name = "HOW", default_value = default_word(ServerSettings::default().on_partial), value_parser = named::<OnPartial>, help_heading = "Serving")]
    on_partial: OnPartial,
    /// Seconds for which a judged group answers again to those who ask again.
    #[arg(long, value_name = "SECONDS", default_value_t = ServerSettings::default().keep.as_secs_f64(), help_heading = "Serving")]
    keep: f64,
    /// How scores become rewards: centred (mean 0), unit (0 to 1) or rank.
    #[arg(long, value_name = "HOW", default_value = default_word(ServerSettings::default().scale), value_parser = named::<Scale>, help_heading = "Serving")]
    scale: Scale,
    /// What names a group in OpenRLHF's requests: its prompt, or the label column.
    #[arg(long, value_name = "WHAT", default_value = default_word(ServerSettings::default().openrlhf_key), value_parser = named::<OpenRlhfKey>, help_heading = "Serving")]
    openrlhf_key: OpenRlhfKey,
    /// Longest response that is judged, in bytes without its thinking; longer ones are refused.
    #[arg(long, value_name = "N", default_value_t = ServerSettings::default().max_response_bytes, help_heading = "Serving")]
    max_response_bytes: usize,
    /// Largest body that is read, in bytes.
    #[arg(long, value_name = "N", default_value_t = ServerSettings::default().max_body_bytes, help_heading = "Serving")]
    max_body_bytes: usize,
    /// Requests that may wait at once; more get 429.
    #[arg(long, value_name = "N", default_value_t = ServerSettings::default().max_waiting, help_heading = "Serving")]
    max_waiting: usize,
    /// Connections at once [default: a seventh more than --max-waiting, as far as the system allows]. For one more, the one that was idle for
    /// longest is closed; an eighth is kept from requests that wait.
    #[arg(long, value_name = "N", help_heading = "Serving")]
    max_connections: Option<NonZeroUsize>,
    /// TOML file with `[[key]]` tables: `name`, `token`, and for limits of its own `max_waiting` and `per_minute`.
    #[arg(long, value_name = "FILE", help_heading = "Serving")]
    keys: Option<PathBuf>,
    /// Seconds for groups that are being judged when the server is told to end.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, help_heading = "Serving")]
    drain: f64,
    /// Threads for rankings (connections have one of their own, and engines in this process theirs).
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Serving")]
    pub workers: NonZeroUsize,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    rating: RatingArgs,
    #[command(flatten)]
    teams: TeamArgs,
    #[command(flatten)]
    row_votes: RowVoteArgs,
    #[command(flatten)]
    weights: WeightArgs,
}

/// How long answers are waited for that were asked for before an error ended a ranking.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// The port where none is named.
const PORT: u16 = 8700;

/// Reads an address or a name with a port, or a port of this machine. If a name has several addresses, one of IPv4 is taken.
fn place(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    // An address of IPv6 without a port has colons of its own.
    if let Ok(address) = text.trim_matches(['[', ']']).parse::<Ipv6Addr>() {
        return Ok((address, PORT).into());
    }
    let (host, port) = text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    if let Some(port) = port.filter(|port| port.parse::<u16>().is_err() && !host.is_empty()) {
        return Err(format!("`{port}` is no port (0 to 65535): expected HOST:PORT, such as 127.0.0.1:8700 or [::1]:8700"));
    }
    // The system reads such a host as an address of 32 bits: `80` and `0x50` are 0.0.0.80.
    let is_number = |part: &str| {
        let digits = part.strip_prefix("0x").or(part.strip_prefix("0X"));
        let of = |text: &str, is: fn(&u8) -> bool| !text.is_empty() && text.bytes().all(|byte| is(&byte));
        digits.map_or_else(|| of(part, u8::is_ascii_digit), |digits| of(digits, u8::is_ascii_hexdigit))
    };
    if !host.is_empty() && host.split('.').all(is_number) && host.parse::<Ipv4Addr>().is_err() {
        return Err(format!("`{host}` is no host: expected HOST:PORT, such as 127.0.0.1:8700, or a port from 0 to 65535"));
    }
    if let Some(port) = text.strip_prefix(':') {
        return Err(format!(
            "expected HOST:PORT: 127.0.0.1:{port} is for this machine only, 0.0.0.0:{port} for all that reach it"
        ));
    }
    let found = text.to_socket_addrs().or_else(|_| (text, PORT).to_socket_addrs());
    let all: Vec<SocketAddr> = found.map_err(|_| "expected HOST:PORT, such as 127.0.0.1:8700".to_owned())?.collect();
    let first = all.iter().find(|address| address.is_ipv4()).or(all.first());
    first.copied().ok_or_else(|| "this name has no address".to_owned())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    key: Vec<ApiKey>,
}

/// Serves until it is told to end.
pub async fn run(args: ServeArgs, called: &CommandCall) -> Result<ExitCode, Failure> {
    let settings = settings(&args)?;
    let drain = seconds("--drain", args.drain)?;
    let ServeArgs { judge: options, rating, teams, row_votes, weights, bind, max_connections, max_waiting, .. } = args;
    rating.check()?;
    options.check(called)?;
    let votes = options.votes.votes;
    row_votes.check(votes)?;
    let room = listening::room(max_connections, max_waiting, options.ask.limits.concurrency)?;
    let max_row_votes = row_votes.max_row_votes;
    let settings = ServerSettings { rank: rating.settings(teams), max_row_votes, max_connections: room.connections, ..settings };
    check_group(&settings, votes)?;
    // Trainers wait: that a server answers otherwise than it is remembered is said, and does not end anything.
    let how = RunArgs { pay_again: weights.same_weights.is_none(), weights, ..RunArgs::default() };
    let (ask, embedded) = (&options.ask, options.ask.engine.is_embedded());
    let told = RunArgs { pay_again: true, ..RunArgs::default() };
    let mut work = Run::begin(ask, &told)?;
    work.serves = true;
    // Whether it may listen there is known before anybody is asked.
    let cannot = || format!("cannot listen on {bind}");
    std::net::TcpListener::bind(bind).map(drop).with_context(cannot)?;
    work.keep(ask)?;
    let (opened, format) = if embedded {
        engines::check_embedded(ask)?;
        engines::embedded(ask)?
    } else {
        let format = engines::format(ask.engine.format.as_deref())?;
        (engines::open(ask, &how, &work.spending, options.thinking.max_thinking_tokens.is_some()).await?, format)
    };
    let listener = tokio::net::TcpListener::bind(bind).await.with_context(cannot)?;
    let address = listener.local_addr().context("cannot tell where it listens")?;
    let Session { mut judge, .. } = work.session(ask, opened, format, options.settings())?;
    judge.addresses = false;
    // Whoever waits hears of an error soon, and at once where no answer would be kept.
    judge.patience = if judge.store.is_some() { LAST_ANSWERS } else { Duration::ZERO };
    let name = judge.engine.info().name.clone();
    let admits: RowCheck =
        if embedded { Box::new(|item| rrm_tiny::domain::row(item).map_err(|why| why.to_string())) } else { Box::new(|_| Ok(())) };
    let server = AppState::new(judge, settings, admits);
    note(&format!("{name} serves http://{address}; stop it with Ctrl-C or SIGTERM"));
    if let Some(limit) = room.note {
        note(&format!("{limit}; {} requests may wait at once", server.settings.most_waiting()));
    }
    let served = server.clone();
    listening::serve(listener, server, drain).await.context("serving ended")?;
    let (votes, without, unrewarded) = served.metrics.undecided();
    drop(served);
    work.close().await?;
    if without + unrewarded > 0 {
        note(&format!(
            "{without} of {votes} votes gave no verdict; {unrewarded} responses have no reward, since no verdict says which place they have"
        ));
    }
    note(&stats::spent(&work.spending.spent(), ask.price.price()));
    work.told();
    Ok(ExitCode::SUCCESS)
}

fn settings(args: &ServeArgs) -> Result<ServerSettings, Failure> {
    let keys = args.keys.as_deref().map_or_else(|| Ok(Vec::new()), keys)?;
    if keys.is_empty() && !args.bind.ip().is_loopback() {
        let error = format!("--bind {}: others reach this address, and nobody is asked for a token", args.bind);
        return Err(Failure::usage(error).with_hint("name tokens with --keys FILE, or listen on 127.0.0.1"));
    }
    let within = args.group_size.is_none_or(|n| (2..=4096).contains(&n));
    ensure!(within, "--group-size must lie between 2 and 4096");
    ensure!(args.max_waiting > 0 && args.max_body_bytes > 0 && args.max_response_bytes > 0, "limits must be at least 1");
    Ok(ServerSettings {
        group_size: args.group_size,
        deadline: seconds("--deadline", args.deadline)?,
        judging_deadline: seconds("--judging-deadline", args.judging_deadline)?,
        on_partial: args.on_partial,
        keep: seconds("--keep", args.keep)?,
        scale: args.scale,
        openrlhf_key: args.openrlhf_key,
        max_response_bytes: args.max_response_bytes,
        max_body_bytes: args.max_body_bytes,
        max_waiting: args.max_waiting,
        keys,
        ..ServerSettings::default()
    })
}

/// Refuses groups that would always be refused.
fn check_group(settings: &ServerSettings, votes: u32) -> Result<(), Failure> {
    let Some(size) = settings.group_size else { return Ok(()) };
    let checked = plan::check_votes_of(size, &Task::Rank(settings.rank), votes, settings.max_row_votes);
    checked.map_err(|refused| {
        let hint = row_votes::hint(&refused);
        Failure::usage(format!("--group-size {size}: {refused} (--max-row-votes)")).with_hint(hint)
    })
}

fn seconds(option: &str, value: f64) -> anyhow::Result<Duration> {
    ensure!(value > 0.0 && value <= 86_400.0, "{option} must lie above 0 and not above 86400 seconds");
    Ok(Duration::from_secs_f64(value))
}

/// The keys of a file; errors never show a token.
fn keys(path: &Path) -> anyhow::Result<Vec<ApiKey>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file: KeyFile = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(0, |span| text[..span.start].lines().count());
        anyhow::anyhow!("{} line {line}: {}", path.display(), error.message())
    })?;
    for (i, key) in file.key.iter().enumerate() {
        anyhow::ensure!(
            key.token.len() >= 8,
            "{}: the token of key {} ({}) has fewer than 8 characters",
            path.display(),
            i + 1,
            key.name
        );
        let twice = file.key[..i].iter().any(|other| other.token == key.token || other.name == key.name);
        anyhow::ensure!(!twice, "{}: key {} ({}) has a name or a token that was used before", path.display(), i + 1, key.name);
        anyhow::ensure!(
            key.max_waiting != Some(0),
            "{}: key {} ({}): max_waiting must be at least 1",
            path.display(),
            i + 1,
            key.name
        );
    }
    Ok(file.key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_places_to_listen() {
        for (text, at) in [
            ("localhost", "127.0.0.1:8700"),
            ("localhost:9", "127.0.0.1:9"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:5", "[::1]:5"),
            ("8701", "127.0.0.1:8701"),
        ] {
            assert_eq!(place(text), Ok(at.parse().unwrap()), "{text}");
        }
        for text in ["127.0.0.1:x", ":8701", "70000:1"] {
            assert!(place(text).unwrap_err().contains("HOST:PORT"), "{text}");
        }
    }
}
