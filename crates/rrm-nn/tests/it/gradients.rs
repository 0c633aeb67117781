//! Every parameter of the decoder gets a gradient, and it is the right one.

use std::collections::BTreeMap;

use candle_core::{D, Device, Result, Tensor, Var};
use rrm_nn::config::ModelConfig;

use crate::oracle::Decoder;

use crate::golden::{MODELS, checkpoint, golden};

type Variables = BTreeMap<String, Var>;

fn variables(model: &str) -> (ModelConfig, Variables) {
    let checkpoint = checkpoint(model);
    let variable = |(name, shape): (String, Vec<usize>)| {
        let numbers = checkpoint.tensor(&name, &shape).unwrap();
        (name, Var::from_vec(numbers, shape, &Device::Cpu).unwrap())
    };
    (checkpoint.config().clone(), checkpoint.config().tensors().into_iter().map(variable).collect())
}

/// Mean of minus the log-probability of each next token, a scalar.
fn loss(config: &ModelConfig, variables: &Variables, tokens: &[u32]) -> Result<Tensor> {
    let decoder = Decoder::new(config, |name, _| Ok::<_, candle_core::Error>(variables[name].as_tensor().clone()))?;
    let count = tokens.len() - 1;
    let input = Tensor::new(&tokens[..count], &Device::Cpu)?.unsqueeze(0)?;
    let logits = decoder.logits(&decoder.forward(&input)?)?.squeeze(0)?;
    let next = Tensor::new(&tokens[1..], &Device::Cpu)?.unsqueeze(1)?;
    // (T, 1) each: how much all tokens weigh together, and the next token
    let all = logits.exp()?.sum_keepdim(D::Minus1)?.log()?;
    (all - logits.gather(&next, 1)?)?.mean_all()
}

/// The slope of the loss along a parameter's own gradient is the gradient's length.
#[test]
fn gradients_are_those_of_finite_differences() {
    const STEP: f64 = 1e-2;
    for model in MODELS {
        let (config, variables) = variables(model);
        let tokens = &golden(model).prompts[0].tokens[..12];
        let gradients = loss(&config, &variables, tokens).unwrap().backward().unwrap();
        for (name, variable) in &variables {
            let gradient = gradients.get(variable).unwrap_or_else(|| panic!("{model}: {name} has no gradient"));
            let length = f64::from(gradient.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap()).sqrt();
            assert!(length > 1e-4, "{model}: the gradient of {name} has the length {length}");
            let start = variable.as_tensor().copy().unwrap();
            let moved = |by: f64| {
                variable.set(&(&start + (gradient * (by / length)).unwrap()).unwrap()).unwrap();
                f64::from(loss(&config, &variables, tokens).unwrap().to_scalar::<f32>().unwrap())
            };
            let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            variable.set(&start).unwrap();
            assert!((slope - length).abs() < 0.02 * length + 1e-3, "{model}: {name} has the slope {slope}, not {length}");
        }
    }
}
