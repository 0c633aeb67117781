//! Queries, keys and values of the projection -> rotated queries; keys and values in their blocks.

use super::{attention::Cache, kernel::TILE, layer::Layer, pool::Pool, weights::padded};
use crate::{
    batch::{BLOCK, TokenBatch},
    config::ModelConfig,
};

/// The rotary embedding: rotates pairs of a head's dimensions by angles proportional to the position (RoPE, arXiv 2104.09864).
#[derive(Debug)]
pub struct Rotary {
    /// Angle per position of each pair, `(head / 2,)`, and the factor on cosines and sines.
    frequencies: Vec<f32>,
    factor: f32,
    heads: usize,
    kv_heads: usize,
    head: usize,
    eps: f32,
}

impl Rotary {
    /// Makes the rotation for a model's frequencies.
    pub fn new(config: &ModelConfig) -> Self {
        let (frequencies, factor) = config.rotary();
        Rotary {
            // transformers computes angles in f32; at far positions the rounding matters.
            frequencies: frequencies.iter().map(|frequency| *frequency as f32).collect(),
            factor: factor as f32,
            heads: config.num_attention_heads,
            kv_heads: config.num_key_value_heads,
            head: config.head_dim,
            eps: config.rms_norm_eps as f32,
        }
    }

    /// Takes `qkv (all heads * width / 32, rows, 32)`. Writes `queries (kv heads, width / 32, rows * repeats, 32)`, rotated and divided by the root
    /// of the head's width. Writes keys and values to `cache`, which has a region of `region` numbers for each kv head. `angles` are those of the
    /// batch.
    pub fn rotate(
        &self,
        pool: &mut Pool,
        layer: &Layer,
        (batch, angles): (&TokenBatch, &[f32]),
        qkv: &[f32],
        (queries, cache, region): (&mut [f32], &mut [f32], usize),
    ) {
        let (rows, width, repeats) = (batch.rows.len(), padded(self.head), self.heads / self.kv_heads);
        let scale = 1.0 / (self.head as f32).sqrt();
        // Reads row `row` of head `number`, counted over queries, keys and values.
        let read = |number: usize, row: usize, into: &mut [f32]| {
            for (tile, into) in into.chunks_exact_mut(TILE).enumerate() {
                into.copy_from_slice(&qkv[((number * width / TILE + tile) * rows + row) * TILE..][..TILE]);
            }
        };
        let lines = rows * repeats;
        pool.pieces_of_two((queries, lines * width), (cache, region), |kv_head, queries, region| {
            let (mut head, mut value) = (vec![0f32; width], vec![0f32; width]);
            for (row, token) in batch.rows.iter().enumerate() {
                let angles = &angles[row * (self.head / 2) * 2..][..self.head / 2 * 2];
                for repeat in 0..repeats {
                    read(kv_head * repeats + repeat, row, &mut head);
                    self.turn(&mut head, &layer.head_norms.0, angles);
                    for (tile, head) in head.chunks_exact(TILE).enumerate() {
                        let out = &mut queries[(tile * lines + row * repeats + repeat) * TILE..][..TILE];
                        out.iter_mut().zip(head).for_each(|(out, value)| *out = value * scale);
                    }
                }
                read(self.heads + kv_head, row, &mut head);
                self.turn(&mut head, &layer.head_norms.1, angles);
                read(self.heads + self.kv_heads + kv_head, row, &mut value);
                let position = token.position as usize;
                let block = batch.tables[token.sequence as usize][position / BLOCK] as usize;
                Cache::store(region, (block, position % BLOCK), &head, &value);
            }
        });
    }

    /// Returns cosines and then sines of each row, `(rows, 2, head / 2)`; the same for all layers.
    pub fn angles(&self, batch: &TokenBatch) -> Vec<f32> {
        let mut angles = Vec::with_capacity(batch.rows.len() * self.head);
        for row in &batch.rows {
            let angle = |frequency: &f32| f64::from(row.position as f32 * frequency);
            angles.extend(self.frequencies.iter().map(|frequency| angle(frequency).cos() as f32 * self.factor));
            angles.extend(self.frequencies.iter().map(|frequency| angle(frequency).sin() as f32 * self.factor));
        }
        angles
    }

    /// Applies the norm to a head if the model has one (Qwen3), then rotates it.
    fn turn(&self, head: &mut [f32], norm: &[f32], angles: &[f32]) {
        if !norm.is_empty() {
            let mut sum = 0f32;
            head.iter().for_each(|value| sum += value * value);
            let factor = 1.0 / (sum / self.head as f32 + self.eps).sqrt();
            head.iter_mut().zip(norm).for_each(|(value, weight)| *value = *value * factor * weight);
        }
        let half = self.head / 2;
        let (cosines, sines) = angles.split_at(half);
        let (first, second) = head[..2 * half].split_at_mut(half);
        for ((a, b), (cos, sin)) in first.iter_mut().zip(second).zip(cosines.iter().zip(sines)) {
            (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
        }
    }
}
