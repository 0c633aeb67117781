//! A reply to a begun text -> the new text, also if the server repeats the begun text or moves parts of it.

use crate::engine::http::reply::ServerReply;

/// Returns the reply with everything in its text, because a parser for thinking may mistake the text after the thinking for more of it.
pub(crate) fn joined(mut reply: ServerReply) -> ServerReply {
    if let Some(moved) = reply.reasoning.take() {
        reply.text.insert_str(0, &moved);
    }
    reply
}

/// Returns the reply without the begun text at its beginning: all of `message`, or only `answer` if the thinking before it was moved or left out.
/// `None` if the reply begins with neither.
pub(crate) fn cut_off(mut reply: ServerReply, message: &str, answer: &str) -> Option<ServerReply> {
    let text = reply.text.trim_start();
    let rest = [message, answer]
        .into_iter()
        .find_map(|head| text.strip_prefix(head.trim_start()).filter(|_| !head.trim().is_empty()))?;
    let rest = rest.to_owned();
    // The moved part must be thinking of the beginning; anything else would be new text before old text.
    if let Some(moved) = reply.reasoning.take()
        && !message.contains(moved.trim())
    {
        return None;
    }
    reply.text = rest;
    Some(reply)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Finish, Usage, http::reply::StoppedBy};

    fn reply(reasoning: Option<&str>, text: &str) -> ServerReply {
        ServerReply {
            text: text.to_owned(),
            reasoning: reasoning.map(str::to_owned),
            finish: Finish::Stop,
            stopped_by: StoppedBy::Unsaid,
            usage: Usage::default(),
            counted: (true, true),
            cached_prompt_tokens: 0,
            logprobs: false,
            reasoned: true,
        }
    }

    #[test]
    fn what_was_begun_is_cut_off_with_and_without_its_thinking() {
        let (message, answer) = ("<think>\nLet me.\n</think>\n\n1 2 3 1", "1 2 3 1");
        let cut = |reasoning, text| cut_off(reply(reasoning, text), message, answer).map(|reply| reply.text);
        assert_eq!(cut(None, "<think>\nLet me.\n</think>\n\n1 2 3 10 11"), Some("0 11".to_owned()));
        assert_eq!(cut(Some("Let me."), "1 2 3 10 11"), Some("0 11".to_owned()), "behind a gateway");
        assert_eq!(cut(None, "\n1 2 3 10 11"), Some("0 11".to_owned()), "thinking left out");
        assert_eq!(cut(Some("Let me."), "1 2 3 1"), Some(String::new()));
        for (reasoning, text) in [(None, "0 11"), (Some("Quite another thought"), "1 2 3 10"), (None, ""), (None, "1 2")] {
            assert_eq!(cut(reasoning, text), None, "{text}");
        }
        assert_eq!(joined(reply(Some("0"), " 11")).text, "0 11");
    }
}
