//! `rrm verify`: rows with a right answer and a response -> the same rows with the verifier's outcome.

mod columns;
mod values;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use anyhow::{Context, anyhow};
use rrm::{
    dataset::{self, DatasetError, RowProblem},
    verify::{self, Outcome, VerifyOptions},
};
use serde_json::{Map, Value, json};

use self::columns::{Column, ColumnProblem};
use crate::{
    failure::Failure,
    output::{self, Output, note},
};

/// The name of the added column.
const VERIFIED: &str = "verified";

/// What the command takes.
#[derive(clap::Args)]
pub struct VerifyArgs {
    /// JSONL, JSON, CSV, TSV or Parquet, also gzipped; - for stdin.
    input: PathBuf,
    /// Column of the right answer: bare, a solution that ends with it, or a list of which any will do; a dot looks into an object
    /// [default: the only one of gold, answer, ground_truth, solution, target, reference_answer, reward_model.ground_truth].
    #[arg(long, value_name = "COLUMN")]
    gold: Option<String>,
    /// Column of the response: a text, or messages, whose last turn of the assistant counts; a dot looks into an object
    /// [default: the only one of response, pred, prediction, completion, output, model_output].
    #[arg(long, value_name = "COLUMN")]
    response: Option<String>,
    /// Decimal places to which decimals must agree.
    #[arg(long, value_name = "N", default_value_t = VerifyOptions::default().decimals)]
    decimals: u32,
    /// Match variables in the order in which they occur, whatever their names.
    #[arg(long)]
    any_names: bool,
    /// Let an inequality answer where the right answer is an interval.
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        default_value_t = VerifyOptions::default().inequality_for_interval,
        action = clap::ArgAction::Set
    )]
    inequality_for_interval: bool,
    /// Where rows go [default: stdout].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs `rrm verify`.
pub fn run(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let options = VerifyOptions {
        decimals: args.decimals,
        same_names: !args.any_names,
        inequality_for_interval: args.inequality_for_interval,
        ..VerifyOptions::default()
    };
    let input = output::spooled(&args.input)?;
    let name = args.input.display().to_string();
    let mut out = Output::open(args.output.as_deref(), &[input.path().to_owned()])?;
    let mut counts = VerifyCounts::default();
    let mut columns = None;
    for row in dataset::raw(input.path(), &name)? {
        let (place, mut row) = row.map_err(broken)?;
        let refused = |problem: ColumnProblem| refused(&name, place, problem);
        let columns = match &mut columns {
            Some(columns) => columns,
            none => none.insert(choose(&row, args).map_err(refused)?),
        };
        let (golds, said) = read(&row, columns).map_err(refused)?;
        let told = tell(golds, &said, &options);
        counts.add(&told);
        let shown = format!("{place}: {}", Value::Object(told.clone()));
        row.insert(VERIFIED.to_owned(), Value::Object(told));
        out.row(&row, || output::print(&format!("{shown}\n")).map_err(std::io::Error::other)).context("cannot write the rows")?;
    }
    if counts.rows == 0 {
        return Err(Failure::user(DatasetError::Empty { file: name.into() }));
    }
    out.appear()?;
    note(&counts.text());
    Ok(ExitCode::SUCCESS)
}

/// Chooses the columns of a file by its first row, and prints them.
fn choose(row: &Map<String, Value>, args: &VerifyArgs) -> Result<(Column, Column), ColumnProblem> {
    let (gold, response) = columns::choose(row, args.gold.as_deref(), args.response.as_deref())?;
    // Columns that are absent are an error, so they are not printed.
    gold.value(row).and(response.value(row))?;
    note(&format!("right answer from {}, response from {}", gold.path, response.path));
    Ok((gold, response))
}

