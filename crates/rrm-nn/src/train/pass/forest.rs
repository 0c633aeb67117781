//! Packed tokens -> the segments that each segment sees, checked once for a pass.

use std::ops::Range;

use crate::{
    config::ModelConfig,
    train::{layout::PackedTokens, trainee::PassError},
};

/// Segments with the information that all layers of a pass need.
#[derive(Debug)]
pub struct Forest {
    /// Segments in the order of their rows.
    pub segments: Vec<ForestSegment>,
    /// The segment of each row.
    pub segment_of: Vec<usize>,
}

/// A segment with its ancestors.
#[derive(Debug)]
pub struct ForestSegment {
    /// Its rows.
    pub rows: Range<usize>,
    /// Segments that it sees in addition to itself, from the root down.
    pub ancestors: Vec<usize>,
    /// The number of tokens of the ancestors.
    pub seen: usize,
}

impl Forest {
    /// Checks that segments are adjacent, parents come first, and tokens and targets exist.
    ///
    /// # Errors
    /// [`PassError`] names the segment, the row or the target.
    pub fn new(packed: &PackedTokens, config: &ModelConfig) -> Result<Self, PassError> {
        let wrong = |what: String| Err(PassError::Layout(what));
        let mut forest = Forest { segments: Vec::new(), segment_of: Vec::with_capacity(packed.tokens.len()) };
        for (index, segment) in packed.segments.iter().enumerate() {
            let rows = segment.rows.clone();
            if rows.start != forest.segment_of.len() || rows.end < rows.start || rows.end > packed.tokens.len() {
                return wrong(format!("segment {index} has the rows {rows:?}, after {} rows", forest.segment_of.len()));
            }
            let (mut ancestors, mut seen) = (Vec::new(), 0);
            if let Some(parent) = segment.parent {
                let Some(branch) = forest.segments.get(parent) else {
                    return wrong(format!("segment {index} has the parent {parent}, which is no earlier one"));
                };
                ancestors.clone_from(&branch.ancestors);
                ancestors.push(parent);
                seen = branch.seen + branch.rows.len();
            }
            forest.segment_of.resize(rows.end, index);
            forest.segments.push(ForestSegment { rows, ancestors, seen });
        }
        if forest.segment_of.len() != packed.tokens.len() {
            return wrong(format!("{} tokens, of which {} are in segments", packed.tokens.len(), forest.segment_of.len()));
        }
        let vocabulary = config.vocab_size;
        let token = |(index, token): (usize, u32), what: &str| {
            let place = format!("{what} {index}");
            if token as usize >= vocabulary { Err(PassError::Token { token, place, vocabulary }) } else { Ok(()) }
        };
        packed.tokens.iter().copied().enumerate().try_for_each(|each| token(each, "row"))?;
        packed.targets.iter().map(|target| target.token).enumerate().try_for_each(|each| token(each, "target"))?;
        match packed.targets.iter().position(|target| target.row >= packed.tokens.len()) {
            Some(index) => wrong(format!("target {index} comes after row {}, which is not there", packed.targets[index].row)),
            None => Ok(forest),
        }
    }

    /// Returns the position of a row's token: the number of tokens that it follows.
    pub fn position(&self, row: usize) -> usize {
        let branch = &self.segments[self.segment_of[row]];
        branch.seen + row - branch.rows.start
    }

    /// Returns the lengths of the parts of a buffer that has a part for each segment and head, `width` numbers for each row.
    pub fn parts(&self, heads: usize, width: usize) -> impl Iterator<Item = usize> {
        self.segments.iter().flat_map(move |branch| std::iter::repeat_n(branch.rows.len() * width, heads))
    }

    /// Returns the range of the part of a segment and a head in such a buffer.
    pub fn part(&self, segment: usize, head: usize, heads: usize, width: usize) -> Range<usize> {
        let rows = &self.segments[segment].rows;
        let from = (rows.start * heads + head * rows.len()) * width;
        from..from + rows.len() * width
    }
}
