//! `rrm show`: a result file -> a list of its rows or matches, or one row with its bracket, its votes, and what the judge wrote.

mod listed;

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
};

use rrm::{
    dataset::{self, ReadOptions},
    engine::Completion,
    result::{MatchRow, Row},
    store::Store,
    verdict::Abstain,
    vote::Order,
};

use super::{judging::JudgingKind, results};
use crate::{
    engines,
    failure::Failure,
    lines::harmless,
    options::{ColumnArgs, word},
    output::print,
    terminal,
};

/// Arguments of `rrm show`.
#[derive(clap::Args)]
pub struct ShowArgs {
    /// A result file of `rrm judge` or `rrm rank`.
    pub result: PathBuf,
    /// The id of the row to show. Without it, all rows are listed, a line each.
    pub id: Option<String>,
    /// List only rows whose id, columns, prompt or responses hold this text; prompt and responses are read from --input.
    #[arg(long, value_name = "TEXT", conflicts_with = "id")]
    pub search: Option<String>,
    /// List the N matches with the closest votes.
    #[arg(long, value_name = "N", conflicts_with_all = ["id", "worst"])]
    pub closest: Option<NonZeroUsize>,
    /// List the N matches with the most votes without a verdict.
    #[arg(long, value_name = "N", conflicts_with = "id")]
    pub worst: Option<NonZeroUsize>,
    /// The file that was judged, to show the responses.
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// The store that holds the transcripts [default: the user's].
    #[arg(long, value_name = "FILE", requires = "id")]
    pub store: Option<PathBuf>,
    /// Show only the result, not what the judge wrote.
    #[arg(long, requires = "id")]
    pub brief: bool,
}

/// Prints one row, or lists rows or matches.
pub async fn run(args: ShowArgs) -> Result<ExitCode, Failure> {
    let Some(id) = &args.id else {
        let listed = listed::list(&args)?;
        print(&harmless(&listed))?;
        return Ok(ExitCode::SUCCESS);
    };
    let row = find(&args.result, id)?;
    let texts = texts(&args, id)?;
    let kind = if row.result.as_ref().is_some_and(|r| r.verdict.is_some()) { JudgingKind::Judge } else { JudgingKind::Rank };
    let mut out = terminal::view(&row, kind, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    if args.input.is_none() {
        out += "  (--input FILE, the file that was judged, shows the responses)\n";
    }
    if let (false, Some(result)) = (args.brief, &row.result) {
        let store = args.store.clone().map_or_else(engines::default_store, Ok)?;
        let store = if store.exists() { Some(Store::open(&store)?) } else { None };
        for played in &result.matches {
            out += &transcripts(played, store.as_ref())?;
        }
    }
    print(&harmless(&out))?;
    Ok(ExitCode::SUCCESS)
}

fn find(result: &Path, id: &str) -> Result<Row, Failure> {
    let mut rows = 0;
    for row in results::rows(result)? {
        let row = row?;
        rows += 1;
        if row.id == id {
            return Ok(row);
        }
    }
    let failure = Failure::user(anyhow::anyhow!("{}: none of its {rows} rows has the id '{id}'", result.display()));
    Err(failure.with_hint(format!("`rrm show {}` lists the ids", result.display())))
}

/// The responses of the row, where the input is given.
fn texts(args: &ShowArgs, id: &str) -> Result<Vec<String>, Failure> {
    let Some(input) = &args.input else { return Ok(Vec::new()) };
    let columns = args.columns.names()?;
    for item in dataset::read(input, &ReadOptions { at_least: 1, columns, ..ReadOptions::default() })? {
        let item = item?;
        if item.id == id {
            return Ok(item.responses.iter().map(|r| r.text.to_string()).collect());
        }
    }
    Err(Failure::user(anyhow::anyhow!("{}: no row has the id '{id}'", input.display())))
}

fn transcripts(played: &MatchRow, store: Option<&Store>) -> Result<String, Failure> {
    // As its line has it: what is called first was shown first.
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
