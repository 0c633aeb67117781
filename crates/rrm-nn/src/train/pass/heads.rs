//! Rows of all heads <-> heads of each segment, rotated by their positions (RoPE, arXiv 2104.09864), after a norm if the model has one.
//!
//! Attention reads a buffer with a part for each segment and head, `(segments, heads, rows, D)`; the products around it use `(R, heads D)`.

use super::{
    forest::Forest,
    machine::{Machine, split},
    rows::{add_all, dot, inverse_rms, norm_row_backward},
};
use crate::{config::ModelConfig, cpu::ops::by_isa};

/// Rows of one piece of work, and of one partial sum of a norm's slopes.
const ROWS: usize = 64;

/// Cosines and sines of all positions requested so far.
#[derive(Debug)]
pub struct RotaryTable {
    frequencies: Vec<f32>,
    factor: f32,
    /// `(positions, D / 2)` each.
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

/// The rotation and the norm of a head.
#[derive(Clone, Copy, Debug)]
pub struct HeadTransform<'a> {
    /// The angles, if the head is rotated.
    pub rotary: Option<&'a RotaryTable>,
    /// The weight of the norm before the rotation, and the constant that is added to its mean square.
    pub norm: Option<(&'a [f32], f32)>,
}

impl RotaryTable {
    /// Makes an empty table for the model's frequencies.
    pub fn new(config: &ModelConfig) -> Self {
        let (frequencies, factor) = config.rotary();
        // transformers computes angles in f32; at far positions the rounding matters.
        let frequencies = frequencies.into_iter().map(|frequency| frequency as f32).collect();
        RotaryTable { frequencies, factor: factor as f32, cosines: Vec::new(), sines: Vec::new() }
    }

    /// Extends the table to all positions of a pass.
    pub fn reach(&mut self, forest: &Forest) {
        let half = self.frequencies.len();
        let needed = forest.segments.iter().map(|branch| branch.seen + branch.rows.len()).max().unwrap_or(0);
        for position in self.cosines.len() / half..needed {
            let angles = self.frequencies.iter().map(|frequency| f64::from(position as f32 * frequency));
            let (cosines, sines) = (angles.clone().map(f64::cos), angles.map(f64::sin));
            self.cosines.extend(cosines.map(|cos| cos as f32 * self.factor));
            self.sines.extend(sines.map(|sin| sin as f32 * self.factor));
        }
    }

    /// Returns cosines and sines of a position, `(D / 2,)` each.
    #[inline(always)]
    fn at(&self, position: usize) -> (&[f32], &[f32]) {
        let half = self.frequencies.len();
        (&self.cosines[position * half..][..half], &self.sines[position * half..][..half])
    }
}

/// Copies `rows (R, heads D)` to `out (segments, heads, rows, D)`, with norm and rotation.
pub fn to_heads(
    machine: &mut Machine,
    forest: &Forest,
    rows: &[f32],
    (out, heads): (&mut [f32], usize),
    turn: HeadTransform<'_>,
) {
    let (isa, width) = (machine.isa, rows.len() / forest.segment_of.len());
    machine.each(split(out, forest.parts(heads, width / heads)), |index, out| {
        let (branch, head) = (&forest.segments[index / heads], index % heads);
        let from = branch.rows.start * width + head * (width / heads);
        part_to_heads(isa, &rows[from..], width, branch.seen, turn, (out, width / heads));
    });
}

/// The input of [`from_heads`].
#[derive(Clone, Copy, Debug)]
pub struct HeadInput<'a> {
    /// `(segments, heads, rows, D)`.
    pub data: &'a [f32],
    /// The number of heads.
    pub heads: usize,
    /// The transform that [`to_heads`] applied.
    pub turn: HeadTransform<'a>,
    /// With a norm: the rows before it, `(R, heads D)`.
    pub before: &'a [f32],
}

/// The backward pass of [`to_heads`]: slopes in heads -> slopes in rows, `out (R, heads D)`. Slopes of a norm's weight are added to `dweight (D,)`,
/// if wanted.
pub fn from_heads(machine: &mut Machine, forest: &Forest, source: HeadInput<'_>, out: &mut [f32], dweight: Option<&mut [f32]>) {
    let width = out.len() / forest.segment_of.len();
    let (isa, head) = (machine.isa, width / source.heads);
    let mut partial = vec![0f32; forest.segment_of.len().div_ceil(ROWS) * head];
    machine.each(out.chunks_mut(ROWS * width).zip(partial.chunks_mut(head)), |index, (out, sums)| {
        rows_from_heads(isa, forest, source, index * ROWS, out, sums);
    });
    if let Some(dweight) = dweight {
        add_all(&partial, dweight);
    }
}

