//! Text <-> tokens, by the `tokenizer.json` of a folder. Special tokens are recognised in the output of a chat template, never in the contents of
//! messages.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use rrm::engine::in_process::{PromptPiece, Special, TemplatePart, looks_like_markup, runs};
use serde_json::Value;
use tokenizers::Tokenizer as Encoder;

use crate::checkpoint::{CheckpointError, read_small};
use pieces::{Style, TokenBytes};

mod encoders;
mod pieces;
mod settings;

/// A model's vocabulary, its chat template, and the tokens that end its turns.
pub struct ModelTokenizer {
    /// The encoder for the beginning of a prompt.
    first: Encoder,
    /// The encoder behind special tokens, if it differs from `first`: it puts no space before the text.
    later: Option<Encoder>,
    pieces: TokenBytes,
    specials: Vec<Special>,
    /// Texts that must not become a single token inside a content.
    forbidden: Vec<String>,
    /// The end token that the folder names.
    end: Option<u32>,
    ends: BTreeSet<u32>,
    settings: settings::TokenizerSettings,
}

/// The reason why a text cannot be tokenised: the vocabulary's pattern fails on it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tokenizer fails on this text: {0}")]
pub struct EncodeError(pub String);

impl ModelTokenizer {
    /// Reads `tokenizer.json`, and if present `tokenizer_config.json`, `generation_config.json` and `chat_template.jinja`. All tokens are below
    /// `vocab_size`: added tokens without a row in the embedding are dropped.
    ///
    /// # Errors
    /// [`CheckpointError`] names the file that is missing, malformed or not supported.
    pub fn open(folder: &Path, vocab_size: usize) -> Result<ModelTokenizer, CheckpointError> {
        ModelTokenizer::read(&|name| in_folder(folder, name), vocab_size)
    }

    /// Like [`ModelTokenizer::open`], with files from any source.
    ///
    /// # Errors
    /// As [`ModelTokenizer::open`].
    pub(crate) fn read(files: FileSource<'_>, vocab_size: usize) -> Result<ModelTokenizer, CheckpointError> {
        let name = "tokenizer.json";
        let (file, bytes) = files(name)?.ok_or_else(|| absent(name))?;
        let malformed = |what| CheckpointError::Malformed { file: file.clone(), what };
        let mut json: Value = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        let style = Style::of(&json).map_err(malformed)?;
        let (first, later) = encoders::build(&mut json, vocab_size).map_err(malformed)?;
        let pieces = style.pieces(&first, vocab_size).map_err(malformed)?;
        let (mut specials, mut forbidden) = (Vec::new(), Vec::new());
        for (token, added) in first.get_added_tokens_decoder() {
            if added.special || looks_like_markup(&added.content) {
                forbidden.push(added.content.clone());
            }
            if added.special && !added.content.is_empty() {
                specials.push(Special { text: added.content, token, strips: (added.lstrip, added.rstrip) });
            }
        }
        let settings = settings::read(files)?;
        let named = settings.eos.as_deref().and_then(|text| first.token_to_id(text));
        let ends = settings.ends.iter().copied().chain(named).collect();
        Ok(ModelTokenizer { first, later, pieces, specials, forbidden, end: named, ends, settings })
    }

    /// Tokenises a rendered conversation. The tokens are those of transformers' `apply_chat_template`, unless a content holds the text of a special
    /// token. No token is put before it: a template that wants a first token writes it.
    ///
    /// # Errors
    /// When the vocabulary's pattern fails on a text.
    pub fn prompt(&self, parts: &[TemplatePart<'_>]) -> Result<Vec<u32>, EncodeError> {
        self.encode(parts, true)
    }

    /// Tokenises a text of this program with special tokens in it, such as an elicitation, to follow other tokens.
    ///
    /// # Errors
    /// When the vocabulary's pattern fails on the text.
    pub fn text(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.encode(&[TemplatePart::Markup(text.to_owned())], false)
    }

    /// Returns the bytes that a token writes; a character may be spread over several tokens. Empty if there is no such token.
    pub fn bytes(&self, token: u32) -> &[u8] {
        self.pieces.get(token)
    }

    /// Whether the model ends its turn with this token.
    pub fn ends(&self, token: u32) -> bool {
        self.ends.contains(&token)
    }

    /// Returns the token to end a turn with: the one that `tokenizer_config.json` names, or else the lowest of the end tokens.
    pub fn end(&self) -> Option<u32> {
        self.end.or_else(|| self.ends.first().copied())
    }

    /// Text of the token that begins a sequence; empty if there is none.
    pub fn bos(&self) -> &str {
        self.settings.bos.as_deref().unwrap_or_default()
    }

    /// Text of the token that ends a sequence; empty if there is none.
    pub fn eos(&self) -> &str {
        self.settings.eos.as_deref().unwrap_or_default()
    }

    /// The folder's chat template, in Jinja.
    pub fn chat_template(&self) -> Option<&str> {
        self.settings.chat_template.as_deref()
    }

    fn encode(&self, parts: &[TemplatePart<'_>], mut at_start: bool) -> Result<Vec<u32>, EncodeError> {
        let mut tokens = Vec::new();
        for run in runs(parts, &self.specials, &self.forbidden) {
            match run {
                PromptPiece::Special(token) => tokens.push(token),
                PromptPiece::Plain(text) => {
                    let encoder = if at_start { &self.first } else { self.later.as_ref().unwrap_or(&self.first) };
                    let encoding = encoder.encode_fast(text, false).map_err(|error| EncodeError(error.to_string()))?;
                    tokens.extend_from_slice(encoding.get_ids());
                }
            }
            at_start = false;
        }
        Ok(tokens)
    }
}

/// A function that returns a file by its name: the path for errors, and the bytes; `None` if there is no such file.
pub(crate) type FileSource<'f> = &'f dyn Fn(&str) -> Result<Option<(PathBuf, Vec<u8>)>, CheckpointError>;

/// Reads a file of a folder, or `None` if it is absent. A missing `tokenizer.json` is an error.
fn in_folder(folder: &Path, name: &str) -> Result<Option<(PathBuf, Vec<u8>)>, CheckpointError> {
    let path = folder.join(name);
    if !path.exists() && name != "tokenizer.json" {
        return Ok(None);
    }
    let bytes = read_small(&path)?;
    Ok(Some((path, bytes)))
}

fn absent(name: &str) -> CheckpointError {
    CheckpointError::Io { file: name.into(), source: std::io::ErrorKind::NotFound.into() }
}
