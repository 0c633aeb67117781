//! Queries, keys and values of each head -> attention over a forest of segments, forward and backward.
//!
//! Scores are stored as `(keys, 32 queries)`. So the product with keys writes them in the layout that the product with values reads, softmax runs in
//! 32 lanes without sums across them, and no square matrix is transposed. Nothing of size (T, T) is kept: the backward pass computes scores again
//! from the logarithms of the forward pass's sums.

use std::{cell::RefCell, ops::Range};

use super::{
    forest::Forest,
    machine::{Machine, split},
    tiles::{RowMatrix, copy_columns, turn_rows},
};
use crate::cpu::{
    aligned::AlignedVec,
    kernel::{self, Isa, Panels, ProductOut, StoredWeights, TILE, TileRows},
    ops::{by_isa, exp},
};

/// The attention of one layer: `(segments, heads, rows, D)`, with N heads of queries and K of keys and values.
#[derive(Clone, Copy, Debug)]
pub struct AttentionPass<'a> {
    /// The segments and their ancestors.
    pub forest: &'a Forest,
    /// The numbers of query heads and of heads of keys and values.
    pub heads: (usize, usize),
    /// Width of a head.
    pub width: usize,
    /// Queries.
    pub queries: &'a [f32],
    /// Keys.
    pub keys: &'a [f32],
    /// Values.
    pub values: &'a [f32],
}

/// Further inputs of the backward pass: slopes of the result `(segments, N, rows, D)`, and for each query `(segments, N, rows)` the logarithm of its
/// sum of exponentials, and the product of its result with the slopes of that.
#[derive(Clone, Copy, Debug)]
pub struct BackwardInput<'a> {
    /// Slopes of the result.
    pub slopes: &'a [f32],
    /// Logarithms of the sums of exponentials.
    pub sums: &'a [f32],
    /// Products of each query's result with its slopes.
    pub products: &'a [f32],
}

/// The outputs of the backward pass, in the layout of the values. `passed` is scratch memory for what segments add to the keys and values of their
/// ancestors.
#[derive(Debug)]
pub struct QkvSlopes<'a> {
    /// Slopes of queries.
    pub queries: &'a mut [f32],
    /// Slopes of keys.
    pub keys: &'a mut [f32],
    /// Slopes of values.
    pub values: &'a mut [f32],
    /// Scratch memory.
    pub passed: &'a mut AlignedVec<f32>,
}

/// Memory that attention reuses.
#[derive(Default)]
struct AttentionScratch {
    gathered: AlignedVec<f32>,
    /// `(D / 32, L, 32)` and `(L / 32, D, 32)`.
    keys: (AlignedVec<f32>, AlignedVec<f32>),
    values: (AlignedVec<f32>, AlignedVec<f32>),
    /// `(L, 32)` each.
    scores: (AlignedVec<f32>, AlignedVec<f32>),
    /// `(D, 32)` each.
    turned: (AlignedVec<f32>, AlignedVec<f32>),
    /// `(D / 32, 32, 32)` each.
    blocks: (AlignedVec<f32>, AlignedVec<f32>),
    /// `(D, 32)`.
    result: AlignedVec<f32>,
    /// `(D / 32, L, 32)` each.
    slopes: (AlignedVec<f32>, AlignedVec<f32>),
}

thread_local! {
    static SCRATCH: RefCell<AttentionScratch> = RefCell::default();
}

