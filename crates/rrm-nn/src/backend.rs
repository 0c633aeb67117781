//! The interfaces of decoders and tokenizers that the scheduler uses.

use rrm::chat::Message;

use crate::{batch::TokenBatch, cpu::pool::Pool};

/// A decoder: computes logits, and owns the keys and values of all blocks.
pub(crate) trait Decoder: Send {
    /// Size of the vocabulary, in tokens: the width of a row of logits.
    fn vocabulary(&self) -> usize;

    /// Most tokens of one sequence.
    fn positions(&self) -> usize;

    /// Bytes of the keys and values of one block.
    fn block_bytes(&self) -> usize;

    /// Makes room for blocks `0..blocks`; called once, before anything else is asked for.
    ///
    /// # Errors
    /// Returns the reason when there is not enough memory.
    fn allocate(&mut self, blocks: u32) -> Result<(), String>;

    /// Evaluates all rows and stores their keys and values. Returns the logits `(rows with logits, vocabulary)` in the order of the rows, and the
    /// decoder's threads, if it has any, for drawing tokens. The result of a row depends on the tokens of its own sequence alone, bit for bit.
    ///
    /// # Errors
    /// Returns the reason. The blocks that the batch writes to are then invalid.
    fn step(&mut self, batch: &TokenBatch) -> Result<(&[f32], Option<&mut Pool>), String>;

    /// Copies the content of block `from` to block `to`.
    fn copy_block(&mut self, from: u32, to: u32);
}

/// Text <-> tokens.
pub(crate) trait Tokenizer: Send + Sync {
    /// Tokenises a conversation with the chat template. Special tokens in a content are plain text.
    ///
    /// # Errors
    /// When the chat template refuses the conversation.
    fn encode_prompt(&self, messages: &[Message]) -> Result<Vec<u32>, String>;

    /// Tokenises a text of this program, such as an elicitation, for the middle of a sequence. Special tokens in it are meant as such.
    ///
    /// # Errors
    /// When the vocabulary has no tokens for it.
    fn encode_text(&self, text: &str) -> Result<Vec<u32>, String>;

    /// Returns the bytes that a token writes; a character may be spread over several tokens.
    fn bytes(&self, token: u32) -> Vec<u8>;

    /// Whether the model ends its turn with this token.
    fn ends(&self, token: u32) -> bool;

    /// Whether the chat template opens the thinking at the end of every prompt.
    fn opens_thinking(&self) -> bool {
        false
    }
}
