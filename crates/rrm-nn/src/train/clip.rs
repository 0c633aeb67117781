//! Gradients -> their norm, and gradients whose norm is at most a limit.

/// Number of sums that run side by side, so that a processor adds several at once. Their order is part of every result.
const LANES: usize = 16;

/// Returns the Euclidean norm of all gradients, summed in f64 in the same order on every machine. It is NaN or infinite if one of them is.
pub fn norm(gradients: &[f32]) -> f64 {
    let mut sums = [0.0; LANES];
    let (whole, rest) = gradients.as_chunks::<LANES>();
    for chunk in whole {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    }
    for (sum, value) in sums.iter_mut().zip(rest) {
        *sum += f64::from(*value) * f64::from(*value);
    }
    sums.iter().sum::<f64>().sqrt()
}

/// Scales the gradients down to the norm `max_norm` if theirs is larger, and returns the norm that they had. A `max_norm` of 0 leaves them unchanged,
/// like transformers' `max_grad_norm`.
///
/// Like `torch.nn.utils.clip_grad_norm_`, except that PyTorch sums squares in f32. With a norm that is not finite nothing is changed, and the caller
/// must check the norm.
pub fn clip(gradients: &mut [f32], max_norm: f64) -> f64 {
    let norm = norm(gradients);
    let factor = max_norm / (norm + 1e-6);
    if max_norm > 0.0 && norm.is_finite() && factor < 1.0 {
        let factor = factor as f32;
        gradients.iter_mut().for_each(|value| *value *= factor);
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_gradients_are_shortened_and_others_stay_as_they_are() {
        let mut gradients = vec![3.0, -4.0];
        assert_eq!(clip(&mut gradients, 5.1), 5.0);
        assert_eq!(clip(&mut gradients, 0.0), 5.0);
        assert_eq!(gradients, [3.0, -4.0]);
        clip(&mut gradients, 1.0);
        assert!((norm(&gradients) - 1.0).abs() < 1e-6 && gradients[1] < 0.0);
    }

    #[test]
    fn every_gradient_counts_and_none_overflows() {
        // The square of 2^66 overflows f32.
        let large = 66f64.exp2();
        for length in [0, 1, 15, 16, 17, 1000] {
            let wanted = large * (length as f64).sqrt();
            assert!((norm(&vec![large as f32; length]) - wanted).abs() <= 1e-12 * wanted, "{length}");
        }
        let mut broken = vec![1.0, f32::NAN, 2.0];
        assert!(clip(&mut broken, 1.0).is_nan());
        assert_eq!((broken[0], broken[2]), (1.0, 2.0));
    }
}
