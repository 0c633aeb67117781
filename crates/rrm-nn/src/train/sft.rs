//! Supervised fine-tuning: examples -> gradients of their log-probabilities -> weights, step by step.

use std::time::Instant;

use super::{
    TrainRunError,
    config::TrainConfig,
    data::{SftConfig, SftFile, SftSource},
    layout::PackedTokens,
    loss::SftLoss,
    metrics::{SftMetrics, StepMetrics},
    microbatch::microbatches,
    progress::Timing,
    run::TrainingRun,
};
use crate::config::ModelConfig;

/// Takes the remaining steps.
pub(super) fn run(run: &mut TrainingRun<'_, '_>) -> Result<(), TrainRunError> {
    let config = run.config;
    let mut source = SftSource::open(&data(config, run.learner.weights.config()), &run.format, &run.text)?;
    run.begin(source.counts())?;
    while run.goes_on() {
        let clock = Instant::now();
        let batch = source.batch(run.state.batches);
        run.state.batches += 1;

        let weights: Vec<f32> = batch.iter().flat_map(|example| example.weights.iter().copied()).collect();
        let loss = SftLoss::new(&weights);
        let (mut logprobs, mut entropy) = (Vec::new(), 0.0);
        let lengths = batch.iter().map(|example| example.prompt_tokens.len() + example.completion_tokens.len());
        for pass in microbatches(lengths.clone(), config.max_tokens_per_pass) {
            let mut packed = PackedTokens::default();
            for example in &batch[pass] {
                packed.group(&example.prompt_tokens, &[&example.completion_tokens]);
            }
            let before = logprobs.len();
            let scored = run.learner.backward(&packed, 1.0, &|target, _| loss.slope(before + target))?;
            entropy += scored.iter().map(|scored| f64::from(scored.entropy)).sum::<f64>();
            logprobs.extend(scored.iter().map(|scored| scored.logprob));
        }
        let loss = loss.loss(&logprobs);
        if !loss.is_finite() {
            return Err(run.diverged(format!("the loss is {loss}")));
        }
        let learning_rate = run.learning_rate();
        let updated = run.learner.update(learning_rate);
        if !updated.finite {
            return Err(run.diverged(format!("the gradient's length is {}", updated.grad_norm)));
        }
        run.state.updates += 1;

        let (tokens, grad_norm) = (logprobs.len(), updated.grad_norm);
        let metrics = SftMetrics { loss, entropy: entropy / tokens as f64, tokens, grad_norm, learning_rate };
        let seconds = clock.elapsed().as_secs_f64();
        let update_tokens_per_second = lengths.sum::<usize>() as f64 / seconds;
        let timing = Timing { seconds, update_seconds: seconds, update_tokens_per_second, ..Timing::default() };
        run.end_step(StepMetrics::Sft(metrics), timing)?;
    }
    Ok(())
}

/// Returns the settings of the examples, with lengths limited to the model's positions.
pub(super) fn data(config: &TrainConfig, model: &ModelConfig) -> SftConfig {
    let sft = config.sft.clone().unwrap_or_default();
    let sources = config.data.sources.iter();
    SftConfig {
        sources: sources.map(|source| SftFile { path: source.path.clone(), weight: source.weight }).collect(),
        batch_size: sft.per_device_train_batch_size,
        max_length: sft.max_length.min(model.max_position_embeddings),
        verdict_weight: sft.verdict_weight,
        token_weights: sft.token_weights,
        seed: config.seed,
    }
}
