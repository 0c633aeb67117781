//! Three texts -> their order, by an engine of one's own and `rrm` without its features; then the rows of each file that is named.
//!
//! `scripts/check_features.sh` runs it. Built alone (`cargo run -p embedded`), it needs no HTTP client, no SQLite and no Parquet.

use std::{error::Error, sync::Arc};

use futures::{
    executor::block_on,
    future::{self, BoxFuture},
};
use rrm::{
    comparison::Prompt,
    dataset::{self, Item, ReadOptions, Response},
    engine::{Completion, Engine, EngineError, EngineInfo, Finish, Request, Usage},
    format::Format,
    judge::{Judge, JudgeSettings, Places},
    rank::{self, RankSettings},
    spending::{Limits, Spending},
    strategy::Strategy,
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
        let (finish, usage) = (Finish::Stop, Usage::default());
        let completion = Completion { text, reasoning: None, finish, elicited: false, usage, label_logprobs: None };
        Box::pin(future::ready(Ok(completion)))
    }
}

fn judge() -> Result<Judge, Box<dyn Error>> {
    let name = "vowels".to_owned();
    let info = EngineInfo { fingerprint: name.clone(), name, seeds: true, logprobs: false, budget: false, paid: false };
    Ok(Judge {
        engine: Arc::new(Vowels(info)),
        format: Arc::new(Format::shipped("rrm").ok_or("no format rrm")??),
        settings: JudgeSettings::default(),
        store: None,
        places: Arc::new(Places::new(1)),
        spending: Arc::new(Spending::new(Limits::default())),
        addresses: false,
        recorder: None,
        batch: None,
        sink: None,
    })
}

#[expect(clippy::print_stdout, reason = "the order is the output")]
fn main() -> Result<(), Box<dyn Error>> {
    let texts = ["rhythm", "sequoia", "banana"];
    let response = |text: &str| Response { text: text.into(), label: None, team: None, extra: Default::default() };
    let responses = texts.map(response).into();
    let prompt = Arc::new(Prompt::text("Which word has the most vowels?"));
    let item = Item { id: "words".into(), row: 1, prompt, responses, extra: Default::default() };
    let settings = RankSettings { strategy: Strategy::WinRate, ..RankSettings::default() };
    let ranking = block_on(rank::rank(&judge()?, &item, &settings))?;
    let order: Vec<&str> = ranking.order.iter().flatten().map(|place| texts[*place]).collect();
    println!("{}", order.join(" > "));
    for path in std::env::args().skip(1) {
        match dataset::read(path.as_ref(), &ReadOptions::default()) {
            Ok(rows) => println!("{path}: {} rows", rows.filter(Result::is_ok).count()),
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}
