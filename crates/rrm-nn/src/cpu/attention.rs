//! Queries, and keys and values in blocks -> the result of attention for each head.
//!
//! Rows of sequences that share a block are computed against it together: one product of their queries with the block's keys, and one of their
//! weights with its values. A block is a panel for both products.

use std::cell::RefCell;

use super::{
    aligned::AlignedVec,
    kernel::{Isa, Panels, ProductOut, StoredWeights, TILE, TileRows, product},
    ops,
    pool::Pool,
};
use crate::batch::{BLOCK, TokenBatch, TokenRow};

/// Lines that are computed together; a line is one row's query of one head. Their scores stay in the cache.
const LINES: usize = 24;

/// Keys and values of all layers, `(layers, kv heads, blocks, 2, head / 32, 32, 32)`: for each block the keys as `(head, token)`, then the
/// values as `(head / 32, token, 32)`.
#[derive(Debug, Default)]
pub struct Cache {
    memory: AlignedVec<f32>,
    blocks: usize,
    heads: usize,
    /// Width of a head, a multiple of 32.
    width: usize,
}

impl Cache {
    /// Allocates `blocks` blocks of `heads` heads of `width` numbers in `layers` layers.
    ///
    /// # Errors
    /// When there is not enough memory.
    pub fn new(layers: usize, heads: usize, width: usize, blocks: usize) -> Result<Self, std::collections::TryReserveError> {
        Ok(Cache { memory: AlignedVec::zeroed(layers * heads * blocks * 2 * width * BLOCK)?, blocks, heads, width })
    }

    /// The number of blocks.
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// The number of values in one block of one head.
    fn block(&self) -> usize {
        2 * self.width * BLOCK
    }

    /// Copies block `from` to block `to` in all layers and heads.
    pub fn copy(&mut self, from: usize, to: usize) {
        let (block, blocks) = (self.block(), self.blocks);
        for region in self.memory.chunks_exact_mut(block * blocks) {
            region.copy_within(from * block..(from + 1) * block, to * block);
        }
    }

    /// Returns one layer, which has a region for each kv head, and the length of a region.
    pub fn layer(&mut self, layer: usize) -> (&mut [f32], usize) {
        let region = self.block() * self.blocks;
        (&mut self.memory[layer * self.heads * region..][..self.heads * region], region)
    }

    /// Writes a token's key and value to a head's region.
    pub fn store(region: &mut [f32], (block, slot): (usize, usize), key: &[f32], value: &[f32]) {
        let width = key.len();
        let (keys, values) = region[block * 2 * width * BLOCK..][..2 * width * BLOCK].split_at_mut(width * BLOCK);
        for (at, key) in key.iter().enumerate() {
            keys[at * BLOCK + slot] = *key;
        }
        for (tile, value) in value.chunks_exact(TILE).enumerate() {
            values[(tile * BLOCK + slot) * TILE..][..TILE].copy_from_slice(value);
        }
    }
}

/// The input of attention in one layer.
pub struct AttentionInput<'a> {
    /// The instruction set.
    pub isa: Isa,
    /// The batch, with positions and block tables.
    pub batch: &'a TokenBatch,
    /// Queries `(kv heads, width / 32, rows * repeats, 32)`, scaled and rotated.
    pub queries: &'a [f32],
    /// The layer's keys and values, one region for each kv head.
    pub cache: &'a [f32],
    /// Width of a head, a multiple of 32.
    pub width: usize,
    /// Kv heads.
    pub heads: usize,
    /// Query heads for each kv head.
    pub repeats: usize,
}

thread_local! {
    /// The scores of one piece of work, `(blocks, lines, 32)`.
    static SCORES: RefCell<AlignedVec<f32>> = RefCell::default();
}

