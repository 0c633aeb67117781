//! Tokens of many sequences -> logits, on packed weights, for generation on CPUs.

use std::path::Path;

use super::{
    attention::{AttentionInput, Cache},
    kernel::{Isa, TILE},
    layer::{Layer, Pack, StepScratch},
    ops,
    pool::Pool,
    rotary::Rotary,
    weights::{PackedMatrix, Storage, padded},
};
use crate::{
    batch::{BLOCK, TokenBatch},
    checkpoint::{Checkpoint, CheckpointError, Dtype},
    config::ModelConfig,
};

/// Options of a decoder on the CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuOptions {
    /// The type in which weights are kept.
    pub storage: Storage,
    /// Number of threads; `None` means all of the machine's.
    pub threads: Option<usize>,
}

/// A function that returns a tensor of the checkpoint by its name and shape, in C order.
pub type TensorReader<'a> = dyn FnMut(&str, &[usize]) -> Result<Vec<f32>, CheckpointError> + 'a;

/// The reason why a decoder could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CpuError {
    /// The weights cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// There is not enough memory.
    #[error("no memory for {what}: {source}")]
    Memory {
        /// The purpose of the memory.
        what: String,
        /// The allocator's error.
        source: std::collections::TryReserveError,
    },
    /// The operating system refuses more threads.
    #[error("no threads: {0}")]
    Threads(#[source] std::io::Error),
}

/// A decoder with its weights, its threads, and the keys and values of all blocks.
pub struct CpuDecoder {
    config: ModelConfig,
    isa: Isa,
    pool: Pool,
    embedding: PackedMatrix,
    /// `None` if the output layer is the embedding.
    output: Option<PackedMatrix>,
    norm: Vec<f32>,
    layers: Vec<Layer>,
    rotary: Rotary,
    cache: Cache,
    scratch: StepScratch,
    logits: Vec<f32>,
}

impl CpuDecoder {
    /// Opens the model of a folder.
    ///
    /// # Errors
    /// [`CpuError`] when weights cannot be read, or memory or threads are not available.
    pub fn open(folder: &Path, options: CpuOptions) -> Result<Self, CpuError> {
        let checkpoint = Checkpoint::open(folder)?;
        let matrices = checkpoint.tensors().filter(|(_, tensor)| tensor.shape.len() == 2);
        let storage = match options.storage {
            Storage::AsStored if matrices.into_iter().all(|(_, tensor)| tensor.dtype == Dtype::BF16) => Storage::Bf16,
            Storage::AsStored => Storage::F32,
            asked => asked,
        };
        Self::new(checkpoint.config(), CpuOptions { storage, ..options }, &mut |name, shape| checkpoint.tensor(name, shape))
    }

    /// Makes a decoder of tensors from `source`.
    ///
    /// # Errors
    /// As [`CpuDecoder::open`].
    pub fn new(config: &ModelConfig, options: CpuOptions, source: &mut TensorReader<'_>) -> Result<Self, CpuError> {
        let threads = options.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let mut pool = Pool::new(threads).map_err(CpuError::Threads)?;
        let mut pack = Pack { config, storage: options.storage, pool: &mut pool, source };
        let shape = (config.vocab_size, config.hidden_size);
        let embedding = pack.matrix("model.embed_tokens.weight", shape)?;
        let output = if config.tie_word_embeddings { None } else { Some(pack.matrix("lm_head.weight", shape)?) };
        let norm = pack.vector("model.norm.weight", config.hidden_size)?;
        let layers = (0..config.num_hidden_layers).map(|index| Layer::new(&mut pack, index)).collect::<Result<_, _>>()?;
        let (isa, rotary) = (Isa::detect(), Rotary::new(config));
        let (cache, scratch) = (Cache::default(), StepScratch::default());
        Ok(CpuDecoder {
            config: config.clone(),
            isa,
            pool,
            embedding,
            output,
            norm,
            layers,
            rotary,
            cache,
            scratch,
            logits: Vec::new(),
        })
    }

    /// Returns the same decoder with another instruction set; the results are the same, bit for bit.
    pub fn with_isa(self, isa: Isa) -> Self {
        CpuDecoder { isa, ..self }
    }

    /// The shape of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Bytes of the weights in memory.
    pub fn weight_bytes(&self) -> usize {
        let outer = self.embedding.bytes() + self.output.as_ref().map_or(0, PackedMatrix::bytes);
        self.layers.iter().map(Layer::bytes).sum::<usize>() + outer
    }

    /// Bytes of the keys and values of one block.
    pub fn block_bytes(&self) -> usize {
        2 * self.config.num_hidden_layers
            * self.config.num_key_value_heads
            * padded(self.config.head_dim)
            * BLOCK
            * size_of::<f32>()
    }

    /// Allocates blocks `0..blocks`; existing content is lost. The operating system provides the memory as it is used.
    ///
    /// # Errors
    /// [`CpuError::Memory`].
    pub fn allocate(&mut self, blocks: usize) -> Result<(), CpuError> {
        let c = &self.config;
        self.cache = Cache::default();
        self.cache = Cache::new(c.num_hidden_layers, c.num_key_value_heads, padded(c.head_dim), blocks)
            .map_err(|source| CpuError::Memory { what: format!("the keys and values of {} tokens", blocks * BLOCK), source })?;
        Ok(())
    }

    /// Copies the content of block `from` to block `to`.
    pub fn copy_block(&mut self, from: u32, to: u32) {
        self.cache.copy(from as usize, to as usize);
    }

