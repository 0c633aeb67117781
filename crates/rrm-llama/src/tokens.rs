//! Text <-> tokens. Special tokens are recognised in the output of a chat template, never in the contents of messages.

use llama_cpp_2::{token::LlamaToken, token_type::LlamaTokenAttr, vocab::LlamaVocab};
use rrm::engine::in_process::{PromptPiece, Special, TemplatePart, looks_like_markup, runs};

/// The vocabulary of a model, with the tokens that prompts need.
pub(crate) struct LlamaTokenizer<'m> {
    vocab: LlamaVocab<'m>,
    /// Control tokens.
    specials: Vec<Special>,
    /// Texts that must not become a single token inside a content.
    forbidden: Vec<String>,
}

impl<'m> LlamaTokenizer<'m> {
    /// Reads the whole vocabulary once.
    pub fn new(vocab: LlamaVocab<'m>) -> Self {
        let (mut specials, mut forbidden) = (Vec::new(), Vec::new());
        for token in vocab.tokens() {
            let attributes = vocab.attr(token);
            let control = attributes.contains(LlamaTokenAttr::Control) || attributes.contains(LlamaTokenAttr::Unknown);
            let defined = attributes.contains(LlamaTokenAttr::UserDefined);
            let Some(text) = vocab.text(token).and_then(|text| text.to_str().ok()).filter(|_| control || defined) else {
                continue;
            };
            if control || looks_like_markup(text) {
                forbidden.push(text.to_owned());
            }
            if control && !text.is_empty() {
                let strips = (attributes.contains(LlamaTokenAttr::LStrip), attributes.contains(LlamaTokenAttr::RStrip));
                specials.push(Special { text: text.to_owned(), token: token.0 as u32, strips });
            }
        }
        LlamaTokenizer { vocab, specials, forbidden }
    }

    /// Tokenises a rendered conversation.
    pub fn prompt(&self, parts: &[TemplatePart<'_>]) -> Vec<LlamaToken> {
        let mut tokens = Vec::new();
        for run in runs(parts, &self.specials, &self.forbidden) {
            match run {
                PromptPiece::Special(token) => tokens.push(LlamaToken(token as i32)),
                PromptPiece::Plain(text) => self.vocab.tokenize_into(text.as_bytes(), &mut tokens, false, false),
            }
        }
        // Some templates write the first token themselves.
        if self.vocab.should_add_bos() && tokens.first() != Some(&self.vocab.bos()) {
            tokens.insert(0, self.vocab.bos());
        }
        tokens
    }

    /// Tokenises a text of this program with special tokens in it, such as an elicitation.
    pub fn text(&self, text: &str) -> Vec<LlamaToken> {
        self.vocab.tokenize(text.as_bytes(), false, true)
    }

    /// Returns the bytes that a token writes; a character may be spread over several tokens.
    pub fn bytes(&self, token: LlamaToken) -> Vec<u8> {
        self.vocab.token_to_piece(token, true, None)
    }

    /// Whether the model ends its turn with this token.
    pub fn ends(&self, token: LlamaToken) -> bool {
        self.vocab.is_eog(token)
    }

    /// Text of the token that begins a sequence; empty if there is none.
    pub fn bos(&self) -> String {
        self.name(self.vocab.bos())
    }

    /// Text of the token that ends a sequence; empty if there is none.
    pub fn eos(&self) -> String {
        self.name(self.vocab.eos())
    }

    fn name(&self, token: LlamaToken) -> String {
        let text = if token.0 < 0 { None } else { self.vocab.text(token) };
        text.map_or_else(String::new, |text| text.to_string_lossy().into_owned())
    }
}
