//! Held-out pairs x the current weights -> how often the judge is right, and statistics of its texts.
//!
//! The same code as in `rrm judge` asks and reads the judge: same requests, same kind of engine, except that the weights are in memory.

mod sift;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::{executor::block_on, future::try_join_all};
use rrm::{
    dataset::Item,
    engine::{Engine, EngineInfo, Sampling},
    format::Format,
    judge::{Evidence, Judge, JudgeSettings, Places, VoteRecord},
    ranking::{
        rank,
        rating::{Score, wilson},
    },
    verdict::Abstain,
    vote::Choice,
};
use serde::{Deserialize, Serialize};
pub use sift::{sift, write_sifted};
use tokio::task::coop::unconstrained;

use super::{TrainError, data, rollout::Policy};
use crate::{
    cpu::{CpuDecoder, CpuOptions, Storage},
    engine::{LocalEngine, SchedulerConfig},
};

/// Most requests at the engine at once: enough for any batch, and a bound on the memory of waiting requests.
const IN_FLIGHT: usize = 1024;

/// Settings for judging held-out pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluateConfig {
    /// Whether to judge greedily.
    pub greedy: bool,
    /// Whether to judge by sampling.
    pub sampled: bool,
    /// Sampling parameters and the most tokens of a judgment; greedy judging uses the temperature 0.
    pub sampling: Sampling,
    /// Whether each pair is judged in both orders.
    pub both_orders: bool,
    /// Tokens of thinking after which a verdict is elicited; `None` sets no limit.
    pub max_thinking_tokens: Option<u32>,
    /// Seed of the run, for orders and samples.
    pub seed: u64,
}

impl Default for EvaluateConfig {
    /// Greedy and sampled judging in one order, as in the paper's released evaluation.
    fn default() -> Self {
        let sampling = Sampling::default();
        EvaluateConfig { greedy: true, sampled: true, sampling, both_orders: false, max_thinking_tokens: None, seed: 0 }
    }
}

/// Held-out pairs: a file of labelled pairs that are not trained on.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldOut {
    /// The path, for errors.
    path: PathBuf,
    items: Vec<Item>,
    notes: Vec<String>,
}

impl HeldOut {
    /// Reads a file of labelled pairs; `columns` are `FIELD=COLUMN` for files with other columns.
    ///
    /// # Errors
    /// [`TrainError`] names the file, the row and the invalid field.
    pub fn open(path: &Path, columns: &[String]) -> Result<Self, TrainError> {
        let (items, notes) = data::items(path, columns)?;
        for item in &items {
            if rank::comparison(item, 0, 1).label.is_none() {
                let what = "its labels do not say which response is better".to_owned();
                return Err(TrainError::Row { file: path.display().to_string(), row: item.row, what });
            }
        }
        Ok(HeldOut { path: path.to_owned(), items, notes })
    }

    /// Keeps only the first pairs.
    pub fn first(mut self, pairs: usize) -> Self {
        self.items.truncate(pairs);
        self
    }

    /// Returns notes about reading the file, one sentence each, with its path.
    pub fn notes(&self) -> Vec<String> {
        self.notes.iter().map(|note| format!("{}: {note}", self.path.display())).collect()
    }

    /// Returns the number of pairs.
    pub fn pairs(&self) -> usize {
        self.items.len()
    }
}

/// The results of judging the held-out pairs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOutEvaluation {
    /// Scores of greedy judging.
    pub greedy: Option<JudgingScores>,
    /// Scores of sampled judging.
    pub sampled: Option<JudgingScores>,
}

/// The scores of one way of judging. Shares have 95% intervals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgingScores {
    /// The number of judgments: one or two for each pair.
    pub judgments: usize,
    /// The share of verdicts that agree with the label, among all judgments; abstentions and ties count as wrong. If pairs are judged twice, the
    /// interval is that of one judgment for each pair, because the two are not independent.
    pub accuracy: Score,
    /// The share of pairs that were judged right in both orders; `None` if only one order was judged.
    pub consistent: Option<Score>,
    /// The share of verdicts for the response shown first, among all verdicts; `None` without any verdict.
    pub first: Option<Score>,
    /// The number of judgments without a verdict.
    pub no_verdict: usize,
    /// The number of truncated judgments.
    pub truncated: usize,
    /// The number of judgments with several verdicts.
    pub ambiguous: usize,
    /// Mean number of tokens of a judgment.
    pub mean_completion_tokens: f64,
}

/// Judges the held-out pairs with weights in memory; `threads` as for rollouts.
///
/// # Errors
/// [`TrainError`] when there is not enough memory, or when a pair could not be judged; names the pair.
pub fn evaluate_weights(
    policy: Policy<'_, '_>,
    threads: Option<usize>,
    format: &Arc<Format>,
    held_out: &HeldOut,
    config: &EvaluateConfig,
) -> Result<HeldOutEvaluation, TrainError> {
    evaluate(&engine(policy, threads)?, format, held_out, config)
}

