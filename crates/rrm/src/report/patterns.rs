//! Transcripts -> the share of them with each reasoning pattern, found by the phrases of `patterns.toml`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{eval::Share, ranking::rating::Score};

/// Most words that `...` in a phrase stands for.
const GAP: usize = 3;

/// The frequency of a pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    /// Name of the pattern.
    pub name: String,
    /// Description of the pattern.
    pub about: String,
    /// Share of the transcripts with the pattern, from 0 to 1.
    pub share: Option<Score>,
}

/// A group of phrases, as its file defines it.
#[derive(Deserialize)]
struct PhraseGroup {
    about: String,
    phrases: Vec<String>,
}

/// A counter of phrases in transcripts.
pub(super) struct PatternCounter {
    groups: Vec<(String, PhraseGroup)>,
    with: Vec<u64>,
    transcripts: u64,
}

impl PatternCounter {
    /// Returns a counter of the shipped phrases.
    ///
    /// # Errors
    /// The parse error of their file.
    pub fn shipped() -> Result<Self, toml::de::Error> {
        let groups: BTreeMap<String, PhraseGroup> = toml::from_str(include_str!("patterns.toml"))?;
        let groups: Vec<_> = groups.into_iter().collect();
        Ok(PatternCounter { with: vec![0; groups.len()], groups, transcripts: 0 })
    }

    pub fn add(&mut self, text: &str) {
        let text = text.to_lowercase();
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        self.transcripts += 1;
        for ((_, group), with) in self.groups.iter().zip(&mut self.with) {
            *with += u64::from(group.phrases.iter().any(|phrase| occurs(phrase, &words)));
        }
    }

    /// Returns the number of transcripts, and the share of each pattern.
    pub fn done(self) -> (u64, Vec<Pattern>) {
        let rows = self.transcripts as f64;
        let pattern = |((name, group), with): ((String, PhraseGroup), u64)| {
            let share = Share { value: with as f64 / rows.max(1.0), rows }.score();
            Pattern { name, about: group.about, share }
        };
        (self.transcripts, self.groups.into_iter().zip(self.with).map(pattern).collect())
    }
}

fn occurs(phrase: &str, words: &[&str]) -> bool {
    let phrase: Vec<&str> = phrase.split_whitespace().collect();
    (0..words.len()).any(|start| begins(&phrase, &words[start..]))
}

fn begins(phrase: &[&str], words: &[&str]) -> bool {
    match phrase {
        [] => true,
        ["...", rest @ ..] => (0..=GAP.min(words.len())).any(|gap| begins(rest, &words[gap..])),
        [word, rest @ ..] => words.first() == Some(word) && begins(rest, &words[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_whole_words_with_gaps() {
        let words: Vec<&str> = "it is more concise and clear than awaited".split(' ').collect();
        assert!(occurs("more ... than", &words));
        assert!(!occurs("less ... than", &words) && !occurs("wait", &words));
        assert!(!occurs("it ... awaited", &words), "four words and more are too many");
        let mut counter = PatternCounter::shipped().unwrap();
        counter.add("Wait. Let me CHECK");
        counter.add("The first is better than the second.");
        let (transcripts, patterns) = counter.done();
        assert_eq!(transcripts, 2);
        let share = |name: &str| patterns.iter().find(|pattern| pattern.name == name).unwrap().share.unwrap().value;
        assert_eq!((share("reflection"), share("comparison"), share("breakdown")), (0.5, 0.5, 0.0));
    }
}
