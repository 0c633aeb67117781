//! The operations between products, on rows: norms, the gate, sums of columns, forward and backward.

use super::machine::Machine;
use crate::cpu::{
    kernel::TILE,
    ops::{by_isa, exp, total},
};

/// Rows of one piece of work, and of one partial sum over rows. A constant, so that sums do not depend on threads.
const ROWS: usize = 64;

/// Computes `out = x / rms(x) * weight` for each row of `x (R, width)`.
pub fn norm(machine: &mut Machine, x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    let (isa, size) = (machine.isa, ROWS * weight.len());
    machine.each(out.chunks_mut(size).zip(x.chunks(size)), |_, (out, x)| norm_rows(isa, x, weight, eps, out));
}

/// The backward pass of [`norm`]: from the slopes `dy` of its result adds those of its input to `dx`, and those of the weight to `dweight`, if
/// wanted.
pub fn norm_backward(
    machine: &mut Machine,
    (x, weight, eps): (&[f32], &[f32], f32),
    dy: &[f32],
    dx: &mut [f32],
    dweight: Option<&mut [f32]>,
) {
    let (isa, width) = (machine.isa, weight.len());
    let size = ROWS * width;
    let mut partial = vec![0f32; x.len().div_ceil(size) * width];
    let items = dx.chunks_mut(size).zip(partial.chunks_mut(width)).zip(x.chunks(size).zip(dy.chunks(size)));
    machine.each(items, |_, ((dx, sums), (x, dy))| norm_rows_backward(isa, x, (weight, eps), dy, dx, sums));
    if let Some(dweight) = dweight {
        add_all(&partial, dweight);
    }
}

/// Computes `out = silu(gate) * up`.
pub fn gate(machine: &mut Machine, gate: &[f32], up: &[f32], out: &mut [f32]) {
    let isa = machine.isa;
    let items = out.chunks_mut(PIECE).zip(gate.chunks(PIECE).zip(up.chunks(PIECE)));
    machine.each(items, |_, (out, (gate, up))| gate_piece(isa, gate, up, out));
}

/// The backward pass of [`gate`]: `gate` and `up` are replaced by their slopes, and `inner`, which holds the slopes of the result, by the result.
pub fn gate_backward(machine: &mut Machine, gate: &mut [f32], up: &mut [f32], inner: &mut [f32]) {
    let isa = machine.isa;
    let items = gate.chunks_mut(PIECE).zip(up.chunks_mut(PIECE)).zip(inner.chunks_mut(PIECE));
    machine.each(items, |_, ((gate, up), inner)| gate_piece_backward(isa, gate, up, inner));
}

/// Numbers of one piece of work that is not divided by rows.
const PIECE: usize = 1 << 14;

/// Adds `bias` to each row.
pub fn add_bias(machine: &mut Machine, bias: &[f32], out: &mut [f32]) {
    machine.pieces(out, ROWS * bias.len(), |_, rows| {
        for row in rows.chunks_exact_mut(bias.len()) {
            row.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
        }
    });
}

/// Adds the sum over the rows of `x (R, width)` to `out (width,)`.
pub fn add_columns(machine: &mut Machine, x: &[f32], out: &mut [f32]) {
    let width = out.len();
    let mut partial = vec![0f32; (x.len() / width).div_ceil(ROWS) * width];
    machine.each(partial.chunks_mut(width).zip(x.chunks(ROWS * width)), |_, (sums, rows)| add_all(rows, sums));
    add_all(&partial, out);
}

/// Adds each row of `rows` to `sums`.
pub fn add_all(rows: &[f32], sums: &mut [f32]) {
    for row in rows.chunks_exact(sums.len()) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
}

/// Returns the dot product, summed in 32 lanes.
#[inline(always)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; TILE];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<TILE>(), b.as_chunks::<TILE>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..TILE {
            sums[lane] = a[lane].mul_add(b[lane], sums[lane]);
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[lane] = a.mul_add(*b, sums[lane]);
    }
    total(&sums)
}