    /// Evaluates all rows and stores their keys and values. Returns the logits `(rows, vocabulary)` of the rows that want them, and the decoder's
    /// threads for drawing tokens. The result of a row depends on the tokens of its own sequence alone, bit for bit.
    ///
    /// # Errors
    /// Names the token, block or position of the batch that is out of range.
    pub fn step(&mut self, batch: &TokenBatch) -> Result<(&[f32], &mut Pool), String> {
        self.check(batch)?;
        let (rows, tiles) = (batch.rows.len(), padded(self.config.hidden_size) / TILE);
        let wanted: Vec<usize> = (0..rows).filter(|row| batch.rows[*row].logits).collect();
        if rows == 0 {
            return Ok((&[], &mut self.pool));
        }
        let mut hidden = std::mem::take(&mut self.scratch.hidden);
        let x = hidden.at_least(tiles * rows * TILE);
        for (row, token) in batch.rows.iter().enumerate() {
            self.embedding.look_up(token.token as usize, x, row, rows);
        }
        let angles = self.rotary.angles(batch);
        for index in 0..self.layers.len() {
            self.layer(index, (batch, &angles), x);
        }
        let few = wanted.len();
        let mut last = std::mem::take(&mut self.scratch.last);
        let chosen = last.at_least(tiles * few * TILE);
        for (tile, chosen) in chosen.chunks_exact_mut((few * TILE).max(1)).enumerate() {
            for (to, from) in wanted.iter().enumerate() {
                chosen[to * TILE..][..TILE].copy_from_slice(&x[(tile * rows + from) * TILE..][..TILE]);
            }
        }
        self.output(chosen, few);
        (self.scratch.hidden, self.scratch.last) = (hidden, last);
        Ok((&self.logits, &mut self.pool))
    }

    fn check(&self, batch: &TokenBatch) -> Result<(), String> {
        for row in &batch.rows {
            let table = batch.tables.get(row.sequence as usize).ok_or_else(|| format!("no sequence {}", row.sequence))?;
            let needed = row.position as usize / BLOCK + 1;
            if row.token as usize >= self.config.vocab_size {
                return Err(format!("token {} is outside of the vocabulary of {}", row.token, self.config.vocab_size));
            }
            if table.len() < needed || table[..needed].iter().any(|block| *block as usize >= self.cache.blocks()) {
                return Err(format!("position {} has no block", row.position));
            }
            if row.position as usize >= self.config.max_position_embeddings {
                return Err(format!(
                    "position {} is outside of the {} of the model",
                    row.position, self.config.max_position_embeddings
                ));
            }
        }
        Ok(())
    }

    /// Applies one layer to `x (hidden / 32, rows, 32)`, in place.
    fn layer(&mut self, index: usize, (batch, angles): (&TokenBatch, &[f32]), x: &mut [f32]) {
        let (c, isa, pool, layer, s) = (&self.config, self.isa, &mut self.pool, &self.layers[index], &mut self.scratch);
        let rows = batch.rows.len();
        let (width, heads, kv) = (padded(c.head_dim), c.num_attention_heads, c.num_key_value_heads);
        let normed = s.normed.at_least(x.len());
        norm(isa, pool, x, c, &layer.norm1, rows, normed);
        let qkv = s.qkv.at_least((heads + 2 * kv) * width * rows);
        layer.qkv.apply(isa, pool, normed, rows, qkv);
        let queries = s.queries.at_least(heads * width * rows);
        let (cache, region) = self.cache.layer(index);
        self.rotary.rotate(pool, layer, (batch, angles), qkv, (queries, cache, region));
        let attended = s.attended.at_least(heads * width * rows);
        let attention = AttentionInput { isa, batch, queries, cache, width, heads: kv, repeats: heads / kv };
        attention.run(pool, &mut s.parts, attended);
        layer.output.add(isa, pool, attended, rows, x);
        norm(isa, pool, x, c, &layer.norm2, rows, normed);
        let inner = s.inner.at_least(padded(c.intermediate_size) * rows);
        layer.gate_up(isa, pool, normed, rows, inner);
        layer.down.add(isa, pool, inner, rows, x);
    }

    /// Computes `self.logits (rows, vocabulary)` from `x (hidden / 32, rows, 32)`.
    fn output(&mut self, x: &[f32], rows: usize) {
        let (c, isa, pool, s) = (&self.config, self.isa, &mut self.pool, &mut self.scratch);
        self.logits.resize(rows * c.vocab_size, 0.0);
        if rows == 0 {
            return;
        }
        let normed = s.normed.at_least(x.len());
        norm(isa, pool, x, c, &self.norm, rows, normed);
        let tiled = s.logits.at_least(padded(c.vocab_size) * rows);
        self.output.as_ref().unwrap_or(&self.embedding).apply(isa, pool, normed, rows, tiled, false);
        let tiled = &*tiled;
        pool.pieces(&mut self.logits, c.vocab_size, |row, out| {
            for (tile, out) in out.chunks_mut(TILE).enumerate() {
                out.copy_from_slice(&tiled[(tile * rows + row) * TILE..][..out.len()]);
            }
        });
    }
}

/// RMS norm of all rows: `out = x / rms(x) * weight`, both `(hidden / 32, rows, 32)`.
fn norm(isa: Isa, pool: &mut Pool, x: &[f32], config: &ModelConfig, weight: &[f32], rows: usize, out: &mut [f32]) {
    let mut factors = vec![0f32; rows];
    ops::inverse_rms(isa, x, config.hidden_size, config.rms_norm_eps as f32, &mut factors);
    // With few rows, one piece of work takes several tiles.
    let together = (4096 / (rows * TILE)).max(1);
    pool.pieces(out, together * rows * TILE, |piece, out| {
        for (tile, out) in out.chunks_exact_mut(rows * TILE).enumerate().map(|(tile, out)| (piece * together + tile, out)) {
            ops::scale_rows(isa, &x[tile * rows * TILE..][..rows * TILE], &factors, &weight[tile * TILE..][..TILE], out);
        }
    });
}
