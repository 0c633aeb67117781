//! Low-rank adapters: a frozen matrix W is used as W + (alpha / r) B A (LoRA, arXiv 2106.09685). Names and initial values are PEFT's.

use serde::{Deserialize, Serialize};

/// Linear layers that can have adapters, by the names in PEFT's `target_modules`.
pub const MODULES: [&str; 7] = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

/// The layers with adapters and their rank, by PEFT's names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoraConfig {
    /// Rank.
    pub r: usize,
    /// The product of the adapter matrices is scaled by `lora_alpha / r`.
    pub lora_alpha: f64,
    /// Suffixes of layers' names, from [`MODULES`].
    pub target_modules: Vec<String>,
}

impl LoraConfig {
    /// Returns the factor on the product of the adapter matrices.
    pub fn scaling(&self) -> f32 {
        (self.lora_alpha / self.r as f64) as f32
    }

    /// Returns the module of a tensor with an adapter, such as `model.layers.0.self_attn.q_proj`; `None` if it has none.
    pub fn module<'a>(&self, tensor: &'a str) -> Option<&'a str> {
        let module = tensor.strip_suffix(".weight")?;
        let last = module.rsplit('.').next()?;
        self.target_modules.iter().any(|target| target == last).then_some(module)
    }
}

/// Adds `scaling * b a` to `weight` `(out, in)`; `a` is `(r, in)` and `b` `(out, r)`.
pub fn merge(weight: &mut [f32], a: &[f32], b: &[f32], r: usize, scaling: f32) {
    let width = a.len() / r;
    for (row, b) in weight.chunks_exact_mut(width).zip(b.chunks_exact(r)) {
        for (a, b) in a.chunks_exact(width).zip(b) {
            let factor = b * scaling;
            row.iter_mut().zip(a).for_each(|(weight, a)| *weight += factor * a);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_named_by_its_last_part() {
        let lora = LoraConfig { r: 2, lora_alpha: 4.0, target_modules: vec!["q_proj".to_owned()] };
        assert_eq!(lora.module("model.layers.0.self_attn.q_proj.weight"), Some("model.layers.0.self_attn.q_proj"));
        assert_eq!(lora.module("model.layers.0.self_attn.q_proj.bias"), None);
        assert_eq!(lora.module("model.layers.0.self_attn.k_proj.weight"), None);
        assert_eq!(lora.scaling(), 2.0);
    }

    #[test]
    fn adapters_are_added_to_the_matrix() {
        let mut weight = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        merge(&mut weight, &[1.0, 2.0, 3.0], &[10.0, 20.0], 1, 0.5);
        assert_eq!(weight, [6.0, 12.0, 18.0, 14.0, 25.0, 36.0]);
    }
}
