//! Reward reasoning models: a language model reads a prompt and two responses, reasons, and says which response is better. This crate asks such
//! judges, counts their verdicts, and turns them into rankings of N responses.
//!
//! # Quick start
//!
//! A [`Judge`] is an [`Engine`], which completes conversations, and a [`Format`], which says how to ask and how a verdict is read.
//! [`rank_texts`] ranks plain texts, [`judge_texts`] compares two.
//!
//! ```
//! use std::sync::Arc;
//!
//! use futures::future::{self, BoxFuture};
//! use rrm::{
//!     engine::{Completion, EngineError, EngineInfo, Request},
//!     rank_texts, Engine, Format, Judge, RankSettings,
//! };
//!
//! /// Stands in for a model: finds the response better that it sees first.
//! struct Mine(EngineInfo);
//!
//! impl Engine for Mine {
//!     fn info(&self) -> &EngineInfo {
//!         &self.0
//!     }
//!
//!     /// A model would continue `request.messages`.
//!     fn complete(&self, _request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
//!         Box::pin(future::ready(Ok(Completion::new("<think>Hm.</think> The better one is \\boxed{Assistant 1}"))))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let judge = Judge::new(Arc::new(Mine(EngineInfo::new("mine"))), Format::shipped("rrm")?);
//! let texts = ["Canberra", "Sydney", "Melbourne"];
//! let ranking = rank_texts(&judge, "What is the capital of Australia?", &texts, &RankSettings::default()).await?;
//! let best = ranking.order.ok_or("no verdict said which one is best")?[0];
//! println!("the best: {}", texts[best]);
//! # Ok(())
//! # }
//! ```
//!
//! With the feature `http`, `engine::http::connect` makes an engine of a server that speaks OpenAI's API, such as vLLM or llama.cpp.
//! `engine::scripted` has judges by rule for tests. The folder `examples` of this crate has programs for judging, ranking, an engine of one's own
//! and rewards.
//!
//! # Features
//!
//! All are on by default. Without any, the crate judges and ranks with engines of one's own.
//!
//! - `http`: servers, scalar reward models behind servers, and what `rrm doctor` checks.
//! - `store`: completions are kept in SQLite.
//! - `parquet` and `gzip`: Parquet files are read and written, gzip files are read.
//! - `in-process`: what engines in this process share, such as the sampler.
//! - `eval`, `report`, `pairs`: benchmarks and tuning; pages and figures; training pairs, preference labels and the verifier.
//!
//! # How it works
//!
//! - [`dataset`] reads rows of files, a row gives [`comparison`]s, and a [`format`](mod@format) turns a comparison into messages.
//! - An [`engine`] completes them, [`transcript`] separates thinking from answer, [`verdict`] reads the answer, and [`vote`] counts: [`judge`] does it all.
//! - [`ranking`] turns judgments into an order: a schedule chooses the matches, a strategy plays the matches, and a rating gives scores.
//! - [`run`] ranks or judges a stream of rows, and [`result`] defines the rows that it writes.
//! - [`plan`] estimates calls, tokens and cost before a run, [`spending`] counts them, and a [`store`] keeps the completions that were paid for.
//! - [`eval`] measures a judge on labelled comparisons, and [`report`] shows the measurements.
//! - [`label`] turns rankings into preference data, and [`pairs`] makes training pairs from questions with known answers.
//! - [`reward`] grades a judge's completions, for the judge's own training.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test"))]

pub mod address;
#[cfg(all(feature = "http", feature = "store"))]
pub mod batch;
#[cfg(not(all(feature = "http", feature = "store")))]
#[path = "batch/without.rs"]
pub mod batch;
pub mod chat;
pub mod comparison;
pub mod dataset;
pub mod engine;
#[cfg(feature = "eval")]
pub mod eval;
pub mod format;
#[cfg(feature = "in-process")]
pub mod gguf;
pub mod judge;
pub mod keyed;
#[cfg(feature = "pairs")]
pub mod label;
pub mod markup;
#[cfg(feature = "pairs")]
pub mod pairs;
pub mod plan;
pub mod ranking;
#[cfg(feature = "report")]
pub mod report;
pub mod result;
pub mod reward;
pub mod run;
pub mod shard;
pub mod spending;
pub mod store;
pub mod texts;
pub mod transcript;
#[cfg(feature = "eval")]
pub mod tune;
pub mod verdict;
pub mod vote;

pub use self::{
    engine::Engine,
    format::Format,
    judge::{Judge, JudgeError, JudgeSettings, Judgment},
    ranking::{Ranking, rank::RankSettings, strategy::Strategy},
    texts::{judge_texts, rank_texts},
};

/// The verifier, which tells whether a response gives the right answer: the crate `rrm-verify`.
#[cfg(feature = "pairs")]
pub use rrm_verify as verify;
