//! Position of the verdict in a text -> the tokens that would have stated each label there, after a common context.

use rrm::engine::{Budget, Labels};

use crate::backend::Tokenizer;

/// The written text and its tokens.
pub(crate) struct WrittenTokens<'a> {
    /// The text.
    pub text: &'a str,
    /// The length of the text up to the end of each token after the prompt.
    pub ends: &'a [usize],
    /// The number of tokens of the prompt.
    pub prompt: usize,
}

/// The labels as continuations of a common context.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Continuations {
    /// The number of leading tokens of the sequence that form the context: at least one.
    pub context: usize,
    /// The tokens that spell the rest of each label: for the first response, the second, and a tie if there is one.
    pub tokens: Vec<Vec<u32>>,
}

/// Finds the last verdict of the answer, and cuts the sequence before the token with the first character in which the labels differ.
///
/// The labels are equal up to there, so their common part is left out of each: a common factor of their probabilities. `None` if the answer states no
/// verdict, or if a label cannot be spelled in tokens.
pub(crate) fn continuations(
    written: &WrittenTokens<'_>,
    labels: &Labels,
    budget: Option<&Budget>,
    tokenizer: &dyn Tokenizer,
) -> Option<Continuations> {
    let close = budget.map_or("", |budget| &budget.close);
    let answer = budget.map_or(0, |budget| budget.answer(written.text));
    let labels: Vec<&str> = [Some(&labels.first), Some(&labels.second), labels.tie.as_ref()]
        .into_iter()
        .flatten()
        .map(|label| label.strip_prefix(close).unwrap_or(label))
        .collect();
    let common = common_prefix(&labels);
    let stated = budget.map_or(&[][..], |budget| &budget.verdicts).iter().map(String::as_str);
    let differs = last_of(written.text, answer, labels.iter().copied().chain(stated).filter(|text| text.starts_with(common)))?
        + common.len();
    let first = first_token(written.ends, differs);
    let leading = written.text.get(end_before(written.ends, first)..differs)?;
    let spell = |label: &&str| {
        let rest = format!("{leading}{}", &label[common.len()..]);
        let tokens = tokenizer.encode_text(&rest).ok()?;
        let spelled: Vec<u8> = tokens.iter().flat_map(|token| tokenizer.bytes(*token)).collect();
        (!tokens.is_empty() && spelled == rest.as_bytes()).then_some(tokens)
    };
    let tokens = labels.iter().map(spell).collect::<Option<Vec<_>>>()?;
    Some(Continuations { context: written.prompt + first, tokens })
}

/// Returns the log-probability of `token` from its row of logits `(vocabulary,)`, at temperature 1.
pub(crate) fn logprob(logits: &[f32], token: u32) -> f64 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| (f64::from(*logit) - f64::from(top)).exp()).sum();
    f64::from(logits[token as usize]) - f64::from(top) - sum.ln()
}

/// Returns the longest common prefix of the texts.
fn common_prefix<'a>(texts: &[&'a str]) -> &'a str {
    let Some((first, others)) = texts.split_first() else { return "" };
    let alike = |(at, c): &(usize, char)| others.iter().all(|other| other[*at..].starts_with(*c));
    let end = first.char_indices().take_while(alike).map(|(at, c)| at + c.len_utf8()).last();
    &first[..end.unwrap_or(0)]
}

/// Returns the last position at or behind `answer` at which any of `texts` begins in `text`.
fn last_of<'a>(text: &str, answer: usize, texts: impl Iterator<Item = &'a str>) -> Option<usize> {
    texts.filter_map(|each| text[answer..].rfind(each)).max().map(|at| answer + at)
}

/// Returns the index of the token in which the character at `at` begins. A token that ends inside a character counts with the token that completes
/// it.
fn first_token(ends: &[usize], at: usize) -> usize {
    let holder = ends.partition_point(|end| *end <= at);
    match end_before(ends, holder) {
        0 => 0,
        before => ends.partition_point(|end| *end < before) + 1,
    }
}

fn end_before(ends: &[usize], token: usize) -> usize {
    token.checked_sub(1).map_or(0, |before| ends[before])
}
