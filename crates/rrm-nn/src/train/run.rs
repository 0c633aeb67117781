//! The frame of both methods: a run is opened where it stopped, and each step ends with its evaluation, its line and its checkpoint.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use rrm::{
    engine::Sampling,
    format::{Format, FormatError},
};

use super::{
    TrainRunError,
    config::{Method, ModelSource, OptimizerSection, TrainConfig},
    data::FileCounts,
    evaluate::{self, EvaluateConfig, HeldOut, HeldOutEvaluation},
    export::{self, ModelFiles},
    grpo, inputs,
    learner::Learner,
    learning_rate::Schedule,
    metrics::{MetricsLine, StepMetrics},
    progress::{Event, Observer, RunStart, StepProgress, Timing},
    rollout::Policy,
    run_folder::{BestCheckpoint, LineFile, RunFolder, RunState},
    sft,
    weights::{self, TrainedWeights},
};
use crate::{
    checkpoint::{Checkpoint, read_small},
    config::ModelConfig,
    text::ChatTokenizer,
};

/// The folders of the models with the last and the best adapters merged in.
const MERGED: [&str; 2] = ["merged", "merged-best"];

/// Trains as configured, continuing where an earlier process stopped. A finished run is left as it is.
///
/// # Errors
/// [`TrainRunError`] names the input that cannot be used, or the step at which the run diverged.
pub fn train(config: &TrainConfig, observe: &mut Observer<'_>) -> Result<TrainOutput, TrainRunError> {
    let mut run = TrainingRun::open(config, observe)?;
    match config.method {
        Method::Sft => sft::run(&mut run)?,
        Method::Grpo => grpo::run(&mut run)?,
    }
    run.finish()
}

/// The files of a finished run.
#[derive(Clone, Debug)]
pub struct TrainOutput {
    /// The last checkpoint.
    pub last: PathBuf,
    /// The best checkpoint by held-out pairs.
    pub best: Option<BestCheckpoint>,
    /// With adapters: the folder of the model with the last ones merged in.
    pub merged: Option<PathBuf>,
    /// The same with the best adapters, if these are not the last.
    pub merged_best: Option<PathBuf>,
}

/// A run in progress.
pub(super) struct TrainingRun<'a, 'o> {
    pub config: &'a TrainConfig,
    pub learner: Learner,
    pub state: RunState,
    pub text: Arc<ChatTokenizer>,
    pub format: Arc<Format>,
    folder: RunFolder,
    files: ModelFiles,
    held_out: Option<HeldOut>,
    observe: &'a mut Observer<'o>,
    last: Option<PathBuf>,
    /// The number of steps that this process took, and their seconds.
    taken: (u64, f64),
}

impl<'a, 'o> TrainingRun<'a, 'o> {
    fn open(config: &'a TrainConfig, observe: &'a mut Observer<'o>) -> Result<Self, TrainRunError> {
        let format = Arc::new(format(&config.data.format)?);
        let (text, weights) = model(config)?;
        let held_out = held_out(config)?;
        let mut learner = Learner::new(config, weights)?;
        let inputs = inputs::hashes(config)?;
        let (folder, left) = RunFolder::open(config, &inputs)?;
        let (state, last) = match left {
            Some((state, checkpoint)) => {
                learner.restore(&checkpoint, state.updates)?;
                (state, Some(checkpoint))
            }
            None => (RunState { seed: config.seed, inputs, ..RunState::default() }, None),
        };
        if state.step < config.optimizer.max_steps {
            MERGED.iter().try_for_each(|name| folder.remove_beside(name))?;
        }
        let files = ModelFiles::of(&config.model);
        Ok(TrainingRun { config, learner, state, text, format, folder, files, held_out, observe, last, taken: (0, 0.0) })
    }

    /// Reports that all input is read, and judges held-out pairs before the first step.
    pub fn begin(&mut self, data: &[FileCounts]) -> Result<(), TrainRunError> {
        let opened = RunStart {
            folder: self.folder.path(),
            method: self.config.method,
            parameters: self.learner.weights.config().parameters(),
            trained: self.learner.weights.trainable().len() as u64,
            chat_template: self.text.tokenizer().chat_template().is_some(),
            data,
            held_out: &self.held_out.as_ref().map(HeldOut::notes).unwrap_or_default(),
            step: self.state.step,
            max_steps: self.config.optimizer.max_steps,
        };
        (self.observe)(Event::Opened(&opened));
        if let Some(held_out) = self.held_out.as_ref().filter(|_| self.state.step == 0) {
            (self.observe)(Event::Evaluates(held_out.pairs()));
            let clock = Instant::now();
            let evaluation = self.evaluate()?;
            self.better(evaluation.as_ref());
            let seconds = clock.elapsed().as_secs_f64();
            let timing = Timing { seconds, evaluation_seconds: Some(seconds), ..Timing::default() };
            self.write(MetricsLine { step: 0, metrics: None, evaluation }, timing)?;
        }
        Ok(())
    }

