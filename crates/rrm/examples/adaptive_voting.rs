//! Adaptive voting on simulated judges -> a Markdown table of what it saves, and proof that it decides the same.
//!
//! `cargo run --release -p rrm-judge --example adaptive_voting -- 2000`: comparisons for each cell. Judges of known accuracy vote
//! independently; a completion takes 200 to 2,000 tokens, longer on wrong verdicts, as thinking does.

use std::sync::Arc;

use futures::future::{self, BoxFuture};
use rrm::{
    comparison::{Comparison, Prompt, Side},
    engine::{Completion, Engine, EngineError, EngineInfo, Finish, Request, Usage},
    format::{Format, FormatError},
    judge::{Adaptive, ComparisonId, Judge, JudgeError, JudgeSettings, Judgment, Order, Places},
    keyed::KeyedRandom,
};

/// A judge that is right with a known probability.
struct Simulated {
    accuracy: f64,
    info: EngineInfo,
}

impl Engine for Simulated {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        let mut keyed = KeyedRandom::new(request.seed, "", "simulated judge", &[]);
        let right = keyed.f64() < self.accuracy;
        let tokens = 200.0 + 1800.0 * keyed.f64() * if right { 0.7 } else { 1.0 };
        let text = request.labels.map_or_else(String::new, |l| if right { l.first.clone() } else { l.second.clone() });
        let usage = Usage { prompt_tokens: 500, completion_tokens: tokens as u64 };
        Box::pin(future::ready(Ok(Completion {
            text,
            reasoning: None,
            finish: Finish::Stop,
            elicited: false,
            usage,
            label_logprobs: None,
        })))
    }
}

fn judge(accuracy: f64, votes: u32, adaptive: Adaptive) -> Result<Judge, FormatError> {
    let name = format!("simulated {accuracy}");
    let info = EngineInfo { fingerprint: name.clone(), name, seeds: true, logprobs: false, budget: false, paid: false };
    let mut judge = Judge::new(Arc::new(Simulated { accuracy, info }), Format::shipped("rrm")?);
    judge.settings = JudgeSettings { votes, adaptive, ..JudgeSettings::default() };
    judge.places = Arc::new(Places::new(1));
    Ok(judge)
}

async fn judged(judge: &Judge, id: &str) -> Result<Judgment, JudgeError> {
    let prompt = Arc::new(Prompt::text("simulated"));
    let comparison = Comparison { prompt, first: "right".into(), second: "wrong".into(), label: Some(Side::First) };
    judge.judge(ComparisonId { item: id, pair: (0, 1), order: Order::Given }, &comparison).await
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "the table is the output")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let comparisons: u32 = std::env::args().nth(1).map_or(Ok(500), |n| n.parse())?;
    println!("| accuracy | votes k | majority right | votes asked of k | tokens saved | other decision |");
    println!("|---|---|---|---|---|---|");
    for accuracy in [0.5, 0.6, 0.7, 0.8, 0.9, 0.95] {
        for votes in [3, 5, 8, 16, 32] {
            let (all, sparing) = (judge(accuracy, votes, Adaptive::Off)?, judge(accuracy, votes, Adaptive::Sparing)?);
            let (mut right, mut asked, mut tokens_all, mut tokens, mut other) = (0, 0, 0, 0, 0);
            for i in 0..comparisons {
                let id = format!("{accuracy}/{votes}/{i}");
                let (full, stopped) = (judged(&all, &id).await?, judged(&sparing, &id).await?);
                other += u32::from(full.decision != stopped.decision);
                right += u32::from(full.decision == rrm::vote::Decision::A);
                asked += stopped.evidence.votes().count();
                tokens_all += full.usage.completion_tokens;
                tokens += stopped.usage.completion_tokens;
            }
            let share = |part: f64, whole: f64| 100.0 * part / whole;
            println!(
                "| {accuracy} | {votes} | {:.1}% | {:.2} | {:.1}% | {other} of {comparisons} |",
                share(f64::from(right), f64::from(comparisons)),
                asked as f64 / f64::from(comparisons),
                share((tokens_all - tokens) as f64, tokens_all as f64)
            );
        }
    }
    Ok(())
}
