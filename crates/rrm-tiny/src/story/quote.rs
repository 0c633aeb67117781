//! Sentences of random words -> copies of them. A model that has memorised all sentences need not copy them and cannot quote a new one; these
//! sentences cannot be memorised.

use std::collections::BTreeSet;

use rrm::keyed::KeyedRandom;

use super::{
    families::{FAMILIES, NAMES},
    thought::OPEN,
};

/// Returns the words of all sentences that may be trained on, without numbers and names.
pub fn words() -> Vec<&'static str> {
    let families = FAMILIES.iter().filter(|family| !family.held_out);
    let texts = families.clone().flat_map(|family| family.lines.iter().chain(family.questions).map(|template| template.text));
    let units = families.flat_map(|family| family.measures.iter().flat_map(|measure| [measure.unit, measure.big]));
    let words = texts.flat_map(|text| text.split(' ')).chain(units).map(|word| word.trim_end_matches(['.', ',', '?']));
    let plain = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    words.filter(plain).collect::<BTreeSet<&str>>().into_iter().collect()
}

/// Draws some sentences: a name, then random words.
pub fn sentences(words: &[&str], random: &mut KeyedRandom) -> Vec<String> {
    let mut pick = |from: usize, to: usize| from + random.below((to - from) as u64) as usize;
    let mut sentences = Vec::new();
    for _ in 0..pick(2, 6) {
        let mut sentence = NAMES[pick(0, NAMES.len())].0.to_owned();
        for _ in 0..pick(3, 9) {
            sentence.push(' ');
            sentence.push_str(words[pick(0, words.len())]);
        }
        sentences.push(sentence + ".");
    }
    sentences
}

/// Returns the sentences as a judge quotes them, without comments: two on a line, because a quote may follow either.
pub fn quoted(sentences: &[String]) -> String {
    let lines: Vec<String> = sentences.chunks(2).map(|two| two.join(" ")).collect();
    format!("{OPEN}{}\n</think>", lines.join("\n"))
}
