//! `rrm store`: shows what a store contains, drops completions, and merges stores.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::Subcommand;
use rrm::store::{self, Garbage, Identities, Identity};

use crate::{engines, failure::Failure, output::print};

/// What the command takes.
#[derive(clap::Args)]
pub struct StoreCommandArgs {
    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Subcommand)]
enum StoreCommand {
    /// Completions, tokens and bytes, by the weights that wrote them.
    Stats {
        /// The store [default: the user's].
        store: Option<PathBuf>,
    },
    /// Drop completions by what wrote them or by age, and give the space back.
    Gc {
        /// The store [default: the user's].
        store: Option<PathBuf>,
        #[command(flatten)]
        what: DropFilter,
    },
    /// Copy what other stores hold into one; what is there already stays.
    Merge {
        /// The store that receives; created if absent.
        into: PathBuf,
        /// The stores to copy from.
        #[arg(required = true)]
        from: Vec<PathBuf>,
    },
}

/// What to drop; exactly one of these.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct DropFilter {
    /// Everything of the weights with this fingerprint.
    #[arg(long, value_name = "HASH")]
    fingerprint: Option<String>,
    /// Everything of engines with this name, as `stats` prints it.
    #[arg(long, value_name = "NAME")]
    engine: Option<String>,
    /// Everything older than this many days.
    #[arg(long, value_name = "N")]
    older_than_days: Option<u64>,
}

/// Runs one of the subcommands.
pub fn run(args: StoreCommandArgs) -> Result<ExitCode, Failure> {
    match args.command {
        StoreCommand::Stats { store } => print(&stats(&named(store)?)?)?,
        StoreCommand::Gc { store, what } => {
            let report = store::gc(named(store)?, &garbage(what)?)?;
            let (dropped, kept) = (report.dropped, report.kept);
            print(&format!(
                "dropped {dropped} completions, kept {kept}\n{} -> {} bytes\n",
                report.bytes_before, report.bytes_after
            ))?;
        }
        StoreCommand::Merge { into, from } => {
            let report = store::merge(into, &from)?;
            let mut out = format!("added {} completions, {} were there already\n", report.added, report.present);
            if report.conflicts > 0 {
                out += &format!("{} of these differ from what was there, which was kept\n", report.conflicts);
            }
            print(&out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn stats(path: &Path) -> Result<String, Failure> {
    let stats = store::stats(path)?;
    let mut out = format!(
        "{}: {} completions, {} prompt and {} written tokens, {} bytes\n",
        path.display(),
        stats.completions,
        stats.prompt_tokens,
        stats.completion_tokens,
        stats.bytes
    );
    for engine in stats.engines {
        out += &format!(
            "  {}\n    fingerprint {}\n    {} completions, {} written tokens\n",
            engine.engine, engine.fingerprint, engine.completions, engine.completion_tokens
        );
    }
    let identities = Identities::at(path).all()?;
    if !identities.is_empty() {
        out += "who is remembered\n";
    }
    for Identity { model, fingerprint, known, .. } in identities {
        let rests = match (&known.revision, known.answers.len()) {
            (Some(revision), _) => format!("declared, revision {revision}"),
            (None, 0) => "its name, and what its server states".to_owned(),
            (None, 1) => "one greedy answer".to_owned(),
            (None, several) => format!("{several} greedy answers"),
        };
        out += &format!("  {model}: {rests}\n    fingerprint {fingerprint}\n");
        for other in known.also {
            out += &format!("    and what is stored under {other}\n");
        }
    }
    Ok(out)
}

fn named(store: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    store.map_or_else(engines::default_store, Ok)
}

fn garbage(what: DropFilter) -> anyhow::Result<Garbage> {
    if let Some(fingerprint) = what.fingerprint {
        return Ok(Garbage::Fingerprint(fingerprint));
    }
    if let Some(engine) = what.engine {
        return Ok(Garbage::Engine(engine));
    }
    let age = Duration::from_secs(what.older_than_days.unwrap_or_default().saturating_mul(24 * 60 * 60));
    let since = SystemTime::now().checked_sub(age).unwrap_or(UNIX_EPOCH);
    Ok(Garbage::CreatedBefore(since.duration_since(UNIX_EPOCH)?.as_secs()))
}