impl AttentionPass<'_> {
    /// Writes each head's weighted sum of values to `out (segments, N, rows, D)`, and the logarithms of the sums of exponentials to
    /// `sums (segments, N, rows)`.
    pub fn forward(&self, machine: &mut Machine, out: &mut [f32], sums: &mut [f32]) {
        let (isa, repeats) = (machine.isa, self.heads.0 / self.heads.1);
        let parts = split(out, self.forest.parts(self.heads.1, repeats * self.width));
        let items = parts.zip(split(sums, self.forest.parts(self.heads.1, repeats)));
        machine.each(items, |index, (out, sums)| {
            let part = (index / self.heads.1, index % self.heads.1);
            SCRATCH.with_borrow_mut(|scratch| self.part(isa, part, scratch, out, sums));
        });
    }

    /// Computes the slopes of queries, keys and values.
    pub fn backward(&self, machine: &mut Machine, known: BackwardInput<'_>, slopes: QkvSlopes<'_>) {
        let (isa, (heads, kv_heads), forest) = (machine.isa, self.heads, self.forest);
        let passed = || forest.segments.iter().flat_map(|branch| std::iter::repeat_n(2 * branch.seen * self.width, kv_heads));
        let memory = slopes.passed.at_least(passed().sum());
        let own = || forest.parts(kv_heads, self.width);
        let queries = split(slopes.queries, forest.parts(kv_heads, heads / kv_heads * self.width));
        let others = split(slopes.keys, own()).zip(split(slopes.values, own())).zip(split(memory, passed()));
        machine.each(queries.zip(others), |index, (queries, ((keys, values), passed))| {
            let part = (index / kv_heads, index % kv_heads);
            SCRATCH.with_borrow_mut(|scratch| {
                self.part_backward(isa, part, scratch, known, queries);
                scratch.hand_out(self.width, keys, values, passed);
            });
        });
        self.collect(machine, memory, (slopes.keys, slopes.values));
    }

    /// Adds the contributions of later segments to the slopes of keys and values, in the order of the segments.
    fn collect(&self, machine: &mut Machine, passed: &[f32], (keys, values): (&mut [f32], &mut [f32])) {
        let (forest, kv_heads, width) = (self.forest, self.heads.1, self.width);
        let mut starts = Vec::new();
        let mut end = 0;
        for branch in &forest.segments {
            starts.push(end);
            end += 2 * branch.seen * width * kv_heads;
        }
        let own = || forest.parts(kv_heads, width);
        machine.each(split(keys, own()).zip(split(values, own())), |index, (keys, values)| {
            let (segment, head) = (index / kv_heads, index % kv_heads);
            let from = forest.segments[segment].seen * width;
            for (later, branch) in forest.segments.iter().enumerate().skip(segment + 1) {
                if branch.ancestors.contains(&segment) {
                    let all = branch.seen * width;
                    let part = &passed[starts[later] + head * 2 * all..][..2 * all];
                    keys.iter_mut().zip(&part[from..]).for_each(|(slope, more)| *slope += more);
                    values.iter_mut().zip(&part[all + from..]).for_each(|(slope, more)| *slope += more);
                }
            }
        });
    }

    /// Copies the keys or values of one head that a segment sees, and its own, to one matrix `(L, D)`.
    fn gather<'a>(&self, source: &[f32], (segment, head): (usize, usize), memory: &'a mut AlignedVec<f32>) -> RowMatrix<'a> {
        let branch = &self.forest.segments[segment];
        let memory = memory.at_least((branch.seen + branch.rows.len()) * self.width);
        let mut rest = &mut *memory;
        for segment in branch.ancestors.iter().copied().chain([segment]) {
            let part = &source[self.forest.part(segment, head, self.heads.1, self.width)];
            let (here, after) = rest.split_at_mut(part.len());
            here.copy_from_slice(part);
            rest = after;
        }
        RowMatrix { data: memory, width: self.width }
    }

    /// Returns 1 / sqrt(D).
    fn scale(&self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    fn part(&self, isa: Isa, at: (usize, usize), scratch: &mut AttentionScratch, out: &mut [f32], sums: &mut [f32]) {
        let (branch, width) = (&self.forest.segments[at.0], self.width);
        let (rows, all) = (branch.rows.len(), branch.seen + branch.rows.len());
        if rows == 0 {
            return;
        }
        columns(self.gather(self.keys, at, &mut scratch.gathered), &mut scratch.keys.0);
        turned(self.gather(self.values, at, &mut scratch.gathered), &mut scratch.values.1);
        let first = self.forest.part(at.0, at.1 * (self.heads.0 / self.heads.1), self.heads.0, width).start;
        // Lines are queries, one head after the other; no block has queries of two heads.
        for (head, (out, sums)) in out.chunks_exact_mut(rows * width).zip(sums.chunks_exact_mut(rows)).enumerate() {
            let queries = &self.queries[first + head * rows * width..][..rows * width];
            let blocks = queries.chunks(TILE * width).zip(out.chunks_mut(TILE * width).zip(sums.chunks_mut(TILE)));
            for (block, (queries, (out, sums))) in blocks.enumerate() {
                let hidden = branch.seen + block * TILE;
                let seen = hidden + sums.len();
                turn_scaled(queries, width, self.scale(), &mut scratch.turned.0);
                let scores = &mut scratch.scores.0.at_least(all * TILE)[..seen * TILE];
                let keys = ProductSide { data: &scratch.keys.0, all, count: seen };
                keys.times(isa, &scratch.turned.0, width, scores);
                let (mut most, mut sum) = ([0f32; TILE], [0f32; TILE]);
                soften(isa, scores, hidden, &mut most, &mut sum);
                let result = &mut scratch.result.at_least(width * TILE)[..width * TILE];
                let values = ProductSide { data: &scratch.values.1, all: width, count: width };
                values.times(isa, scores, seen, result);
                for (lane, (out, log)) in out.chunks_exact_mut(width).zip(sums).enumerate() {
                    *log = most[lane] + sum[lane].ln();
                    let inverse = 1.0 / sum[lane];
                    out.iter_mut().zip(result.chunks_exact(TILE)).for_each(|(out, line)| *out = line[lane] * inverse);
                }
            }
        }
    }

    fn part_backward(
        &self,
        isa: Isa,
        at: (usize, usize),
        scratch: &mut AttentionScratch,
        known: BackwardInput<'_>,
        dqueries: &mut [f32],
    ) {
        let (branch, width) = (&self.forest.segments[at.0], self.width);
        let (rows, all) = (branch.rows.len(), branch.seen + branch.rows.len());
        let keys = self.gather(self.keys, at, &mut scratch.gathered);
        columns(keys, &mut scratch.keys.0);
        turned(keys, &mut scratch.keys.1);
        columns(self.gather(self.values, at, &mut scratch.gathered), &mut scratch.values.0);
        let size = width.div_ceil(TILE) * all * TILE;
        scratch.slopes.0.at_least(size)[..size].fill(0.0);
        scratch.slopes.1.at_least(size)[..size].fill(0.0);
        let first = self.forest.part(at.0, at.1 * (self.heads.0 / self.heads.1), self.heads.0, 1).start;
        for (head, dqueries) in dqueries.chunks_exact_mut((rows * width).max(1)).enumerate() {
            for (block, dqueries) in dqueries.chunks_mut(TILE * width).enumerate() {
                let from = first + head * rows + block * TILE;
                let queries = from..from + dqueries.len() / width;
                let block = QueryBlock { queries, hidden: branch.seen + block * TILE, all };
                self.block_backward(isa, block, scratch, known, dqueries);
            }
        }
    }

    /// Computes the slopes of a block of queries, and its contributions to those of keys and values.
    fn block_backward(
        &self,
        isa: Isa,
        block: QueryBlock,
        scratch: &mut AttentionScratch,
        known: BackwardInput<'_>,
        dqueries: &mut [f32],
    ) {
        let QueryBlock { queries, hidden, all } = block;
        let (width, scale, seen) = (self.width, self.scale(), hidden + queries.len());
        let numbers = queries.start * width..queries.end * width;
        let (mut sums, mut products) = ([0f32; TILE], [0f32; TILE]);
        sums[..queries.len()].copy_from_slice(&known.sums[queries.clone()]);
        products[..queries.len()].copy_from_slice(&known.products[queries]);
        turn_scaled(&self.queries[numbers.clone()], width, scale, &mut scratch.turned.0);
        turn_scaled(&known.slopes[numbers.clone()], width, 1.0, &mut scratch.turned.1);
        block_scaled(&self.queries[numbers.clone()], width, scale, &mut scratch.blocks.0);
        block_scaled(&known.slopes[numbers], width, 1.0, &mut scratch.blocks.1);
        let scores = &mut scratch.scores.0.at_least(all * TILE)[..seen * TILE];
        let slopes = &mut scratch.scores.1.at_least(all * TILE)[..seen * TILE];
        ProductSide { data: &scratch.keys.0, all, count: seen }.times(isa, &scratch.turned.0, width, scores);
        ProductSide { data: &scratch.values.0, all, count: seen }.times(isa, &scratch.turned.1, width, slopes);
        score_slopes(isa, scores, slopes, hidden, &sums, &products);
        let size = width.div_ceil(TILE) * all * TILE;
        let dkeys = &mut scratch.slopes.0.at_least(size)[..size];
        ProductSide { data: slopes, all: seen, count: seen }.add_times(isa, &scratch.blocks.0, dkeys, all);
        let dvalues = &mut scratch.slopes.1.at_least(size)[..size];
        ProductSide { data: scores, all: seen, count: seen }.add_times(isa, &scratch.blocks.1, dvalues, all);
        let result = &mut scratch.result.at_least(width * TILE)[..width * TILE];
        ProductSide { data: &scratch.keys.1, all: width, count: width }.times(isa, slopes, seen, result);
        for (lane, out) in dqueries.chunks_exact_mut(width).enumerate() {
            out.iter_mut().zip(result.chunks_exact(TILE)).for_each(|(out, line)| *out = line[lane] * scale);
        }
    }
}

