//! Tokens -> logits of the next one. The key-value cache of the longest common prefix of successive requests is kept.
//!
//! llama.cpp computes a token slightly differently in batches of different sizes. So that a reused prefix changes no text, prompts are always
//! evaluated in chunks that begin at multiples of [`CHUNK`], and only whole chunks are reused: every token is computed in the same batch as without a
//! cache.

use llama_cpp_2::{context::LlamaContext, llama_batch::LlamaBatch, token::LlamaToken};

/// Tokens evaluated at once. Larger chunks are hardly faster on a CPU; with smaller ones more of a prefix can be reused.
pub(crate) const CHUNK: usize = 64;

/// One sequence in a context.
pub(crate) struct LlamaSession<'m> {
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    /// The tokens in the cache that form whole chunks of a prompt.
    chunks: Vec<LlamaToken>,
    /// The number of tokens in the cache.
    position: usize,
}

impl<'m> LlamaSession<'m> {
    /// Makes an empty sequence.
    pub fn new(context: LlamaContext<'m>) -> Self {
        LlamaSession { context, batch: LlamaBatch::new(CHUNK, 1), chunks: Vec::new(), position: 0 }
    }

    /// Most tokens of prompt and completion together.
    pub fn limit(&self) -> usize {
        self.context.n_ctx() as usize
    }

    /// Keeps the common prefix of cache and `prompt`. Returns its number of tokens, which is always less than the prompt has.
    pub fn rewind(&mut self, prompt: &[LlamaToken]) -> Result<usize, String> {
        let shared = self.chunks.iter().zip(prompt).take_while(|(old, new)| old == new).count();
        // The last token is always evaluated again, for its logits.
        let mut keep = shared.min(prompt.len().saturating_sub(1)) / CHUNK * CHUNK;
        let from = u32::try_from(keep).map_err(|error| error.to_string())?;
        let removed = self.context.clear_kv_cache_seq(Some(0), Some(from), None).map_err(|error| error.to_string())?;
        if !removed {
            // Recurrent models cannot go back by part of a sequence.
            self.context.clear_kv_cache();
            keep = 0;
        }
        self.chunks.truncate(keep);
        self.position = keep;
        Ok(keep)
    }

    /// Evaluates the next chunk of a prompt: [`CHUNK`] tokens, or fewer at its end.
    pub fn prefill(&mut self, chunk: &[LlamaToken]) -> Result<(), String> {
        self.evaluate(chunk)?;
        if chunk.len() == CHUNK {
            self.chunks.extend_from_slice(chunk);
        }
        Ok(())
    }

    /// Evaluates tokens that follow the prompt.
    pub fn extend(&mut self, tokens: &[LlamaToken]) -> Result<(), String> {
        tokens.chunks(CHUNK).try_for_each(|chunk| self.evaluate(chunk))
    }

    /// Returns the logits after the last evaluated token, one for each token of the vocabulary.
    pub fn logits(&self) -> &[f32] {
        self.context.get_logits_ith(self.batch.n_tokens() - 1)
    }

    fn evaluate(&mut self, tokens: &[LlamaToken]) -> Result<(), String> {
        self.batch.clear();
        for (index, token) in tokens.iter().enumerate() {
            let position = i32::try_from(self.position + index).map_err(|error| error.to_string())?;
            let last = index + 1 == tokens.len();
            self.batch.add(*token, position, &[0], last).map_err(|error| error.to_string())?;
        }
        self.context.decode(&mut self.batch).map_err(|error| error.to_string())?;
        self.position += tokens.len();
        Ok(())
    }
}
