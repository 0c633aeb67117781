//! Matrices -> tiles of 32 -> products, on the kernel of decoding.
//!
//! A product of (m, k) with (k, n) reads its left side as `(k / 32, m, 32)` and its right side as `(n / 32, k, 32)`. A matrix `(rows, width)` has two
//! layouts in tiles: by columns, `(width / 32, rows, 32)`, and by rows, `(rows / 32, width, 32)`. Forward and backward passes need no others: with x
//! `(R, in)`, w `(out, in)` and y `(R, out)`, the product y = x w^T reads x by columns and w by rows, dx = dy w reads both by columns, and dw = dy^T
//! x reads dy by rows and x by columns.

use std::cell::RefCell;

use super::machine::Machine;
use crate::cpu::{
    aligned::AlignedVec,
    kernel::{self, Panels, ProductOut, StoredWeights, TILE, TileRows},
};

/// Most rows of the result in one piece of work: with `DEPTH` inputs they stay in the second-level cache.
const BLOCK: usize = 192;
/// Inputs that are read before the next panels; a multiple of the kernel's chains.
const DEPTH: usize = 512;
/// Panels that are computed together before they are written out.
const PANELS: usize = 4;

/// A matrix that is stored by rows.
#[derive(Clone, Copy, Debug)]
pub struct RowMatrix<'a> {
    /// `(rows, width)`.
    pub data: &'a [f32],
    /// The number of values in a row.
    pub width: usize,
}

/// A matrix in tiles, `(blocks, length, 32)`.
#[derive(Clone, Copy, Debug)]
pub struct TileSlice<'a> {
    /// The numbers.
    pub data: &'a [f32],
    /// The number of lines of each block.
    pub length: usize,
}

/// Memory for a matrix in tiles.
#[derive(Debug, Default)]
pub struct TileBuffer {
    memory: AlignedVec<f32>,
}