impl AttentionScratch {
    /// Splits slopes of keys and values `(D / 32, L, 32)` into those of ancestors `(2, seen, D)` and those of the segment `(rows, D)`.
    fn hand_out(&mut self, width: usize, keys: &mut [f32], values: &mut [f32], passed: &mut [f32]) {
        let all = (keys.len() + passed.len() / 2) / width;
        let (passed_keys, passed_values) = passed.split_at_mut(passed.len() / 2);
        for (tiles, passed, own) in [(&self.slopes.0, passed_keys, keys), (&self.slopes.1, passed_values, values)] {
            for (row, out) in passed.chunks_exact_mut(width).chain(own.chunks_exact_mut(width)).enumerate() {
                for (tile, out) in out.chunks_mut(TILE).enumerate() {
                    out.copy_from_slice(&tiles[(tile * all + row) * TILE..][..out.len()]);
                }
            }
        }
    }
}

/// A block of at most 32 queries of one head.
struct QueryBlock {
    /// Indices of the queries in `(segments, N, rows)`.
    queries: Range<usize>,
    /// The first key that not all of the queries see.
    hidden: usize,
    /// The number of keys of the segment and its ancestors.
    all: usize,
}

/// The left side of a product: tiles `(depth / 32, all, 32)`, of which the first `count` lines are used.
struct ProductSide<'a> {
    data: &'a [f32],
    all: usize,
    count: usize,
}