/// Returns one over the root mean square of a row.
#[inline(always)]
pub fn inverse_rms(row: &[f32], eps: f32) -> f32 {
    1.0 / (dot(row, row) / row.len() as f32 + eps).sqrt()
}

/// The backward pass of one row's norm: with n = x / rms(x) and g = dy * weight, the slope of x is (g - n mean(g n)) / rms(x).
#[inline(always)]
pub fn norm_row_backward(x: &[f32], (weight, eps): (&[f32], f32), dy: &[f32], dx: &mut [f32], dweight: &mut [f32]) {
    let inverse = inverse_rms(x, eps);
    let mut sums = [0f32; TILE];
    for (x, (dy, weight)) in x.chunks(TILE).zip(dy.chunks(TILE).zip(weight.chunks(TILE))) {
        for (sum, (x, (dy, weight))) in sums.iter_mut().zip(x.iter().zip(dy.iter().zip(weight))) {
            *sum = (dy * weight).mul_add(*x, *sum);
        }
    }
    // mean(g n) / rms(x)
    let mean = total(&sums) * inverse * inverse / x.len() as f32;
    for ((x, dy), ((weight, dx), dweight)) in x.iter().zip(dy).zip(weight.iter().zip(dx).zip(dweight)) {
        *dx += inverse * (dy * weight - x * mean);
        *dweight += dy * x * inverse;
    }
}

by_isa! {
    /// [`norm`] for some rows.
    norm_rows(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) norm_rows_body
}

#[inline(always)]
fn norm_rows_body(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    for (x, out) in x.chunks_exact(weight.len()).zip(out.chunks_exact_mut(weight.len())) {
        let inverse = inverse_rms(x, eps);
        out.iter_mut().zip(x.iter().zip(weight)).for_each(|(out, (x, weight))| *out = x * inverse * weight);
    }
}

by_isa! {
    /// [`norm_backward`] for some rows; `sums` is their part of the weight's slopes.
    norm_rows_backward(x: &[f32], norm: (&[f32], f32), dy: &[f32], dx: &mut [f32], sums: &mut [f32]) norm_rows_backward_body
}

#[inline(always)]
fn norm_rows_backward_body(x: &[f32], norm: (&[f32], f32), dy: &[f32], dx: &mut [f32], sums: &mut [f32]) {
    let width = norm.0.len();
    for (x, (dy, dx)) in x.chunks_exact(width).zip(dy.chunks_exact(width).zip(dx.chunks_exact_mut(width))) {
        norm_row_backward(x, norm, dy, dx, sums);
    }
}

by_isa! {
    /// [`gate`] for one piece.
    gate_piece(gate: &[f32], up: &[f32], out: &mut [f32]) gate_piece_body
}

#[inline(always)]
fn gate_piece_body(gate: &[f32], up: &[f32], out: &mut [f32]) {
    for (out, (gate, up)) in out.iter_mut().zip(gate.iter().zip(up)) {
        *out = gate / (1.0 + exp(-gate)) * up;
    }
}

by_isa! {
    /// [`gate_backward`] for one piece.
    gate_piece_backward(gate: &mut [f32], up: &mut [f32], inner: &mut [f32]) gate_piece_backward_body
}

#[inline(always)]
fn gate_piece_backward_body(gate: &mut [f32], up: &mut [f32], inner: &mut [f32]) {
    for (gate, (up, inner)) in gate.iter_mut().zip(up.iter_mut().zip(inner)) {
        let share = 1.0 / (1.0 + exp(-*gate));
        let silu = *gate * share;
        let (value, slope) = (silu * *up, *inner);
        // d silu(g) / dg = s + g s (1 - s)
        *gate = slope * *up * (share + silu * (1.0 - share));
        *up = slope * silu;
        *inner = value;
    }
}
