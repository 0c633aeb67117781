//! Two answers as they were found -> whether they are the same, by every way in which their commas can be read.

use std::cell::Cell;

use super::{
    Extracted, How, Outcome, VerifyOptions, Why,
    expr::Steps,
    lex::Reading,
    parse::{Node, parse},
    relate::{Relate, Said},
    text::plain,
};

/// Compares two answers.
pub(super) fn compare(gold: &Extracted, answer: &Extracted, options: &VerifyOptions) -> Outcome {
    if gold.text.len() > options.max_bytes || answer.text.len() > options.max_bytes {
        return Outcome::Unknown(Why::TooLong);
    }
    let (gold_plain, answer_plain) = (plain(&gold.text), plain(&answer.text));
    if gold_plain == answer_plain {
        return Outcome::Equal;
    }
    let steps = Steps(Cell::new(options.max_steps));
    let (mut texts, mut shown) = (true, false);
    let answers: Vec<Node> = nodes(answer, &answer_plain);
    for gold in nodes(gold, &gold_plain) {
        for answer in &answers {
            texts &= matches!((&gold, answer), (Node::Text(_), Node::Text(_)));
            match (Relate { options, steps: &steps }).same(&gold, answer) {
                _ if steps.0.get() == 0 => return Outcome::Unknown(Why::TooManySteps),
                Said::Same => return Outcome::Equal,
                Said::Other => shown = true,
                Said::Words => {}
            }
        }
    }
    if texts || !shown { Outcome::Unknown(Why::Texts) } else { Outcome::Unequal }
}

/// What an answer can be read as, the likeliest first; words where it is no mathematics.
fn nodes(answer: &Extracted, plain: &str) -> Vec<Node> {
    let text = &answer.text;
    let bare = !text.contains(['\\', '$', '{']) && matches!(answer.how, How::Whole | How::Number | How::Hashes | How::Statement);
    let mut readings = vec![Reading { thousands: true, plain: bare }];
    if text.contains(',') {
        readings.push(Reading { thousands: false, plain: bare });
        if bare {
            readings.extend([true, false].map(|thousands| Reading { thousands, plain: false }));
        }
    }
    let mut nodes: Vec<Node> = Vec::new();
    if bare && is_words(text) {
        readings.clear();
    }
    for node in readings.into_iter().filter_map(|reading| parse(text, reading)) {
        if !nodes.contains(&node) {
            nodes.push(node);
        }
    }
    if nodes.is_empty() {
        nodes.push(Node::Text(plain.to_owned()));
    }
    nodes
}

/// Whether a text without LaTeX is words and nothing else: several of them, without digits and signs of mathematics.
fn is_words(text: &str) -> bool {
    let sign = |c: char| c.is_ascii_digit() || "=<>+*/^[]|≤≥≠√π∞∪∈±".contains(c);
    let long = |word: &str| word.chars().filter(|c| c.is_alphabetic()).count() >= 3;
    text.trim().contains(char::is_whitespace) && !text.contains(sign) && text.split_whitespace().any(long)
}
