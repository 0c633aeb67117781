//! Log-probabilities of tokens -> the loss, its derivative with respect to each, and statistics for logs.
//!
//! [`GrpoLoss`] is the loss of TRL 1.16's `GRPOTrainer` with one batch for each update; options have its names. [`SftLoss`] is a weighted mean over
//! tokens.

use serde::{Deserialize, Serialize};

/// The divisor of the sum of all tokens' losses: TRL's `loss_type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossType {
    /// The mean over completions of the mean over their tokens (arXiv 2402.03300): short completions weigh as much as long ones.
    Grpo,
    /// The number of completions times `max_completion_length` (Dr. GRPO, arXiv 2503.20783).
    DrGrpo,
    /// The number of tokens in all batches that are accumulated for the update (DAPO, arXiv 2503.14476); TRL's default.
    #[default]
    Dapo,
    /// The number of tokens in the batch. With one batch for each update, as here, it equals [`LossType::Dapo`]; in TRL they differ when batches are
    /// accumulated.
    Bnpo,
}

/// Options of the loss, by TRL's names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossConfig {
    /// The divisor of the sum.
    pub loss_type: LossType,
    /// The ratio is clipped below `1 - epsilon`.
    pub epsilon: f64,
    /// The ratio is clipped above `1 + epsilon_high`; `None` means `epsilon`.
    pub epsilon_high: Option<f64>,
    /// Weight of the divergence from the reference.
    pub beta: f64,
    /// Whether a token's divergence is multiplied by its ratio, which makes the gradient that of the reverse divergence (arXiv 2512.02556). This is
    /// TRL 1.16's default.
    pub use_bias_correction_kl: bool,
    /// Most tokens of a completion; the divisor of [`LossType::DrGrpo`].
    pub max_completion_length: usize,
}

/// The advantage and length of a completion in the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossCompletion {
    /// The advantage.
    pub advantage: f32,
    /// The number of its tokens. A completion that `mask_truncated_completions` leaves out has 0 and no targets, but still counts as a completion.
    pub tokens: usize,
}

/// The inputs of the loss besides the current log-probabilities.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    /// Completions in the order of their targets.
    pub completions: &'a [LossCompletion],
    /// Each target's log-probability under the weights that wrote it; `None` in the first update from a rollout, where these are the current weights.
    pub old: Option<&'a [f32]>,
    /// Each target's log-probability under the reference. Required if `beta` is not 0, otherwise used in the report only.
    pub reference: Option<&'a [f32]>,
}

/// The loss of one update, as a function of its targets' log-probabilities.
#[derive(Clone, Debug)]
pub struct GrpoLoss<'a> {
    config: LossConfig,
    update: Update<'a>,
    /// The completion of each target.
    owners: Vec<u32>,
    /// The weight of each token of a completion in the sum.
    weights: Vec<f64>,
}

/// Statistics of an update. Means are over tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LossReport {
    /// The loss.
    pub loss: f64,
    /// Mean divergence from the reference, as the loss takes it; `None` without a reference. TRL's `kl`.
    pub kl: Option<f64>,
    /// Share of tokens whose ratio is clipped below, because they became much less likely; TRL's `clip_ratio/low_mean`.
    pub clip_low: f64,
    /// The smallest such share of a completion; TRL's `clip_ratio/low_min`.
    pub clip_low_min: f64,
    /// Share of tokens whose ratio is clipped above, because they became much likelier; TRL's `clip_ratio/high_mean`.
    pub clip_high: f64,
    /// The largest such share of a completion; TRL's `clip_ratio/high_max`.
    pub clip_high_max: f64,
    /// Mean ratio of a token.
    pub ratio: f64,
}

/// The terms of one token.
struct Term {
    loss: f64,
    slope: f64,
    ratio: f64,
    kl: f64,
    low: bool,
    high: bool,
}

impl<'a> GrpoLoss<'a> {
    /// Makes the loss of an update.
    ///
    /// # Panics
    /// When `old` or `reference` do not hold one value for each token, or when `beta` is not 0 and there is no reference.
    pub fn new(config: &LossConfig, update: Update<'a>) -> Self {
        let completions = update.completions;
        let owner = |(index, completion): (usize, &LossCompletion)| std::iter::repeat_n(index as u32, completion.tokens);
        let owners: Vec<u32> = completions.iter().enumerate().flat_map(owner).collect();
        for given in [update.old, update.reference].into_iter().flatten() {
            assert_eq!(given.len(), owners.len(), "log-probabilities of other targets");
        }
        assert!(config.beta == 0.0 || update.reference.is_some(), "a divergence from nothing");
        let (count, tokens) = (completions.len() as f64, owners.len() as f64);
        let weight = |completion: &LossCompletion| match config.loss_type {
            LossType::Grpo => 1.0 / (count * completion.tokens.max(1) as f64),
            LossType::DrGrpo => 1.0 / (count * config.max_completion_length as f64),
            LossType::Dapo | LossType::Bnpo => 1.0 / tokens.max(1.0),
        };
        GrpoLoss { config: *config, update, weights: completions.iter().map(weight).collect(), owners }
    }

