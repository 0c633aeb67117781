//! A folder's vocabulary with its chat template: conversations -> prompts, texts <-> tokens.

use std::path::Path;

use rrm::{
    chat::Message,
    engine::in_process::{ChatTemplate, TemplateError, TemplatePart},
};

use crate::{
    backend,
    checkpoint::{Checkpoint, CheckpointError},
    tokens::{EncodeError, ModelTokenizer},
};

/// The tokenizer of a folder with its chat template.
pub struct ChatTokenizer {
    tokenizer: ModelTokenizer,
    template: ChatTemplate,
}

/// The reason why a text cannot be tokenised.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// The vocabulary cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The chat template is broken, or refuses a conversation.
    #[error("its chat template: {0}")]
    Template(#[from] TemplateError),
    /// The vocabulary's pattern fails on the text.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl ChatTokenizer {
    /// Reads the vocabulary and the chat template of a checkpoint's folder.
    ///
    /// # Errors
    /// [`TextError`] when one of them cannot be used.
    pub fn open(checkpoint: &Checkpoint) -> Result<Self, TextError> {
        ChatTokenizer::read(checkpoint.folder(), checkpoint.config().vocab_size)
    }

    /// Reads the vocabulary and the chat template of a folder that need not hold weights. All tokens are below `vocab_size`.
    ///
    /// # Errors
    /// [`TextError`] when one of them cannot be used.
    pub fn read(folder: &Path, vocab_size: usize) -> Result<Self, TextError> {
        ChatTokenizer::new(ModelTokenizer::open(folder, vocab_size)?)
    }

    /// Combines a vocabulary with its chat template.
    ///
    /// # Errors
    /// [`TextError::Template`] when the chat template cannot be used.
    pub(crate) fn new(tokenizer: ModelTokenizer) -> Result<Self, TextError> {
        let source = tokenizer.chat_template().map(str::to_owned);
        let template = ChatTemplate::new(source, tokenizer.bos().to_owned(), tokenizer.eos().to_owned())?;
        Ok(ChatTokenizer { tokenizer, template })
    }

    /// Returns the tokens of the prompt for a conversation, up to where the assistant begins. Special tokens in a content are plain text.
    ///
    /// # Errors
    /// When the chat template refuses the conversation, or the vocabulary's pattern fails on it.
    pub fn prompt(&self, messages: &[Message]) -> Result<Vec<u32>, TextError> {
        Ok(self.tokenizer.prompt(&self.template.render(messages)?)?)
    }

    /// Tokenises the beginning of a sequence without a chat template; special tokens in the text are meant as such.
    ///
    /// # Errors
    /// When the vocabulary's pattern fails on the text.
    pub fn beginning(&self, text: &str) -> Result<Vec<u32>, TextError> {
        Ok(self.tokenizer.prompt(&[TemplatePart::Markup(text.to_owned())])?)
    }

    /// Whether the chat template opens the thinking at the end of every prompt.
    pub fn opens_thinking(&self) -> bool {
        self.template.opens_thinking()
    }

    /// The vocabulary.
    pub fn tokenizer(&self) -> &ModelTokenizer {
        &self.tokenizer
    }
}

impl backend::Tokenizer for ChatTokenizer {
    fn encode_prompt(&self, messages: &[Message]) -> Result<Vec<u32>, String> {
        self.prompt(messages).map_err(|error| error.to_string())
    }

    fn encode_text(&self, text: &str) -> Result<Vec<u32>, String> {
        self.tokenizer.text(text).map_err(|error| error.to_string())
    }

    fn bytes(&self, token: u32) -> Vec<u8> {
        self.tokenizer.bytes(token).to_vec()
    }

    fn ends(&self, token: u32) -> bool {
        self.tokenizer.ends(token)
    }

    fn opens_thinking(&self) -> bool {
        ChatTokenizer::opens_thinking(self)
    }
}
