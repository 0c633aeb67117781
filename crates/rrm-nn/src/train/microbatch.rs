//! Lengths of a step's items -> runs of items that fit into one forward and backward pass.

use std::ops::Range;

/// Returns runs of items with at most `most` tokens together. A longer item is a run of its own.
pub(super) fn microbatches(lengths: impl Iterator<Item = usize>, most: usize) -> Vec<Range<usize>> {
    let mut passes: Vec<Range<usize>> = Vec::new();
    let mut tokens = 0;
    for (item, length) in lengths.enumerate() {
        tokens += length;
        match passes.last_mut() {
            Some(pass) if tokens <= most => pass.end = item + 1,
            _ => {
                tokens = length;
                passes.push(item..item + 1);
            }
        }
    }
    passes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_holds_what_fits() {
        let of = |lengths: &[usize]| microbatches(lengths.iter().copied(), 10);
        assert_eq!(of(&[4, 6, 1, 30, 2, 2]), [0..2, 2..3, 3..4, 4..6]);
        assert!(of(&[]).is_empty());
    }
}