impl AttentionInput<'_> {
    /// The number of rows of one piece of work.
    fn rows_together(&self) -> usize {
        (LINES / self.repeats).max(1)
    }

    /// Writes each head's sum of values to `out`, `(query heads * width / 32, rows, 32)`; `parts` is scratch memory.
    pub fn run(&self, pool: &mut Pool, parts: &mut AlignedVec<f32>, out: &mut [f32]) {
        let (rows, together) = (self.batch.rows.len(), self.rows_together());
        let groups = rows.div_ceil(together);
        let piece = together * self.repeats * self.width;
        let parts = parts.at_least(self.heads * groups * piece);
        pool.pieces(parts, piece, |index, out| {
            let (head, from) = (index / groups, index % groups * together);
            let to = (from + together).min(rows);
            SCORES
                .with_borrow_mut(|scores| self.part(head, from, to, scores, &mut out[..(to - from) * self.repeats * self.width]));
        });
        let tiles = self.width / TILE;
        let parts = &*parts;
        pool.pieces(out, tiles * rows * TILE, |query_head, out| {
            let (head, repeat) = (query_head / self.repeats, query_head % self.repeats);
            for row in 0..rows {
                let (group, inside) = (row / together, row % together);
                let lines = together.min(rows - group * together) * self.repeats;
                let part = &parts[(head * groups + group) * piece..];
                for tile in 0..tiles {
                    let from = &part[(tile * lines + inside * self.repeats + repeat) * TILE..][..TILE];
                    out[(tile * rows + row) * TILE..][..TILE].copy_from_slice(from);
                }
            }
        });
    }

    /// Computes rows `from..to` of one kv head; `out` is `(width / 32, lines, 32)`.
    fn part(&self, head: usize, from: usize, to: usize, scores: &mut AlignedVec<f32>, out: &mut [f32]) {
        let rows = &self.batch.rows[from..to];
        let lines = rows.len() * self.repeats;
        let all = self.batch.rows.len() * self.repeats;
        let queries = &self.queries[head * all * self.width..][..all * self.width];
        let region = self.cache.len() / self.heads;
        let cache = &self.cache[head * region..][..region];
        let blocks = rows.iter().map(|row| row.position as usize / BLOCK + 1).max().unwrap_or(0);
        let scores = scores.at_least(blocks * lines * TILE);
        for block in 0..blocks {
            let scores = &mut scores[block * lines * TILE..][..lines * TILE];
            self.runs(rows, block, &mut |first, count, number, _| {
                let keys = &cache[number * 2 * self.width * BLOCK..][..self.width * BLOCK];
                let x = TileRows { data: queries, all, first: (from + first) * self.repeats, count: count * self.repeats };
                let w = Panels { weights: StoredWeights::F32(keys), stride: self.width * BLOCK, depth: self.width };
                product(self.isa, x, w, ProductOut { data: scores, all: lines, first: first * self.repeats, add: false });
            });
        }
        let mut inverse = [0f32; LINES];
        let mut spill = Vec::new();
        // More query heads for each kv head than lines are unusual, but supported.
        let inverse = if lines <= LINES {
            &mut inverse[..lines]
        } else {
            spill.resize(lines, 0.0);
            &mut spill[..]
        };
        for (line, inverse) in inverse.iter_mut().enumerate() {
            let length = rows[line / self.repeats].position as usize + 1;
            ops::softmax(self.isa, scores, line, lines, length, inverse);
        }
        out.fill(0.0);
        for block in 0..blocks {
            let scores = &scores[block * lines * TILE..][..lines * TILE];
            self.runs(rows, block, &mut |first, count, number, filled| {
                let values = &cache[(number * 2 + 1) * self.width * BLOCK..][..self.width * BLOCK];
                let x = TileRows { data: scores, all: lines, first: first * self.repeats, count: count * self.repeats };
                // The numbers behind the last token belong to another sequence or to none, and must not be read.
                let w = Panels { weights: StoredWeights::F32(values), stride: BLOCK * TILE, depth: filled };
                product(self.isa, x, w, ProductOut { data: out, all: lines, first: first * self.repeats, add: true });
            });
        }
        for tile in out.chunks_exact_mut(lines * TILE) {
            for (line, inverse) in tile.chunks_exact_mut(TILE).zip(&*inverse) {
                line.iter_mut().for_each(|value| *value *= inverse);
            }
        }
    }

    /// Calls `work` for each run of neighbouring rows with the same `block`-th block. Its arguments are the run's first row, its length, the block's
    /// number, and the largest number of its tokens that a row sees. Rows that end before that block are in no run.
    fn runs(&self, rows: &[TokenRow], block: usize, work: &mut dyn FnMut(usize, usize, usize, usize)) {
        let number = |row: &TokenRow| {
            let table = &self.batch.tables[row.sequence as usize];
            (row.position as usize / BLOCK >= block).then(|| table[block] as usize)
        };
        let mut first = 0;
        while first < rows.len() {
            let Some(shared) = number(&rows[first]) else {
                first += 1;
                continue;
            };
            let count = rows[first..].iter().take_while(|row| number(row) == Some(shared)).count();
            let seen = rows[first..first + count].iter().map(|row| row.position as usize + 1 - block * BLOCK).max();
            work(first, count, shared, seen.unwrap_or(0).min(BLOCK));
            first += count;
        }
    }
}
