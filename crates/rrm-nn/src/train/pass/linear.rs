//! y = x (W + s B A)^T + bias, and its backward pass to x, W or A and B, and bias.

use super::{
    machine::Machine,
    model::TrainLinear,
    rows::{add_bias, add_columns},
    tiles::{RowMatrix, TileBuffer, TileSlice, multiply},
};
use crate::{cpu::aligned::AlignedVec, train::lora};

/// Memory that products reuse.
#[derive(Debug, Default)]
pub struct LinearScratch {
    /// Tiles of the left and the right side of a product.
    left: TileBuffer,
    right: TileBuffer,
    /// A matrix with its adapter merged in.
    merged: AlignedVec<f32>,
    /// `(R, r)`.
    thin: AlignedVec<f32>,
}

/// Computes `out (R, out) (+)= x W^T + bias`, with x by columns.
pub fn forward(
    machine: &mut Machine,
    scratch: &mut LinearScratch,
    linear: &TrainLinear<'_>,
    x: TileSlice<'_>,
    (out, add): (&mut [f32], bool),
) {
    let weight = merged(machine, linear, &mut scratch.merged);
    let weight = scratch.right.by_rows(machine, RowMatrix { data: weight, width: linear.inputs });
    multiply(machine, x, weight, (out, linear.outputs()), add);
    if !linear.bias.weight.is_empty() {
        add_bias(machine, linear.bias.weight, out);
    }
}

/// Computes `dx (R, in) (+)= dy W`.
pub fn input_slopes(
    machine: &mut Machine,
    scratch: &mut LinearScratch,
    linear: &TrainLinear<'_>,
    dy: &[f32],
    (dx, add): (&mut [f32], bool),
) {
    let weight = merged(machine, linear, &mut scratch.merged);
    let dy = scratch.left.by_columns(machine, RowMatrix { data: dy, width: linear.outputs() });
    let weight = scratch.right.by_columns(machine, RowMatrix { data: weight, width: linear.inputs });
    multiply(machine, dy, weight, (dx, linear.inputs), add);
}

/// Adds to `gradients` those of the trained parameters of this layer, from the slopes `dy (R, out)` of the result; x by columns.
pub fn weight_slopes(
    machine: &mut Machine,
    scratch: &mut LinearScratch,
    linear: &TrainLinear<'_>,
    (x, dy): (TileSlice<'_>, &[f32]),
    gradients: &mut [f32],
) {
    let dy_matrix = RowMatrix { data: dy, width: linear.outputs() };
    if let Some(place) = linear.place.clone() {
        let turned = scratch.left.by_rows(machine, dy_matrix);
        multiply(machine, turned, x, (&mut gradients[place], linear.inputs), true);
    }
    if let Some(place) = linear.bias.place.clone().filter(|place| !place.is_empty()) {
        add_columns(machine, dy, &mut gradients[place]);
    }
    let Some((adapter, a, b)) = &linear.adapter else { return };
    let (r, rows) = (adapter.r, x.length);
    let scale = |values: &mut [f32]| values.iter_mut().for_each(|value| *value *= adapter.scaling);
    // dB = s dy^T (x A^T)
    let reduced = &mut scratch.thin.at_least(rows * r)[..rows * r];
    let right = scratch.right.by_rows(machine, RowMatrix { data: a, width: linear.inputs });
    multiply(machine, x, right, (reduced, r), false);
    scale(reduced);
    let turned = scratch.left.by_rows(machine, dy_matrix);
    let right = scratch.right.by_columns(machine, RowMatrix { data: reduced, width: r });
    multiply(machine, turned, right, (&mut gradients[adapter.b.clone()], r), true);
    // dA = s (dy B)^T x
    let left = scratch.left.by_columns(machine, dy_matrix);
    let right = scratch.right.by_columns(machine, RowMatrix { data: b, width: r });
    multiply(machine, left, right, (reduced, r), false);
    scale(reduced);
    let turned = scratch.left.by_rows(machine, RowMatrix { data: reduced, width: r });
    multiply(machine, turned, x, (&mut gradients[adapter.a.clone()], linear.inputs), true);
}

/// Returns the effective matrix: the weight with its adapter merged in.
fn merged<'a>(machine: &mut Machine, linear: &TrainLinear<'a>, memory: &'a mut AlignedVec<f32>) -> &'a [f32] {
    let Some((adapter, a, b)) = &linear.adapter else { return linear.weight };
    const ROWS: usize = 16;
    let memory = memory.at_least(linear.weight.len());
    let size = ROWS * linear.inputs;
    machine.each(
        memory.chunks_mut(size).zip(linear.weight.chunks(size).zip(b.chunks(ROWS * adapter.r))),
        |_, (out, (weight, b))| {
            out.copy_from_slice(weight);
            lora::merge(out, a, b, adapter.r, adapter.scaling);
        },
    );
    memory
}
