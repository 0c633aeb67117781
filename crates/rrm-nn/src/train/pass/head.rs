//! Hidden states after the last norm -> log-probabilities of targets, and backward, for some rows at a time: the logits of all rows never exist at
//! once.
//!
//! Logits are stored in tiles, `(V / 32, rows, 32)`: the layout in which the product with the output layer writes them and in which the product with
//! its columns reads their slopes.

use std::cell::RefCell;

use super::{
    machine::Machine,
    tiles::{RowMatrix, TileBuffer, TileSlice, multiply, turn_rows, turn_tiles},
};
use crate::{
    cpu::{
        aligned::AlignedVec,
        kernel::{self, Panels, ProductOut, StoredWeights, TILE, TileRows},
        ops::{by_isa, exp, total},
    },
    train::{layout::TokenTarget, trainee::TargetScore},
};

/// Most logits in memory at once: 64 MiB.
const LOGITS: usize = 1 << 24;
/// Fewest rows at once, whatever the vocabulary: with fewer, packing the matrix costs more than the product.
const FEWEST: usize = 192;
/// Panels of logits that are summed while they are in the cache.
const PANELS: usize = 8;
/// Tokens of the vocabulary whose weights are packed at once in the backward pass; a multiple of 32.
const TOKENS: usize = 2048;

/// Memory that passes reuse.
#[derive(Debug, Default)]
pub struct HeadScratch {
    logits: AlignedVec<f32>,
    /// For each group of panels and each row: the highest logit, the sum of e^(logit - highest), and the sum of these times (logit - highest).
    sums: AlignedVec<f32>,
    /// `(rows, H)`.
    rows: AlignedVec<f32>,
    x: TileBuffer,
    weight: TileBuffer,
    turned: AlignedVec<f32>,
}

/// The output layer with a temperature.
#[derive(Clone, Copy, Debug)]
pub struct OutputHead<'a> {
    /// `(V, H)`.
    pub weight: &'a [f32],
    /// H.
    pub hidden: usize,
    /// The divisor of logits.
    pub temperature: f32,
}

/// The outputs of the backward pass.
pub struct BackwardOutput<'a> {
    /// Returns the derivative of the loss with respect to a target's log-probability, from its index and log-probability.
    pub slope: &'a (dyn Fn(usize, f32) -> f32 + Sync),
    /// Slopes of hidden states are added here, `(R, H)`.
    pub hidden: &'a mut [f32],
    /// Slopes of the output layer are added here, `(V, H)`; `None` where it is frozen.
    pub weight: Option<&'a mut [f32]>,
}

/// The softmax distribution of a row: the logarithm of its sum of exponentials, and its entropy.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowDistribution {
    log_sum: f32,
    entropy: f32,
}

