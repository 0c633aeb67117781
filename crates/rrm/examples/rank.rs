//! Several responses to one prompt -> their order, by a knockout and by Bradley-Terry ratings.
//!
//! `cargo run -p rrm-judge --example rank`: a script judges, which finds the longer response better. For a model behind a server see `judge.rs`.
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::{error::Error, sync::Arc};

use rrm::{Format, Judge, RankSettings, Strategy, engine::scripted::scripted, rank_texts};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let judge = Judge::new(Arc::new(scripted("longer")?), Format::shipped("rrm")?);
    let texts = ["Canberra", "The capital is Canberra.", "It is Canberra, not Sydney, as many think.", "Sydney"];
    for strategy in [Strategy::Knockout, Strategy::BradleyTerry] {
        let settings = RankSettings { strategy, ..RankSettings::default() };
        let ranking = rank_texts(&judge, "What is the capital of Australia?", &texts, &settings).await?;
        println!("{strategy:?}: {} matches", ranking.matches.len());
        for (text, (rank, score)) in texts.iter().zip(ranking.ranks.iter().zip(&ranking.scores)) {
            // A response has no place where a match that decides it had no verdict.
            let rank = rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string());
            println!("  {rank}. {text:45} {}", score.map_or_else(String::new, |score| format!("{:.2}", score.value)));
        }
    }
    Ok(())
}