impl TileBuffer {
    /// Converts `(rows, width)` to `(width / 32, rows, 32)`.
    pub fn by_columns(&mut self, machine: &mut Machine, matrix: RowMatrix<'_>) -> TileSlice<'_> {
        let length = matrix.data.len() / matrix.width;
        let data = self.memory.at_least(matrix.width.div_ceil(TILE) * length * TILE);
        // A block of many lines is divided, so that threads share it evenly.
        machine.each(data.chunks_mut(length.max(1) * TILE).enumerate().flat_map(pieces), |_, (block, first, out)| {
            copy_columns(RowMatrix { data: &matrix.data[first * matrix.width..], ..matrix }, block, out);
        });
        TileSlice { data, length }
    }

    /// Converts `(rows, width)` to `(rows / 32, width, 32)`.
    pub fn by_rows(&mut self, machine: &mut Machine, matrix: RowMatrix<'_>) -> TileSlice<'_> {
        let length = matrix.width;
        let data = self.memory.at_least((matrix.data.len() / length).div_ceil(TILE) * length * TILE);
        machine.each(data.chunks_mut(length * TILE), |block, out| turn_rows(matrix, block, out));
        TileSlice { data, length }
    }
}

/// Lines of a block that are copied as one piece of work.
const LINES: usize = 512;

/// Divides a block into pieces: the block's number, the first line and the memory of each.
fn pieces((block, memory): (usize, &mut [f32])) -> impl Iterator<Item = (usize, usize, &mut [f32])> {
    memory.chunks_mut(LINES * TILE).enumerate().map(move |(piece, out)| (block, piece * LINES, out))
}

/// Copies 32 columns from `32 block` on, of as many rows as fit into `out` `(rows, 32)`; missing columns are zeros.
pub fn copy_columns(matrix: RowMatrix<'_>, block: usize, out: &mut [f32]) {
    for (row, out) in matrix.data.chunks_exact(matrix.width).zip(out.as_chunks_mut::<TILE>().0) {
        *out = tile_of(&row[block * TILE..]);
    }
}

/// Returns the first 32 numbers, padded with zeros. A copy of fixed length needs no call, and most tiles are full.
#[inline(always)]
fn tile_of(numbers: &[f32]) -> [f32; TILE] {
    if let Some(tile) = numbers.first_chunk::<TILE>() {
        return *tile;
    }
    let mut tile = [0f32; TILE];
    tile[..numbers.len()].copy_from_slice(numbers);
    tile
}

/// Transposes 32 rows from `32 block` on into `out`, `(width, 32)`; missing rows are zeros.
pub fn turn_rows(matrix: RowMatrix<'_>, block: usize, out: &mut [f32]) {
    let width = matrix.width;
    let rows = &matrix.data[block * TILE * width..];
    for (from, out) in (0..width).step_by(TILE).zip(out.chunks_mut(TILE * TILE)) {
        let mut square = [[0f32; TILE]; TILE];
        for (line, row) in square.iter_mut().zip(rows.chunks_exact(width)) {
            *line = tile_of(&row[from..]);
        }
        turn_square(&square, out);
    }
}

/// Transposes a square into `out (columns, 32)`, which may have fewer columns.
pub fn turn_square(square: &[[f32; TILE]; TILE], out: &mut [f32]) {
    for (column, out) in out.as_chunks_mut::<TILE>().0.iter_mut().enumerate() {
        for (line, out) in square.iter().zip(out) {
            *out = line[column];
        }
    }
}

/// Converts `tiles (width / 32, rows, 32)`, of which the first `width` columns are used, to the same matrix by rows, `(rows / 32, width, 32)`.
pub fn turn_tiles<'a>(
    machine: &mut Machine,
    tiles: &[f32],
    rows: usize,
    width: usize,
    memory: &'a mut AlignedVec<f32>,
) -> TileSlice<'a> {
    let data = memory.at_least(rows.div_ceil(TILE) * width * TILE);
    machine.each(data.chunks_mut(width * TILE), |block, out| {
        let count = TILE.min(rows - block * TILE);
        for (tile, out) in out.chunks_mut(TILE * TILE).enumerate() {
            let lines = tiles[(tile * rows + block * TILE) * TILE..][..count * TILE].as_chunks::<TILE>().0;
            let mut square = [[0f32; TILE]; TILE];
            square[..count].copy_from_slice(lines);
            turn_square(&square, out);
        }
    });
    TileSlice { data, length: width }
}

thread_local! {
    /// Panels of the result, `(PANELS, BLOCK, 32)`.
    static PANEL: RefCell<AlignedVec<f32>> = RefCell::default();
}

/// Computes `out (m, n) (+)= left right`, with left `(k / 32, m, 32)` and right `(n / 32, k, 32)`.
pub fn multiply(machine: &mut Machine, left: TileSlice<'_>, right: TileSlice<'_>, (out, width): (&mut [f32], usize), add: bool) {
    let rows = out.len() / width;
    // At least two pieces for each thread, in multiples of the kernel's 12 rows.
    let block = rows.div_ceil(2 * machine.threads()).next_multiple_of(12).min(BLOCK);
    let isa = machine.isa;
    machine.pieces(out, block * width, |index, out| {
        let (first, count) = (index * block, out.len() / width);
        PANEL.with_borrow_mut(|panel| {
            for from in (0..width.div_ceil(TILE)).step_by(PANELS) {
                let panels = PANELS.min(width.div_ceil(TILE) - from);
                let panel = panel.at_least(PANELS * BLOCK * TILE);
                let panel = &mut panel[..panels * count * TILE];
                for start in (0..right.length).step_by(DEPTH) {
                    let depth = DEPTH.min(right.length - start);
                    let x = TileRows { data: &left.data[start / TILE * left.length * TILE..], all: left.length, first, count };
                    let weights = StoredWeights::F32(&right.data[(from * right.length + start) * TILE..]);
                    let w = Panels { weights, stride: right.length * TILE, depth };
                    kernel::product(isa, x, w, ProductOut { data: panel, all: count, first: 0, add: start > 0 });
                }
                write_out(panel, from, out, width, add);
            }
        });
    });
}

