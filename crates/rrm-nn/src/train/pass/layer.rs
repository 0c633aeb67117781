//! The forward and backward pass of one layer.

use super::{
    attention::{AttentionPass, BackwardInput, QkvSlopes},
    forest::Forest,
    heads::{self, HeadInput, HeadTransform, RotaryTable},
    linear::{self, forward, input_slopes, weight_slopes},
    machine::Machine,
    model::TrainLayer,
    rows::{gate, gate_backward, norm, norm_backward},
    tiles::{RowMatrix, TileBuffer},
};
use crate::{config::ModelConfig, cpu::aligned::AlignedVec};

/// The values that are the same for all layers.
#[derive(Clone, Copy, Debug)]
pub struct PassContext<'a> {
    /// The shape of the model.
    pub config: &'a ModelConfig,
    /// The segments and their ancestors.
    pub forest: &'a Forest,
    /// The angles of the rotation.
    pub rotary: &'a RotaryTable,
}

/// The activations of a layer that its backward pass reads besides its input.
#[derive(Debug, Default)]
pub struct LayerActivations {
    /// Queries and keys before the norms of heads, `(R, N D)` and `(R, K D)`; empty if there are no such norms.
    before: [AlignedVec<f32>; 2],
    /// Queries, keys, values: `(segments, heads, rows, D)`.
    heads: [AlignedVec<f32>; 3],
    /// Logarithms of the sums of exponentials, `(segments, N, rows)`.
    sums: AlignedVec<f32>,
    /// The result of attention, `(R, N D)`.
    attended: AlignedVec<f32>,
    /// Hidden states between the two parts, `(R, H)`.
    middle: AlignedVec<f32>,
    /// Gate and up projection, `(R, F)` each.
    gate: AlignedVec<f32>,
    up: AlignedVec<f32>,
}

/// Memory that layers reuse.
#[derive(Debug, Default)]
pub struct LayerScratch {
    /// Scratch memory of linear layers.
    pub linear: linear::LinearScratch,
    /// Rows after a norm, in tiles.
    pub tiles: TileBuffer,
    /// `(R, H)`, `(R, F)`, and two of `(R, N D)`.
    normed: AlignedVec<f32>,
    inner: AlignedVec<f32>,
    wide: [AlignedVec<f32>; 2],
    /// Slopes of queries, keys, values: in heads, and in rows.
    slopes: [AlignedVec<f32>; 3],
    rows: AlignedVec<f32>,
    products: AlignedVec<f32>,
    passed: AlignedVec<f32>,
}

