//! A group of rollouts -> a reward for each: the ranking's scores, centred, as a policy's training takes them.
//!
//! `cargo run -p rrm-judge --example rewards`. A trainer in Python asks `rrm serve` instead, see docs/trainers.md.
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::{error::Error, sync::Arc};

use rrm::{Format, Judge, RankSettings, Strategy, engine::scripted::scripted, rank_texts};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let judge = Judge::new(Arc::new(scripted("longer")?), Format::shipped("rrm")?);
    let rollouts = ["4", "It is 4.", "2 + 2 = 4, because 2 and 2 more is 4.", "5"];
    let settings = RankSettings { strategy: Strategy::WinRate, ..RankSettings::default() };
    let ranking = rank_texts(&judge, "What is 2 + 2?", &rollouts, &settings).await?;

    // No verdict, no reward: a group in which a response has no score is left out of the step.
    let scores: Option<Vec<f64>> = ranking.scores.iter().map(|score| score.map(|score| score.value)).collect();
    let scores = scores.ok_or("a response has no score, because its matches had no verdict")?;
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    for (rollout, score) in rollouts.iter().zip(&scores) {
        println!("{:+.2}  {rollout}", score - mean);
    }
    Ok(())
}
