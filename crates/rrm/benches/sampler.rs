//! Logits of vocabularies of three sizes -> what a draw costs: `cargo bench -p rrm-judge --bench sampler`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints what it measured and stops where it cannot")]

use std::{hint::black_box, time::Instant};

use rrm::{
    engine::{Sampling, in_process::Sampler},
    keyed::KeyedRandom,
};

fn main() {
    let plain = Sampling { temperature: 1.0, ..Sampling::default() };
    let samplings = [
        ("greedy", Sampling { temperature: 0.0, ..plain.clone() }),
        ("temperature", plain.clone()),
        ("top_p 0.95", Sampling { top_p: 0.95, ..plain.clone() }),
        ("top_k 50", Sampling { top_k: Some(50), ..plain.clone() }),
        ("min_p 0.05", Sampling { min_p: Some(0.05), ..plain }),
    ];
    println!("µs a draw; sure: ten tokens have nearly all of the probability; unsure: the logits are normal, with deviation 1");
    for vocabulary in [2048, 49_152, 152_064] {
        for (shape, raised) in [("sure", 10), ("unsure", 0)] {
            let rows: Vec<Vec<f32>> = (0..8).map(|row| logits(vocabulary, raised, row)).collect();
            print!("{vocabulary:>7} {shape:>6}:");
            for (name, sampling) in &samplings {
                print!("  {name} {:.0}", micros(sampling, &rows));
            }
            println!();
        }
    }
}

fn micros(sampling: &Sampling, rows: &[Vec<f32>]) -> f64 {
    let mut sampler = Sampler::new(sampling, 7);
    let draws = 2_000_000 / rows[0].len() + 20;
    black_box(sampler.draw(&rows[0]).unwrap());
    let start = Instant::now();
    for i in 0..draws {
        black_box(sampler.draw(black_box(&rows[i % rows.len()])).unwrap());
    }
    start.elapsed().as_secs_f64() * 1e6 / draws as f64
}

/// Normal logits; some of them are raised far above the others.
fn logits(vocabulary: usize, raised: usize, row: u64) -> Vec<f32> {
    let mut random = KeyedRandom::new(1, "", "logits", &[row]);
    let mut uniform = || (random.below(1 << 30) as f64 + 0.5) / f64::from(1 << 30);
    let mut normal = || ((-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()) as f32;
    let mut logits: Vec<f32> = (0..vocabulary).map(|_| normal()).collect();
    for i in 0..raised {
        logits[(i * 7919 + 13) % vocabulary] += 18.0 - i as f32;
    }
    logits
}
