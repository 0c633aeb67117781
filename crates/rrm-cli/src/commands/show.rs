//! `rrm show`: one row of a result file -> its bracket, its votes, and the judge's transcripts.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context;
use rrm::{
    dataset::{self, ReadOptions},
    engine::Completion,
    result::{MatchRow, Row},
    store::Store,
    verdict::Abstain,
    vote::Order,
};

use super::judging::JudgingKind;
use crate::{
    engines,
    failure::Failure,
    lines::harmless,
    options::{ColumnArgs, word},
    terminal,
};

/// What the command takes.
#[derive(clap::Args)]
pub struct ShowArgs {
    /// A result file of `rrm judge` or `rrm rank`.
    pub result: PathBuf,
    /// The row's id.
    pub id: String,
    /// The file that was judged, to show the responses beside their places.
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// The store that holds the transcripts [default: the user's].
    #[arg(long, value_name = "FILE")]
    pub store: Option<PathBuf>,
    /// Show only the result, not what the judge wrote.
    #[arg(long)]
    pub brief: bool,
}

/// Runs `rrm show`.
pub async fn run(args: ShowArgs) -> Result<ExitCode, Failure> {
    let row = find(&args)?;
    let texts = texts(&args)?;
    let kind = if row.result.as_ref().is_some_and(|r| r.verdict.is_some()) { JudgingKind::Judge } else { JudgingKind::Rank };
    let mut out = terminal::view(&row, kind, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    if let (false, Some(result)) = (args.brief, &row.result) {
        let store = args.store.clone().map_or_else(engines::default_store, Ok)?;
        let store = if store.exists() { Some(Store::open(&store)?) } else { None };
        for played in &result.matches {
            out += &transcripts(played, store.as_ref())?;
        }
    }
    std::io::stdout().lock().write_all(harmless(&out).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn find(args: &ShowArgs) -> Result<Row, Failure> {
    let name = args.result.display();
    let file = File::open(&args.result).with_context(|| format!("cannot read {name}"))?;
    let mut rows = 0;
    for line in BufReader::new(file).lines() {
        rows += 1;
        let line = line.with_context(|| format!("{name} row {rows}"))?;
        let row: Row = serde_json::from_str(&line).with_context(|| format!("{name} row {rows} is no result of rrm"))?;
        if row.rrm > rrm::result::VERSION {
            return Err(Failure::user(anyhow::anyhow!(
                "{name} row {rows} has layout version {}, newer than {}",
                row.rrm,
                rrm::result::VERSION
            )));
        }
        if row.id == args.id {
            return Ok(row);
        }
    }
    Err(Failure::user(anyhow::anyhow!("{name}: none of its {rows} rows has the id '{}'", args.id)))
}

/// Returns the responses of the row; empty without the input.
fn texts(args: &ShowArgs) -> Result<Vec<String>, Failure> {
    let Some(input) = &args.input else { return Ok(Vec::new()) };
    let columns = args.columns.names()?;
    for item in dataset::read(input, &ReadOptions { at_least: 1, columns, ..ReadOptions::default() })? {
        let item = item?;
        if item.id == args.id {
            return Ok(item.responses.iter().map(|r| r.text.to_string()).collect());
        }
    }
    Err(Failure::user(anyhow::anyhow!("{}: no row has the id '{}'", input.display(), args.id)))
}

fn transcripts(played: &MatchRow, store: Option<&Store>) -> Result<String, Failure> {
    // As in the file, `first` is the response that was shown first.
    let (first, second) = played.shown();
    let played = &played.clone().about(first);
    let mut out = format!("\nround {}: [{}] first, [{}] second: {}\n", played.round + 1, first, second, terminal::votes(played));
    for (i, vote) in played.votes.iter().enumerate() {
        let said = match (vote.choice, vote.abstain) {
            (Some(choice), _) => word(choice),
            (_, Some(Abstain::NoVerdict)) => "abstained: no verdict".to_owned(),
            (_, Some(Abstain::Truncated)) => "abstained: cut by the token limit".to_owned(),
            (_, Some(Abstain::Ambiguous)) => "abstained: ambiguous".to_owned(),
            _ => "unknown".to_owned(),
        };
        let how = if vote.elicited { ", verdict elicited" } else { "" };
        let order = match vote.order {
            Order::Given => "as shown",
            Order::Swapped => "swapped",
        };
        out += &format!("--- vote {i}, {order}, {} tokens{how}: {said}\n", vote.completion_tokens);
        let stored = match (store, vote.completion.as_deref().map(str::parse)) {
            (Some(store), Some(Ok(key))) => store.get(key)?,
            _ => None,
        };
        match stored {
            Some(Completion { text, reasoning, .. }) => {
                out += &format!("{}{text}\n", reasoning.map(|r| r + "\n").unwrap_or_default())
            }
            None => out += "(the transcript is not in the store)\n",
        }
    }
    Ok(out)
}
