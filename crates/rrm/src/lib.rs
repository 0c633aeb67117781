//! Judges that think before they choose, and what follows from their verdicts.
//!
//! One arrow a module. A row of a [`dataset`] gives a [`comparison`]; a [`format`](mod@format) turns it into messages, an [`engine`] completes
//! them, the [`transcript`] is read into a [`verdict`], and [`vote`] counts verdicts into a decision: that is [`judge`]. A
//! [`schedule`] says who meets whom, a [`strategy`] plays the matches, [`rating`] and [`ranking`] bring responses into an order: that
//! is [`rank`]. [`run`] does it for a stream of rows, [`result`] is what it writes, [`plan`] says before what it takes and
//! [`spending`] counts it. What was paid for lies in a [`store`]. [`eval`] measures a judge on labelled comparisons,
//! and a [`report`] shows it.
//! [`pairs`] makes training pairs of questions with verifiable answers.
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
pub mod rank;
pub mod ranking;
pub mod rating;
#[cfg(feature = "report")]
pub mod report;
pub mod result;
pub mod reward;
pub mod run;
pub mod schedule;
pub mod shard;
pub mod spending;
pub mod store;
pub mod strategy;
pub mod transcript;
#[cfg(feature = "eval")]
pub mod tune;
pub mod verdict;
pub mod vote;

/// Whether a response gives the right answer: the crate `rrm-verify`.
#[cfg(feature = "pairs")]
pub use rrm_verify as verify;