/// Computes for each row and head the product of attention's result with its slopes: both `(R, N D)` -> `(segments, N, rows)`.
pub fn products(machine: &mut Machine, forest: &Forest, result: &[f32], slopes: &[f32], (out, heads): (&mut [f32], usize)) {
    let (isa, width) = (machine.isa, result.len() / forest.segment_of.len());
    machine.each(split(out, forest.parts(heads, 1)), |index, out| {
        let (branch, head) = (&forest.segments[index / heads], index % heads);
        let from = branch.rows.start * width + head * (width / heads);
        part_products(isa, &result[from..], &slopes[from..], width, width / heads, out);
    });
}

by_isa! {
    /// The products of all rows of one head.
    part_products(a: &[f32], b: &[f32], width: usize, head: usize, out: &mut [f32]) part_products_body
}

#[inline(always)]
fn part_products_body(a: &[f32], b: &[f32], width: usize, head: usize, out: &mut [f32]) {
    for (row, out) in out.iter_mut().enumerate() {
        *out = dot(&a[row * width..][..head], &b[row * width..][..head]);
    }
}

by_isa! {
    /// [`to_heads`] for one head of a segment; its first row is at the beginning of `rows`.
    part_to_heads(rows: &[f32], width: usize, seen: usize, turn: HeadTransform<'_>, out: (&mut [f32], usize)) part_to_heads_body
}

#[inline(always)]
fn part_to_heads_body(rows: &[f32], width: usize, seen: usize, turn: HeadTransform<'_>, (out, head): (&mut [f32], usize)) {
    for (row, out) in out.chunks_exact_mut(head).enumerate() {
        let x = &rows[row * width..][..head];
        if let Some((weight, eps)) = turn.norm {
            let inverse = inverse_rms(x, eps);
            out.iter_mut().zip(x.iter().zip(weight)).for_each(|(out, (x, weight))| *out = x * inverse * weight);
        } else {
            out.copy_from_slice(x);
        }
        if let Some(rotary) = turn.rotary {
            let (cosines, sines) = rotary.at(seen + row);
            let (first, second) = out.split_at_mut(head / 2);
            for ((a, b), (cos, sin)) in first.iter_mut().zip(second).zip(cosines.iter().zip(sines)) {
                (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
            }
        }
    }
}

by_isa! {
    /// [`from_heads`] for the rows from `first` on that fit into `out`; `sums` is their part of the norm's slopes.
    rows_from_heads(forest: &Forest, source: HeadInput<'_>, first: usize, out: &mut [f32], sums: &mut [f32]) rows_from_heads_body
}

#[inline(always)]
fn rows_from_heads_body(forest: &Forest, source: HeadInput<'_>, first: usize, out: &mut [f32], sums: &mut [f32]) {
    let (head, heads) = (sums.len(), source.heads);
    let mut turned = vec![0f32; head];
    for (at, out) in out.chunks_exact_mut(head).enumerate() {
        let (row, number) = (first + at / heads, at % heads);
        let segment = forest.segment_of[row];
        let part = forest.part(segment, number, heads, head);
        let inside = row - forest.segments[segment].rows.start;
        turned.copy_from_slice(&source.data[part.start + inside * head..][..head]);
        if let Some(rotary) = source.turn.rotary {
            let (cosines, sines) = rotary.at(forest.position(row));
            let (left, right) = turned.split_at_mut(head / 2);
            for ((a, b), (cos, sin)) in left.iter_mut().zip(right).zip(cosines.iter().zip(sines)) {
                (*a, *b) = (*a * cos + *b * sin, *b * cos - *a * sin);
            }
        }
        match source.turn.norm {
            Some(norm) => {
                let x = &source.before[(row * heads + number) * head..][..head];
                out.fill(0.0);
                norm_row_backward(x, norm, &turned, out, sums);
            }
            None => out.copy_from_slice(&turned),
        }
    }
}
