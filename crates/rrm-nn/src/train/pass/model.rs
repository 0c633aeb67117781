//! Weights -> the parameters of each layer, and the places of their gradients.

use std::ops::Range;

use crate::train::weights::{Adapter, TrainedWeights};

/// A vector of weights, and the place of its gradient; `None` if it is frozen.
#[derive(Clone, Debug)]
pub struct Vector<'a> {
    /// The weights; empty if the model has no such vector.
    pub weight: &'a [f32],
    /// Range in the trained slice.
    pub place: Option<Range<usize>>,
}

/// A linear layer of a model in training.
#[derive(Clone, Debug)]
pub struct TrainLinear<'a> {
    /// The matrix `(out, in)`, without its adapter.
    pub weight: &'a [f32],
    /// The number of inputs.
    pub inputs: usize,
    /// Range of the matrix in the trained slice; `None` if it is frozen.
    pub place: Option<Range<usize>>,
    /// The bias `(out,)`, or empty.
    pub bias: Vector<'a>,
    /// The adapter with its matrices A `(r, in)` and B `(out, r)`.
    pub adapter: Option<(Adapter, &'a [f32], &'a [f32])>,
}

/// One layer of a model in training.
#[derive(Clone, Debug)]
pub struct TrainLayer<'a> {
    /// The norm before attention.
    pub attention_norm: Vector<'a>,
    /// The projections to queries, keys and values.
    pub qkv: [TrainLinear<'a>; 3],
    /// The norms of each head's queries and keys; empty if there are none.
    pub head_norms: [Vector<'a>; 2],
    /// Attention's output layer.
    pub output: TrainLinear<'a>,
    /// The norm before the feed-forward part.
    pub mlp_norm: Vector<'a>,
    /// The gate of SwiGLU.
    pub gate: TrainLinear<'a>,
    /// The up projection, which the gate scales.
    pub up: TrainLinear<'a>,
    /// The projection back to the hidden size.
    pub down: TrainLinear<'a>,
}

impl TrainLinear<'_> {
    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.weight.len() / self.inputs
    }
}

/// Returns a tensor of the model as a vector.
pub fn vector<'a>(weights: &'a TrainedWeights, name: &str) -> Vector<'a> {
    Vector { weight: weights.tensor(name).unwrap_or_default(), place: weights.place(name) }
}

/// Returns one layer of the model.
pub fn layer(weights: &TrainedWeights, index: usize) -> TrainLayer<'_> {
    let config = weights.config();
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let attended = config.num_attention_heads * config.head_dim;
    let vector = |name: &str| vector(weights, &format!("model.layers.{index}.{name}.weight"));
    let linear = |name: &str, inputs: usize| linear(weights, &format!("model.layers.{index}.{name}"), inputs);
    TrainLayer {
        attention_norm: vector("input_layernorm"),
        qkv: ["q_proj", "k_proj", "v_proj"].map(|name| linear(&format!("self_attn.{name}"), hidden)),
        head_norms: ["q_norm", "k_norm"].map(|name| vector(&format!("self_attn.{name}"))),
        output: linear("self_attn.o_proj", attended),
        mlp_norm: vector("post_attention_layernorm"),
        gate: linear("mlp.gate_proj", hidden),
        up: linear("mlp.up_proj", hidden),
        down: linear("mlp.down_proj", inner),
    }
}

fn linear<'a>(weights: &'a TrainedWeights, module: &str, inputs: usize) -> TrainLinear<'a> {
    let name = format!("{module}.weight");
    let adapter = weights.adapter(&name).map(|adapter| {
        let part = |range: &Range<usize>| &weights.trainable()[range.clone()];
        let (a, b) = (part(&adapter.a), part(&adapter.b));
        (adapter, a, b)
    });
    let matrix = vector(weights, &name);
    let bias = vector(weights, &format!("{module}.bias"));
    TrainLinear { weight: matrix.weight, inputs, place: matrix.place, bias, adapter }
}
