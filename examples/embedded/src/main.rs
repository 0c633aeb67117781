//! Three texts -> their order, by an engine of one's own and `rrm` without its features; then the rows of each file that is named.
//!
//! `scripts/check_features.sh` runs it. Built alone (`cargo run -p embedded`), it needs no HTTP client, no SQLite and no Parquet.

use std::{error::Error, sync::Arc};

use futures::{
    executor::block_on,
    future::{self, BoxFuture},
};
use rrm::{
    Engine, Format, Judge, RankSettings, Strategy,
    dataset::{self, ReadOptions},
    engine::{Completion, EngineError, EngineInfo, Request},
    rank_texts,
};

/// Prefers the response with more vowels.
struct Vowels(EngineInfo);

impl Engine for Vowels {
    fn info(&self) -> &EngineInfo {
        &self.0
    }

    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        let vowels = |text: &str| text.chars().filter(|letter| "aeiou".contains(*letter)).count();
        let text = match (request.comparison, request.labels) {
            (Some(pair), Some(labels)) if vowels(&pair.first) >= vowels(&pair.second) => labels.first.clone(),
            (Some(_), Some(labels)) => labels.second.clone(),
            _ => String::new(),
        };
        Box::pin(future::ready(Ok(Completion::new(text))))
    }
}

#[expect(clippy::print_stdout, reason = "the order is the output")]
fn main() -> Result<(), Box<dyn Error>> {
    let judge = Judge::new(Arc::new(Vowels(EngineInfo::new("vowels"))), Format::shipped("rrm")?);
    let texts = ["rhythm", "sequoia", "banana"];
    let settings = RankSettings { strategy: Strategy::WinRate, ..RankSettings::default() };
    let ranking = block_on(rank_texts(&judge, "Which word has the most vowels?", &texts, &settings))?;
    let order = ranking.order.ok_or("no verdict said which one is best")?;
    let order: Vec<&str> = order.into_iter().map(|place| texts[place]).collect();
    println!("{}", order.join(" > "));
    for path in std::env::args().skip(1) {
        match dataset::read(path.as_ref(), &ReadOptions::default()) {
            Ok(rows) => println!("{path}: {} rows", rows.filter(Result::is_ok).count()),
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}
