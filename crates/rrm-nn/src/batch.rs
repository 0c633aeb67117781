//! The input of one step of a decoder: tokens of many sequences, whose keys and values lie in numbered blocks.

/// Tokens of one block of keys and values. A full block never changes, so sequences with the same beginning share it.
pub const BLOCK: usize = 32;

/// Tokens of several sequences that are evaluated together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenBatch {
    /// The tokens; those of one sequence are neighbours and in the order of their positions.
    pub rows: Vec<TokenRow>,
    /// The block table of each sequence: the token at position p lies in block `tables[sequence][p / BLOCK]`. The tokens before those of `rows` have
    /// been evaluated before.
    pub tables: Vec<Vec<u32>>,
}

/// One token to evaluate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// The token.
    pub token: u32,
    /// Its position: the number of tokens before it in its sequence.
    pub position: u32,
    /// Index of its sequence in [`TokenBatch::tables`].
    pub sequence: u32,
    /// Whether the logits of the next token are wanted.
    pub logits: bool,
}
