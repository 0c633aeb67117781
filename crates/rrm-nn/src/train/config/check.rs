//! A configuration -> the first key whose value is invalid, and what is expected there.

use std::fmt::Display;

use super::{GrpoSection, Method, OptimizerSection, TrainConfig};
use crate::train::learning_rate::SchedulerType;

/// A key with its section, and what is wrong with it.
type ConfigProblem = (String, String);

impl TrainConfig {
    pub(super) fn check(&self) -> Result<(), ConfigProblem> {
        let other = |present: bool, key: &str, method: &str| {
            let what = format!("is only for method = \"{method}\"");
            if present { Err((key.to_owned(), what)) } else { Ok(()) }
        };
        let pairs_only = self.method == Method::Sft;
        other(self.method == Method::Grpo && self.sft.is_some(), "sft", "sft")?;
        other(pairs_only && self.grpo.is_some(), "grpo", "grpo")?;
        other(pairs_only && self.reward.is_some(), "reward", "grpo")?;
        other(pairs_only && self.data.both_orders, "data.both_orders", "grpo")?;
        let about_pairs = self.data.sources.iter().any(|source| source.filter.is_some() || !source.columns.is_empty());
        other(pairs_only && about_pairs, "data.sources.columns and data.sources.filter", "grpo")?;
        if self.data.sources.is_empty() {
            return Err(("data.sources".into(), "is empty: expected a list such as [{ path = \"pairs.jsonl\" }]".into()));
        }
        for source in &self.data.sources {
            hold("data.sources.weight", source.weight, source.weight.is_finite() && source.weight > 0.0, "a number above 0")?;
        }
        at_least_1("threads", self.threads.unwrap_or(1))?;
        at_least_1("max_tokens_per_pass", self.max_tokens_per_pass)?;
        at_least_1("data.max_prompt_length", self.data.max_prompt_length)?;
        at_least_1("checkpoint.save_steps", self.checkpoint.save_steps)?;
        at_least_1("checkpoint.save_total_limit", self.checkpoint.save_total_limit.unwrap_or(1))?;
        at_least_1("logging.rollouts_every", self.logging.rollouts_every)?;
        if let Some(evaluation) = &self.evaluation {
            at_least_1("evaluation.eval_steps", evaluation.eval_steps)?;
            at_least_1("evaluation.pairs", evaluation.pairs.unwrap_or(1))?;
            at_least_1("evaluation.max_completion_length", evaluation.max_completion_length.unwrap_or(1))?;
            let temperature = evaluation.temperature.unwrap_or(1.0);
            let warm = temperature.is_finite() && temperature >= 0.0;
            hold("evaluation.temperature", temperature, warm, "a number of at least 0")?;
            hold(
                "evaluation.sampled",
                evaluation.sampled,
                evaluation.sampled || evaluation.greedy,
                "true where greedy is false",
            )?;
        }
        if let Some(sft) = &self.sft {
            at_least_1("sft.per_device_train_batch_size", sft.per_device_train_batch_size)?;
            let (weight, key) = (f64::from(sft.verdict_weight), "sft.verdict_weight");
            hold(key, weight, weight.is_finite() && weight > 0.0, "a number above 0")?;
            for (token, weight) in &sft.token_weights {
                let key = format!("sft.token_weights.{token}");
                hold(&key, weight, weight.is_finite() && *weight > 0.0, "a number above 0")?;
            }
        }
        let consistency = self.reward.is_some_and(|reward| reward.consistency);
        hold("reward.consistency", consistency, !consistency || self.data.both_orders, "false unless data.both_orders is true")?;
        if let Some(grpo) = self.grpo.as_ref().filter(|grpo| self.data.both_orders && grpo.num_generations > 0) {
            let (size, two) = (grpo.generation_batch_size, 2 * grpo.num_generations);
            let expected =
                format!("a multiple of {two}: with data.both_orders each pair takes 2 * grpo.num_generations completions");
            hold("grpo.generation_batch_size", size, size.is_multiple_of(two), &expected)?;
        }
        self.optimizer.check()?;
        self.grpo.as_ref().map_or(Ok(()), GrpoSection::check)
    }
}