impl OutputHead<'_> {
    /// The size of the vocabulary.
    fn vocabulary(&self) -> usize {
        self.weight.len() / self.hidden
    }

    /// Scores all targets on `hidden (R, H)`.
    pub fn run(
        &self,
        machine: &mut Machine,
        scratch: &mut HeadScratch,
        hidden: &[f32],
        targets: &[TokenTarget],
        mut backward: Option<BackwardOutput<'_>>,
    ) -> Vec<TargetScore> {
        let mut order: Vec<usize> = (0..targets.len()).collect();
        order.sort_by_key(|index| targets[*index].row);
        let mut all = vec![TargetScore { logprob: 0.0, entropy: 0.0 }; targets.len()];
        // Targets of the same row are adjacent.
        let runs: Vec<&[usize]> = order.chunk_by(|a, b| targets[*a].row == targets[*b].row).collect();
        for runs in runs.chunks((LOGITS / self.vocabulary()).max(FEWEST)) {
            let rows = scratch.rows.at_least(runs.len() * self.hidden);
            for (out, run) in rows.chunks_exact_mut(self.hidden).zip(runs) {
                out.copy_from_slice(&hidden[targets[run[0]].row * self.hidden..][..self.hidden]);
            }
            let x = scratch.x.by_columns(machine, RowMatrix { data: rows, width: self.hidden });
            let logits = scratch.logits.at_least(self.vocabulary().next_multiple_of(TILE) * runs.len());
            let distributions = self.logits(machine, x, logits, &mut scratch.sums);
            let mut slopes = vec![0f32; runs.len()];
            let mut chosen = Vec::new();
            for (row, run) in runs.iter().enumerate() {
                for index in *run {
                    let RowDistribution { log_sum, entropy } = distributions[row];
                    let at = place(targets[*index].token, row, runs.len());
                    all[*index] = TargetScore { logprob: logits[at] - log_sum, entropy };
                    if let Some(backward) = &backward {
                        let slope = (backward.slope)(*index, all[*index].logprob);
                        slopes[row] += slope;
                        chosen.push((at, slope));
                    }
                }
            }
            let Some(backward) = &mut backward else { continue };
            self.logit_slopes(machine, logits, &distributions, &slopes);
            for (at, slope) in chosen {
                logits[at] += slope / self.temperature;
            }
            rows.fill(0.0);
            let slopes = LogitSlopes { logits, weight: &mut scratch.weight, turned: &mut scratch.turned };
            self.products(machine, x, slopes, rows, backward.weight.as_deref_mut());
            for (slope, run) in rows.chunks_exact(self.hidden).zip(runs) {
                let out = &mut backward.hidden[targets[run[0]].row * self.hidden..][..self.hidden];
                out.iter_mut().zip(slope).for_each(|(out, slope)| *out += slope);
            }
        }
        all
    }

    /// Computes logits over temperature, `(V / 32, rows, 32)`, and each row's distribution.
    fn logits(
        &self,
        machine: &mut Machine,
        x: TileSlice<'_>,
        logits: &mut [f32],
        sums: &mut AlignedVec<f32>,
    ) -> Vec<RowDistribution> {
        let (isa, rows, hidden) = (machine.isa, x.length, self.hidden);
        let size = PANELS * rows * TILE;
        let groups = logits.len().div_ceil(size);
        let sums = sums.at_least(groups * rows * 3);
        let scale = 1.0 / self.temperature;
        machine.each(logits.chunks_mut(size).zip(sums.chunks_mut(rows * 3)), |group, (logits, sums)| {
            WEIGHTS.with_borrow_mut(|weights| {
                let weights = weights.at_least(PANELS * hidden * TILE);
                let matrix = RowMatrix { data: self.weight, width: hidden };
                for (panel, out) in weights.chunks_exact_mut(hidden * TILE).take(logits.len() / (rows * TILE)).enumerate() {
                    turn_rows(matrix, group * PANELS + panel, out);
                }
                let w = Panels { weights: StoredWeights::F32(weights), stride: hidden * TILE, depth: hidden };
                let x = TileRows { data: x.data, all: rows, first: 0, count: rows };
                kernel::product(isa, x, w, ProductOut { data: logits, all: rows, first: 0, add: false });
            });
            let tokens = self.vocabulary() - group * PANELS * TILE;
            sum_up(isa, logits, scale, tokens, sums);
        });
        (0..rows).map(|row| together(sums.chunks_exact(rows * 3).map(|group| &group[row * 3..][..3]))).collect()
    }

    /// Replaces logits by their slopes without the targets' own terms: minus each row's slope times its probabilities.
    fn logit_slopes(&self, machine: &mut Machine, logits: &mut [f32], rows: &[RowDistribution], slopes: &[f32]) {
        let isa = machine.isa;
        let temperature = self.temperature;
        machine.pieces(logits, rows.len() * TILE, |_, logits| probabilities(isa, logits, rows, slopes, temperature));
    }

    /// Computes `dx (rows, H) += slopes W` and `dweight (V, H) += slopes^T x`, for some tokens of the vocabulary at a time.
    fn products(
        &self,
        machine: &mut Machine,
        x: TileSlice<'_>,
        slopes: LogitSlopes<'_>,
        dx: &mut [f32],
        mut dweight: Option<&mut [f32]>,
    ) {
        let (rows, hidden) = (x.length, self.hidden);
        for from in (0..self.vocabulary()).step_by(TOKENS) {
            let tokens = from..(from + TOKENS).min(self.vocabulary());
            let data = &self.weight[tokens.start * hidden..tokens.end * hidden];
            let logits = &slopes.logits[from * rows..][..tokens.len().next_multiple_of(TILE) * rows];
            let weight = slopes.weight.by_columns(machine, RowMatrix { data, width: hidden });
            multiply(machine, TileSlice { data: logits, length: rows }, weight, (dx, hidden), true);
            if let Some(dweight) = &mut dweight {
                let turned = turn_tiles(machine, logits, rows, tokens.len(), slopes.turned);
                multiply(machine, turned, x, (&mut dweight[tokens.start * hidden..tokens.end * hidden], hidden), true);
            }
        }
    }
}

