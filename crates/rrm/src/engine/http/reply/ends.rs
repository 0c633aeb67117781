//! The finish reason of a text -> whether the model ended it, the limit cut it, or it is no answer.

/// The meaning of a finish reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FinishMeaning {
    /// The model ended its turn, or a stop string did.
    Stop,
    /// The token limit, or the end of the context.
    Limit,
    /// The service withholds the text; another try would end the same way.
    Withheld,
    /// Anything else: the text is incomplete, or its end is not known.
    Other,
}

/// Returns the meaning of a finish reason. Only known ends count as such: half an answer may state the opposite of the whole.
pub(super) fn meaning(reason: &str) -> FinishMeaning {
    match reason.trim().to_ascii_lowercase().as_str() {
        "stop" | "eos" | "eos_token" | "end_turn" | "end_of_turn" | "stop_sequence" | "stop_string" | "stop_token"
        | "end_of_text" | "endoftext" | "complete" | "completed" => FinishMeaning::Stop,
        "length"
        | "max_tokens"
        | "max_token"
        | "max_new_tokens"
        | "max_output_tokens"
        | "max_completion_tokens"
        | "max_length"
        | "model_length"
        | "token_limit"
        | "model_context_window_exceeded" => FinishMeaning::Limit,
        "content_filter"
        | "content_filtered"
        | "safety"
        | "recitation"
        | "prohibited_content"
        | "blocklist"
        | "spii"
        | "sensitive"
        | "guardrail_intervened"
        | "error_toxic"
        | "refusal" => FinishMeaning::Withheld,
        _ => FinishMeaning::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_ends_are_ends() {
        for reason in ["stop", "STOP", "eos_token", "end_turn", "COMPLETE", " stop "] {
            assert_eq!(meaning(reason), FinishMeaning::Stop, "{reason}");
        }
        for reason in ["length", "MAX_TOKENS", "max_output_tokens", "model_context_window_exceeded"] {
            assert_eq!(meaning(reason), FinishMeaning::Limit, "{reason}");
        }
        let others = [
            "insufficient_system_resource",
            "tool_calls",
            "function_call",
            "tool_use",
            "error",
            "abort",
            "cancelled",
            "timeout",
            "network_error",
            "pause_turn",
            "unknown",
            "",
            "stopped?",
            "FINISH_REASON_UNSPECIFIED",
        ];
        for reason in others {
            assert_eq!(meaning(reason), FinishMeaning::Other, "{reason}");
        }
        assert_eq!(meaning("content_filter"), FinishMeaning::Withheld);
    }
}
