//! A prompt and the server's count of its tokens -> whether the server read all of it.
//!
//! Some servers cut a prompt that does not fit and show it only in `usage` (Ollama). A count below that of any tokenizer reveals it. Tokenizers do
//! not join words, so a text has at least as many tokens as words; scripts without spaces are counted by characters. Short prompts are not checked,
//! nor are servers whose counts do not grow with the prompt, or that have read a prompt of this length before: then the count leaves out cached
//! tokens.

use std::sync::{Mutex, PoisonError};

/// Fewest words of a prompt that is checked; shorter ones fit everywhere.
const FROM: u64 = 1000;

/// A count below this share of the words means a cut, if the tokenizer was seen to join no words.
const SEEN: f64 = 0.9;

/// The same share if nothing is known about the tokenizer: one that joins words makes seven tokens of ten words.
const UNSEEN: f64 = 0.5;

/// Number of different prompts with the same count, the largest of all, that shows a cut at this count.
const ALIKE: usize = 3;

/// The prompt sizes that one server counted.
#[derive(Default)]
pub(crate) struct PromptCounts(Mutex<SizeExtremes>);

/// The extremes of the prompt sizes so far.
#[derive(Default)]
struct SizeExtremes {
    /// Words and tokens of the shortest prompt so far, and of the longest. Their difference does not depend on the template.
    shortest: Option<(u64, u64)>,
    longest: Option<(u64, u64)>,
    /// The largest count, and the words of the different prompts that had it.
    most: u64,
    words_of_most: Vec<u64>,
}

impl PromptCounts {
    /// Checks a prompt of so many `words` for which the server counts `tokens` (0 if it does not say), `cached` of them from a cache. `Err` describes
    /// the error.
    pub fn look(&self, words: u64, tokens: u64, cached: u64) -> Result<(), String> {
        if tokens == 0 || words == 0 {
            return Ok(());
        }
        // Some servers count cached tokens, some do not.
        let tokens = tokens + cached;
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let share = seen.share();
        // A server whose counts do not grow with prompts counts nothing useful.
        if share == Some(0.0) {
            return Ok(());
        }
        let least = (words as f64 * share.unwrap_or(UNSEEN)) as u64;
        if words >= FROM && tokens < least && seen.most < words {
            return Err(format!(
                "the server read only a part of the prompt: it counts {tokens} tokens, and the prompt has {words} words; give the model a \
                 larger context (Ollama: OLLAMA_CONTEXT_LENGTH, or num_ctx in the model's file)"
            ));
        }
        seen.note(words, tokens);
        if tokens == seen.most && seen.is_a_limit() {
            let different = seen.words_of_most.len();
            return Err(format!(
                "the server reads only a part of long prompts: it counts {tokens} tokens for each of {different} prompts whose lengths differ, \
                 and for none more; give the model a larger context, and ask anew what it judged"
            ));
        }
        Ok(())
    }

    /// Returns whether counts grow with prompts; `None` if too few were seen.
    pub fn grow(&self) -> Option<bool> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.share().map(|share| share > 0.0)
    }
}

impl SizeExtremes {
    fn note(&mut self, words: u64, tokens: u64) {
        // Only prompts that fit everywhere say something about the tokenizer.
        if words < FROM {
            if self.shortest.is_none_or(|(least, _)| words < least) {
                self.shortest = Some((words, tokens));
            }
            if self.longest.is_none_or(|(most, _)| words > most) {
                self.longest = Some((words, tokens));
            }
        }
        if tokens > self.most {
            (self.most, self.words_of_most) = (tokens, Vec::new());
        }
        if tokens == self.most && !self.words_of_most.contains(&words) && self.words_of_most.len() < ALIKE {
            self.words_of_most.push(words);
        }
    }

    /// Returns the least tokens of a prompt as a share of its words; 0 if counts do not grow, `None` if too few were seen.
    fn share(&self) -> Option<f64> {
        let ((words, tokens), (more_words, more_tokens)) = (self.shortest?, self.longest?);
        let further = more_words.checked_sub(words).filter(|further| *further >= 100)? as f64;
        let each = more_tokens.saturating_sub(tokens) as f64 / further;
        Some(match each {
            each if each < 0.3 => 0.0,
            each if each < 1.0 => each * UNSEEN,
            _ => SEEN,
        })
    }

    /// Returns whether prompts are cut at the largest count: several prompts had it whose lengths differ by more than a quarter.
    fn is_a_limit(&self) -> bool {
        let (least, most) = (self.words_of_most.iter().min(), self.words_of_most.iter().max());
        let apart = least.zip(most).is_some_and(|(least, most)| *most * 4 >= *least * 5);
        self.most >= FROM && self.words_of_most.len() >= ALIKE && apart
    }
}

