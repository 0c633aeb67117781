//! Weights -> what each layer reads, and where its gradients go.

use std::ops::Range;

use crate::train::weights::{Adapter, TrainedWeights};

/// A vector of weights, and where its slopes go; `None` where it is frozen.
#[derive(Clone, Debug)]
pub struct Vector<'a> {
    /// The weights; empty where the model has no such vector.
    pub weight: &'a [f32],
    /// Place in the trained slice.
    pub place: Option<Range<usize>>,
}

/// A linear layer of a model that is trained.
#[derive(Clone, Debug)]
pub struct TrainLinear<'a> {
    /// `(out, in)`, without its adapter.
    pub weight: &'a [f32],
    /// Inputs.
    pub inputs: usize,
    /// Place of the matrix in the trained slice; `None` where it is frozen.
    pub place: Option<Range<usize>>,
    /// `(out,)`, or empty.
    pub bias: Vector<'a>,
    /// The adapter with A `(r, in)` and B `(out, r)`.
    pub adapter: Option<(Adapter, &'a [f32], &'a [f32])>,
}

/// One layer of a model that is trained.
#[derive(Clone, Debug)]
pub struct TrainLayer<'a> {
    /// Before attention.
    pub attention_norm: Vector<'a>,
    /// Queries, keys, values.
    pub qkv: [TrainLinear<'a>; 3],
    /// Norms of each head's queries and keys; empty where there are none.
    pub head_norms: [Vector<'a>; 2],
    /// After attention.
    pub output: TrainLinear<'a>,
    /// Before the feed-forward part.
    pub mlp_norm: Vector<'a>,
    /// SwiGLU's gate.
    pub gate: TrainLinear<'a>,
    /// What it lets through.
    pub up: TrainLinear<'a>,
    /// Back to the hidden size.
    pub down: TrainLinear<'a>,
}

impl TrainLinear<'_> {
    /// Outputs.
    pub fn outputs(&self) -> usize {
        self.weight.len() / self.inputs
    }
}

/// A tensor that is used as it is.
pub fn vector<'a>(weights: &'a TrainedWeights, name: &str) -> Vector<'a> {
    Vector { weight: weights.tensor(name).unwrap_or_default(), place: weights.place(name) }
}

/// One layer of the model.
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