/// Returns the right answers and the response of a row. Refuses a row that has been verified already.
fn read(row: &Map<String, Value>, (gold, response): &(Column, Column)) -> Result<(Vec<String>, String), ColumnProblem> {
    if row.contains_key(VERIFIED) {
        return Err(ColumnProblem {
            what: format!("there is a column `{VERIFIED}` already, which would be lost"),
            hint: "drop or rename it, or verify the rows that it was made of".to_owned(),
        });
    }
    let wrong = |problem: RowProblem| ColumnProblem {
        what: problem.to_string(),
        hint: "mend the row, or name another column with --gold or --response".to_owned(),
    };
    let golds = values::golds(gold.value(row)?, &gold.path).map_err(wrong)?;
    Ok((golds, values::response(response.value(row)?, &response.path).map_err(wrong)?))
}

/// Makes the failure of a row that cannot be read.
fn broken(error: DatasetError) -> Failure {
    match error {
        DatasetError::Row { .. } => Failure::user(error).with_hint("mend the row and run again; docs/verify.md shows one"),
        other => Failure::user(other),
    }
}

fn refused(file: &str, row: usize, ColumnProblem { what, hint }: ColumnProblem) -> Failure {
    Failure::user(anyhow!("{file} row {row}: {what}")).with_hint(hint)
}

/// Verifies a row: equal if the response equals one right answer, unequal if it equals none of them.
fn tell(golds: Vec<String>, said: &str, options: &VerifyOptions) -> Map<String, Value> {
    let mut met: Option<(Outcome, Value)> = None;
    let (mut stated, mut unequal) = (0, 0);
    for gold in golds {
        let Some(answer) = verify::of_gold(&gold) else { continue };
        stated += 1;
        let outcome = verify::verify(&gold, said, options);
        let equal = outcome == Outcome::Equal;
        unequal += usize::from(outcome == Outcome::Unequal);
        // The first unknown outcome gives the reason; an equal one settles the row.
        if equal || met.as_ref().is_none_or(|(met, _)| *met == Outcome::Unequal && outcome != Outcome::Unequal) {
            met = Some((outcome, answer.text.into()));
        }
        if equal {
            break;
        }
    }
    let (outcome, gold) = match met {
        // If the response equals none of several right answers, none is named.
        Some((outcome, _)) if stated > 1 && unequal == stated => (json!(outcome), Value::Null),
        Some((outcome, gold)) => (json!(outcome), gold),
        None => (json!({"outcome": "unknown", "why": "no_gold"}), Value::Null),
    };
    let mut told = Map::new();
    if let Value::Object(outcome) = outcome {
        told.extend(outcome);
    }
    let found = verify::extract(said);
    told.insert("answer".to_owned(), json!(found.as_ref().map(|found| &found.text)));
    told.insert("how".to_owned(), json!(found.as_ref().map(|found| found.how)));
    told.insert("gold".to_owned(), gold);
    told
}

/// Counts of the results of all rows.
#[derive(Default)]
struct VerifyCounts {
    rows: u64,
    equal: u64,
    unequal: u64,
    /// Counts of unknown outcomes by reason.
    unknown: BTreeMap<String, u64>,
}

impl VerifyCounts {
    fn add(&mut self, told: &Map<String, Value>) {
        let text = |key: &str| told.get(key).and_then(Value::as_str).unwrap_or_default();
        self.rows += 1;
        *match text("outcome") {
            "equal" => &mut self.equal,
            "unequal" => &mut self.unequal,
            _ => self.unknown.entry(text("why").to_owned()).or_default(),
        } += 1;
    }

    fn text(&self) -> String {
        let VerifyCounts { rows, equal, unequal, unknown } = self;
        let whys: Vec<String> = unknown.iter().map(|(why, count)| format!("{count} {why}")).collect();
        let whys = if whys.is_empty() { String::new() } else { format!(" ({})", whys.join(", ")) };
        let noun = if *rows == 1 { "row" } else { "rows" };
        format!("{rows} {noun}: {equal} equal, {unequal} unequal, {} cannot be told{whys}", unknown.values().sum::<u64>())
    }
}
