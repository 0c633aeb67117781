//! Vocabulary -> the exact bytes that each token writes.

use serde_json::Value;
use tokenizers::Tokenizer as Encoder;

/// The notation of bytes in the tokens of a vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Every character stands for a byte, as in GPT-2.
    Bytes,
    /// `▁` stands for a space and `<0x0A>` for a byte, as in sentencepiece.
    Words,
}

/// The bytes of all tokens, one after the other.
#[derive(Debug, Default)]
pub(super) struct TokenBytes {
    bytes: Vec<u8>,
    /// The end of each token's bytes.
    ends: Vec<usize>,
}

impl TokenBytes {
    /// Returns the bytes that a token writes.
    pub fn get(&self, token: u32) -> &[u8] {
        let index = token as usize;
        let Some(end) = self.ends.get(index) else { return &[] };
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..*end]
    }
}

impl Style {
    /// Returns the style by which a `tokenizer.json` decodes.
    ///
    /// # Errors
    /// When the decoder is of another kind.
    pub fn of(json: &Value) -> Result<Style, String> {
        let decoder = json.get("decoder").filter(|decoder| !decoder.is_null()).ok_or("has no decoder")?;
        let steps = decoder.get("decoders").and_then(Value::as_array).map_or(std::slice::from_ref(decoder), Vec::as_slice);
        let kinds: Vec<&str> = steps.iter().filter_map(|step| step.get("type").and_then(Value::as_str)).collect();
        if kinds.contains(&"ByteLevel") {
            Ok(Style::Bytes)
        } else if kinds.iter().any(|kind| matches!(*kind, "Metaspace" | "ByteFallback")) {
            Ok(Style::Words)
        } else {
            Err(format!("decodes by {kinds:?}: only byte-level and sentencepiece vocabularies are supported"))
        }
    }

    /// Returns the bytes of every token of the vocabulary.
    ///
    /// # Errors
    /// Names a token whose number is `vocab_size` or above.
    pub fn pieces(self, encoder: &Encoder, vocab_size: usize) -> Result<TokenBytes, String> {
        let vocabulary = encoder.get_vocab(true);
        if let Some((text, token)) = vocabulary.iter().find(|(_, token)| **token as usize >= vocab_size) {
            return Err(format!("token {text:?} has the number {token}, but config.json makes room for {vocab_size} tokens"));
        }
        let mut texts: Vec<Option<String>> = vec![None; vocab_size];
        for (text, token) in vocabulary {
            texts[token as usize] = Some(text);
        }
        let added = encoder.get_added_tokens_decoder();
        let mut pieces = TokenBytes::default();
        let byte_of = bytes_of_characters();
        for (token, text) in (0u32..).zip(texts) {
            match (added.get(&token), text, self) {
                (Some(added), _, _) => pieces.bytes.extend_from_slice(added.content.as_bytes()),
                (None, Some(text), Style::Bytes) => push_byte_level(&text, &byte_of, &mut pieces.bytes),
                (None, Some(text), Style::Words) => push_word(&text, &mut pieces.bytes),
                (None, None, _) => {}
            }
            pieces.ends.push(pieces.bytes.len());
        }
        Ok(pieces)
    }
}

/// Returns the byte of each character of GPT-2's alphabet, by code point: printable Latin-1 characters stand for themselves, the other bytes follow
/// from 256.
fn bytes_of_characters() -> [Option<u8>; 324] {
    let mut bytes = [None; 324];
    let mut next = 256;
    for byte in 0..=u8::MAX {
        let code = if matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff) {
            usize::from(byte)
        } else {
            next += 1;
            next - 1
        };
        bytes[code] = Some(byte);
    }
    bytes
}

fn push_byte_level(text: &str, byte_of: &[Option<u8>], bytes: &mut Vec<u8>) {
    let mapped: Option<Vec<u8>> = text.chars().map(|character| *byte_of.get(character as usize)?).collect();
    match mapped {
        Some(mapped) => bytes.extend(mapped),
        // Such a token was not trained on bytes and is written as it is.
        None => bytes.extend_from_slice(text.as_bytes()),
    }
}

fn push_word(text: &str, bytes: &mut Vec<u8>) {
    let hex = text.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>')).filter(|hex| hex.len() == 2);
    match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
        Some(byte) => bytes.push(byte),
        None => bytes.extend_from_slice(text.replace('▁', " ").as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_own_character() {
        let mut bytes: Vec<u8> = bytes_of_characters().into_iter().flatten().collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=u8::MAX).collect::<Vec<u8>>());
        let mut written = Vec::new();
        // The spelling of GPT-2's vocabulary for a space, a line break, two bytes of é, and a soft hyphen.
        push_byte_level("ĠĊÃ©Ń", &bytes_of_characters(), &mut written);
        assert_eq!(written, b" \n\xc3\xa9\xad");
    }

    #[test]
    fn pieces_of_words_are_spaces_and_bytes() {
        let mut written = Vec::new();
        for text in ["▁a▁", "<0xE2>", "<0x82>", "<0xac>", "<0xZZ>", "<0x1>"] {
            push_word(text, &mut written);
        }
        assert_eq!(written, " a €<0xZZ><0x1>".as_bytes());
    }
}