impl OptimizerSection {
    fn check(&self) -> Result<(), ConfigProblem> {
        if self.max_steps == 0 {
            return Err((
                "optimizer.max_steps".into(),
                "is missing or 0; expected how many steps the run has, at least 1".into(),
            ));
        }
        if let Some(rate) = self.learning_rate {
            hold("optimizer.learning_rate", rate, rate.is_finite() && rate >= 0.0, "a number of at least 0")?;
        }
        for (key, value) in [("weight_decay", self.weight_decay), ("max_grad_norm", self.max_grad_norm)] {
            hold(&format!("optimizer.{key}"), value, value.is_finite() && value >= 0.0, "a number of at least 0")?;
        }
        for (key, beta) in [("adam_beta1", self.adam_beta1), ("adam_beta2", self.adam_beta2)] {
            hold(&format!("optimizer.{key}"), beta, (0.0..1.0).contains(&beta), "a number from 0 up to, but not, 1")?;
        }
        hold("optimizer.adam_epsilon", self.adam_epsilon, self.adam_epsilon > 0.0, "a number above 0")?;
        hold("optimizer.min_lr", self.min_lr, self.min_lr.is_finite() && self.min_lr >= 0.0, "a number of at least 0")?;
        let cosine = self.lr_scheduler_type == SchedulerType::CosineWithMinLr;
        hold(
            "optimizer.min_lr",
            self.min_lr,
            cosine || self.min_lr == 0.0,
            "0 unless lr_scheduler_type = \"cosine_with_min_lr\"",
        )?;
        if let Some(rate) = self.learning_rate {
            let expected = format!("at most optimizer.learning_rate, which is {rate}");
            hold("optimizer.min_lr", self.min_lr, self.min_lr <= rate, &expected)?;
        }
        let warmed = (0.0..=self.max_steps as f64).contains(&self.warmup_steps);
        hold("optimizer.warmup_steps", self.warmup_steps, warmed, "at least 0 and no more than optimizer.max_steps")
    }
}

impl GrpoSection {
    fn check(&self) -> Result<(), ConfigProblem> {
        hold(
            "grpo.num_generations",
            self.num_generations,
            self.num_generations >= 2,
            "at least 2: a group compares completions",
        )?;
        let (size, group) = (self.generation_batch_size, self.num_generations);
        let whole = size > 0 && size.is_multiple_of(group);
        hold("grpo.generation_batch_size", size, whole, &format!("a multiple of grpo.num_generations, which is {group}"))?;
        at_least_1("grpo.max_completion_length", self.max_completion_length)?;
        let warm = self.temperature.is_finite() && self.temperature > 0.0;
        hold(
            "grpo.temperature",
            self.temperature,
            warm,
            "a number above 0: without chance the completions of a group are equal",
        )?;
        hold("grpo.top_p", self.top_p, self.top_p > 0.0 && self.top_p <= 1.0, "a number above 0 and at most 1")?;
        if let Some(min_p) = self.min_p {
            hold("grpo.min_p", min_p, (0.0..=1.0).contains(&min_p), "a number from 0 to 1")?;
        }
        for (key, value) in [("epsilon", Some(self.epsilon)), ("epsilon_high", self.epsilon_high), ("beta", Some(self.beta))] {
            let value = value.unwrap_or(0.0);
            hold(&format!("grpo.{key}"), value, value.is_finite() && value >= 0.0, "a number of at least 0")?;
        }
        if let Some(most) = self.max_kl {
            hold("grpo.max_kl", most, most.is_finite() && most > 0.0, "a number above 0")?;
        }
        at_least_1("grpo.num_iterations", self.num_iterations)?;
        at_least_1("grpo.max_num_gen_batches", self.max_num_gen_batches)
    }
}

fn at_least_1<N: Copy + Display + From<u8> + PartialOrd>(key: &str, number: N) -> Result<(), ConfigProblem> {
    hold(key, number, number >= N::from(1), "at least 1")
}

fn hold(key: &str, value: impl Display, holds: bool, expected: &str) -> Result<(), ConfigProblem> {
    if holds { Ok(()) } else { Err((key.to_owned(), format!("is {value}; expected {expected}"))) }
}
