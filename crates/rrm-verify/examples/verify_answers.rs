//! JSONL of `gold` and `pred` on stdin -> seconds that the verifier takes for all of it; what benches/verify/run.sh times.
//!
//! A row may state `precision` (decimal places), `strict` (whether names of variables matter) and `allow_set_relation_comp`
//! (whether an inequality may answer for an interval), by math-verify's names.
//!
//! `verify_answers ROUNDS [OUTCOMES] < FILE` prints one line for each round: seconds, pairs, equal ones. The outcomes of the last
//! round, as JSON, go to the file OUTCOMES, a line for each row.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that fails says so")]

use std::{io::stdin, time::Instant};

use rrm_verify::{Outcome, VerifyOptions, verify};
use serde_json::Value;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rounds: usize = arguments[0].parse().unwrap();
    let rows: Vec<Value> = stdin().lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    let pairs: Vec<(&str, &str, VerifyOptions)> =
        rows.iter().map(|row| (row["gold"].as_str().unwrap(), row["pred"].as_str().unwrap(), options(row))).collect();
    let mut outcomes: Vec<Outcome> = Vec::new();
    for _ in 0..rounds {
        let began = Instant::now();
        outcomes = pairs.iter().map(|(gold, said, options)| verify(gold, said, options)).collect();
        let seconds = began.elapsed().as_secs_f64();
        println!("{seconds:.6} {} {}", pairs.len(), outcomes.iter().filter(|outcome| **outcome == Outcome::Equal).count());
    }
    if let Some(path) = arguments.get(1) {
        let lines = outcomes.iter().map(|outcome| serde_json::to_string(outcome).unwrap() + "\n");
        std::fs::write(path, lines.collect::<String>()).unwrap();
    }
}

/// The options that a row states.
fn options(row: &Value) -> VerifyOptions {
    let mut options = VerifyOptions::default();
    if let Some(places) = row["precision"].as_u64() {
        options.decimals = places.try_into().unwrap();
    }
    if let Some(strict) = row["strict"].as_bool() {
        options.same_names = strict;
    }
    if let Some(allowed) = row["allow_set_relation_comp"].as_bool() {
        options.inequality_for_interval = allowed;
    }
    options
}