/// Copies panels `(panels, rows, 32)` to the columns of `out (rows, width)` from `32 from` on.
fn write_out(panels: &[f32], from: usize, out: &mut [f32], width: usize, add: bool) {
    let rows = out.len() / width;
    for (panel, lines) in panels.chunks_exact(rows * TILE).enumerate() {
        let column = (from + panel) * TILE;
        let count = TILE.min(width - column);
        for (line, row) in lines.as_chunks::<TILE>().0.iter().zip(out.chunks_exact_mut(width)) {
            let row = &mut row[column..column + count];
            match (row.first_chunk_mut::<TILE>(), add) {
                (Some(row), false) => *row = *line,
                (Some(row), true) => row.iter_mut().zip(line).for_each(|(out, value)| *out += value),
                (None, false) => row.copy_from_slice(&line[..count]),
                (None, true) => row.iter_mut().zip(line).for_each(|(out, value)| *out += value),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1000.0 - 1.0).collect()
    }

    /// The three products of a linear layer equal their definitions, for shapes with rests everywhere.
    #[test]
    fn products_are_their_definitions() {
        for (rows, outputs, inputs) in [(1, 1, 1), (7, 40, 33), (100, 64, 96), (70, 33, 600)] {
            let (x, w, dy) = (numbers(rows * inputs, 1), numbers(outputs * inputs, 2), numbers(rows * outputs, 3));
            let (mx, mw, mdy) = (
                RowMatrix { data: &x, width: inputs },
                RowMatrix { data: &w, width: inputs },
                RowMatrix { data: &dy, width: outputs },
            );
            let mut all = Vec::new();
            for threads in [1, 3] {
                let mut machine = Machine::new(threads).unwrap();
                let (mut one, mut two) = (TileBuffer::default(), TileBuffer::default());
                let (mut y, mut dx, mut dw) = (vec![0.5; rows * outputs], vec![0.5; rows * inputs], vec![0.5; outputs * inputs]);
                let left = one.by_columns(&mut machine, mx);
                multiply(&mut machine, left, two.by_rows(&mut machine_of(threads), mw), (&mut y, outputs), false);
                let left = one.by_columns(&mut machine, mdy);
                multiply(&mut machine, left, two.by_columns(&mut machine_of(threads), mw), (&mut dx, inputs), true);
                let left = one.by_rows(&mut machine, mdy);
                multiply(&mut machine, left, two.by_columns(&mut machine_of(threads), mx), (&mut dw, inputs), true);
                all.push((y, dx, dw));
            }
            assert_eq!(all[0], all[1]);
            let (y, dx, dw) = &all[0];
            let sum = |count: usize, term: &dyn Fn(usize) -> f32| (0..count).map(|i| f64::from(term(i))).sum::<f64>() as f32;
            for (r, o) in (0..rows).flat_map(|r| (0..outputs).map(move |o| (r, o))) {
                let expected = sum(inputs, &|i| x[r * inputs + i] * w[o * inputs + i]);
                assert!((y[r * outputs + o] - expected).abs() < 1e-3);
            }
            for (r, i) in (0..rows).flat_map(|r| (0..inputs).map(move |i| (r, i))) {
                let expected = 0.5 + sum(outputs, &|o| dy[r * outputs + o] * w[o * inputs + i]);
                assert!((dx[r * inputs + i] - expected).abs() < 1e-3);
            }
            for (o, i) in (0..outputs).flat_map(|o| (0..inputs).map(move |i| (o, i))) {
                let expected = 0.5 + sum(rows, &|r| dy[r * outputs + o] * x[r * inputs + i]);
                assert!((dw[o * inputs + i] - expected).abs() < 1e-3);
            }
        }
    }

    fn machine_of(threads: usize) -> Machine {
        Machine::new(threads).unwrap()
    }
}
