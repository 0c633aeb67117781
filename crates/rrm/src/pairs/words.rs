//! A text -> hashes of its words and of runs of words, so that white space, case, punctuation and marks of HTML and Markdown do not matter.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use super::unmarked::unmarked;

/// Signs that can be the only difference between two questions.
const SIGNS: &str = "+*/^=<>";

/// From this character on, letters are words of their own, because their scripts put no spaces between words.
const IDEOGRAPHS: char = '\u{2e80}';

/// Returns one form for texts that look alike: composed accents, plain ligatures and plain full-width letters (NFKC).
fn composed(text: &str) -> Cow<'_, str> {
    match is_nfkc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        _ => Cow::Owned(text.nfkc().collect()),
    }
}

/// Returns one hash for each word: runs of letters and digits in lower case, signs of arithmetic, single ideographs.
pub(super) fn words(text: &str) -> Vec<u64> {
    let text = unmarked(text);
    let text = composed(&text);
    let mut words = Vec::with_capacity(text.len() / 5);
    let mut word = Word::default();
    let mut before = ' ';
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let digit = |c: &char| c.is_ascii_digit();
        if letter >= IDEOGRAPHS && letter.is_alphanumeric() {
            words.extend(word.end());
            word.add(letter);
            words.extend(word.end());
        } else if letter.is_alphanumeric() {
            letter.to_lowercase().for_each(|letter| word.add(letter));
        } else {
            words.extend(word.end());
            // A minus is a sign, a hyphen is not.
            if SIGNS.contains(letter) || letter == '-' && (digit(&before) || letters.peek().is_some_and(digit)) {
                word.add(letter);
                words.extend(word.end());
            }
        }
        before = letter;
    }
    words.extend(word.end());
    words
}

/// Returns one hash for each run of `n` words. A shorter text has one for all of it, and an empty one has none.
pub(super) fn grams(words: &[u64], n: usize) -> impl Iterator<Item = u64> + '_ {
    words
        .windows(n.max(1).min(words.len().max(1)))
        .map(|run| run.iter().fold(0_u64, |hash, word| mix(hash.rotate_left(5) ^ word)))
}

/// Mixes the bits of a number (the finaliser of SplitMix64).
pub(super) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// FNV-1a hash over the letters of the present word.
#[derive(Default)]
struct Word(Option<u64>);

impl Word {
    fn add(&mut self, letter: char) {
        let hash = self.0.unwrap_or(0xcbf2_9ce4_8422_2325);
        self.0 = Some((hash ^ u64::from(u32::from(letter))).wrapping_mul(0x0100_0000_01b3));
    }

    fn end(&mut self) -> Option<u64> {
        self.0.take().map(mix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_spaces_and_punctuation_do_not_count_and_signs_do() {
        assert_eq!(words("What  is (A) the Well-known?"), words("what is a the well known"));
        assert_ne!(words("What is 2+3?"), words("What is 2-3?"));
        assert_ne!(words("x < y"), words("x > y"));
        assert_eq!(words("你好").len(), 2);
        assert_eq!(words(" .,").len(), 0);
    }

    #[test]
    fn how_letters_are_put_together_does_not_count() {
        assert_eq!(words("deux cafe\u{301}s"), words("deux caf\u{e9}s"));
        assert_eq!(words("\u{ff12}\u{ff0b}\u{ff13}\u{3000}\u{fb01}n"), words("2+3 fin"));
        assert_eq!(words("\u{1112}\u{1161}\u{11ab}"), words("\u{d55c}"));
        assert_ne!(words("caf\u{e9}"), words("cafe"));
    }

    #[test]
    fn a_short_text_is_one_run() {
        assert_eq!(grams(&words("one two three"), 8).count(), 1);
        assert_eq!(grams(&words("one two three"), 2).count(), 2);
        assert_eq!(grams(&[], 2).count(), 0);
        assert_ne!(grams(&words("one two"), 2).next(), grams(&words("two one"), 2).next());
    }
}