    /// Returns d(loss)/d(log-probability) of a target at the given log-probability.
    ///
    /// # Panics
    /// When the target does not exist.
    pub fn slope(&self, target: usize, logprob: f32) -> f32 {
        (self.term(target, logprob).slope * self.weight(target)) as f32
    }

    /// Returns the loss and its statistics for the log-probabilities of all targets. Sums run in the order of targets, in f64.
    ///
    /// # Panics
    /// When the number of log-probabilities is not that of targets.
    pub fn report(&self, logprobs: &[f32]) -> LossReport {
        assert_eq!(logprobs.len(), self.owners.len(), "log-probabilities of other targets");
        let (mut sums, mut kl) = (LossReport { clip_low_min: f64::INFINITY, ..LossReport::default() }, 0.0);
        let mut target = 0;
        for completion in self.update.completions.iter().filter(|completion| completion.tokens > 0) {
            let (mut low, mut high) = (0.0, 0.0);
            for _ in 0..completion.tokens {
                let term = self.term(target, logprobs[target]);
                sums.loss += term.loss * self.weight(target);
                sums.ratio += term.ratio;
                kl += term.kl;
                low += f64::from(term.low);
                high += f64::from(term.high);
                target += 1;
            }
            let tokens = completion.tokens as f64;
            sums.clip_low += low;
            sums.clip_high += high;
            sums.clip_low_min = sums.clip_low_min.min(low / tokens);
            sums.clip_high_max = sums.clip_high_max.max(high / tokens);
        }
        let all = logprobs.len().max(1) as f64;
        LossReport {
            kl: self.update.reference.map(|_| kl / all),
            clip_low: sums.clip_low / all,
            clip_low_min: if logprobs.is_empty() { 0.0 } else { sums.clip_low_min },
            clip_high: sums.clip_high / all,
            ratio: sums.ratio / all,
            ..sums
        }
    }

    fn weight(&self, target: usize) -> f64 {
        self.weights[self.owners[target] as usize]
    }

    fn term(&self, target: usize, logprob: f32) -> Term {
        let LossConfig { epsilon, epsilon_high, beta, use_bias_correction_kl, .. } = self.config;
        let advantage = f64::from(self.update.completions[self.owners[target] as usize].advantage);
        let logprob = f64::from(logprob);
        let ratio = self.update.old.map_or(1.0, |old| (logprob - f64::from(old[target])).exp());
        let (least, most) = (1.0 - epsilon, 1.0 + epsilon_high.unwrap_or(epsilon));
        let (low, high) = (ratio < least && advantage < 0.0, ratio > most && advantage > 0.0);
        // -min(ratio A, clip(ratio) A): the derivative is -ratio A, or 0 where the clipped term is smaller.
        let clipped = if low { least } else { most };
        let (mut loss, mut slope) = if low || high { (clipped, 0.0) } else { (ratio, ratio) };
        (loss, slope) = (-loss * advantage, -slope * advantage);
        let mut kl = 0.0;
        if let Some(reference) = self.update.reference {
            // exp(d) - d - 1 with d = log(reference / policy): unbiased, of low variance, never negative.
            let distance = f64::from(reference[target]) - logprob;
            kl = distance.exp_m1() - distance;
            let mut kl_slope = -distance.exp_m1();
            if use_bias_correction_kl {
                // The product rule: ratio (kl + 1 - exp(d)), and what remains is -ratio d.
                (kl, kl_slope) = (ratio * kl, -ratio * distance);
            }
            loss += beta * kl;
            slope += beta * kl_slope;
        }
        Term { loss, slope, ratio, kl, low, high }
    }
}

/// The loss of supervised fine-tuning: the weighted mean of negative log-probabilities.
#[derive(Clone, Copy, Debug)]
pub struct SftLoss<'a> {
    weights: &'a [f32],
    total: f64,
}

impl<'a> SftLoss<'a> {
    /// Makes the loss for targets with these weights, which are not negative. With equal weights it is TRL's and transformers' cross-entropy.
    pub fn new(weights: &'a [f32]) -> Self {
        SftLoss { weights, total: weights.iter().copied().map(f64::from).sum() }
    }

    /// Returns d(loss)/d(log-probability) of a target; it does not depend on the log-probability.
    ///
    /// # Panics
    /// When the target does not exist.
    pub fn slope(&self, target: usize) -> f32 {
        let weight = f64::from(self.weights[target]);
        if weight == 0.0 { 0.0 } else { (-weight / self.total) as f32 }
    }

