//! An answer and the text behind it -> "yes" or "no" with a doubt, or another answer in the next line.

use super::{
    AnswerCandidate,
    doubt::retracted,
    phrase::last_number,
    statement::{plain_words, reads},
};
use crate::parse::shortened;

/// Reads "No, the series diverges." as its first word. The answer has a doubt if the rest contradicts it.
pub fn yes_or_no(text: &str) -> Option<AnswerCandidate> {
    const OTHERWISE: &str = "yes no true false but however although though unless wrong incorrect wait actually if only except or maybe perhaps doubt \
                             sure again always necessarily entirely quite exactly sometimes usually mostly partly probably might could depends until \
                             think guess hmm provided providing given when whenever while long some most many few general generally typically exception \
                             exceptions excluding assuming supposing barring almost rarely hardly seldom often thought hold case cases for with without apart \
                             besides later";
    let first = text.split([',', '.', ';', ':']).next()?.split(" -").next()?;
    let yes = match first.trim_matches('*').to_lowercase().as_str() {
        "yes" | "true" => true,
        "no" | "false" => false,
        _ => return None,
    };
    let otherwise = |word: &String| {
        let denied = matches!(word.as_str(), "not" | "never" | "cannot") || word.ends_with("n't");
        OTHERWISE.split_whitespace().any(|one| one == word) || yes && denied
    };
    let rest = &text[first.len()..];
    let open = rest.starts_with("..") || rest.starts_with('…');
    let doubt = (open || plain_words(rest).iter().any(otherwise)).then(|| shortened(text)).or_else(|| retracted(rest));
    Some(AnswerCandidate { doubt, ..AnswerCandidate::plain(first.trim_matches('*')) })
}

/// Returns the next line behind an answer if it states another one: "The answer is" `x = 2`, then `x = 3`; or "Hence we get 13."
pub fn goes_on(answer: &str, rest: &str) -> Option<String> {
    let signs = |c: char| c.is_whitespace() || matches!(c, '.' | ',' | ';' | '*' | '$' | '-' | '•' | '`');
    let next = rest.trim_start_matches(signs).lines().next()?.trim_end_matches(signs);
    let (joint, told) = match next.split_once(' ').unwrap_or((next, "")) {
        ("or" | "and", told) => (true, told),
        _ => (false, next),
    };
    // "(b) 3"
    let told = told
        .strip_prefix('(')
        .and_then(|part| part.split_once(") "))
        .filter(|(part, _)| part.len() < 4)
        .map_or(told, |(_, told)| told);
    let told = told.trim_matches(signs);
    let same = |told: &str| told == answer.trim_matches(signs);
    let concludes = ["Hence", "Thus", "Therefore", "So "].iter().any(|word| next.starts_with(word));
    let number = last_number(next).map(|(number, _)| same(number.text.trim()));
    if number == Some(true) {
        // "So the answer is 42 (forty-two)."
        return None;
    }
    let other = (joint && told.is_empty()) || (!told.is_empty() && !same(told) && reads(told));
    (other || concludes && answer.contains(|c: char| c.is_ascii_digit()) && number.is_some()).then(|| shortened(next))
}
