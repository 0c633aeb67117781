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

/// The reason why a text has no tokens.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// The vocabulary cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The chat template is broken, or refuses a conversation.
    #[error("its chat template: {0}")]
    Template(#[from] TemplateError),
    /// The vocabulary's own pattern gave up.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl ChatTokenizer {
    /// The vocabulary and the template of a checkpoint's folder.
    ///
    /// # Errors
    /// [`TextError`] when one of them cannot be used.
    pub fn open(checkpoint: &Checkpoint) -> Result<Self, TextError> {
        ChatTokenizer::read(checkpoint.folder(), checkpoint.config().vocab_size)
    }

    /// The vocabulary and the template of a folder that need not hold weights; no token is `vocab_size` or above.
    ///
    /// # Errors
    /// [`TextError`] when one of them cannot be used.
    pub fn read(folder: &Path, vocab_size: usize) -> Result<Self, TextError> {
        ChatTokenizer::new(ModelTokenizer::open(folder, vocab_size)?)
    }

    /// A vocabulary with the template that came with it.
    ///
    /// # Errors
    /// [`TextError::Template`] when the template cannot be used.
    pub(crate) fn new(tokenizer: ModelTokenizer) -> Result<Self, TextError> {
        let source = tokenizer.chat_template().map(str::to_owned);
        let template = ChatTemplate::new(source, tokenizer.bos().to_owned(), tokenizer.eos().to_owned())?;
        Ok(ChatTokenizer { tokenizer, template })
    }

    /// The prompt that a conversation makes, up to where the assistant begins; special tokens in a content are plain text.
    ///
    /// # Errors
    /// What template or vocabulary say against the conversation.
    pub fn prompt(&self, messages: &[Message]) -> Result<Vec<u32>, TextError> {
        Ok(self.tokenizer.prompt(&self.template.render(messages)?)?)
    }

    /// The tokens that a sequence begins with when there is no template: special tokens in the text are meant.
    ///
    /// # Errors
    /// When the vocabulary's pattern gives up.
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