impl ProductSide<'_> {
    /// Computes `out (panels, count, 32) = lines panels`, with `panels (panels, depth, 32)`.
    fn times(&self, isa: Isa, panels: &[f32], depth: usize, out: &mut [f32]) {
        let x = TileRows { data: self.data, all: self.all, first: 0, count: self.count };
        let w = Panels { weights: StoredWeights::F32(panels), stride: depth * TILE, depth };
        kernel::product(isa, x, w, ProductOut { data: out, all: self.count, first: 0, add: false });
    }

    /// Like [`ProductSide::times`] with a depth of 32, but adds to `out (panels, lines, 32)`, which may have more lines.
    fn add_times(&self, isa: Isa, panels: &[f32], out: &mut [f32], lines: usize) {
        let x = TileRows { data: self.data, all: self.all, first: 0, count: self.count };
        let w = Panels { weights: StoredWeights::F32(panels), stride: TILE * TILE, depth: TILE };
        kernel::product(isa, x, w, ProductOut { data: out, all: lines, first: 0, add: true });
    }
}

fn columns(matrix: RowMatrix<'_>, memory: &mut AlignedVec<f32>) {
    let size = matrix.data.len() / matrix.width * TILE;
    let memory = memory.at_least(matrix.width.div_ceil(TILE) * size);
    memory.chunks_exact_mut(size.max(1)).enumerate().for_each(|(block, out)| copy_columns(matrix, block, out));
}

