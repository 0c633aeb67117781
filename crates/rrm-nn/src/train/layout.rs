//! Prompts and completions -> one row for each token, as a forest whose branches share their common prefixes.

use std::ops::Range;

/// Tokens of many sequences as a forest, one row for each token. A segment's tokens see all tokens of its ancestors and the earlier ones of the
/// segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackedTokens {
    /// The token of each row.
    pub tokens: Vec<u32>,
    /// Runs of rows, adjacent and without gaps.
    pub segments: Vec<Segment>,
    /// The wanted log-probabilities.
    pub targets: Vec<TokenTarget>,
}

/// A segment: a run of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its rows.
    pub rows: Range<usize>,
    /// The segment that it continues; its index is lower.
    pub parent: Option<usize>,
}

/// A wanted log-probability: that of `token` after `row`. A prompt's last row has one target for each completion of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenTarget {
    /// The row of the token before.
    pub row: usize,
    /// The token.
    pub token: u32,
}

impl PackedTokens {
    /// Adds a segment and returns its index.
    pub fn push(&mut self, parent: Option<usize>, tokens: &[u32]) -> usize {
        let first = self.tokens.len();
        self.tokens.extend_from_slice(tokens);
        self.segments.push(Segment { rows: first..self.tokens.len(), parent });
        self.segments.len() - 1
    }

    /// Adds a prompt once, and its completions as children. The targets are all tokens of all completions, in order, completion by completion. The
    /// last token of a completion predicts no target, so it has no row.
    ///
    /// # Panics
    /// When the prompt is empty, because then nothing predicts the first token.
    pub fn group(&mut self, prompt: &[u32], completions: &[&[u32]]) {
        assert!(!prompt.is_empty(), "an empty prompt predicts nothing");
        let parent = self.push(None, prompt);
        let last = self.tokens.len() - 1;
        for completion in completions {
            let Some((_, fed)) = completion.split_last() else { continue };
            let first = self.tokens.len();
            if !fed.is_empty() {
                self.push(Some(parent), fed);
            }
            self.targets.extend(completion.iter().enumerate().map(|(at, token)| {
                let row = if at == 0 { last } else { first + at - 1 };
                TokenTarget { row, token: *token }
            }));
        }
    }

    /// Adds the same targets in the same order without sharing: the prompt is repeated before each completion.
    ///
    /// # Panics
    /// As [`PackedTokens::group`].
    pub fn plain(&mut self, prompt: &[u32], completions: &[&[u32]]) {
        for completion in completions.iter().filter(|completion| !completion.is_empty()) {
            self.group_of_one(prompt, completion);
        }
    }

    fn group_of_one(&mut self, prompt: &[u32], completion: &[u32]) {
        assert!(!prompt.is_empty(), "an empty prompt predicts nothing");
        let first = self.tokens.len();
        self.push(None, &[prompt, &completion[..completion.len() - 1]].concat());
        let row = |at: usize| first + prompt.len() - 1 + at;
        self.targets.extend(completion.iter().enumerate().map(|(at, token)| TokenTarget { row: row(at), token: *token }));
    }

    /// Returns the rows of a segment's ancestors, as runs from the root down.
    pub fn ancestors(&self, segment: usize) -> Vec<Range<usize>> {
        let parent = |index: &usize| self.segments[*index].parent;
        let line = std::iter::successors(parent(&segment), parent);
        let mut rows: Vec<_> = line.map(|index| self.segments[index].rows.clone()).collect();
        rows.reverse();
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(packed: &PackedTokens) -> Vec<(u32, u32)> {
        packed.targets.iter().map(|target| (packed.tokens[target.row], target.token)).collect()
    }

    #[test]
    fn a_group_shares_its_prompt_and_wants_what_the_plain_form_wants() {
        let (prompt, completions): (_, [&[u32]; 4]) = ([1, 2, 3], [&[4, 5, 6], &[7], &[], &[8, 9]]);
        let (mut shared, mut plain) = (PackedTokens::default(), PackedTokens::default());
        shared.group(&prompt, &completions);
        plain.plain(&prompt, &completions);
        assert_eq!(shared.tokens, [1, 2, 3, 4, 5, 8]);
        assert_eq!(plain.tokens, [1, 2, 3, 4, 5, 1, 2, 3, 1, 2, 3, 8]);
        let expected = [(3, 4), (4, 5), (5, 6), (3, 7), (3, 8), (8, 9)];
        assert_eq!((targets(&shared), targets(&plain)), (expected.to_vec(), expected.to_vec()));
        assert_eq!(shared.segments[2], Segment { rows: 5..6, parent: Some(0) });
    }

    #[test]
    fn ancestors_begin_at_the_root() {
        let mut packed = PackedTokens::default();
        let root = packed.push(None, &[1, 2]);
        packed.push(None, &[3]);
        let child = packed.push(Some(root), &[4, 5, 6]);
        let leaf = packed.push(Some(child), &[7]);
        assert_eq!(packed.ancestors(leaf), [0..2, 3..6]);
        assert!(packed.ancestors(root).is_empty());
    }
}
