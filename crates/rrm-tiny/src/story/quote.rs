//! Sentences of words in any order -> themselves. Who knows all sentences by heart need not copy them, and cannot quote a new one: in these
//! there is nothing to know by heart.

use std::collections::BTreeSet;

use rrm::keyed::KeyedRandom;

use super::{
    families::{FAMILIES, NAMES},
    thought::OPEN,
};

/// The words of all sentences that may be trained on, without numbers and names.
pub fn words() -> Vec<&'static str> {
    let families = FAMILIES.iter().filter(|family| !family.held_out);
    let texts = families.clone().flat_map(|family| family.lines.iter().chain(family.questions).map(|template| template.text));
    let units = families.flat_map(|family| family.measures.iter().flat_map(|measure| [measure.unit, measure.big]));
    let words = texts.flat_map(|text| text.split(' ')).chain(units).map(|word| word.trim_end_matches(['.', ',', '?']));
    let plain = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    words.filter(plain).collect::<BTreeSet<&str>>().into_iter().collect()
}

/// Some sentences: a name, then words in any order.
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

/// The sentences quoted as a judge quotes them, who says nothing about them: two on a line, since a quote may follow either.
pub fn quoted(sentences: &[String]) -> String {
    let lines: Vec<String> = sentences.chunks(2).map(|two| two.join(" ")).collect();
    format!("{OPEN}{}\n</think>", lines.join("\n"))
}
