//! `rrm verify`: rows with a right answer and a response -> the same rows with what the verifier says.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use rrm::{
    dataset::{self, DatasetError},
    verify::{self, Outcome, VerifyOptions},
};
use serde_json::{Map, Value, json};

use crate::{
    failure::Failure,
    output::{self, Output, note},
};

/// Columns that hold the right answer, and those that hold the response, in the order in which they are looked for.
const GOLD: [&str; 6] = ["gold", "answer", "ground_truth", "solution", "target", "reference_answer"];
const RESPONSE: [&str; 6] = ["response", "pred", "prediction", "completion", "output", "model_output"];

/// What the command takes.
#[derive(clap::Args)]
pub struct Args {
    /// JSONL, JSON or Parquet, also gzipped; - for stdin.
    input: PathBuf,
    /// Column of the right answer, bare or a solution that ends with it [default: the first of gold, answer, ground_truth, solution, target, reference_answer].
    #[arg(long, value_name = "COLUMN")]
    gold: Option<String>,
    /// Column of the response [default: the first of response, pred, prediction, completion, output, model_output].
    #[arg(long, value_name = "COLUMN")]
    response: Option<String>,
    /// Decimal places to which decimals must agree.
    #[arg(long, value_name = "N", default_value_t = 6)]
    decimals: u32,
    /// Match variables in the order in which they occur, whatever their names.
    #[arg(long)]
    any_names: bool,
    /// Let an inequality answer where the right answer is an interval.
    #[arg(long)]
    inequality_for_interval: bool,
    /// Where rows go [default: stdout].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Verifies every row.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let options = VerifyOptions {
        decimals: args.decimals,
        same_names: !args.any_names,
        inequality_for_interval: args.inequality_for_interval,
        ..VerifyOptions::default()
    };
    let input = output::spooled(&args.input)?;
    let name = args.input.display().to_string();
    let mut out = Output::open(args.output.as_deref(), &[input.path()])?;
    let (mut equal, mut unequal, mut unknown) = (0u64, 0u64, 0u64);
    for row in dataset::raw(input.path(), &name)? {
        let (place, mut row) = row?;
        let gold = text(&row, args.gold.as_deref(), &GOLD, "--gold").with_context(|| format!("{name}: row {place}"))?;
        let said =
            text(&row, args.response.as_deref(), &RESPONSE, "--response").with_context(|| format!("{name}: row {place}"))?;
        let outcome = verify::verify(&gold, &said, &options);
        *match outcome {
            Outcome::Equal => &mut equal,
            Outcome::Unequal => &mut unequal,
            Outcome::Unknown(_) => &mut unknown,
        } += 1;
        let found = verify::extract(&said);
        let mut told = Map::new();
        if let Value::Object(outcome) = json!(outcome) {
            told.extend(outcome);
        }
        told.insert("answer".to_owned(), json!(found.as_ref().map(|found| &found.text)));
        told.insert("how".to_owned(), json!(found.as_ref().map(|found| found.how)));
        told.insert("gold".to_owned(), json!(verify::of_gold(&gold).map(|gold| gold.text)));
        let shown = format!("{place}: {}", Value::Object(told.clone()));
        row.insert("verified".to_owned(), Value::Object(told));
        out.row(&row, || output::print(&format!("{shown}\n")).map_err(std::io::Error::other)).context("cannot write the rows")?;
    }
    let rows = equal + unequal + unknown;
    if rows == 0 {
        return Err(Failure::user(DatasetError::Empty { file: name.into() }));
    }
    out.appear()?;
    note(&format!("{rows} rows: {equal} equal, {unequal} unequal, {unknown} cannot be told"));
    Ok(ExitCode::SUCCESS)
}

/// A column as text; numbers and truth values as they are written.
fn text(row: &Map<String, Value>, named: Option<&str>, known: &[&str], option: &str) -> anyhow::Result<String> {
    let present = || row.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let column = match named {
        Some(name) => name,
        None => known
            .iter()
            .copied()
            .find(|name| row.contains_key(*name))
            .with_context(|| format!("no column of {}; name it with {option}; present: {}", known.join(", "), present()))?,
    };
    match row.get(column) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
        Some(_) => anyhow::bail!("column {column} must be a text or a number"),
        None => anyhow::bail!("no column {column}; present: {}", present()),
    }
}
