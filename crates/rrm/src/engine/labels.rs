//! The texts that state a verdict, and the log-probability of each of them.

use serde::{Deserialize, Serialize};

/// The texts that state a verdict, as a model would write them, such as `\boxed{Assistant 1}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// Label of a verdict for the first response.
    pub first: String,
    /// Label of a verdict for the second response.
    pub second: String,
    /// Label of a tie; only in formats that have ties.
    pub tie: Option<String>,
}

/// Log-probability of each text of [`Labels`] at the place where a completion states its verdict, as natural logarithms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelLogprobs {
    first: f64,
    second: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tie: Option<f64>,
}

impl LabelLogprobs {
    /// Returns the log-probabilities of the whole texts of the labels as continuations of the text before the verdict; each is the sum over its
    /// tokens, at temperature 1, from the model's own logits. `None` if one of them is not finite.
    ///
    /// They are rounded to millionths: more digits are noise in the logits, and short numbers are read from a file as they were written, so that a
    /// stored completion gives the same row as a new one.
    pub fn new(first: f64, second: f64, tie: Option<f64>) -> Option<Self> {
        let finite = [Some(first), Some(second), tie].into_iter().flatten().all(f64::is_finite);
        let log = |value: f64| round(value.min(0.0));
        finite.then(|| LabelLogprobs { first: log(first), second: log(second), tie: tie.map(log) })
    }

    /// Returns the log-probability of the first label.
    pub fn first(&self) -> f64 {
        self.first
    }

    /// Returns the log-probability of the second label.
    pub fn second(&self) -> f64 {
        self.second
    }

    /// Returns the log-probability of the label of a tie, in formats that have one.
    pub fn tie(&self) -> Option<f64> {
        self.tie
    }

    /// Returns the probability of each label among the labels: the softmax over their log-probabilities, rounded to millionths.
    pub fn probabilities(&self) -> LabelProbabilities {
        let largest = self.first.max(self.second).max(self.tie.unwrap_or(f64::NEG_INFINITY));
        let weight = |log: f64| (log - largest).exp();
        let total = weight(self.first) + weight(self.second) + self.tie.map_or(0.0, weight);
        let share = |log: f64| round(weight(log) / total);
        LabelProbabilities { first: share(self.first), second: share(self.second), tie: self.tie.map(share) }
    }
}

/// The probability of each verdict, given that one of the labels is written. They sum to 1, apart from rounding.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelProbabilities {
    /// Probability that the first response is better.
    pub first: f64,
    /// Probability that the second response is better.
    pub second: f64,
    /// Probability of a tie; only in formats that have ties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tie: Option<f64>,
}

fn round(value: f64) -> f64 {
    // Adding zero turns -0 into 0.
    (value * 1e6).round() / 1e6 + 0.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn probabilities_are_shares_among_the_labels() {
        let of = |first: f64, second: f64, tie: Option<f64>| {
            LabelLogprobs::new(first.ln(), second.ln(), tie.map(f64::ln)).unwrap().probabilities()
        };
        assert_eq!(of(0.03, 0.01, None), LabelProbabilities { first: 0.75, second: 0.25, tie: None });
        assert_eq!(of(0.1, 0.2, Some(0.1)), LabelProbabilities { first: 0.25, second: 0.5, tie: Some(0.25) });
        // Labels that are both very unlikely are still compared.
        let far = LabelLogprobs::new(-2000.0, -2000.0 - 3f64.ln(), None).unwrap();
        assert_eq!(far.probabilities(), LabelProbabilities { first: 0.75, second: 0.25, tie: None });
    }

    #[test]
    fn what_is_no_logarithm_of_a_probability_is_not_kept() {
        assert_eq!(LabelLogprobs::new(f64::NAN, -1.0, None), None);
        assert_eq!(LabelLogprobs::new(-1.0, f64::NEG_INFINITY, None), None);
        assert_eq!(LabelLogprobs::new(-1.0, -1.0, Some(f64::INFINITY)), None);
        assert_eq!(LabelLogprobs::new(1e-9, -1e-9, None), LabelLogprobs::new(0.0, 0.0, None));
    }

    proptest! {
        #[test]
        fn a_file_gives_back_the_same_numbers(first in -1e4f64..0.0, second in -50f64..0.0, tie in prop::option::of(-1f64..0.0)) {
            let logprobs = LabelLogprobs::new(first, second, tie).unwrap();
            let read: LabelLogprobs = serde_json::from_str(&serde_json::to_string(&logprobs).unwrap()).unwrap();
            prop_assert_eq!(read, logprobs);
        }
    }
}
