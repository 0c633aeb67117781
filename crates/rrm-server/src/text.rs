//! Text from a trainer -> the response to judge, without its prompt.

use rrm::transcript::bare;

use crate::{error::ApiError, roundtrip};

/// Returns the response in `query` behind `prompt`, see `roundtrip`.
///
/// # Errors
/// [`ApiError::Invalid`] if the end of the prompt is not certain, because a wrong guess would judge something else.
pub fn behind<'a>(query: &'a str, prompt: &str) -> Result<&'a str, ApiError> {
    match roundtrip::end(query, prompt) {
        Some(at) => Ok(&query[at..]),
        None => Err(ApiError::Invalid(roundtrip::parting(query, prompt))),
    }
}

/// Returns the part of a response that is judged; see [`bare`].
pub fn answer(response: &str) -> String {
    bare(response).text.into_owned()
}

#[cfg(test)]
mod tests {
    use rrm::transcript::NO_ANSWER;

    use super::*;

    #[test]
    fn a_response_is_what_stands_behind_its_prompt() {
        let judged = behind("<|user|>Hi<|assistant|>Yes.<|im_end|>\n<pad><pad>", "<|user|>Hi<|assistant|>").map(answer);
        assert_eq!(judged.as_deref(), Ok("Yes."));
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