/// Returns the least tokens of a text with a tokenizer that joins no words: one for each run of letters and digits; in scripts without spaces, one
/// for four ideographs or kana, and one for twelve letters of the others.
pub(crate) fn words(text: &str) -> u64 {
    let (mut words, mut inside) = (0, false);
    let (mut ideographs, mut unspaced) = (0_u64, 0_u64);
    for c in text.chars() {
        let part = match c {
            // "don't" may be one word.
            '\'' | '’' => inside,
            '\u{2e80}'..='\u{2fff}'
            | '\u{3040}'..='\u{30ff}'
            | '\u{3400}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}' => {
                ideographs += 1;
                false
            }
            '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' => {
                unspaced += 1;
                false
            }
            c if c.is_ascii() => c.is_ascii_alphanumeric(),
            // Combining marks belong to the letters before them.
            c => c.is_alphanumeric() || (inside && !c.is_whitespace() && !is_punctuation(c)),
        };
        words += u64::from(part && !inside);
        inside = part;
    }
    words + ideographs / 4 + unspaced / 12
}

fn is_punctuation(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{bf}' | '\u{2000}'..='\u{2bff}' | '\u{3000}'..='\u{303f}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff65}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts of a server that was connected to, by a short and a longer prompt, with `each` tokens for a word and 30 for the template.
    fn connected(each: f64) -> PromptCounts {
        let counts = PromptCounts::default();
        for words in [12, 260] {
            counts.look(words, 30 + (words as f64 * each) as u64, 0).unwrap();
        }
        counts
    }

    #[test]
    fn a_prompt_that_was_cut_is_noticed() {
        let counts = connected(1.3);
        assert!(counts.look(5600, 7300, 0).is_ok(), "read whole");
        let counts = connected(1.3);
        let error = counts.look(5600, 2050, 0).unwrap_err();
        assert!(error.contains("2050 tokens") && error.contains("5600 words"), "{error}");
        assert!(counts.look(3400, 2050, 0).is_err());
        assert!(counts.look(12, 46, 0).is_ok(), "short ones are not touched");
        assert!(PromptCounts::default().look(5600, 2050, 0).is_err(), "also where nothing was seen before");
    }

    #[test]
    fn equal_counts_of_different_prompts_are_a_limit() {
        let counts = connected(1.3);
        // Code has more tokens than words, so the count alone says nothing.
        assert!(counts.look(1500, 4096, 0).is_ok());
        assert!(counts.look(1500, 4096, 0).is_ok(), "the same prompt again");
        assert!(counts.look(1700, 4096, 0).is_ok());
        assert!(counts.look(2600, 4096, 0).is_err());
        let counts = connected(1.3);
        for words in [2000, 2010, 2020, 2030] {
            assert!(counts.look(words, 3000, 0).is_ok(), "of almost one length");
        }
        for (words, tokens) in [(2000, 4000), (2600, 4000), (2500, 4100), (3500, 4000), (1800, 4000)] {
            assert!(counts.look(words, tokens, 0).is_ok(), "one had more: no limit");
        }
    }

    #[test]
    fn caches_and_odd_counts_are_no_cuts() {
        let counts = connected(1.3);
        assert!(counts.look(5600, 300, 7000).is_ok(), "what was cached is counted apart");
        assert!(counts.look(5600, 7300, 7000).is_ok());
        assert!(counts.look(5600, 40, 0).is_ok(), "a prompt as long was read whole before");
        let counts = PromptCounts::default();
        for words in [10, 260, 3000, 9000, 20_000] {
            assert!(counts.look(words, 100, 0).is_ok(), "a server that says 100 to all counts nothing: {words}");
            assert!(counts.look(words, 0, 0).is_ok());
        }
        assert_eq!(counts.grow(), Some(false));
    }

    #[test]
    fn a_tokenizer_that_joins_words_is_believed() {
        let counts = connected(0.75);
        assert!(counts.look(5600, 4200, 0).is_ok());
        assert!(connected(0.75).look(5600, 2000, 0).is_err());
    }

    #[test]
    fn no_tokenizer_makes_fewer_tokens_than_words() {
        // Tokens by o200k and by Llama 3, counted once; the smaller number of both.
        let cases = [
            ("The quick brown fox jumps over the lazy dog. It doesn't care, does it?", 15),
            ("fn main() {\n    let x_1 = a.b(c)[0] as usize;\n}", 15),
            ("        \t\n\n    ----------------------------------------========", 3),
            ("这是一个关于人工智能的简短句子，用于测试。", 12),
            ("これは短いテストの文です。カタカナもあります。", 13),
            ("ภาษาไทยไม่มีการเว้นวรรคระหว่างคำ", 9),
            ("यह एक छोटा वाक्य है जो परीक्षण के लिए लिखा गया है।", 13),
            ("이것은 테스트를 위한 짧은 문장입니다.", 9),
            ("Привет, это короткое предложение для проверки.", 9),
            ("aGVsbG8gd29ybGQgdGhpcyBpcyBiYXNlNjQgdGV4dA==", 20),
        ];
        for (text, tokens) in cases {
            assert!(words(text) <= tokens, "{text}: {} words", words(text));
        }
        assert_eq!(words("The quick brown fox"), 4);
        assert_eq!(words(""), 0);
    }
}
