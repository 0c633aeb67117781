//! Scores and gradients of the trainee equal those of candle's autograd on the readable decoder, in all forms of packing and memory.

use std::ops::Range;

use candle_core::{D, Device, Result, Tensor, Var};
use rrm_nn::{
    config::ModelConfig,
    train::{
        layout::{PackedTokens, TokenTarget},
        lora::LoraConfig,
        trainee::{TargetScore, Trainee, TraineeOptions},
        weights::{Adapter, InitStd, TrainedWeights},
    },
};

use crate::{
    golden::{MODELS, checkpoint, largest_difference},
    oracle::Decoder,
};

/// Not 1, so that it shows where it is forgotten.
const TEMPERATURE: f32 = 0.8;

/// Slopes of both signs that differ by target and depend on the log-probability, as a loss's do.
fn slope(index: usize, logprob: f32) -> f32 {
    ((index * 7 + 3) % 5) as f32 - 1.5 + 0.1 * logprob
}

/// A prompt with completions, one of them longer than a tile and one of a single token, and an unrelated sequence.
fn packed(vocabulary: u32, shared: bool) -> PackedTokens {
    let tokens =
        |count: u32, seed: u32| (0..count).map(|at| (at * at * 31 + at * 17 + seed * 41) % vocabulary).collect::<Vec<_>>();
    let completions = [tokens(5, 1), tokens(45, 2), tokens(1, 3), tokens(12, 4)];
    let completions: Vec<&[u32]> = completions.iter().map(Vec::as_slice).collect();
    let mut packed = PackedTokens::default();
    for (prompt, completions) in [(tokens(37, 5), &completions[..]), (tokens(3, 6), &completions[1..2])] {
        if shared { packed.group(&prompt, completions) } else { packed.plain(&prompt, completions) }
    }
    packed
}

/// Scores and gradients by the trainee.
fn pass(weights: &TrainedWeights, packed: &PackedTokens, options: TraineeOptions) -> (Vec<TargetScore>, Vec<f32>) {
    let mut trainee = Trainee::new(weights.config(), options).unwrap();
    let mut gradients = vec![0.0; weights.trainable().len()];
    let scored = trainee.backward(weights, packed, TEMPERATURE, &slope, &mut gradients).unwrap();
    assert_eq!(scored, trainee.score(weights, packed, TEMPERATURE).unwrap(), "scores alone are the same bits");
    (scored, gradients)
}

/// The same by candle: each segment with what it sees as a sequence of its own.
fn twin(weights: &TrainedWeights, packed: &PackedTokens) -> Result<(Vec<TargetScore>, Vec<f32>)> {
    let variable =
        |range: &Range<usize>, shape: &[usize]| Var::from_slice(&weights.trainable()[range.clone()], shape, &Device::Cpu);
    let variables: Vec<Var> = weights.views().iter().map(|view| variable(&view.range, &view.shape)).collect::<Result<_>>()?;
    let find = |range: &Range<usize>| {
        let index = weights.views().iter().position(|view| view.range == *range).unwrap();
        variables[index].as_tensor().clone()
    };
    let decoder = Decoder::new(weights.config(), |name, shape| {
        if let Some(range) = weights.place(name) {
            return Ok(find(&range));
        }
        let base = Tensor::from_slice(weights.tensor(name).unwrap(), shape, &Device::Cpu)?;
        let Some(Adapter { a, b, scaling, .. }) = weights.adapter(name) else { return Ok(base) };
        base + (find(&b).matmul(&find(&a))? * f64::from(scaling))?
    })?;
    let mut all = vec![TargetScore { logprob: 0.0, entropy: 0.0 }; packed.targets.len()];
    let mut gradients = vec![0.0; weights.trainable().len()];
    for (index, segment) in packed.segments.iter().enumerate() {
        let inside = |(_, target): &(usize, &TokenTarget)| segment.rows.contains(&target.row);
        let targets: Vec<_> = packed.targets.iter().enumerate().filter(inside).collect();
        if targets.is_empty() {
            continue;
        }
        let before = packed.ancestors(index);
        let skipped = before.iter().map(ExactSizeIterator::len).sum::<usize>();
        let rows = before.into_iter().chain([segment.rows.clone()]);
        let tokens: Vec<u32> = rows.flat_map(|rows| packed.tokens[rows].to_vec()).collect();
        let input = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
        let logits = (decoder.logits(&decoder.forward(&input)?)?.squeeze(0)? / f64::from(TEMPERATURE))?;
        let rows: Vec<u32> = targets.iter().map(|(_, target)| (skipped + target.row - segment.rows.start) as u32).collect();
        let wanted: Vec<u32> = targets.iter().map(|(_, target)| target.token).collect();
        // (targets, V)
        let logits = logits.index_select(&Tensor::new(rows, &Device::Cpu)?, 0)?;
        let logits = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?.detach())?;
        let logprobs = logits.broadcast_sub(&logits.exp()?.sum_keepdim(D::Minus1)?.log()?)?;
        let chosen = logprobs.gather(&Tensor::new(wanted, &Device::Cpu)?.unsqueeze(1)?, 1)?.squeeze(1)?;
        let entropy = (logprobs.exp()? * &logprobs)?.sum(D::Minus1)?.neg()?.to_vec1::<f32>()?;
        let values = chosen.to_vec1::<f32>()?;
        for (at, (index, _)) in targets.iter().enumerate() {
            all[*index] = TargetScore { logprob: values[at], entropy: entropy[at] };
        }
        let slopes: Vec<f32> = targets.iter().zip(&values).map(|((index, _), value)| slope(*index, *value)).collect();
        let found = (chosen * Tensor::new(slopes, &Device::Cpu)?)?.sum_all()?.backward()?;
        for (view, variable) in weights.views().iter().zip(&variables) {
            let gradient = found.get(variable).unwrap().flatten_all()?.to_vec1::<f32>()?;
            gradients[view.range.clone()].iter_mut().zip(gradient).for_each(|(sum, value)| *sum += value);
        }
    }
    Ok((all, gradients))
}

