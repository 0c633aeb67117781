//! One layer's weights, packed from the tensors of a checkpoint.

use super::{
    aligned::AlignedVec,
    decoder::{CpuError, TensorReader},
    kernel::{Isa, TILE},
    ops,
    pool::Pool,
    weights::{self, PackSource, PackedMatrix, Storage, padded},
};
use crate::config::ModelConfig;

/// Memory that is reused by all steps.
#[derive(Debug, Default)]
pub struct StepScratch {
    pub hidden: AlignedVec<f32>,
    pub last: AlignedVec<f32>,
    pub normed: AlignedVec<f32>,
    pub qkv: AlignedVec<f32>,
    pub queries: AlignedVec<f32>,
    pub parts: AlignedVec<f32>,
    pub attended: AlignedVec<f32>,
    pub inner: AlignedVec<f32>,
    pub logits: AlignedVec<f32>,
}

/// A matrix and perhaps a bias.
#[derive(Debug)]
pub struct Linear {
    matrix: PackedMatrix,
    /// One number for each output, or empty.
    bias: Vec<f32>,
}

/// One layer.
#[derive(Debug)]
pub struct Layer {
    pub norm1: Vec<f32>,
    pub norm2: Vec<f32>,
    /// Queries, keys and values; heads are padded to whole tiles.
    pub qkv: Linear,
    /// Weights of the norms of query heads and of key heads; empty if the model has none.
    pub head_norms: (Vec<f32>, Vec<f32>),
    pub output: Linear,
    /// Tiles of the gate and of the up projection, alternating.
    gate_up: Linear,
    pub down: Linear,
}

/// Tensors -> packed matrices.
pub struct Pack<'a, 's> {
    pub config: &'a ModelConfig,
    pub storage: Storage,
    pub pool: &'a mut Pool,
    pub source: &'a mut TensorReader<'s>,
}

impl Pack<'_, '_> {
    /// Reads a vector and pads it with zeros to whole tiles.
    pub fn vector(&mut self, name: &str, length: usize) -> Result<Vec<f32>, CpuError> {
        let mut vector = (self.source)(name, &[length])?;
        vector.resize(padded(length), 0.0);
        Ok(vector)
    }

    /// Reads and packs a matrix `(outputs, inputs)`.
    pub fn matrix(&mut self, name: &str, (outputs, inputs): (usize, usize)) -> Result<PackedMatrix, CpuError> {
        let values = (self.source)(name, &[outputs, inputs])?;
        let weight = |output, input| if output < outputs && input < inputs { values[output * inputs + input] } else { 0.0 };
        self.pack(name, &PackSource { outputs: padded(outputs), depth: padded(inputs), weight: &weight })
    }

    fn pack(&mut self, name: &str, matrix: &PackSource<'_>) -> Result<PackedMatrix, CpuError> {
        PackedMatrix::new(matrix, self.storage, self.pool)
            .map_err(|source| CpuError::Memory { what: format!("the weights of {name}"), source })
    }

    fn bias(&mut self, wanted: bool, name: &str, length: usize) -> Result<Vec<f32>, CpuError> {
        if wanted { self.vector(name, length) } else { Ok(Vec::new()) }
    }

    /// Stacks queries, keys and values; each head is padded to whole tiles.
    fn qkv(&mut self, at: &str) -> Result<Linear, CpuError> {
        let c = self.config;
        let (head, width, hidden) = (c.head_dim, padded(c.head_dim), c.hidden_size);
        let parts = [("q", c.num_attention_heads), ("k", c.num_key_value_heads), ("v", c.num_key_value_heads)];
        let (mut values, mut bias) = (Vec::new(), Vec::new());
        for (part, heads) in parts {
            values.extend((self.source)(&format!("{at}.self_attn.{part}_proj.weight"), &[heads * head, hidden])?);
            if c.qkv_bias {
                for numbers in (self.source)(&format!("{at}.self_attn.{part}_proj.bias"), &[heads * head])?.chunks(head) {
                    bias.extend(numbers.iter().copied().chain(std::iter::repeat_n(0.0, width - head)));
                }
            }
        }
        let weight = |output: usize, input: usize| {
            let (number, inside) = (output / width, output % width);
            if inside < head && input < hidden { values[(number * head + inside) * hidden + input] } else { 0.0 }
        };
        let outputs = parts.iter().map(|(_, heads)| heads * width).sum();
        let matrix = self.pack(at, &PackSource { outputs, depth: padded(hidden), weight: &weight })?;
        Ok(Linear { matrix, bias })
    }

    /// Reads attention's output layer; its inputs are heads that are padded to whole tiles.
    fn output(&mut self, at: &str) -> Result<Linear, CpuError> {
        let c = self.config;
        let (head, width, hidden) = (c.head_dim, padded(c.head_dim), c.hidden_size);
        let inputs = c.num_attention_heads * head;
        let name = format!("{at}.self_attn.o_proj");
        let values = (self.source)(&format!("{name}.weight"), &[hidden, inputs])?;
        let weight = |output: usize, input: usize| {
            let (number, inside) = (input / width, input % width);
            if output < hidden && inside < head { values[output * inputs + number * head + inside] } else { 0.0 }
        };
        let depth = c.num_attention_heads * width;
        let matrix = self.pack(&name, &PackSource { outputs: padded(hidden), depth, weight: &weight })?;
        Ok(Linear { matrix, bias: self.bias(c.output_bias, &format!("{name}.bias"), hidden)? })
    }