    /// Whether steps remain.
    pub fn goes_on(&self) -> bool {
        self.state.step < self.config.optimizer.max_steps
    }

    /// Returns the number of the current step, from 1.
    pub fn step(&self) -> u64 {
        self.state.step + 1
    }

    /// Returns the learning rate of the current step.
    pub fn learning_rate(&self) -> f64 {
        let OptimizerSection { lr_scheduler_type, learning_rate, warmup_steps, max_steps, min_lr, .. } = self.config.optimizer;
        let learning_rate = learning_rate.unwrap_or_default();
        Schedule { lr_scheduler_type, learning_rate, warmup_steps, max_steps, min_lr }.at(self.state.step)
    }

    /// Ends a step: evaluates if due, writes its line, and saves a checkpoint if due.
    pub fn end_step(&mut self, metrics: StepMetrics, mut timing: Timing) -> Result<(), TrainRunError> {
        self.state.step += 1;
        let (step, end) = (self.state.step, !self.goes_on());
        let mut evaluation = None;
        if self.config.evaluation.as_ref().is_some_and(|evaluation| end || step.is_multiple_of(evaluation.eval_steps)) {
            let clock = Instant::now();
            evaluation = self.evaluate()?;
            let seconds = clock.elapsed().as_secs_f64();
            timing.evaluation_seconds = Some(seconds);
            timing.seconds += seconds;
        }
        let better = self.better(evaluation.as_ref());
        timing.step = step;
        self.taken = (self.taken.0 + 1, self.taken.1 + timing.seconds);
        self.write(MetricsLine { step, metrics: Some(metrics), evaluation }, timing)?;
        if end || better || step.is_multiple_of(self.config.checkpoint.save_steps) {
            self.save()?;
        }
        Ok(())
    }

    /// Whether the evaluation is the best of the run so far; if so, it is recorded.
    fn better(&mut self, evaluation: Option<&HeldOutEvaluation>) -> bool {
        // If both ways were measured, sampled judging decides, because judges are used that way.
        let measured = evaluation.and_then(|evaluation| evaluation.sampled.or(evaluation.greedy));
        let accuracy = measured.map(|measured| measured.accuracy.value);
        let better = accuracy.filter(|accuracy| self.state.best.is_none_or(|best| *accuracy > best.accuracy));
        if let Some(accuracy) = better {
            self.state.best = Some(BestCheckpoint { step: self.state.step, accuracy });
        }
        better.is_some()
    }

    /// Logs one rollout.
    pub fn sample(&mut self, row: &impl serde::Serialize) -> Result<(), TrainRunError> {
        self.folder.line(LineFile::Rollouts, row)
    }

    /// Makes the error of a run that diverged.
    pub fn diverged(&self, what: String) -> TrainRunError {
        TrainRunError::Diverged { step: self.step(), what, last: self.last.clone() }
    }

    fn evaluate(&mut self) -> Result<Option<HeldOutEvaluation>, TrainRunError> {
        let (Some(held_out), Some(section)) = (&self.held_out, &self.config.evaluation) else { return Ok(None) };
        // A judge is evaluated as it was trained: tokens are sampled as in rollouts.
        let grpo = self.config.grpo.clone().unwrap_or_default();
        let sampling = Sampling {
            temperature: section.temperature.unwrap_or(1.0),
            top_p: grpo.top_p,
            top_k: (grpo.top_k > 0).then_some(grpo.top_k),
            min_p: grpo.min_p,
            max_tokens: section.max_completion_length.unwrap_or(512) as u32,
        };
        let config = EvaluateConfig {
            greedy: section.greedy,
            sampled: section.sampled,
            sampling,
            both_orders: section.both_orders,
            max_thinking_tokens: None,
            seed: self.config.seed,
        };
        let weights = &self.learner.weights;
        let mut tensor = |name: &str, _: &[usize]| Ok(weights.merged(name).into_owned());
        let policy = Policy { config: weights.config(), weights: &mut tensor, text: &self.text };
        let evaluation = evaluate::evaluate_weights(policy, self.config.threads, &self.format, held_out, &config)?;
        Ok(Some(evaluation))
    }

