//! What a run tells while it runs. The library prints nothing: whoever starts a run passes a function that is told.

use std::{path::Path, time::Duration};

use serde::Serialize;

use super::{config::Method, data::FileCounts, metrics::MetricsLine};

/// Is told what happens.
pub type Observer<'a> = dyn FnMut(Event<'_>) + 'a;

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Everything is read; the first step begins.
    Opened(&'a RunStart<'a>),
    /// So many held-out pairs are judged before the first step.
    Evaluates(usize),
    /// A step is done, and its line is written.
    Step(&'a StepProgress<'a>),
    /// A checkpoint is saved.
    Saved(&'a Path),
}

/// The facts at the beginning of a run.
#[derive(Clone, Copy, Debug)]
pub struct RunStart<'a> {
    /// The run folder.
    pub folder: &'a Path,
    /// What it does.
    pub method: Method,
    /// Parameters of the model.
    pub parameters: u64,
    /// Parameters that are trained.
    pub trained: u64,
    /// Whether the model has a chat template of its own; without one it is shown ChatML.
    pub chat_template: bool,
    /// What became of each file's rows.
    pub data: &'a [FileCounts],
    /// What should be said about the reading of held-out pairs, a sentence each.
    pub held_out: &'a [String],
    /// Steps that an earlier process took.
    pub step: u64,
    /// Steps of the run.
    pub max_steps: u64,
}

/// A step that was taken.
#[derive(Clone, Copy, Debug)]
pub struct StepProgress<'a> {
    /// What it wrote into metrics.jsonl.
    pub line: &'a MetricsLine,
    /// What it wrote into timings.jsonl.
    pub timing: &'a Timing,
    /// Steps of the run.
    pub max_steps: u64,
    /// How long the rest takes if it goes on like this.
    pub left: Duration,
}

/// How long a step took; kept apart from its metrics, which are the same however often a run was killed.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Timing {
    /// The step.
    pub step: u64,
    /// All of it, in seconds.
    pub seconds: f64,
    /// Of these, for completions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout_seconds: Option<f64>,
    /// Of these, for log-probabilities, gradients and the weights.
    pub update_seconds: f64,
    /// Of these, for held-out pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation_seconds: Option<f64>,
    /// Tokens of completions that were written in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout_tokens_per_second: Option<f64>,
    /// Tokens of prompts and completions that an update took in a second, each prompt counted once for each of its completions, so
    /// that it compares with trainers that do not share prompts.
    pub update_tokens_per_second: f64,
}
