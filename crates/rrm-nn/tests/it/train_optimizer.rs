//! AdamW, clipping and schedules equal those of PyTorch and transformers, as `scripts/make_trl_golden.py` wrote them down.

use std::collections::BTreeMap;

use rrm_nn::train::{
    adamw::{AdamW, AdamWConfig, Moments},
    clip::clip,
    learning_rate::{Schedule, SchedulerType},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    adamw: Optimizer,
    clip: Vec<Clipped>,
    schedules: Vec<Scheduled>,
}

#[derive(Deserialize)]
struct Optimizer {
    start: Tensors<Vec<f32>>,
    steps: BTreeMap<u64, Tensors<State>>,
}

/// A matrix with decay and a bias without.
#[derive(Deserialize)]
struct Tensors<T> {
    decayed: T,
    plain: T,
}

#[derive(Deserialize)]
struct State {
    weights: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
}

#[derive(Deserialize)]
struct Clipped {
    max_norm: f64,
    before: Vec<f32>,
    norm: f64,
    after: Vec<f32>,
}

#[derive(Deserialize)]
struct Scheduled {
    lr_scheduler_type: SchedulerType,
    warmup_steps: f64,
    max_steps: u64,
    rates: Vec<f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/trl/optimizer.json")).unwrap()
}

#[test]
fn twenty_steps_of_adamw_end_at_the_bits_of_pytorch() {
    let Optimizer { start, steps } = golden().adamw;
    let mut weights = [start.decayed.clone(), start.plain].concat();
    let config = AdamWConfig { weight_decay: 0.1, ..AdamWConfig::default() };
    let decayed = vec![0..start.decayed.len(), 0..0];
    let mut optimizer = AdamW { config, decayed, threads: 2, moments: Moments::new(weights.len()) };
    let mut compared = 0;
    for step in 1..=20u64 {
        let gradient = |at: u64| ((at * 7919 + step * 104_729) % 2001) as f32 / 1024.0 - 1000.0 / 1024.0;
        let gradients: Vec<f32> = (0..weights.len() as u64).map(gradient).collect();
        optimizer.step(&mut weights, &gradients, 3e-3 * step as f64 / 20.0);
        let Some(Tensors { decayed, plain }) = steps.get(&step) else { continue };
        let Moments { first, second, .. } = &optimizer.moments;
        let both = |of: fn(&State) -> &Vec<f32>| [of(decayed).clone(), of(plain).clone()].concat();
        assert_eq!(first, &both(|state| &state.first), "step {step}");
        assert_eq!(second, &both(|state| &state.second), "step {step}");
        assert_eq!(weights, both(|state| &state.weights), "step {step}");
        compared += 1;
    }
    assert_eq!(compared, 3);
}

#[test]
fn gradients_are_clipped_as_in_pytorch() {
    for Clipped { max_norm, before, norm, after } in golden().clip {
        let mut gradients = before.clone();
        let found = clip(&mut gradients, max_norm);
        // PyTorch sums in f32.
        assert!((found / norm - 1.0).abs() < 1e-6, "{found} {norm}");
        let far = gradients.iter().zip(&after).find(|(a, b)| (*a - *b).abs() > 1e-6 * b.abs());
        assert_eq!(far, None);
        assert_eq!(gradients == before, norm < max_norm);
    }
}

#[test]
fn learning_rates_are_those_of_transformers() {
    let schedules = golden().schedules;
    assert_eq!(schedules.len(), 20);
    for Scheduled { lr_scheduler_type, warmup_steps, max_steps, rates } in schedules {
        let schedule = Schedule { lr_scheduler_type, learning_rate: 2e-4, warmup_steps, max_steps, min_lr: 5e-5 };
        for (step, rate) in rates.into_iter().enumerate() {
            let found = schedule.at(step as u64);
            assert!((found - rate).abs() <= 1e-15 * 2e-4, "{lr_scheduler_type:?} {warmup_steps} {step}: {found} {rate}");
        }
    }
}
