//! Two responses to one prompt -> which one is better, by five votes in both orders.
//!
//! `cargo run -p rrm-judge --example judge -- http://127.0.0.1:8000` asks a server that speaks OpenAI's API. Without an address a script judges, which
//! finds the longer response better.
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::{env, error::Error, sync::Arc};

use rrm::{
    Engine, Format, Judge,
    engine::{
        http::{self, HttpConfig},
        scripted::scripted,
    },
    judge_texts,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let engine: Arc<dyn Engine> = match env::args().nth(1) {
        Some(url) => Arc::new(http::connect(HttpConfig { urls: vec![url], ..HttpConfig::default() }).await?),
        None => Arc::new(scripted("longer")?),
    };
    let mut judge = Judge::new(engine, Format::shipped("rrm")?);
    judge.settings.votes = 5;
    judge.settings.both_orders = true;

    let prompt = "A bat and a ball cost 1.10 together. The bat costs 1.00 more than the ball. What does the ball cost?";
    let judgment = judge_texts(&judge, prompt, "0.10", "0.05, since 1.05 + 0.05 = 1.10").await?;
    let counts = judgment.counts;
    println!(
        "{:?}: {} votes for a, {} for b, {} without a verdict",
        judgment.decision, counts.for_a, counts.for_b, counts.abstain
    );
    Ok(())
}
