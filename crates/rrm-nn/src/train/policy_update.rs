//! Groups of a step -> advantages -> gradients, with prompts shared by their completions -> updates of the weights.

use super::{
    TrainRunError,
    advantage::advantages,
    config::GrpoSection,
    layout::PackedTokens,
    loss::{GrpoLoss, LossCompletion, LossConfig, LossReport, Update},
    metrics::RolloutGroup,
    microbatch::microbatches,
    run::TrainingRun,
    trainee::TargetScore,
};

/// The results of a step's updates.
pub(super) struct PolicyUpdate {
    /// Mean loss of the updates.
    pub loss: f64,
    /// Mean divergence from the reference for each token, before the first update; `None` without a reference.
    pub kl: Option<f64>,
    /// Mean entropy for each token, before the first update.
    pub entropy: f64,
    /// Share of clipped tokens in the updates after the first; `None` with one update.
    pub clip_ratio: Option<f64>,
    /// Mean norm of the gradients.
    pub grad_norm: f64,
    /// The number of tokens of prompts and completions; each prompt counts once for each of its completions.
    pub tokens: usize,
}

/// Updates the weights `num_iterations` times from the rewards of the groups. Changes nothing if there is no token to learn from.
pub(super) fn update(
    run: &mut TrainingRun<'_, '_>,
    grpo: &GrpoSection,
    groups: &[RolloutGroup],
    learning_rate: f64,
) -> Result<PolicyUpdate, TrainRunError> {
    let completions = completions(grpo, groups);
    let passes = packed(grpo, groups, run.config.max_tokens_per_pass);
    let tokens =
        groups.iter().map(|group| learnt(grpo, group).map(|tokens| tokens.len() + group.pair.prompt_tokens.len()).sum::<usize>());
    let mut updated = PolicyUpdate { loss: 0.0, kl: None, entropy: 0.0, clip_ratio: None, grad_norm: 0.0, tokens: tokens.sum() };
    if completions.iter().all(|completion| completion.tokens == 0) {
        return Ok(updated);
    }
    let temperature = grpo.temperature as f32;
    let mut reference = Vec::new();
    let mut old = Vec::new();
    for packed in &passes {
        reference.extend(logprobs(&run.learner.score_reference(packed, temperature)?));
        if grpo.num_iterations > 1 {
            old.extend(logprobs(&run.learner.score(packed, temperature)?));
        }
    }
    let config = loss_config(grpo);
    let reference = run.learner.has_reference().then_some(&reference[..]);
    let mut clipped = 0.0;
    for iteration in 0..grpo.num_iterations {
        // The first update starts from the weights that wrote the completions, so the old log-probabilities are those of the pass itself.
        let old = (iteration > 0).then_some(&old[..]);
        let loss = GrpoLoss::new(&config, Update { completions: &completions, old, reference });
        let (mut present, mut entropy) = (Vec::new(), 0.0);
        for packed in &passes {
            let before = present.len();
            let scored = run.learner.backward(packed, temperature, &|target, logprob| loss.slope(before + target, logprob))?;
            present.extend(logprobs(&scored));
            entropy += scored.iter().map(|scored| f64::from(scored.entropy)).sum::<f64>();
        }
        let report = loss.report(&present);
        check(run, grpo, &report)?;
        let changed = run.learner.update(learning_rate);
        if !changed.finite {
            return Err(run.diverged(format!("the gradient's length is {}", changed.grad_norm)));
        }
        run.state.updates += 1;
        let share = 1.0 / grpo.num_iterations as f64;
        updated.loss += report.loss * share;
        updated.grad_norm += changed.grad_norm * share;
        if iteration == 0 {
            updated.kl = report.kl;
            updated.entropy = entropy / present.len() as f64;
        } else {
            clipped += report.clip_low + report.clip_high;
        }
    }
    updated.clip_ratio = (grpo.num_iterations > 1).then(|| clipped / (grpo.num_iterations - 1) as f64);
    Ok(updated)
}

/// Stops the run if the loss is not finite or the divergence exceeds its limit.
fn check(run: &TrainingRun<'_, '_>, grpo: &GrpoSection, report: &LossReport) -> Result<(), TrainRunError> {
    if !report.loss.is_finite() {
        return Err(run.diverged(format!("the loss is {}", report.loss)));
    }
    match report.kl.zip(grpo.max_kl) {
        Some((kl, most)) if kl.is_nan() || kl > most => {
            Err(run.diverged(format!("the divergence from the reference is {kl:.4}, above grpo.max_kl = {most}")))
        }
        _ => Ok(()),
    }
}

/// Returns the advantage and the length of each completion.
fn completions(grpo: &GrpoSection, groups: &[RolloutGroup]) -> Vec<LossCompletion> {
    let rewards: Vec<f32> = groups.iter().flat_map(|group| group.rewards.iter().copied()).collect();
    let advantages = advantages(&rewards, grpo.num_generations, grpo.scale_rewards);
    let lengths = groups.iter().flat_map(|group| learnt(grpo, group).map(<[u32]>::len));
    advantages.into_iter().zip(lengths).map(|(advantage, tokens)| LossCompletion { advantage, tokens }).collect()
}

/// Returns the tokens of each completion that are in the loss. A truncated completion has none if such completions are masked.
fn learnt<'a>(grpo: &GrpoSection, group: &'a RolloutGroup) -> impl Iterator<Item = &'a [u32]> {
    let masks = grpo.mask_truncated_completions;
    group.rollouts.iter().map(move |rollout| if masks && rollout.truncated { &[][..] } else { &rollout.tokens[..] })
}

/// Packs groups with shared prompts, as many in a pass as its limit of tokens allows.
fn packed(grpo: &GrpoSection, groups: &[RolloutGroup], most: usize) -> Vec<PackedTokens> {
    let rows = |group: &RolloutGroup| group.pair.prompt_tokens.len() + learnt(grpo, group).map(<[u32]>::len).sum::<usize>();
    let pass = |pass: std::ops::Range<usize>| {
        let mut packed = PackedTokens::default();
        for group in &groups[pass] {
            packed.group(&group.pair.prompt_tokens, &learnt(grpo, group).collect::<Vec<_>>());
        }
        packed
    };
    microbatches(groups.iter().map(rows), most).into_iter().map(pass).collect()
}

fn loss_config(grpo: &GrpoSection) -> LossConfig {
    LossConfig {
        loss_type: grpo.loss_type,
        epsilon: grpo.epsilon,
        epsilon_high: grpo.epsilon_high,
        beta: grpo.beta,
        use_bias_correction_kl: grpo.use_bias_correction_kl,
        max_completion_length: grpo.max_completion_length,
    }
}

fn logprobs(scored: &[TargetScore]) -> impl Iterator<Item = f32> {
    scored.iter().map(|scored| scored.logprob)
}