    /// Returns the loss in nats for each token; 0 if no token has a weight.
    ///
    /// # Panics
    /// When the number of log-probabilities is not that of targets.
    pub fn loss(&self, logprobs: &[f32]) -> f64 {
        assert_eq!(logprobs.len(), self.weights.len(), "log-probabilities of other targets");
        let sum: f64 = logprobs.iter().zip(self.weights).map(|(logprob, weight)| -f64::from(*logprob) * f64::from(*weight)).sum();
        if self.total > 0.0 { sum / self.total } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGPROBS: [f32; 6] = [-0.5, -1.0, -2.0, -0.1, -3.0, -0.7];
    const OLD: [f32; 6] = [-0.6, -0.4, -2.5, -0.15, -2.0, -0.7];
    const REFERENCE: [f32; 6] = [-0.4, -1.5, -1.0, -0.2, -3.1, -0.9];
    const COMPLETIONS: [LossCompletion; 4] = [
        LossCompletion { advantage: 1.5, tokens: 3 },
        LossCompletion { advantage: -0.5, tokens: 2 },
        LossCompletion { advantage: 0.9, tokens: 0 },
        LossCompletion { advantage: 0.0, tokens: 1 },
    ];

    fn config(loss_type: LossType) -> LossConfig {
        let (epsilon, epsilon_high) = (0.2, Some(0.3));
        LossConfig { loss_type, epsilon, epsilon_high, beta: 0.1, use_bias_correction_kl: true, max_completion_length: 5 }
    }

    #[test]
    fn slopes_are_differences_of_the_loss() {
        for loss_type in [LossType::Grpo, LossType::DrGrpo, LossType::Dapo, LossType::Bnpo] {
            for use_bias_correction_kl in [true, false] {
                let config = LossConfig { use_bias_correction_kl, ..config(loss_type) };
                let update = Update { completions: &COMPLETIONS, old: Some(&OLD), reference: Some(&REFERENCE) };
                let loss = GrpoLoss::new(&config, update);
                for target in 0..6 {
                    let at = |step: f32| {
                        let mut logprobs = LOGPROBS;
                        logprobs[target] += step;
                        (f64::from(logprobs[target]), loss.report(&logprobs).loss)
                    };
                    let ((x0, y0), (x1, y1)) = (at(-1e-3), at(1e-3));
                    let slope = f64::from(loss.slope(target, LOGPROBS[target]));
                    assert!(((y1 - y0) / (x1 - x0) - slope).abs() < 1e-6, "{loss_type:?} {target} {slope}");
                }
            }
        }
    }

    #[test]
    fn clipped_tokens_are_counted_where_they_hold_the_update_back() {
        let update = Update { completions: &COMPLETIONS, old: Some(&OLD), reference: None };
        let report = GrpoLoss::new(&LossConfig { beta: 0.0, ..config(LossType::Dapo) }, update).report(&LOGPROBS);
        // Of the first completion only the third token became likelier by more than 1.3; of the second one the last fell below 0.8.
        assert_eq!((report.clip_high, report.clip_high_max), (1.0 / 6.0, 1.0 / 3.0));
        assert_eq!((report.clip_low, report.clip_low_min, report.kl), (1.0 / 6.0, 0.0, None));
    }

    #[test]
    fn the_weights_that_wrote_the_completions_have_ratios_of_1() {
        let update = Update { completions: &COMPLETIONS, old: None, reference: None };
        let loss = GrpoLoss::new(&LossConfig { beta: 0.0, ..config(LossType::Grpo) }, update);
        // Four completions, of which the first has three tokens.
        assert_eq!(loss.slope(0, LOGPROBS[0]), -1.5 / 12.0);
        assert_eq!(loss.slope(5, LOGPROBS[5]), 0.0);
        assert_eq!(loss.report(&LOGPROBS).ratio, 1.0);
    }

    #[test]
    fn nothing_to_learn_from_is_no_loss() {
        let completions = [LossCompletion { advantage: 1.0, tokens: 0 }];
        let update = Update { completions: &completions, old: None, reference: Some(&[]) };
        let report = GrpoLoss::new(&config(LossType::Dapo), update).report(&[]);
        assert_eq!(report, LossReport { kl: Some(0.0), ..LossReport::default() });
        assert_eq!(SftLoss::new(&[0.0]).loss(&[-1.0]), 0.0);
    }

    #[test]
    fn tokens_of_supervised_text_count_by_their_weights() {
        let loss = SftLoss::new(&[1.0, 0.0, 3.0]);
        assert_eq!(loss.loss(&[-1.0, -9.0, -2.0]), 7.0 / 4.0);
        assert_eq!([loss.slope(0), loss.slope(1), loss.slope(2)], [-0.25, 0.0, -0.75]);
    }
}
