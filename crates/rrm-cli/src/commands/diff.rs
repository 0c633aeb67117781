//! `rrm diff`: two results of the same rows -> how far they agree, and where they do not.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    process::ExitCode,
};

use rrm::result::{ResultAgreement, RowAgreement, RowResult};

use super::results;
use crate::{
    failure::Failure,
    lines::{harmless, one_line},
    output::print,
};

/// Arguments of `rrm diff`.
#[derive(clap::Args)]
pub struct DiffArgs {
    /// A result file of `rrm judge` or `rrm rank`.
    pub a: PathBuf,
    /// Another result of the same rows.
    pub b: PathBuf,
    /// Rows that are listed of those whose best responses differ.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
}

/// A row whose best differs.
struct DifferentRow {
    id: String,
    agreement: RowAgreement,
}

/// Prints how far two results agree.
pub fn run(args: &DiffArgs) -> Result<ExitCode, Failure> {
    let (mut first, mut without, mut rows) = (HashMap::<String, RowResult>::new(), 0, (0_u64, 0_u64));
    for row in results::rows(&args.a)? {
        let row = row?;
        rows.0 += 1;
        match row.result {
            Some(result) => {
                // Matches are not compared, and they are most of a row.
                if first.insert(row.id.clone(), RowResult { matches: Vec::new(), ..result }).is_some() {
                    return Err(doubled("A", &row.id));
                }
            }
            None => without += 1,
        }
    }
    let (mut agreement, mut both, mut unasked, mut different) = (ResultAgreement::default(), 0_u64, 0_u64, Vec::new());
    let mut seen = HashSet::new();
    for row in results::rows(&args.b)? {
        let row = row?;
        rows.1 += 1;
        let Some(result) = row.result else {
            without += 1;
            continue;
        };
        if !seen.insert(row.id.clone()) {
            return Err(doubled("B", &row.id));
        }
        let Some(other) = first.get(&row.id) else { continue };
        both += 1;
        if other.usage.votes == 0 || result.usage.votes == 0 {
            unasked += 1;
            continue;
        }
        let compared = RowAgreement::of(other, &result).ok_or_else(|| {
            let (in_a, in_b) = (other.scores.len(), result.scores.len());
            Failure::user(anyhow::anyhow!(
                "row '{}' has {in_a} responses in A and {in_b} in B: these are not the same rows",
                row.id
            ))
        })?;
        agreement.add(&compared);
        if compared.same_best() == Some(false) {
            different.push(DifferentRow { id: row.id, agreement: compared });
        }
    }
    if both == 0 {
        let failure = Failure::user(anyhow::anyhow!("no row has a result in both files"));
        return Err(failure.with_hint("rows are the same if their ids are; results of different inputs cannot be compared"));
    }
    let mut out = format!("A  {}: {} rows\nB  {}: {} rows\n", args.a.display(), rows.0, args.b.display(), rows.1);
    out += &format!("{both} rows have a result in both\n");
    if without > 0 {
        out += &format!("{without} rows of the two files have an error in place of a result\n");
    }
    if unasked > 0 {
        out += &format!("{unasked} of them are not compared: their responses are equal, and nobody was asked about them\n");
    }
    out += &summary(&agreement);
    if !different.is_empty() {
        out += "\nrows with different best responses:\n";
        different.iter().take(args.limit).for_each(|row| out += &line(row));
        if different.len() > args.limit {
            out += &format!("  ... and {} more (--limit)\n", different.len() - args.limit);
        }
    }
    print(&harmless(&out))?;
    Ok(ExitCode::SUCCESS)
}

fn doubled(file: &str, id: &str) -> Failure {
    Failure::user(anyhow::anyhow!("the id '{}' is in {file} more than once, so its rows cannot be told apart", one_line(id)))
}

fn summary(agreement: &ResultAgreement) -> String {
    let percent = |share: f64| format!("{:.1}", share * 100.0);
    let mut out = match agreement.share() {
        Some(share) => format!(
            "same best response in {} of {} rows: {}% [{}, {}]\n",
            agreement.same,
            agreement.compared,
            percent(share.value),
            percent(share.low.unwrap_or(0.0)),
            percent(share.high.unwrap_or(1.0))
        ),
        None => "no row has a best response in both results\n".to_owned(),
    };
    if agreement.unknown > 0 {
        out += &format!("{} rows have no best response in one of them\n", agreement.unknown);
    }
    if let Some(tau) = agreement.mean_tau() {
        out += &format!("Kendall's tau-b of the places, mean of {} rows: {tau:.3}\n", agreement.correlated);
    }
    out
}

fn line(row: &DifferentRow) -> String {
    let named = |best: &[usize]| best.iter().map(|index| format!("[{index}]")).collect::<String>();
    let [a, b] = &row.agreement.best;
    let tau = row.agreement.tau.map_or_else(String::new, |tau| format!("  tau-b {tau:.2}"));
    format!("  {:<16}  A {:<6}  B {:<6}{tau}\n", one_line(&row.id), named(a), named(b))
}