/// Every tensor differs by less than a part in a hundred thousand of its largest slope, and has slopes.
fn assert_equal(
    what: &str,
    weights: &TrainedWeights,
    found: &(Vec<TargetScore>, Vec<f32>),
    expected: &(Vec<TargetScore>, Vec<f32>),
) {
    for (found, expected) in found.0.iter().zip(&expected.0) {
        assert!(
            (found.logprob - expected.logprob).abs() < 1e-5 * expected.logprob.abs().max(1.0),
            "{what}: {found:?} {expected:?}"
        );
        assert!((found.entropy - expected.entropy).abs() < 2e-5 * expected.entropy.max(1.0), "{what}: {found:?} {expected:?}");
    }
    for view in weights.views() {
        let (found, expected) = (&found.1[view.range.clone()], &expected.1[view.range.clone()]);
        let largest = expected.iter().fold(0f32, |most, value| most.max(value.abs()));
        assert!(largest > 1e-5, "{what}: {} has the largest slope {largest}", view.name);
        let difference = largest_difference(found, expected);
        assert!(difference < 1e-5 * largest, "{what}: {} is off by {difference} of {largest}", view.name);
    }
}

/// The golden models, and random ones with the other choice of a tied or untied head.
fn models() -> Vec<(String, TrainedWeights)> {
    let mut models: Vec<(String, TrainedWeights)> = Vec::new();
    for model in MODELS {
        let weights = TrainedWeights::load(&checkpoint(model), None, 0).unwrap();
        let tied = weights.config().tie_word_embeddings;
        let config = ModelConfig { tie_word_embeddings: !tied, ..weights.config().clone() };
        let mut other = TrainedWeights::random(&config, &InitStd { std: 0.15, embedding_std: 0.5 }, 3);
        // Norms of 1 and biases of 0 would hide mistakes.
        other.trainable_mut().iter_mut().enumerate().for_each(|(at, value)| *value += 0.05 * ((at % 13) as f32 / 6.0 - 1.0));
        models.push((model.to_owned(), weights));
        models.push((format!("{model}, {}", if tied { "untied" } else { "tied" }), other));
    }
    models
}

fn adapted(weights: TrainedWeights) -> TrainedWeights {
    let target_modules =
        ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"].map(str::to_owned).to_vec();
    let mut weights = weights.with_adapters(&LoraConfig { r: 5, lora_alpha: 8.0, target_modules }, 1).unwrap();
    // B is 0 at the start, and so is the slope of A.
    weights.trainable_mut().iter_mut().enumerate().for_each(|(at, value)| *value += 0.1 * ((at % 7) as f32 / 3.0 - 1.0));
    weights
}

#[test]
fn gradients_are_those_of_autograd() {
    for (name, weights) in models() {
        let plain = packed(weights.config().vocab_size as u32, false);
        let found = pass(&weights, &plain, TraineeOptions::default());
        assert_equal(&name, &weights, &found, &twin(&weights, &plain).unwrap());
    }
}

#[test]
fn a_shared_prompt_gives_the_scores_and_gradients_of_a_repeated_one() {
    for (name, weights) in models() {
        let vocabulary = weights.config().vocab_size as u32;
        let (shared, plain) = (packed(vocabulary, true), packed(vocabulary, false));
        assert!(shared.tokens.len() < plain.tokens.len());
        let found = pass(&weights, &shared, TraineeOptions::default());
        assert_equal(&name, &weights, &found, &pass(&weights, &plain, TraineeOptions::default()));
    }
}

#[test]
fn adapters_get_the_gradients_of_autograd() {
    for (name, weights) in models().into_iter().map(|(name, weights)| (name, adapted(weights))) {
        let shared = packed(weights.config().vocab_size as u32, true);
        assert_equal(&name, &weights, &pass(&weights, &shared, TraineeOptions::default()), &twin(&weights, &shared).unwrap());
    }
}

#[test]
fn activation_checkpointing_threads_and_repeating_change_no_bit() {
    for (name, weights) in models() {
        for weights in [weights.clone(), adapted(weights)] {
            let shared = packed(weights.config().vocab_size as u32, true);
            let once = pass(&weights, &shared, TraineeOptions::default());
            for (threads, checkpoint_activations) in [(1, false), (2, true), (3, false)] {
                let options = TraineeOptions { threads: Some(threads), checkpoint_activations };
                assert!(once == pass(&weights, &shared, options), "{name}: {options:?}");
            }
        }
    }
}
