//! What a trainer sends -> the bare response that is judged.

use crate::{error::ApiError, roundtrip};

/// Stands for a response whose thinking never ended, so that it says nothing. Upstream's training code shows the judge the same words.
pub const NO_ANSWER: &str = "[NO ANSWER]";

/// Tokens that may stand behind a response, as often as padding goes.
const ENDS: [&str; 9] = [
    "<|im_end|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|end▁of▁sentence|>",
    "<｜end▁of▁sentence｜>",
    "<eos>",
    "<pad>",
    "</s>",
];

/// The response behind its prompt: what is left of `query` once `prompt` is cut off its front, see `roundtrip`.
///
/// # Errors
/// [`ApiError::Invalid`] where it cannot be known where the prompt ends: guessing where a response begins would judge something else.
pub fn behind<'a>(query: &'a str, prompt: &str) -> Result<&'a str, ApiError> {
    match roundtrip::end(query, prompt) {
        Some(at) => Ok(without_ends(&query[at..])),
        None => Err(ApiError::Invalid(roundtrip::parting(query, prompt))),
    }
}

/// Without end and padding tokens, and the space around them, at the end.
fn without_ends(mut text: &str) -> &str {
    loop {
        let trimmed = text.trim_end();
        match ENDS.iter().find_map(|end| trimmed.strip_suffix(end)) {
            Some(shorter) => text = shorter,
            None => return text,
        }
    }
}

/// What follows the policy's thinking; [`NO_ANSWER`] where thinking was opened and never closed, or nothing follows it.
pub fn answer(response: &str) -> &str {
    let answer = match response.rsplit_once("</think>") {
        Some((_, after)) => after.trim_start(),
        None if response.contains("<think>") => "",
        None => return response,
    };
    if answer.trim().is_empty() { NO_ANSWER } else { answer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_what_stands_behind_its_prompt() {
        assert_eq!(behind("<|user|>Hi<|assistant|>Yes.<|im_end|>\n<pad><pad>", "<|user|>Hi<|assistant|>"), Ok("Yes."));
        assert_eq!(behind("Hi there", "Hi"), Ok(" there"));
        assert!(matches!(behind("hi there", "Hi"), Err(ApiError::Invalid(_))));
    }

    #[test]
    fn thinking_is_taken_away_and_what_never_answers_says_so() {
        assert_eq!(answer("<think>a</think>b</think>\n\nThe answer"), "The answer");
        assert_eq!(answer("no thinking"), "no thinking");
        assert_eq!(answer("<think>cut off"), NO_ANSWER);
        assert_eq!(answer("<think>a</think>  "), NO_ANSWER);
        assert_eq!(answer(""), "", "an empty response was never thinking");
    }
}
