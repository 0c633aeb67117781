//! JSONL of `gold` and `pred` on stdin -> seconds that the verifier takes for all of it, again and again; what benches/verify/run.sh times.
//!
//! `verify_answers ROUNDS < FILE` prints one line for each round: seconds, pairs, equal ones.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that fails says so")]

use std::{io::stdin, time::Instant};

use rrm_verify::{Outcome, VerifyOptions, verify};
use serde_json::Value;

fn main() {
    let rounds: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let rows: Vec<Value> = stdin().lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    let pairs: Vec<(&str, &str)> =
        rows.iter().map(|row| (row["gold"].as_str().unwrap(), row["pred"].as_str().unwrap())).collect();
    let options = VerifyOptions::default();
    for _ in 0..rounds {
        let began = Instant::now();
        let equal = pairs.iter().filter(|(gold, said)| verify(gold, said, &options) == Outcome::Equal).count();
        println!("{:.6} {} {equal}", began.elapsed().as_secs_f64(), pairs.len());
    }
}
