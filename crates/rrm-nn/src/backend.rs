//! What the scheduler asks of a decoder and of a tokenizer, whichever they are.

use rrm::chat::Message;

use crate::{batch::TokenBatch, cpu::pool::Pool};

/// Computes logits, and owns the keys and values of all blocks.
pub(crate) trait Decoder: Send {
    /// How many tokens there are: the width of a row of logits.
    fn vocabulary(&self) -> usize;

    /// Most tokens of one sequence.
    fn positions(&self) -> usize;

    /// What the keys and values of one block take.
    fn block_bytes(&self) -> usize;

    /// Makes room for blocks `0..blocks`; called once, before anything else is asked for.
    ///
    /// # Errors
    /// When there is no such memory.
    fn allocate(&mut self, blocks: u32) -> Result<(), String>;

    /// Evaluates all rows and stores their keys and values. Gives the logits `(rows with logits, vocabulary)` in the order of the rows, and
    /// the threads for what is to be done with them, if the decoder has any. What a row gets depends on the tokens of its own sequence
    /// alone, bit for bit.
    ///
    /// # Errors
    /// What went wrong. The blocks that the batch writes to hold anything then.
    fn step(&mut self, batch: &TokenBatch) -> Result<(&[f32], Option<&mut Pool>), String>;

    /// Makes block `to` hold what block `from` holds.
    fn copy_block(&mut self, from: u32, to: u32);
}

/// Text <-> tokens.
pub(crate) trait Tokenizer: Send + Sync {
    /// The prompt that a conversation makes; special tokens in a content are plain text.
    ///
    /// # Errors
    /// What the chat template says against the conversation.
    fn encode_prompt(&self, messages: &[Message]) -> Result<Vec<u32>, String>;

    /// Our own text in the middle of a sequence, with special tokens in it.
    ///
    /// # Errors
    /// When the vocabulary has no tokens for it.
    fn encode_text(&self, text: &str) -> Result<Vec<u32>, String>;

    /// What a token writes; a character may be spread over several tokens.
    fn bytes(&self, token: u32) -> Vec<u8>;

    /// Whether the model ends its turn with this token.
    fn ends(&self, token: u32) -> bool;

    /// Whether the chat template opens the thinking at the end of every prompt.
    fn opens_thinking(&self) -> bool {
        false
    }
}
