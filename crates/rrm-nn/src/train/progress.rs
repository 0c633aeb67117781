//! Events of a run. The library prints nothing; the caller of a run passes a function that receives events.

use std::{path::Path, time::Duration};

use serde::Serialize;

use super::{config::Method, data::FileCounts, metrics::MetricsLine};

/// A function that receives the events of a run.
pub type Observer<'a> = dyn FnMut(Event<'_>) + 'a;

/// An event of a run.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// All input is read; the first step begins.
    Opened(&'a RunStart<'a>),
    /// This number of held-out pairs is judged before the first step.
    Evaluates(usize),
    /// A step is done, and its line of metrics is written.
    Step(&'a StepProgress<'a>),
    /// A checkpoint is saved.
    Saved(&'a Path),
}

/// A description of the run at its beginning.
#[derive(Clone, Copy, Debug)]
pub struct RunStart<'a> {
    /// The run folder.
    pub folder: &'a Path,
    /// The training method.
    pub method: Method,
    /// The number of the model's parameters.
    pub parameters: u64,
    /// The number of trained parameters.
    pub trained: u64,
    /// Whether the model has its own chat template; without one ChatML is used.
    pub chat_template: bool,
    /// Counts of each file's rows.
    pub data: &'a [FileCounts],
    /// Notes about reading the held-out pairs, one sentence each.
    pub held_out: &'a [String],
    /// The number of steps that earlier processes took.
    pub step: u64,
    /// The number of steps of the run.
    pub max_steps: u64,
}

/// A step that was taken.
#[derive(Clone, Copy, Debug)]
pub struct StepProgress<'a> {
    /// Its line of metrics.jsonl.
    pub line: &'a MetricsLine,
    /// Its line of timings.jsonl.
    pub timing: &'a Timing,
    /// The number of steps of the run.
    pub max_steps: u64,
    /// The expected time for the remaining steps.
    pub left: Duration,
}

/// The duration of a step; kept apart from its metrics, which are the same however often a run was killed.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Timing {
    /// The number of the step.
    pub step: u64,
    /// The whole step, in seconds.
    pub seconds: f64,
    /// Seconds of it for completions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout_seconds: Option<f64>,
    /// Seconds of it for log-probabilities, gradients and weights.
    pub update_seconds: f64,
    /// Seconds of it for held-out pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation_seconds: Option<f64>,
    /// Tokens of completions written in each second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout_tokens_per_second: Option<f64>,
    /// Tokens of prompts and completions that an update processed in each second. Each prompt counts once for each of its completions, which allows a
    /// comparison with trainers that do not share prompts.
    pub update_tokens_per_second: f64,
}
