//! Matrix of a checkpoint -> panels of 32 outputs in f32, bf16 or int8, in the order in which products read them.

use half::bf16;
use serde::{Deserialize, Serialize};

use super::{
    aligned::AlignedVec,
    kernel::{Isa, Panels, ProductOut, StoredWeights, TILE, TileRows, product},
    pool::Pool,
};

/// The type in which matrices are kept in memory; every product computes in f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Storage {
    /// As stored: bf16 if all matrices of the checkpoint are bf16, otherwise f32. Lossless.
    #[default]
    AsStored,
    /// Four bytes for each weight.
    F32,
    /// Two bytes for each weight, rounded to nearest even.
    Bf16,
    /// One byte for each weight and a scale for each output: its largest weight divided by 127. For judging; texts differ from those of the other
    /// types.
    Int8,
}

/// A packed matrix.
#[derive(Debug)]
pub struct PackedMatrix {
    /// Number of inputs, a multiple of 32.
    depth: usize,
    data: Data,
}

#[derive(Debug)]
enum Data {
    F32(AlignedVec<f32>),
    Bf16(AlignedVec<u16>),
    Int8(AlignedVec<i8>, AlignedVec<f32>),
}

/// A matrix to pack.
pub struct PackSource<'a> {
    /// Number of rows.
    pub outputs: usize,
    /// Number of columns.
    pub depth: usize,
    /// Returns a weight by row and column; 0 in the padding.
    pub weight: &'a (dyn Fn(usize, usize) -> f32 + Sync),
}

/// Rounds `value` up to whole tiles.
pub fn padded(value: usize) -> usize {
    value.next_multiple_of(TILE)
}

impl PackedMatrix {
    /// Packs a matrix.
    ///
    /// # Errors
    /// When there is not enough memory.
    pub fn new(matrix: &PackSource<'_>, storage: Storage, pool: &mut Pool) -> Result<Self, std::collections::TryReserveError> {
        let PackSource { outputs, depth, weight } = *matrix;
        let panel = depth * TILE;
        // Element `index` of panel `number`.
        let at = |number: usize, index: usize| weight(number * TILE + index % TILE, index / TILE);
        let data = match storage {
            Storage::AsStored | Storage::F32 => {
                let mut data = AlignedVec::zeroed(outputs * depth)?;
                pool.pieces(&mut data, panel, |number, piece| {
                    piece.iter_mut().enumerate().for_each(|(index, value)| *value = at(number, index));
                });
                Data::F32(data)
            }
            Storage::Bf16 => {
                let mut data = AlignedVec::zeroed(outputs * depth)?;
                pool.pieces(&mut data, panel, |number, piece| {
                    piece.iter_mut().enumerate().for_each(|(index, value)| *value = bf16::from_f32(at(number, index)).to_bits());
                });
                Data::Bf16(data)
            }
            Storage::Int8 => {
                let mut scales: AlignedVec<f32> = AlignedVec::zeroed(outputs)?;
                pool.pieces(&mut scales, TILE, |number, piece| {
                    for (lane, scale) in piece.iter_mut().enumerate() {
                        let weights = (0..depth).map(|input| weight(number * TILE + lane, input).abs());
                        // NaN is kept, which `max` would drop: a damaged matrix must show in the logits.
                        let largest =
                            weights.fold(0f32, |most, weight| if most.is_nan() || most > weight { most } else { weight });
                        *scale = largest / 127.0;
                    }
                });
                let mut data = AlignedVec::zeroed(outputs * depth)?;
                pool.pieces(&mut data, panel, |number, piece| {
                    for (index, value) in piece.iter_mut().enumerate() {
                        let scale = scales[number * TILE + index % TILE];
                        *value = if scale > 0.0 { (at(number, index) / scale).round() as i8 } else { 0 };
                    }
                });
                Data::Int8(data, scales)
            }
        };
        Ok(PackedMatrix { depth, data })
    }

    /// Computes `out (+)= x w^T`, where `x` is `(depth / 32, rows, 32)` and `out` is `(outputs / 32, rows, 32)`.
    pub fn apply(&self, isa: Isa, pool: &mut Pool, x: &[f32], rows: usize, out: &mut [f32], add: bool) {
        let group = group(out.len() / (rows * TILE), rows, pool.threads());
        pool.pieces(out, group * rows * TILE, |piece, out| self.panels(isa, piece * group, x, rows, out, add));
    }

    /// Like [`PackedMatrix::apply`], for the panels from `first` on that fit into `out`, on the calling thread.
    pub fn panels(&self, isa: Isa, first: usize, x: &[f32], rows: usize, out: &mut [f32], add: bool) {
        let stride = self.depth * TILE;
        let weights = match &self.data {
            Data::F32(data) => StoredWeights::F32(&data[first * stride..]),
            Data::Bf16(data) => StoredWeights::Bf16(&data[first * stride..]),
            Data::Int8(data, scales) => StoredWeights::Int8(&data[first * stride..], &scales[first * TILE..]),
        };
        let panels = Panels { weights, stride, depth: self.depth };
        product(
            isa,
            TileRows { data: x, all: rows, first: 0, count: rows },
            panels,
            ProductOut { data: out, all: rows, first: 0, add },
        );
    }

    /// Writes the weights of one output to row `row` of `out`, `(depth / 32, rows, 32)`: the lookup of an embedding.
    pub fn look_up(&self, output: usize, out: &mut [f32], row: usize, rows: usize) {
        let from = output / TILE * self.depth * TILE + output % TILE;
        let mut copy = |weight: &dyn Fn(usize) -> f32| {
            for (tile, out) in out.chunks_mut(rows * TILE).enumerate() {
                for (lane, value) in out[row * TILE..][..TILE].iter_mut().enumerate() {
                    *value = weight(from + (tile * TILE + lane) * TILE);
                }
            }
        };
        match &self.data {
            Data::F32(data) => copy(&|at| data[at]),
            Data::Bf16(data) => copy(&|at| bf16::from_bits(data[at]).to_f32()),
            Data::Int8(data, scales) => copy(&|at| f32::from(data[at]) * scales[output]),
        }
    }

    /// Bytes of the weights.
    pub fn bytes(&self) -> usize {
        match &self.data {
            Data::F32(data) => data.len() * 4,
            Data::Bf16(data) => data.len() * 2,
            Data::Int8(data, scales) => data.len() + scales.len() * 4,
        }
    }
}

/// The number of panels in one piece of work: enough pieces to balance the threads, and as many panels as the kernel prefers for few rows.
pub fn group(panels: usize, rows: usize, threads: usize) -> usize {
    let least = match rows {
        1 => 4,
        2 | 3 => 2,
        _ => 1,
    };
    (panels / (threads * 4)).clamp(1, 8).next_multiple_of(least)
}
