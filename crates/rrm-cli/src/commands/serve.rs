//! `rrm serve`: a judge behind HTTP; responses of a group meet there, and every one gets its reward.

use std::{
    future::Future,
    net::SocketAddr,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use axum::serve::ListenerExt;
use rrm_server::{
    Admits, Server,
    settings::{Key, OnPartial, OpenRlhfKey, Scale, Settings},
};
use serde::Deserialize;

use crate::{
    engines,
    failure::Failure,
    options::{Options, named},
    output::note,
    session::{self, Session},
    terminal,
};

/// What this command takes.
#[derive(clap::Args)]
pub struct Args {
    /// Where to listen. An address that others reach needs --keys.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8700", help_heading = "Serving")]
    bind: SocketAddr,
    /// Members of a group whose requests name no size: what the trainer calls num_generations, rollout.n or n_samples_per_prompt.
    #[arg(long, value_name = "N", help_heading = "Serving")]
    group_size: Option<usize>,
    /// Seconds for a group to gather, from its first member.
    #[arg(long, value_name = "SECONDS", default_value_t = 120.0, help_heading = "Serving")]
    deadline: f64,
    /// Seconds for a group to be judged once it has gathered; then all its members are told, and what is in flight is given up.
    #[arg(long, value_name = "SECONDS", default_value_t = 1800.0, help_heading = "Serving")]
    judging_deadline: f64,
    /// What happens at the deadline to a group that is not complete: fail, or judge those who are there.
    #[arg(long, value_name = "HOW", default_value = "fail", value_parser = named::<OnPartial>, help_heading = "Serving")]
    on_partial: OnPartial,
    /// Seconds for which a judged group answers again to those who ask again.
    #[arg(long, value_name = "SECONDS", default_value_t = 600.0, help_heading = "Serving")]
    keep: f64,
    /// How scores become rewards: centred (mean 0), unit (0 to 1) or rank.
    #[arg(long, value_name = "HOW", default_value = "centred", value_parser = named::<Scale>, help_heading = "Serving")]
    scale: Scale,
    /// What names a group in OpenRLHF's requests: its prompt, or the label column.
    #[arg(long, value_name = "WHAT", default_value = "prompt", value_parser = named::<OpenRlhfKey>, help_heading = "Serving")]
    openrlhf_key: OpenRlhfKey,
    /// Longest response that is judged, in bytes without its thinking; longer ones are refused.
    #[arg(long, value_name = "N", default_value_t = 262_144, help_heading = "Serving")]
    max_response_bytes: usize,
    /// Largest body that is read, in bytes.
    #[arg(long, value_name = "N", default_value_t = 8_388_608, help_heading = "Serving")]
    max_body_bytes: usize,
    /// Requests that may wait at once; more get 429.
    #[arg(long, value_name = "N", default_value_t = 16_384, help_heading = "Serving")]
    max_waiting: usize,
    /// TOML file with `[[key]]` tables: `name`, `token`, and for limits of its own `max_waiting` and `per_minute`.
    #[arg(long, value_name = "FILE", help_heading = "Serving")]
    keys: Option<PathBuf>,
    /// Seconds for groups that are being judged when the server is told to end.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, help_heading = "Serving")]
    drain: f64,
    /// Threads for connections and rankings (engines in this process have their own).
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Serving")]
    pub workers: NonZeroUsize,
    #[command(flatten)]
    options: Options,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    key: Vec<Key>,
}

/// Serves until it is told to end.
pub async fn run(args: Args) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let settings = settings(&args)?;
    let drain = seconds("--drain", args.drain)?;
    let options = args.options.resolve()?;
    check(&options)?;
    let settings = Settings { rank: options.rank(), ..settings };
    // Trainers wait: that a server answers otherwise than it is remembered is said, and does not end anything.
    let options = Options { pay_again: options.same_weights.is_none(), ..options };
    let embedded = options.engine.is_empty();
    let (opened, format) = if embedded {
        engines::check_embedded(&options)?;
        engines::embedded(&options)?
    } else {
        let format = engines::format(options.format.as_deref())?;
        (engines::open(&options).await?, format)
    };
    let listener = tokio::net::TcpListener::bind(args.bind).await.with_context(|| format!("cannot listen on {}", args.bind))?;
    let address = listener.local_addr().context("cannot tell where it listens")?;
    let told = Options { pay_again: true, ..options.clone() };
    let Session { mut judge, .. } = Session::open(&told, opened, format, 0, started)?;
    judge.addresses = false;
    let price = options.price();
    let (store, spending, name) = (judge.store.clone(), judge.spending.clone(), judge.engine.info().name.clone());
    let admits: Admits =
        if embedded { Box::new(|item| rrm_tiny::domain::row(item).map_err(|why| why.to_string())) } else { Box::new(|_| Ok(())) };
    let server = Server::new(judge, settings, admits);
    note(&format!("{name} serves http://{address}; stop it with Ctrl-C or SIGTERM"));
    let served = server.clone();
    serve(listener, server, drain).await.context("serving ended")?;
    let (votes, without, unrewarded) = served.metrics.undecided();
    drop(served);
    if let Some(store) = store {
        store.close().await.context("closing the store")?;
    }
    if without + unrewarded > 0 {
        note(&format!(
            "{without} of {votes} votes gave no verdict; {unrewarded} responses have no reward, since no verdict says which place they have"
        ));
    }
    note(&terminal::spent(&spending.spent(), price));
    Ok(ExitCode::SUCCESS)
}

