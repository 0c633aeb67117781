//! This machine -> one JSON line: how much f32 arithmetic and how much reading of memory its cores can do.
//!
//! `cargo run --release -p rrm-nn --example machine_peak -- 2`: threads. Arithmetic is fused multiply-adds on registers only, counted as two
//! operations each; reading is summing arrays far larger than any cache, one for each thread. Both are the best of several tries, since a
//! shared machine only ever makes them worse.
#![expect(unsafe_code, reason = "vector instructions chosen at run time")]
#![expect(clippy::print_stdout, reason = "the line is the output")]

use std::{hint::black_box, thread, time::Instant};

/// Independent chains of multiply-adds: enough to hide the latency of 4 cycles on two units.
const CHAINS: usize = 12;
/// Multiply-adds of each chain in one try.
const ROUNDS: usize = 20_000_000;
/// Numbers of 8 bytes that each thread reads: 512 MiB.
const NUMBERS: usize = 64 << 20;
const TRIES: usize = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let threads: usize = std::env::args().nth(1).map_or(Ok(2), |n| n.parse())?;
    let (isa, lanes, multiply_adds) = kernel();
    let seconds = best(threads, |_| multiply_adds(ROUNDS));
    let gflops = (threads * ROUNDS * CHAINS * lanes * 2) as f64 / seconds / 1e9;
    let arrays: Vec<Vec<u64>> = (0..threads).map(|thread| vec![thread as u64 + 1; NUMBERS]).collect();
    let seconds = best(threads, |thread| {
        black_box(arrays[thread].iter().fold(0, |sum: u64, n| sum.wrapping_add(*n)));
    });
    let read = (threads * NUMBERS * 8) as f64 / seconds / 1e9;
    println!(
        "{}",
        serde_json::json!({
            "threads": threads, "instructions": isa,
            "gflops": (gflops * 10.0).round() / 10.0, "read_gb_per_second": (read * 100.0).round() / 100.0,
        })
    );
    Ok(())
}

/// Seconds of the fastest of several tries, each of which runs `work` in every thread.
fn best(threads: usize, work: impl Fn(usize) + Sync) -> f64 {
    let once = || {
        let started = Instant::now();
        thread::scope(|scope| {
            (0..threads).for_each(|thread| {
                drop(scope.spawn({
                    let work = &work;
                    move || work(thread)
                }))
            })
        });
        started.elapsed().as_secs_f64()
    };
    (0..TRIES).map(|_| once()).fold(f64::INFINITY, f64::min)
}

/// The widest multiply-adds that this processor has: their name, numbers in a register, and the loop.
fn kernel() -> (&'static str, usize, fn(usize)) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the instructions were found.
            return ("AVX-512", 16, |rounds| unsafe { avx512(rounds) });
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the instructions were found.
            return ("AVX2", 8, |rounds| unsafe { avx2(rounds) });
        }
    }
    ("plain", 8, plain)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(rounds: usize) {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_set1_ps};
    let mut sums = [_mm512_set1_ps(1.0); CHAINS];
    let (factor, addend) = (black_box(_mm512_set1_ps(0.999)), black_box(_mm512_set1_ps(0.001)));
    for _ in 0..rounds {
        sums.iter_mut().for_each(|sum| *sum = _mm512_fmadd_ps(*sum, factor, addend));
    }
    black_box(sums);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(rounds: usize) {
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_set1_ps};
    let mut sums = [_mm256_set1_ps(1.0); CHAINS];
    let (factor, addend) = (black_box(_mm256_set1_ps(0.999)), black_box(_mm256_set1_ps(0.001)));
    for _ in 0..rounds {
        sums.iter_mut().for_each(|sum| *sum = _mm256_fmadd_ps(*sum, factor, addend));
    }
    black_box(sums);
}

/// Whatever vectors the compiler may use everywhere; a multiplication and an addition where there is nothing fused.
fn plain(rounds: usize) {
    let mut sums = [[1.0f32; 8]; CHAINS];
    let (factor, addend) = (black_box(0.999f32), black_box(0.001f32));
    for _ in 0..rounds {
        sums.iter_mut().flatten().for_each(|sum| *sum = *sum * factor + addend);
    }
    black_box(sums);
}
