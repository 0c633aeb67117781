//! All texts of stories, answers, thoughts and formats -> the vocabulary: words, numbers, and fixed texts that are one token each.

use std::collections::BTreeSet;

use rrm::{
    comparison::{Comparison, Prompt},
    format::{Format, FormatError},
};
use serde_json::{Value, json};

use super::{
    MOST,
    answer::{CLOSERS, ENDINGS, LABELS, OPENERS, STATEMENTS},
    families::{FAMILIES, LEADS, NAMES},
    thought::{AT_ONCE, CLOSE, GUESS, MARKS, NOTHING, OPEN, SAYS},
};
use crate::folder::DecoderSize;

/// Tokens of the roles and of the end of a turn.
pub const SPECIAL: [&str; 4] = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"];
/// The text between a problem with two answers and a check of both, in place of the request for a verdict.
pub const CHECK: &str = "\n\n## Check of both";
/// The text between a problem and its calculation.
pub const WORK: &str = "\n\n## Calculation";

/// Returns the texts of a format around a query and two responses: its system turn, and the four texts of its user turn.
///
/// # Errors
/// When the format cannot be rendered.
pub fn fixed(format: &Format) -> Result<Vec<String>, FormatError> {
    let marks = ["\u{1}", "\u{2}", "\u{3}"];
    let comparison =
        Comparison { prompt: Prompt::text(marks[0]).into(), first: marks[1].into(), second: marks[2].into(), label: None };
    let mut texts = Vec::new();
    for message in format.messages(&comparison)? {
        texts.extend(message.content.split(marks.map(|mark| mark.chars().next().unwrap_or_default())).map(str::to_owned));
    }
    Ok(texts)
}

/// Splits a text into pieces: words and numbers with the space before them, and single signs.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let kind = |c: char| {
        if c.is_ascii_alphabetic() {
            1
        } else if c.is_ascii_digit() {
            2
        } else {
            0
        }
    };
    let mut open = 0;
    for c in text.chars() {
        match pieces.last_mut() {
            Some(last) if open == kind(c) && open != 0 => last.push(c),
            Some(last) if last == " " && c != ' ' && c != '\n' => last.push(c),
            _ => pieces.push(c.to_string()),
        }
        open = kind(c);
    }
    pieces
}

/// Returns all words and signs as they occur in texts.
fn words() -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    // At the beginning of a text or a line, and elsewhere.
    let mut both = |text: &str| {
        words.extend(pieces(text));
        words.extend(pieces(&format!(" {text}")));
    };
    for family in FAMILIES {
        for template in family.lines.iter().chain(family.questions) {
            // The content of a gap is a word of its own; a sign behind it is kept.
            let mut text = template.text.to_owned();
            while let (Some(from), Some(to)) = (text.find('{'), text.find('}')) {
                text.replace_range(from..=to, if from == 0 { "" } else { "0" });
            }
            both(&text);
        }
        for measure in family.measures {
            for word in [measure.unit, measure.rival, measure.big] {
                both(&format!("0 {word}"));
            }
        }
    }
    for name in NAMES.map(|(name, _)| name).iter().chain(&["he", "she", "him", "her", "his", "He", "She"]) {
        both(name);
    }
    for text in ["0 + 0 - 0 × 0 ÷ 0 = 0.", GUESS, NOTHING, "Answer: 0.", "}", "\n"] {
        both(text);
    }
    for text in LEADS.iter().chain(&OPENERS).chain(&CLOSERS).chain(&ENDINGS).chain(&STATEMENTS) {
        both(text);
    }
    words.retain(|word| !word.trim().is_empty() || word == "\n");
    words.retain(|word| word.trim().bytes().all(|byte| !byte.is_ascii_digit()));
    words.extend((0..=MOST).map(|number| format!(" {number}")));
    words
}

/// Returns the texts that are one token each. Where several match, the longest is used.
fn whole(formats: &[&Format]) -> Result<Vec<String>, FormatError> {
    let mut whole: Vec<String> = Vec::new();
    let mut push = |text: String| {
        if !text.is_empty() && !whole.contains(&text) {
            whole.push(text);
        }
    };
    for format in formats {
        fixed(format)?.into_iter().for_each(&mut push);
    }
    for text in [OPEN, CLOSE, AT_ONCE, "\n</think>", CHECK, WORK].iter().chain(&SAYS).chain(&MARKS) {
        push((*text).to_owned());
    }
    for label in LABELS.iter().flatten() {
        for before in ["", " ", "\n"] {
            push(format!("{before}{label}"));
        }
    }
    Ok(whole)
}