    fn gate_up(&mut self, at: &str) -> Result<Linear, CpuError> {
        let (inner, hidden, biased) = (self.config.intermediate_size, self.config.hidden_size, self.config.mlp_bias);
        let names = ["gate", "up"].map(|part| format!("{at}.mlp.{part}_proj"));
        let [gate, up] = &names;
        let values = [
            (self.source)(&format!("{gate}.weight"), &[inner, hidden])?,
            (self.source)(&format!("{up}.weight"), &[inner, hidden])?,
        ];
        let weight = |output: usize, input: usize| {
            let (which, row) = (output / TILE % 2, output / (2 * TILE) * TILE + output % TILE);
            if row < inner && input < hidden { values[which][row * hidden + input] } else { 0.0 }
        };
        let matrix = self.pack(gate, &PackSource { outputs: 2 * padded(inner), depth: padded(hidden), weight: &weight })?;
        let mut bias = Vec::new();
        if biased {
            let biases = [self.vector(&format!("{gate}.bias"), inner)?, self.vector(&format!("{up}.bias"), inner)?];
            for (gate, up) in biases[0].chunks(TILE).zip(biases[1].chunks(TILE)) {
                bias.extend(gate.iter().chain(up));
            }
        }
        Ok(Linear { matrix, bias })
    }
}

impl Layer {
    /// Reads layer `index` of the checkpoint.
    pub fn new(pack: &mut Pack<'_, '_>, index: usize) -> Result<Self, CpuError> {
        let c = pack.config;
        let at = format!("model.layers.{index}");
        let head_norms = if matches!(c.architecture, crate::config::Architecture::Qwen3) {
            let mut norm = |part| pack.vector(&format!("{at}.self_attn.{part}_norm.weight"), c.head_dim);
            (norm("q")?, norm("k")?)
        } else {
            Default::default()
        };
        let matrix = pack.matrix(&format!("{at}.mlp.down_proj.weight"), (c.hidden_size, c.intermediate_size))?;
        let down = Linear { matrix, bias: pack.bias(c.mlp_bias, &format!("{at}.mlp.down_proj.bias"), c.hidden_size)? };
        Ok(Layer {
            norm1: pack.vector(&format!("{at}.input_layernorm.weight"), c.hidden_size)?,
            norm2: pack.vector(&format!("{at}.post_attention_layernorm.weight"), c.hidden_size)?,
            qkv: pack.qkv(&at)?,
            head_norms,
            output: pack.output(&at)?,
            gate_up: pack.gate_up(&at)?,
            down,
        })
    }

    /// Bytes of the layer's matrices.
    pub fn bytes(&self) -> usize {
        [&self.qkv, &self.output, &self.gate_up, &self.down].iter().map(|linear| linear.matrix.bytes()).sum()
    }

    /// Computes `silu(gate x) * up x`, `(intermediate / 32, rows, 32)`, from `x (hidden / 32, rows, 32)`.
    pub fn gate_up(&self, isa: Isa, pool: &mut Pool, x: &[f32], rows: usize, out: &mut [f32]) {
        // Two tiles of the result come from four panels.
        let together = (weights::group(out.len() / (rows * TILE), rows, pool.threads()) / 2).max(2);
        pool.pieces(out, together * rows * TILE, |piece, out| {
            PAIRS.with_borrow_mut(|pairs| {
                let pairs = pairs.at_least(2 * out.len());
                self.gate_up.panels(isa, piece * together * 2, x, rows, pairs);
                ops::gate(isa, pairs, rows, out);
            });
        });
    }
}

thread_local! {
    /// Gate and up projection of one piece of work.
    static PAIRS: std::cell::RefCell<AlignedVec<f32>> = std::cell::RefCell::default();
}

impl Linear {
    /// Computes `out = w x + bias`.
    pub fn apply(&self, isa: Isa, pool: &mut Pool, x: &[f32], rows: usize, out: &mut [f32]) {
        let group = weights::group(out.len() / (rows * TILE), rows, pool.threads());
        pool.pieces(out, group * rows * TILE, |piece, out| self.panels(isa, piece * group, x, rows, out));
    }

    /// Computes `out += w x + bias`.
    pub fn add(&self, isa: Isa, pool: &mut Pool, x: &[f32], rows: usize, out: &mut [f32]) {
        let group = weights::group(out.len() / (rows * TILE), rows, pool.threads());
        pool.pieces(out, group * rows * TILE, |piece, out| {
            if !self.bias.is_empty() {
                let bias = self.bias[piece * group * TILE..].chunks_exact(TILE);
                for (tile, bias) in out.chunks_exact_mut(rows * TILE).zip(bias) {
                    for row in tile.chunks_exact_mut(TILE) {
                        row.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
                    }
                }
            }
            self.matrix.panels(isa, piece * group, x, rows, out, true);
        });
    }

    /// Computes `out = w x + bias` for the panels from `first` on, on the calling thread.
    fn panels(&self, isa: Isa, first: usize, x: &[f32], rows: usize, out: &mut [f32]) {
        if self.bias.is_empty() {
            return self.matrix.panels(isa, first, x, rows, out, false);
        }
        for (tile, bias) in out.chunks_exact_mut(rows * TILE).zip(self.bias[first * TILE..].chunks_exact(TILE)) {
            tile.chunks_exact_mut(TILE).for_each(|row| row.copy_from_slice(bias));
        }
        self.matrix.panels(isa, first, x, rows, out, true);
    }
}