/// Serves until the system asks to end, and `drain` longer for what is being judged.
async fn serve(listener: tokio::net::TcpListener, server: Arc<Server>, drain: Duration) -> std::io::Result<()> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let app = rrm_server::app(server.clone());
    let ending = async move {
        session::stopped().await;
        server.groups.close();
        tell.send(()).ok();
    };
    // Small answers must not wait for more to come.
    let listener = listener.tap_io(|stream| {
        stream.set_nodelay(true).ok();
    });
    let served = axum::serve(listener, app).with_graceful_shutdown(ending);
    let late = async {
        told.await.ok();
        tokio::time::sleep(drain).await;
    };
    first(async move { served.await }, late).await
}

async fn first(served: impl Future<Output = std::io::Result<()>>, late: impl Future<Output = ()>) -> std::io::Result<()> {
    tokio::select! {
        done = served => done,
        () = late => {
            note("--drain passed while groups were being judged; what was answered is in the store");
            Ok(())
        }
    }
}

fn settings(args: &Args) -> Result<Settings, Failure> {
    let keys = args.keys.as_deref().map_or_else(|| Ok(Vec::new()), keys)?;
    if keys.is_empty() && !args.bind.ip().is_loopback() {
        let error = anyhow::anyhow!("--bind {}: others reach this address, and nobody is asked for a token", args.bind);
        return Err(Failure::user(error).with_hint("name tokens with --keys FILE, or listen on 127.0.0.1"));
    }
    let within = args.group_size.is_none_or(|n| (2..=4096).contains(&n));
    ensure(within, "--group-size must lie between 2 and 4096")?;
    ensure(args.max_waiting > 0 && args.max_body_bytes > 0 && args.max_response_bytes > 0, "limits must be at least 1")?;
    Ok(Settings {
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
        ..Settings::default()
    })
}

fn ensure(holds: bool, otherwise: &'static str) -> anyhow::Result<()> {
    anyhow::ensure!(holds, otherwise);
    Ok(())
}

fn seconds(option: &str, value: f64) -> anyhow::Result<Duration> {
    anyhow::ensure!(value > 0.0 && value <= 86_400.0, "{option} must lie above 0 and not above 86400 seconds");
    Ok(Duration::from_secs_f64(value))
}

/// The keys of a file; errors never show a token.
fn keys(path: &Path) -> anyhow::Result<Vec<Key>> {
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

/// Refuses options that mean nothing here.
fn check(options: &Options) -> anyhow::Result<()> {
    let foreign = [
        ("--output", options.output.is_some()),
        ("--stream", options.stream),
        ("--column", !options.column.is_empty()),
        ("--record", options.record.is_some()),
        ("--pay-again", options.pay_again),
    ];
    if let Some((option, _)) = foreign.iter().find(|(_, given)| *given) {
        anyhow::bail!("{option} is for commands that read rows from a file");
    }
    anyhow::ensure!(!options.skip_bad_rows, "--skip-bad-rows is for judge, rank, label and plan");
    options.check()
}