/// Returns the spelling of a text in a byte-level vocabulary, as in GPT-2.
fn spelled(text: &str) -> String {
    let mut further = 256u32;
    let alphabet: Vec<char> = (0..=255u8)
        .map(|byte| {
            let printable = matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
            let code = if printable { u32::from(byte) } else { further };
            further += u32::from(!printable);
            char::from_u32(code).unwrap_or_default()
        })
        .collect();
    text.bytes().map(|byte| alphabet[usize::from(byte)]).collect()
}

/// Returns `tokenizer.json` and the number of tokens.
///
/// # Errors
/// When one of the formats cannot be rendered.
pub fn tokenizer(formats: &[&Format]) -> Result<(Value, usize), FormatError> {
    let words = words();
    let vocabulary: serde_json::Map<String, Value> =
        words.iter().zip(0..).map(|(word, id): (_, usize)| (spelled(word), json!(id))).collect();
    let special = SPECIAL.iter().map(|text| ((*text).to_owned(), true));
    let added: Vec<(String, bool)> = special.chain(whole(formats)?.into_iter().map(|text| (text, false))).collect();
    let count = words.len() + added.len();
    let added = added.into_iter().zip(words.len()..).map(|((content, special), id)| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": special})
    });
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false});
    let split = json!({"type": "Split", "pattern": {"Regex": " ?[A-Za-z]+| ?[0-9]+| ?[^A-Za-z0-9 \\n]|\\n| "}, "behavior": "Isolated", "invert": false});
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added.collect::<Vec<Value>>(),
        "normalizer": null, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]}, "post_processor": null, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
                  "fuse_unk": false, "byte_fallback": false, "ignore_merges": true, "vocab": vocabulary, "merges": []},
    });
    Ok((tokenizer, count))
}

/// Number of positions of a model with this vocabulary.
const POSITIONS: usize = 1024;

/// The chat template.
pub const TEMPLATE: &str = "{% for message in messages %}{{ '<|' + message['role'] + '|>' }}{{ message['content'] }}{% endfor %}\
                            {% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

/// Returns the name and content of the files of a model without weights.
///
/// # Errors
/// When one of the shipped formats is invalid.
pub fn files(size: DecoderSize) -> Result<Vec<(&'static str, Value)>, FormatError> {
    let (judge, direct) = (Format::shipped("rrm")?, Format::shipped("direct")?);
    let (tokenizer, count) = tokenizer(&[&judge, &direct])?;
    let end = tokenizer["added_tokens"][0]["id"].clone();
    let settings = json!({
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": SPECIAL[0], "pad_token": SPECIAL[0], "model_max_length": POSITIONS,
        "clean_up_tokenization_spaces": false, "chat_template": TEMPLATE,
    });
    Ok(vec![
        ("config.json", size.config(count, &end, POSITIONS)),
        ("tokenizer.json", tokenizer),
        ("tokenizer_config.json", settings),
    ])
}

/// The texts of a vocabulary's tokens.
pub struct KnownTexts {
    words: BTreeSet<String>,
    whole: Vec<String>,
}

/// Returns the texts of the tokens of a `tokenizer.json`.
pub fn known(tokenizer: &Value) -> KnownTexts {
    let words = tokenizer["model"]["vocab"].as_object().into_iter().flat_map(|words| words.keys().cloned());
    let added = tokenizer["added_tokens"].as_array().into_iter().flatten();
    let whole = added.filter_map(|token| token["content"].as_str()).map(str::to_owned);
    KnownTexts { words: words.collect(), whole: whole.collect() }
}

impl KnownTexts {
    /// Returns the first piece of a text that no token spells.
    pub fn unknown(&self, text: &str) -> Option<String> {
        let mut plain = String::new();
        let mut rest = text;
        let unknown = |plain: &str| pieces(plain).into_iter().find(|piece| !self.words.contains(&spelled(piece)));
        while let Some(c) = rest.chars().next() {
            let longest = self.whole.iter().filter(|whole| rest.starts_with(whole.as_str())).max_by_key(|whole| whole.len());
            match longest {
                Some(whole) => {
                    if let Some(piece) = unknown(&plain) {
                        return Some(piece);
                    }
                    plain.clear();
                    rest = &rest[whole.len()..];
                }
                None => {
                    plain.push(c);
                    rest = &rest[c.len_utf8()..];
                }
            }
        }
        unknown(&plain)
    }
}
