//! `rrm show`: a result file -> a list of its rows or matches, or one row with its bracket, its votes, and what the judge wrote.

mod listed;

use std::{
    cmp::Ordering,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
};

use rrm::{
    dataset::{self, Item, ReadOptions},
    engine::Completion,
    result::{MatchRow, Row},
    store::Store,
    verdict::Abstain,
    vote::{Choice, Order},
};
use serde_json::Value;

use super::{judging::JudgingKind, results};
use crate::{
    engines,
    failure::Failure,
    lines::harmless,
    numbers::counted,
    options::{ColumnArgs, word},
    output::{self, print},
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
    let texts = texts(&args, &row)?;
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
fn texts(args: &ShowArgs, row: &Row) -> Result<Vec<String>, Failure> {
    let Some(input) = &args.input else { return Ok(Vec::new()) };
    let columns = args.columns.names()?;
    let copy = output::spooled(input)?;
    let options = ReadOptions { at_least: 1, columns, name: Some(named(input)), ..ReadOptions::default() };
    for item in dataset::read(copy.path(), &options)? {
        let item = item?;
        if item.id == row.id {
            same_row(row, &item, input)?;
            return Ok(item.responses.iter().map(|r| r.text.to_string()).collect());
        }
    }
    Err(Failure::user(anyhow::anyhow!("{}: no row has the id '{}'", named(input), row.id)))
}

/// The name of an input for messages.
fn named(input: &Path) -> String {
    if input.as_os_str() == "-" { "standard input".to_owned() } else { input.display().to_string() }
}

/// Returns whether two values of a column are the same. The last digit of a long number may differ after it was written and read again.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) if one.is_f64() || other.is_f64() => match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => (one - other).abs() <= 4.0 * f64::EPSILON * one.abs(),
            _ => one == other,
        },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len() && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| is_same(value, other)))
        }
        _ => one == other,
    }
}

/// Refuses a row of another file than the one that was judged: it has another number of responses, another better one, or other columns.
fn same_row(row: &Row, item: &Item, input: &Path) -> Result<(), Failure> {
    let Some(result) = &row.result else { return Ok(()) };
    let (found, judged) = (item.responses.len(), result.scores.len());
    let column = row.extra.iter().find(|(name, value)| item.extra.get(*name).is_some_and(|other| !is_same(other, value)));
    let better = match item.responses.as_slice() {
        [first, second] => first.label.zip(second.label).and_then(|(first, second)| match first.partial_cmp(&second)? {
            Ordering::Greater => Some(Choice::A),
            Ordering::Less => Some(Choice::B),
            Ordering::Equal => Some(Choice::Tie),
        }),
        _ => None,
    };
    let other = if found != judged {
        format!("{} here, and {judged} in the result", counted(found as u64, "response"))
    } else if let Some((name, _)) = column {
        format!("another value in the column `{name}`")
    } else if result.label.zip(better).is_some_and(|(label, better)| label != better) {
        "another label".to_owned()
    } else {
        return Ok(());
    };
    let failure =
        Failure::user(anyhow::anyhow!("{}: the row '{}' is not the one that was judged: it has {other}", named(input), row.id));
    Err(failure.with_hint("--input takes the file that was judged, with the same --column options"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_up_to_their_last_digit() {
        let same = |one: &str, other: &str| is_same(&serde_json::from_str(one).unwrap(), &serde_json::from_str(other).unwrap());
        for (one, other) in [
            ("2.3568944118590451e-07", "2.356894411859045e-7"),
            ("123456789012345678901234", "1.2345678901234568e23"),
            (r#"{"a": [0.1, {"b": -2.5}]}"#, r#"{"a": [0.10000000000000002, {"b": -2.5}]}"#),
            ("0", "0.0"),
            ("\"x\"", "\"x\""),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("1", "2"),
            ("9007199254740993", "9007199254740992"),
            ("0.1", "0.1001"),
            ("[1]", "[1, 1]"),
            (r#"{"a": 1}"#, r#"{"b": 1}"#),
            ("1", "\"1\""),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }
}