/// Judges the held-out pairs with an engine.
///
/// # Errors
/// [`TrainError`] names the pair that could not be judged.
pub fn evaluate(
    engine: &Arc<dyn Engine>,
    format: &Arc<Format>,
    held_out: &HeldOut,
    config: &EvaluateConfig,
) -> Result<HeldOutEvaluation, TrainError> {
    let measured = |temperature: f64| {
        let settings = settings(config, if config.both_orders { 2 } else { 1 }, temperature);
        Ok::<_, TrainError>(measure(&judge(engine, format, settings, held_out)?, config.both_orders))
    };
    let greedy = if config.greedy { measured(0.0)? } else { None };
    let sampled = if config.sampled { measured(config.sampling.temperature)? } else { None };
    Ok(HeldOutEvaluation { greedy, sampled })
}

/// Makes an engine of weights in memory. It is valid while they stay the same.
///
/// # Errors
/// [`TrainError`] when memory or threads are not available.
pub fn engine(policy: Policy<'_, '_>, threads: Option<usize>) -> Result<Arc<dyn Engine>, TrainError> {
    let decoder = CpuDecoder::new(policy.config, CpuOptions { storage: Storage::F32, threads }, policy.weights)?;
    let info = EngineInfo {
        name: "the weights in training".to_owned(),
        // No store uses this fingerprint.
        fingerprint: "training".to_owned(),
        seeds: true,
        logprobs: true,
        budget: true,
        paid: false,
    };
    Ok(Arc::new(LocalEngine::start(info, Box::new(decoder), policy.text.clone(), &SchedulerConfig::default())?))
}

/// Returns judge settings for `votes` votes about each pair.
fn settings(config: &EvaluateConfig, votes: u32, temperature: f64) -> JudgeSettings {
    JudgeSettings {
        votes,
        both_orders: config.both_orders,
        max_thinking_tokens: config.max_thinking_tokens,
        sampling: Sampling { temperature, ..config.sampling.clone() },
        seed: config.seed,
        ..JudgeSettings::default()
    }
}

/// The label of a pair, and the votes about it.
type LabelledVotes = (Choice, Vec<VoteRecord>);

/// Judges all pairs concurrently; the engine batches them.
fn judge(
    engine: &Arc<dyn Engine>,
    format: &Arc<Format>,
    settings: JudgeSettings,
    held_out: &HeldOut,
) -> Result<Vec<LabelledVotes>, TrainError> {
    let mut judge = Judge::new(engine.clone(), format.clone());
    judge.settings = settings;
    judge.places = Arc::new(Places::new(IN_FLIGHT));
    let one = |item| judge_one(&judge, &held_out.path, item);
    // Inside a task of tokio the caller has a cooperative budget, which is not renewed while this thread blocks: the judge's semaphore would stop
    // admitting requests.
    block_on(unconstrained(try_join_all(held_out.items.iter().map(one))))
}

async fn judge_one(judge: &Judge, path: &Path, item: &Item) -> Result<LabelledVotes, TrainError> {
    let wrong = |what: String| TrainError::Row { file: path.display().to_string(), row: item.row, what };
    let played = rank::play(judge, item, (0, 1)).await.map_err(|error| wrong(error.to_string()))?;
    let label = rank::comparison(item, 0, 1).label.ok_or_else(|| wrong("no label".to_owned()))?;
    match played.judgment.evidence {
        Evidence::Votes(votes) => Ok((label.into(), votes)),
        Evidence::Scores(_) => Err(wrong("a judge that is trained compares, and gives no scores".to_owned())),
    }
}

/// Counts the votes about a pair that agree with its label.
fn right((label, votes): &LabelledVotes) -> u32 {
    votes.iter().filter(|record| record.vote == Ok(*label)).count() as u32
}

/// Computes the scores of judgments; `None` without any.
fn measure(judged: &[LabelledVotes], both_orders: bool) -> Option<JudgingScores> {
    let votes = || judged.iter().flat_map(|(_, votes)| votes);
    let abstained = |reason| votes().filter(|record| record.vote == Err(reason)).count();
    let (pairs, judgments) = (judged.len() as f64, votes().count());
    let points: f64 = judged.iter().map(|pair| f64::from(right(pair)) / pair.1.len() as f64).sum();
    let both = judged.iter().filter(|pair| right(pair) == 2).count();
    let shown_first = |record: &&VoteRecord| record.vote == Ok(record.order.first());
    let verdicts = votes().filter(|record| record.vote.is_ok()).count();
    let tokens: u64 = votes().map(|record| record.usage.completion_tokens).sum();
    Some(JudgingScores {
        judgments,
        accuracy: wilson(points, pairs)?,
        consistent: if both_orders { wilson(both as f64, pairs) } else { None },
        first: wilson(votes().filter(shown_first).count() as f64, verdicts as f64),
        no_verdict: abstained(Abstain::NoVerdict),
        truncated: abstained(Abstain::Truncated),
        ambiguous: abstained(Abstain::Ambiguous),
        mean_completion_tokens: tokens as f64 / judgments as f64,
    })
}
