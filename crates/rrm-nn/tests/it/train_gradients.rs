//! Gradients of the trainee equal those of candle's autograd on the readable decoder, in both forms of packing.

use rrm_nn::train::{
    layout::Packed,
    trainee::{Trainee, TraineeOptions},
    weights::Weights,
};

use crate::golden::{MODELS, checkpoint, largest_difference};

/// Scores and gradients of a loss whose slopes differ by target.
fn pass(weights: &Weights, packed: &Packed, options: TraineeOptions) -> (Vec<f32>, Vec<f32>) {
    let mut trainee = Trainee::new(weights.config(), options).unwrap();
    let mut gradients = vec![0.0; weights.trainable().len()];
    let slope = |index: usize, _: f32| ((index * 7 + 3) % 5) as f32 - 1.5;
    let scored = trainee.backward(weights, packed, 0.8, &slope, &mut gradients).unwrap();
    (scored.iter().map(|scored| scored.logprob).collect(), gradients)
}

#[test]
fn a_shared_prompt_gives_the_scores_and_gradients_of_a_repeated_one() {
    for model in MODELS {
        let weights = Weights::load(&checkpoint(model), None, 0).unwrap();
        let (mut shared, mut plain) = (Packed::default(), Packed::default());
        let completions: [&[u32]; 3] = [&[3, 200, 7, 9], &[250], &[11, 12, 13]];
        for packed in [(&mut shared, true), (&mut plain, false)] {
            match packed {
                (packed, true) => packed.group(&[5, 100, 32, 4, 99], &completions),
                (packed, false) => packed.plain(&[5, 100, 32, 4, 99], &completions),
            }
        }
        let (scores, gradients) = pass(&weights, &shared, TraineeOptions::default());
        let (plain_scores, plain_gradients) = pass(&weights, &plain, TraineeOptions::default());
        assert!(largest_difference(&scores, &plain_scores) < 1e-5, "{model}");
        let largest = gradients.iter().fold(0f32, |most, value| most.max(value.abs()));
        assert!(largest > 1e-3 && largest_difference(&gradients, &plain_gradients) < 1e-5 * largest, "{model}");
    }
}