impl PassContext<'_> {
    /// The number of rows of the pass.
    fn rows(&self) -> usize {
        self.forest.segment_of.len()
    }

    fn eps(&self) -> f32 {
        self.config.rms_norm_eps as f32
    }

    /// The numbers of heads of queries, keys and values.
    fn heads(&self) -> [usize; 3] {
        let kv_heads = self.config.num_key_value_heads;
        [self.config.num_attention_heads, kv_heads, kv_heads]
    }

    /// Returns the transform of the heads of queries (0), keys (1) or values (2).
    fn turn<'a>(&'a self, layer: &TrainLayer<'a>, which: usize) -> HeadTransform<'a> {
        let norm = layer.head_norms.get(which).map(|norm| (norm.weight, self.eps())).filter(|(weight, _)| !weight.is_empty());
        HeadTransform { rotary: (which < 2).then_some(self.rotary), norm }
    }

    fn attention<'a>(&'a self, [queries, keys, values]: [&'a [f32]; 3]) -> AttentionPass<'a> {
        let [heads, kv_heads, _] = self.heads();
        AttentionPass { forest: self.forest, heads: (heads, kv_heads), width: self.config.head_dim, queries, keys, values }
    }

    /// Computes the layer: hidden states `x (R, H)` -> `out (R, H)`.
    pub fn forward(
        &self,
        machine: &mut Machine,
        (scratch, saved): (&mut LayerScratch, &mut LayerActivations),
        layer: &TrainLayer<'_>,
        x: &[f32],
        out: &mut [f32],
    ) {
        let (rows, hidden) = (self.rows(), self.config.hidden_size);
        let normed = scratch.normed.at_least(rows * hidden);
        norm(machine, x, layer.attention_norm.weight, self.eps(), normed);
        let tiles = scratch.tiles.by_columns(machine, RowMatrix { data: normed, width: hidden });
        for (which, heads) in self.heads().into_iter().enumerate() {
            let turn = self.turn(layer, which);
            let wide = if turn.norm.is_some() { &mut saved.before[which] } else { &mut scratch.wide[0] };
            let wide = wide.at_least(rows * heads * self.config.head_dim);
            forward(machine, &mut scratch.linear, &layer.qkv[which], tiles, (wide, false));
            let parts = saved.heads[which].at_least(wide.len());
            heads::to_heads(machine, self.forest, wide, (parts, heads), turn);
        }
        let [heads, ..] = self.heads();
        let width = heads * self.config.head_dim;
        let wide = scratch.wide[0].at_least(rows * width);
        let sums = saved.sums.at_least(rows * heads);
        self.attention(saved.heads.each_ref().map(|heads| &**heads)).forward(machine, wide, sums);
        let attended = saved.attended.at_least(rows * width);
        let plain = HeadTransform { rotary: None, norm: None };
        let source = HeadInput { data: wide, heads, turn: plain, before: &[] };
        heads::from_heads(machine, self.forest, source, attended, None);
        let middle = saved.middle.at_least(rows * hidden);
        middle.copy_from_slice(x);
        let tiles = scratch.tiles.by_columns(machine, RowMatrix { data: attended, width });
        forward(machine, &mut scratch.linear, &layer.output, tiles, (middle, true));
        self.mlp(machine, (scratch, saved), layer, out);
    }

    /// Computes the feed-forward part: `saved.middle (R, H)` -> `out (R, H)`.
    fn mlp(
        &self,
        machine: &mut Machine,
        (scratch, saved): (&mut LayerScratch, &mut LayerActivations),
        layer: &TrainLayer<'_>,
        out: &mut [f32],
    ) {
        let (rows, hidden, inner) = (self.rows(), self.config.hidden_size, self.config.intermediate_size);
        let middle = &saved.middle[..rows * hidden];
        let normed = scratch.normed.at_least(rows * hidden);
        norm(machine, middle, layer.mlp_norm.weight, self.eps(), normed);
        let tiles = scratch.tiles.by_columns(machine, RowMatrix { data: normed, width: hidden });
        let (gates, ups) = (saved.gate.at_least(rows * inner), saved.up.at_least(rows * inner));
        forward(machine, &mut scratch.linear, &layer.gate, tiles, (gates, false));
        forward(machine, &mut scratch.linear, &layer.up, tiles, (ups, false));
        let product = scratch.inner.at_least(rows * inner);
        gate(machine, gates, ups, product);
        out.copy_from_slice(middle);
        let tiles = scratch.tiles.by_columns(machine, RowMatrix { data: product, width: inner });
        forward(machine, &mut scratch.linear, &layer.down, tiles, (out, true));
    }

    /// Replaces the slopes `slopes (R, H)` of the layer's result by those of its input `x`. The content of `saved` is overwritten.
    pub fn backward(
        &self,
        machine: &mut Machine,
        (scratch, saved): (&mut LayerScratch, &mut LayerActivations),
        layer: &TrainLayer<'_>,
        x: &[f32],
        (slopes, gradients): (&mut [f32], &mut [f32]),
    ) {
        self.mlp_backward(machine, (scratch, saved), layer, (slopes, gradients));
        self.attention_backward(machine, (scratch, saved), layer, slopes, gradients);
        let (rows, hidden) = (self.rows(), self.config.hidden_size);
        let normed = scratch.normed.at_least(rows * hidden);
        norm(machine, x, layer.attention_norm.weight, self.eps(), normed);
        let tiles = scratch.tiles.by_columns(machine, RowMatrix { data: normed, width: hidden });
        let input = &mut scratch.inner.at_least(rows * hidden);
        for (which, heads) in self.heads().into_iter().enumerate() {
            let turn = self.turn(layer, which);
            let length = rows * heads * self.config.head_dim;
            let (wide, before) = (scratch.rows.at_least(length), &saved.before.get(which).map_or(&[][..], |before| before));
            let place = layer.head_norms.get(which).and_then(|norm| norm.place.clone());
            let source = HeadInput { data: &scratch.slopes[which], heads, turn, before };
            heads::from_heads(machine, self.forest, source, wide, place.map(|place| &mut gradients[place]));
            weight_slopes(machine, &mut scratch.linear, &layer.qkv[which], (tiles, wide), gradients);
            input_slopes(machine, &mut scratch.linear, &layer.qkv[which], wide, (input, which > 0));
        }
        let place = layer.attention_norm.place.clone();
        let norm = (x, layer.attention_norm.weight, self.eps());
        norm_backward(machine, norm, input, slopes, place.map(|place| &mut gradients[place]));
    }

    /// Replaces the slopes of the layer's result by those of `saved.middle`.
    fn mlp_backward(
        &self,
        machine: &mut Machine,
        (scratch, saved): (&mut LayerScratch, &mut LayerActivations),
        layer: &TrainLayer<'_>,
        (slopes, gradients): (&mut [f32], &mut [f32]),
    ) {
        let (rows, hidden, inner) = (self.rows(), self.config.hidden_size, self.config.intermediate_size);
        let product = scratch.inner.at_least(rows * inner);
        input_slopes(machine, &mut scratch.linear, &layer.down, slopes, (product, false));
        let (gates, ups) = (saved.gate.at_least(rows * inner), saved.up.at_least(rows * inner));
        gate_backward(machine, gates, ups, product);
        let tiles = scratch.tiles.by_columns(machine, RowMatrix { data: product, width: inner });
        weight_slopes(machine, &mut scratch.linear, &layer.down, (tiles, slopes), gradients);
        let middle = &saved.middle[..rows * hidden];
        let normed = scratch.normed.at_least(rows * hidden);
        norm(machine, middle, layer.mlp_norm.weight, self.eps(), normed);
        let tiles = scratch.tiles.by_columns(machine, RowMatrix { data: normed, width: hidden });
        weight_slopes(machine, &mut scratch.linear, &layer.gate, (tiles, gates), gradients);
        weight_slopes(machine, &mut scratch.linear, &layer.up, (tiles, ups), gradients);
        input_slopes(machine, &mut scratch.linear, &layer.gate, gates, (normed, false));
        input_slopes(machine, &mut scratch.linear, &layer.up, ups, (normed, true));
        let place = layer.mlp_norm.place.clone();
        let norm = (middle, layer.mlp_norm.weight, self.eps());
        norm_backward(machine, norm, normed, slopes, place.map(|place| &mut gradients[place]));
    }

    /// Computes slopes of queries, keys and values in `scratch.slopes` from those of `saved.middle`.
    fn attention_backward(
        &self,
        machine: &mut Machine,
        (scratch, saved): (&mut LayerScratch, &mut LayerActivations),
        layer: &TrainLayer<'_>,
        slopes: &[f32],
        gradients: &mut [f32],
    ) {
        let ([heads, kv_heads, _], rows, head) = (self.heads(), self.rows(), self.config.head_dim);
        let width = heads * head;
        let attended = &saved.attended[..rows * width];
        let tiles = scratch.tiles.by_columns(machine, RowMatrix { data: attended, width });
        weight_slopes(machine, &mut scratch.linear, &layer.output, (tiles, slopes), gradients);
        let wide = scratch.rows.at_least(rows * width);
        input_slopes(machine, &mut scratch.linear, &layer.output, slopes, (wide, false));
        let products = scratch.products.at_least(rows * heads);
        heads::products(machine, self.forest, attended, wide, (products, heads));
        let parts = scratch.wide[0].at_least(rows * width);
        heads::to_heads(machine, self.forest, wide, (parts, heads), HeadTransform { rotary: None, norm: None });
        let [queries, keys, values] = &mut scratch.slopes;
        let slopes = QkvSlopes {
            queries: queries.at_least(rows * width),
            keys: keys.at_least(rows * kv_heads * head),
            values: values.at_least(rows * kv_heads * head),
            passed: &mut scratch.passed,
        };
        let known = BackwardInput { slopes: parts, sums: &saved.sums, products };
        self.attention(saved.heads.each_ref().map(|heads| &**heads)).backward(machine, known, slopes);
    }
}
