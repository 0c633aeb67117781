//! The product of a few rows with a packed matrix, for each instruction set. All products of decoding are of this form.
//!
//! Every element of the result is a sum of chains. A chain covers 64 inputs with fused multiply-adds in the order of the depth. So the result is the
//! same, bit for bit, on every processor and for every number of rows and threads: which rows are computed together cannot change a text. A single
//! chain would be as reproducible, but where one product is huge, as for first tokens, each later step would round at its size.
//!
//! Layouts. A row vector of width n lies in tiles of 32: `x[tile][row][32]`. A matrix lies in panels of 32 outputs: `w[panel][depth][32]`.
//! Panels of the result are tiles of the next product's input.
#![allow(unsafe_code, reason = "vector instructions and raw loads; `product` checks all bounds before")]

#[cfg(target_arch = "x86_64")]
use x86::VectorLoad;

#[cfg(target_arch = "x86_64")]
mod x86;

/// Width of tiles and panels.
pub const TILE: usize = 32;

/// Inputs of one chain; a multiple of 32.
pub const CHAIN: usize = 64;

/// A set of instructions that this processor has: a value of this type is the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(InstructionSet);

/// The instruction set of a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InstructionSet {
    /// 32 registers of 16 numbers.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 16 registers of 8 numbers.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Plain loops for the compiler; fast where fused multiply-add is part of the base instruction set (aarch64).
    Plain,
}

impl Isa {
    /// Returns the best instruction set of this processor.
    pub fn detect() -> Self {
        Self::all().swap_remove(0)
    }

    /// Returns all instruction sets of this processor, the best first.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vl")
            {
                all.push(Isa(InstructionSet::Avx512));
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(Isa(InstructionSet::Avx2));
            }
        }
        all.push(Isa(InstructionSet::Plain));
        all
    }

    /// Returns the instruction set.
    pub(crate) fn kind(self) -> InstructionSet {
        self.0
    }
}

/// Some rows of a tiled matrix, as the left side of a product.
#[derive(Clone, Copy, Debug)]
pub struct TileRows<'a> {
    /// All tiles: `(tiles, all, 32)`.
    pub data: &'a [f32],
    /// Rows in each tile.
    pub all: usize,
    /// The first row that is used.
    pub first: usize,
    /// The number of rows that are used.
    pub count: usize,
}

/// Panels of one matrix, the right side of a product: `(panels, stride / 32, 32)`. The first `depth` lines of each panel are used.
#[derive(Clone, Copy, Debug)]
pub struct Panels<'a> {
    /// The numbers.
    pub weights: StoredWeights<'a>,
    /// Elements from one panel to the next.
    pub stride: usize,
    /// The number of inputs.
    pub depth: usize,
}

/// The weights of a matrix in their stored type.
#[derive(Clone, Copy, Debug)]
pub enum StoredWeights<'a> {
    /// Full precision.
    F32(&'a [f32]),
    /// The upper half of each f32.
    Bf16(&'a [u16]),
    /// Bytes, and a scale for each output: `(panels, 32)`.
    Int8(&'a [i8], &'a [f32]),
}

/// The result of a product: panels `(panels, all, 32)`.
#[derive(Debug)]
pub struct ProductOut<'a> {
    /// The panels.
    pub data: &'a mut [f32],
    /// Rows in each panel.
    pub all: usize,
    /// The row of the first result.
    pub first: usize,
    /// Whether the product is added to the existing content.
    pub add: bool,
}

/// Computes `out[panel][row] (+)= sum over depth of x[row][depth] * w[panel][depth]` for all panels that fit into `out`.
///
/// # Panics
/// When a slice is shorter than its shape says, or the depth is 0.
pub fn product(isa: Isa, x: TileRows<'_>, w: Panels<'_>, out: ProductOut<'_>) {
    // Shapes come from callers, so these products must not overflow.
    let size = |rows: usize, columns: usize| rows.saturating_mul(columns);
    let panels = out.data.len() / size(out.all, TILE);
    assert!(x.first.saturating_add(x.count) <= x.all, "rows outside of the input");
    assert!(x.data.len() >= size(size(w.depth.div_ceil(TILE), x.all), TILE), "inputs outside of the rows");
    assert!(out.first.saturating_add(x.count) <= out.all, "rows outside of the output");
    assert!(w.depth > 0 && size(w.depth, TILE) <= w.stride, "no inputs, or more than a panel has");
    if x.count == 0 || panels == 0 {
        return;
    }
    let held = match w.weights {
        StoredWeights::F32(data) => data.len(),
        StoredWeights::Bf16(data) => data.len(),
        StoredWeights::Int8(data, scales) => {
            assert!(scales.len() >= panels * TILE, "too few factors");
            data.len()
        }
    };
    assert!(held >= size(panels - 1, w.stride).saturating_add(w.depth * TILE), "too few weights");
    match w.weights {
        StoredWeights::F32(data) => by_isa(isa, x, w, data, &[], panels, out),
        StoredWeights::Bf16(data) => by_isa(isa, x, w, data, &[], panels, out),
        StoredWeights::Int8(data, scales) => by_isa(isa, x, w, data, scales, panels, out),
    }
}

