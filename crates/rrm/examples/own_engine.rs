//! An engine of one's own -> a ranking. `rrm` needs no features for this.
//!
//! `cargo run -p rrm-judge --no-default-features --example own_engine`: the engine here counts the words that a response shares with the prompt. Yours
//! would ask a model with the messages of the request.
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::{error::Error, sync::Arc};

use futures::future::{self, BoxFuture};
use rrm::{
    Engine, Format, Judge, RankSettings,
    engine::{Completion, EngineError, EngineInfo, Request},
    rank_texts,
};

struct SharedWords {
    info: EngineInfo,
}

impl Engine for SharedWords {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        let failed = |detail: &str| EngineError::Failed { engine: self.info.name.clone(), detail: detail.to_owned() };
        // A model reads `request.messages`; what is compared is also there as it is, for engines that read no prose.
        let completion = match (request.comparison, request.labels) {
            (Some(pair), Some(labels)) => {
                let prompt: String = pair.prompt.messages.iter().map(|message| message.content.as_str()).collect();
                let shared = |response: &str| response.split_whitespace().filter(|word| prompt.contains(word)).count();
                let first = shared(&pair.first) >= shared(&pair.second);
                Ok(Completion::new(if first { labels.first.clone() } else { labels.second.clone() }))
            }
            _ => Err(failed("the request names no comparison")),
        };
        Box::pin(future::ready(completion))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let engine = SharedWords { info: EngineInfo::new("shared words") };
    let judge = Judge::new(Arc::new(engine), Format::shipped("rrm")?);
    let texts = ["Sydney", "The capital of Australia is Canberra", "Canberra is the capital"];
    let ranking = rank_texts(&judge, "What is the capital of Australia?", &texts, &RankSettings::default()).await?;
    for place in ranking.order.ok_or("no verdict says which one is best")? {
        println!("{}", texts[place]);
    }
    Ok(())
}