    fn write(&mut self, line: MetricsLine, timing: Timing) -> Result<(), TrainRunError> {
        self.folder.line(LineFile::Metrics, &line)?;
        self.folder.line(LineFile::Timings, &timing)?;
        let (taken, seconds) = self.taken;
        let rest = (self.config.optimizer.max_steps - self.state.step) as f64;
        let left = Duration::from_secs_f64(if taken > 0 { seconds / taken as f64 * rest } else { 0.0 });
        let progress = StepProgress { line: &line, timing: &timing, max_steps: self.config.optimizer.max_steps, left };
        (self.observe)(Event::Step(&progress));
        Ok(())
    }

    fn save(&mut self) -> Result<(), TrainRunError> {
        let (learner, files) = (&self.learner, &self.files);
        let write = |folder: &Path| {
            export::write(folder, files, &learner.weights)?;
            learner.save(folder)
        };
        let saved = self.folder.save(&mut self.state, self.config.checkpoint.save_total_limit, write)?;
        (self.observe)(Event::Saved(&saved));
        self.last = Some(saved);
        Ok(())
    }

    fn finish(mut self) -> Result<TrainOutput, TrainRunError> {
        let best = self.state.best.filter(|best| best.step != 0 && best.step != self.state.step);
        let (mut merged, mut merged_best) = (None, None);
        if self.learner.weights.lora().is_some() {
            merged = Some(self.merge(MERGED[0])?);
            if best.is_some() {
                let weights = &mut self.learner.weights;
                let file = export::trained_file(&self.folder.path().join("best"), weights);
                let mut adapters = weights.trainable().to_vec();
                export::read_trained(&file, weights, "", &mut adapters)?;
                weights.trainable_mut().copy_from_slice(&adapters);
                merged_best = Some(self.merge(MERGED[1])?);
            }
        }
        // There is at least one step, and the last step saves a checkpoint.
        let last = self.last.unwrap_or_else(|| self.folder.path().to_owned());
        Ok(TrainOutput { last, best: self.state.best, merged, merged_best })
    }

    fn merge(&self, name: &str) -> Result<PathBuf, TrainRunError> {
        self.folder.save_beside(name, |folder| export::write_merged(folder, &self.files, &self.learner.weights))
    }
}

/// Reads the held-out pairs.
pub(super) fn held_out(config: &TrainConfig) -> Result<Option<HeldOut>, TrainRunError> {
    let Some(section) = &config.evaluation else { return Ok(None) };
    let all = HeldOut::open(&section.path, &section.columns)?;
    Ok(Some(match section.pairs {
        Some(pairs) => all.first(pairs),
        None => all,
    }))
}

/// Loads a shipped format, or one from a file.
pub(super) fn format(name: &str) -> Result<Format, TrainRunError> {
    match Format::shipped(name) {
        Err(FormatError::Unknown(_)) => {}
        shipped => return Ok(shipped?),
    }
    let text = fs::read_to_string(name).map_err(|source| TrainRunError::NoFormat { name: name.to_owned(), source })?;
    Ok(Format::parse(name, &text)?)
}

/// Returns the vocabulary, and the weights before the first step.
fn model(config: &TrainConfig) -> Result<(Arc<ChatTokenizer>, TrainedWeights), TrainRunError> {
    let (text, weights) = match &config.model {
        ModelSource::Folder(folder) => {
            let checkpoint = Checkpoint::open(folder)?;
            (ChatTokenizer::open(&checkpoint)?, TrainedWeights::load(&checkpoint, config.lora.as_ref(), config.seed)?)
        }
        ModelSource::Fresh(fresh) => {
            let shape = shape(&fresh.config)?;
            let unit = weights::InitStd { std: 1.0, embedding_std: 1.0 };
            let mut weights = TrainedWeights::random(&shape, &unit, config.seed);
            fresh.init.scale(&mut weights);
            let weights = match &config.lora {
                Some(lora) => weights.with_adapters(lora, config.seed)?,
                None => weights,
            };
            (ChatTokenizer::read(&fresh.tokenizer, shape.vocab_size)?, weights)
        }
    };
    Ok((Arc::new(text), weights))
}

/// Reads the shape of a model from a `config.json`.
pub(super) fn shape(file: &Path) -> Result<ModelConfig, TrainRunError> {
    ModelConfig::parse(&read_small(file)?).map_err(|source| TrainRunError::Model { file: file.to_owned(), source })
}