fn turned(matrix: RowMatrix<'_>, memory: &mut AlignedVec<f32>) {
    let size = matrix.width * TILE;
    let memory = memory.at_least((matrix.data.len() / matrix.width).div_ceil(TILE) * size);
    memory.chunks_exact_mut(size).enumerate().for_each(|(block, out)| turn_rows(matrix, block, out));
}

/// Scales and transposes at most 32 lines `(lines, D)` to `(D, 32)`.
fn turn_scaled(lines: &[f32], width: usize, scale: f32, memory: &mut AlignedVec<f32>) {
    let memory = memory.at_least(width * TILE);
    turn_rows(RowMatrix { data: lines, width }, 0, memory);
    memory.iter_mut().for_each(|value| *value *= scale);
}

/// Scales at most 32 lines `(lines, D)` and writes them as tiles `(D / 32, 32, 32)`; missing lines are zeros.
fn block_scaled(lines: &[f32], width: usize, scale: f32, memory: &mut AlignedVec<f32>) {
    let memory = memory.at_least(width.div_ceil(TILE) * TILE * TILE);
    memory.fill(0.0);
    let size = TILE * TILE;
    memory.chunks_exact_mut(size).enumerate().for_each(|(block, out)| copy_columns(RowMatrix { data: lines, width }, block, out));
    memory.iter_mut().for_each(|value| *value *= scale);
}

/// Masks the keys after each of the 32 queries: the query of lane i sees keys up to `hidden + i`.
#[inline(always)]
fn hide(scores: &mut [f32], hidden: usize) {
    for (behind, line) in scores.chunks_exact_mut(TILE).skip(hidden + 1).enumerate() {
        line[..(behind + 1).min(TILE)].fill(f32::NEG_INFINITY);
    }
}

by_isa! {
    /// Replaces scores `(keys, 32)` by the exponentials of their differences from the highest score of the lane. Writes that score, and the sum of
    /// the exponentials.
    soften(scores: &mut [f32], hidden: usize, most: &mut [f32; TILE], sum: &mut [f32; TILE]) soften_body
}

#[inline(always)]
fn soften_body(scores: &mut [f32], hidden: usize, most: &mut [f32; TILE], sum: &mut [f32; TILE]) {
    hide(scores, hidden);
    let (lines, _) = scores.as_chunks_mut::<TILE>();
    let mut highest = [f32::NEG_INFINITY; TILE];
    for line in &*lines {
        for lane in 0..TILE {
            highest[lane] = if line[lane] > highest[lane] { line[lane] } else { highest[lane] };
        }
    }
    let mut sums = [0f32; TILE];
    for line in lines {
        for lane in 0..TILE {
            line[lane] = exp(line[lane] - highest[lane]);
            sums[lane] += line[lane];
        }
    }
    (*most, *sum) = (highest, sums);
}

by_isa! {
    /// Replaces scores by probabilities p = e^(score - sum), and slopes of probabilities by slopes of scores p (slope - product); both `(keys, 32)`.
    score_slopes(scores: &mut [f32], slopes: &mut [f32], hidden: usize, sums: &[f32; TILE], products: &[f32; TILE]) score_slopes_body
}

#[inline(always)]
fn score_slopes_body(scores: &mut [f32], slopes: &mut [f32], hidden: usize, sums: &[f32; TILE], products: &[f32; TILE]) {
    hide(scores, hidden);
    for (score, slope) in scores.as_chunks_mut::<TILE>().0.iter_mut().zip(slopes.as_chunks_mut::<TILE>().0) {
        for lane in 0..TILE {
            score[lane] = exp(score[lane] - sums[lane]);
            slope[lane] = score[lane] * (slope[lane] - products[lane]);
        }
    }
}
