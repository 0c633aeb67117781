//! What one step of a decoder evaluates: tokens of many sequences, whose keys and values lie in numbered blocks.

/// Tokens whose keys and values one block holds. A whole block never changes, so sequences that begin alike share it.
pub const BLOCK: usize = 32;

/// Tokens of several sequences that are evaluated together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenBatch {
    /// The tokens; those of one sequence are neighbours and in the order of their positions.
    pub rows: Vec<TokenRow>,
    /// For each sequence its blocks: the token at position p lies in block `tables[sequence][p / BLOCK]`. All tokens before those of
    /// `rows` are there already.
    pub tables: Vec<Vec<u32>>,
}

/// One token that is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// The token.
    pub token: u32,
    /// How many tokens come before it in its sequence.
    pub position: u32,
    /// Index of its sequence in [`TokenBatch::tables`].
    pub sequence: u32,
    /// Whether the logits of the token after it are wanted.
    pub logits: bool,
}