fn by_isa<W: StoredNumber>(
    isa: Isa,
    x: TileRows<'_>,
    w: Panels<'_>,
    data: &[W],
    scales: &[f32],
    panels: usize,
    out: ProductOut<'_>,
) {
    let call = KernelCall {
        x: x.data[x.first * TILE..].as_ptr(),
        x_stride: x.all * TILE,
        w: data.as_ptr(),
        w_stride: w.stride,
        depth: w.depth,
        scales: if scales.is_empty() { std::ptr::null() } else { scales.as_ptr() },
        out: out.data[out.first * TILE..].as_mut_ptr(),
        out_stride: out.all * TILE,
        add: out.add,
    };
    // SAFETY: `product` checked that rows `first..first + count` lie in all tiles and panels, that `panels` panels of weights and of
    // results are there, and an `Isa` exists only where its instructions do.
    unsafe {
        match isa.kind() {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => x86::sweep512(call, x.count, panels),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => x86::sweep256(call, x.count, panels),
            InstructionSet::Plain => plain(call, x.count, panels),
        }
    }
}

/// A product in terms of pointers.
struct KernelCall<W> {
    x: *const f32,
    x_stride: usize,
    w: *const W,
    w_stride: usize,
    depth: usize,
    /// Null if the weights have no scales.
    scales: *const f32,
    out: *mut f32,
    out_stride: usize,
    add: bool,
}

// Written by hand because a derive would require that W is Copy.
impl<W> Clone for KernelCall<W> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<W> Copy for KernelCall<W> {}

impl<W> KernelCall<W> {
    /// The same call from another row and panel on.
    ///
    /// # Safety
    /// Both must be in range.
    #[inline(always)]
    unsafe fn at(self, row: usize, panel: usize) -> Self {
        // SAFETY: the caller's.
        unsafe {
            KernelCall {
                x: self.x.add(row * TILE),
                w: self.w.add(panel * self.w_stride),
                scales: if self.scales.is_null() { self.scales } else { self.scales.add(panel * TILE) },
                out: self.out.add(panel * self.out_stride + row * TILE),
                ..self
            }
        }
    }
}

impl<W> KernelCall<W> {
    /// The `number`-th chain alone; chains after the first are added to the result.
    ///
    /// # Safety
    /// The product must have that many chains.
    #[inline(always)]
    unsafe fn chain(self, number: usize) -> Self {
        let from = number * CHAIN;
        // SAFETY: the caller's.
        unsafe {
            KernelCall {
                x: self.x.add(from / TILE * self.x_stride),
                w: self.w.add(from * TILE),
                depth: (self.depth - from).min(CHAIN),
                add: self.add || number > 0,
                ..self
            }
        }
    }
}

/// A weight in its stored type.
trait StoredNumber: VectorLoad + Copy {
    fn get(self) -> f32;
}

impl StoredNumber for f32 {
    fn get(self) -> f32 {
        self
    }
}

impl StoredNumber for u16 {
    fn get(self) -> f32 {
        f32::from_bits(u32::from(self) << 16)
    }
}

impl StoredNumber for i8 {
    fn get(self) -> f32 {
        f32::from(self)
    }
}

/// On other processors there are no vectors to load weights into.
#[cfg(not(target_arch = "x86_64"))]
trait VectorLoad {}
#[cfg(not(target_arch = "x86_64"))]
impl<T> VectorLoad for T {}

/// # Safety
/// All of `rows` and `panels` must be in range.
unsafe fn plain<W: StoredNumber>(call: KernelCall<W>, rows: usize, panels: usize) {
    let each = (0..panels).flat_map(|panel| (0..call.depth.div_ceil(CHAIN)).map(move |chain| (panel, chain)));
    for (row, panel, chain) in each.flat_map(|(panel, chain)| (0..rows).map(move |row| (row, panel, chain))) {
        // SAFETY: the caller's, for each index below.
        unsafe {
            let call = call.at(row, panel).chain(chain);
            let mut sums = [0f32; TILE];
            for depth in 0..call.depth {
                let x = *call.x.add(depth / TILE * call.x_stride + depth % TILE);
                for (lane, sum) in sums.iter_mut().enumerate() {
                    *sum = x.mul_add((*call.w.add(depth * TILE + lane)).get(), *sum);
                }
            }
            for (lane, sum) in sums.into_iter().enumerate() {
                let out = call.out.add(lane);
                *out = match (call.scales.is_null(), call.add) {
                    (true, false) => sum,
                    (true, true) => *out + sum,
                    (false, false) => sum * *call.scales.add(lane),
                    (false, true) => sum.mul_add(*call.scales.add(lane), *out),
                };
            }
        }
    }
}