/// Slopes of logits, and memory for their products.
struct LogitSlopes<'a> {
    logits: &'a [f32],
    weight: &'a mut TileBuffer,
    turned: &'a mut AlignedVec<f32>,
}

thread_local! {
    /// Weights of one group of panels, `(PANELS, H, 32)`.
    static WEIGHTS: RefCell<AlignedVec<f32>> = RefCell::default();
}

/// Returns the index of a logit.
fn place(token: u32, row: usize, rows: usize) -> usize {
    (token as usize / TILE * rows + row) * TILE + token as usize % TILE
}

/// Combines parts of a row into its distribution. Each part has its highest logit, its sum of exponentials, and its sum of exponentials times logits.
fn together<'a>(parts: impl Iterator<Item = &'a [f32]> + Clone) -> RowDistribution {
    let most = parts.clone().map(|part| part[0]).fold(f32::NEG_INFINITY, |most, value| if value > most { value } else { most });
    let (mut powers, mut products) = (0f64, 0f64);
    for part in parts {
        let factor = f64::from(part[0] - most).exp();
        powers += f64::from(part[1]) * factor;
        // A part's products are with the difference from its own highest logit.
        products += (f64::from(part[2]) + f64::from(part[1]) * f64::from(part[0] - most)) * factor;
    }
    // -sum p log p with log p = logit - log_sum
    let log_sum = f64::from(most) + powers.ln();
    RowDistribution { log_sum: log_sum as f32, entropy: (powers.ln() - products / powers) as f32 }
}

by_isa! {
    /// Scales logits `(panels, rows, 32)`, and writes to `sums (rows, 3)` each row's highest logit, its sum of e^(logit - highest), and the sum of
    /// these times (logit - highest). Only the first `tokens` logits of a row are used; those behind are set so low that they have no weight.
    sum_up(logits: &mut [f32], scale: f32, tokens: usize, sums: &mut [f32]) sum_up_body
}

#[inline(always)]
fn sum_up_body(logits: &mut [f32], scale: f32, tokens: usize, sums: &mut [f32]) {
    let rows = sums.len() / 3;
    let (lines, _) = logits.as_chunks_mut::<TILE>();
    for (row, sums) in sums.chunks_exact_mut(3).enumerate() {
        let mut highest = [f32::NEG_INFINITY; TILE];
        for (panel, line) in lines[row..].iter_mut().step_by(rows).enumerate() {
            line.iter_mut().for_each(|logit| *logit *= scale);
            let there = tokens - panel * TILE;
            if there < TILE {
                line[there..].fill(NOWHERE);
            }
            for lane in 0..TILE {
                highest[lane] = if line[lane] > highest[lane] { line[lane] } else { highest[lane] };
            }
        }
        let most = highest.iter().fold(f32::NEG_INFINITY, |a, b| if *b > a { *b } else { a });
        let (mut powers, mut products) = ([0f32; TILE], [0f32; TILE]);
        for line in lines[row..].iter().step_by(rows) {
            for lane in 0..TILE {
                let below = line[lane] - most;
                let power = exp(below);
                powers[lane] += power;
                products[lane] = power.mul_add(below, products[lane]);
            }
        }
        sums.copy_from_slice(&[most, total(&powers), total(&products)]);
    }
}

/// A logit without weight, but finite: its product with 0 is 0.
const NOWHERE: f32 = -1e30;

by_isa! {
    /// One panel `(rows, 32)`: logits become `-slope probability / temperature`.
    probabilities(logits: &mut [f32], rows: &[RowDistribution], slopes: &[f32], temperature: f32) probabilities_body
}

#[inline(always)]
fn probabilities_body(logits: &mut [f32], rows: &[RowDistribution], slopes: &[f32], temperature: f32) {
    for (line, (row, slope)) in logits.as_chunks_mut::<TILE>().0.iter_mut().zip(rows.iter().zip(slopes)) {
        let factor = -slope / temperature;
        for value in line {
            *value = factor * exp(*value - row.log_sum);
        }
    }
}
