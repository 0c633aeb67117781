//! Complaints of servers about length, and other errors.

use super::*;

fn complaint_of(status: u16, text: &str) -> Option<LengthComplaint> {
    let plain = complaint(status, text, text);
    let body = serde_json::json!({"error": {"message": text, "code": status}}).to_string();
    assert_eq!(complaint(status, &body, text), plain, "as JSON: {text}");
    plain
}

#[test]
fn numbers_are_read_right() {
    let cases = [
        // vLLM
        (
            400,
            "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (1000 in the messages, 4000 in the completion).",
            5000,
            4096,
        ),
        (
            400,
            "This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens. Please reduce the length of the input messages.",
            5000,
            4096,
        ),
        (
            400,
            "'max_tokens' is too large: 4000. This model's maximum context length is 4096 tokens and your request has 200 input tokens (4000 > 4096 - 200).",
            4200,
            4096,
        ),
        (
            400,
            "You passed 3500 input tokens and requested 1000 output tokens. However, the model's context length is only 4096 tokens, resulting in a maximum input length of 3096 tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=3500)",
            4500,
            4096,
        ),
        (
            400,
            "You passed 2500 input tokens and requested 2500 output tokens. However, the model's context length is only 4096 tokens, resulting in a maximum input length of 1596 tokens.",
            5000,
            4096,
        ),
        (
            400,
            "The decoder prompt (length 5000) is longer than the maximum model length of 4096. Make sure that `max_model_len` is no smaller.",
            5000,
            4096,
        ),
        (500, "The engine prompt length 5000 exceeds the max_model_len 4096. Please reduce prompt.", 5000, 4096),
        // SGLang
        (400, "The input (5000 tokens) is longer than the model's context length (4096 tokens).", 5000, 4096),
        (
            400,
            "Input length (1300 tokens) exceeds the maximum allowed length (1024 tokens). Use a shorter input or enable --allow-auto-truncate.",
            1300,
            1024,
        ),
        (
            400,
            "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 9000 tokens: 1000 tokens from the input messages and 8000 tokens for the completion.",
            9000,
            4096,
        ),
        // TGI
        (422, "Input validation error: `inputs` must have less than 1024 tokens. Given: 1300", 1300, 1024),
        (
            422,
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 3000 `inputs` tokens and 2000 `max_new_tokens`",
            5000,
            4096,
        ),
        // llama.cpp
        (400, "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it", 5000, 4096),
        // Hosted services
        (
            400,
            "This model's maximum context length is 128,000 tokens. However, your messages resulted in 140,000 tokens.",
            140_000,
            128_000,
        ),
        (
            400,
            "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens. Please reduce the length of the messages.",
            300_000,
            272_000,
        ),
        (400, "prompt is too long: 210000 tokens > 200000 maximum", 210_000, 200_000),
        (
            400,
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length or `max_tokens` and try again",
            210_000,
            200_000,
        ),
        (400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", 1_200_000, 1_048_576),
        (
            400,
            "Unable to submit request because the input token count is 40000 but model only supports up to 32768.",
            40_000,
            32_768,
        ),
        (
            400,
            "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            40_000,
            32_768,
        ),
        (
            400,
            "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000. Try using a shorter prompt.",
            5000,
            4081,
        ),
        (400, "The prompt is too long: 140000, model maximum context length: 131071", 140_000, 131_071),
        (400, "This model's maximum prompt length is 131072 but the request contains 140000 tokens.", 140_000, 131_072),
        (400, "Invalid request: Your request exceeded model token limit: 8192 (requested: 9000)", 9000, 8192),
        (400, "Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192", 9000, 8192),
        (
            429,
            "Request too large for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Requested 45000.",
            45_000,
            30_000,
        ),
        (
            400,
            "This endpoint's maximum context length is 32768 tokens. However, you requested about 40000 tokens (39000 of text input, 1000 in the output).",
            40_000,
            32_768,
        ),
        (400, "Prompt length 5000 is greater than max_seq_len 4096", 5000, 4096),
    ];
    for (status, text, tokens, limit) in cases {
        assert_eq!(complaint_of(status, text), Some(LengthComplaint::Numbers { tokens, limit }), "{text}");
    }
    let llama =
        r#"{"error":{"code":400,"message":"the request exceeds the available context size","n_prompt_tokens":900,"n_ctx":512}}"#;
    assert_eq!(complaint(400, llama, "the request exceeds"), Some(LengthComplaint::Numbers { tokens: 900, limit: 512 }));
}

#[test]
fn words_without_numbers_that_can_be_told_apart_are_enough() {
    let cases = [
        (400, "max_tokens must be at least 1, got -512."),
        (400, "the request exceeds the available context size, try increasing it"),
        (500, "Context size has been exceeded."),
        (400, "context length exceeded"),
        (400, "input length exceeds maximum context length"),
        (400, "prompt too long; exceeded max context length by 1234 tokens"),
        (400, "Your input exceeds the context window of this model. Please adjust your input and try again."),
        (
            400,
            "Invalid 'messages[0].content': string too long. Expected a string with maximum length 1048576, but got a string with length over that.",
        ),
        (400, "too many tokens: size limit exceeded by 1234 tokens. Try using shorter or fewer inputs."),
        (400, "Range of input length should be [1, 30720]"),
        (400, "Prompt exceeds max length"),
        (400, "invalid params, context window exceeds limit"),
        (400, "Input is too long for requested model."),
        (400, "litellm.ContextWindowExceededError: too much"),
        (400, "Please reduce the length of the messages or completion."),
        (413, "<html><head><title>413 Request Entity Too Large</title></head></html>"),
        (400, "Prompt 超长"),
        (400, "This model's maximum context length is 4096 tokens: 1000 and 1200 and 1300 and 1400 are too many."),
    ];
    for (status, text) in cases {
        assert_eq!(complaint_of(status, text), Some(LengthComplaint::Words), "{text}");
    }
}

#[test]
fn other_errors_are_not_about_length() {
    let cases = [
        (400, "temperature must be at most 2"),
        (400, "max_tokens is too large: 20000. This model supports at most 16384 completion tokens, whereas you provided 20000."),
        (400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."),
        (
            400,
            "Could not finish the message because max_tokens or model output limit was reached. Please try again with higher max_tokens.",
        ),
        (400, "Invalid value at 'generation_config.seed' (TYPE_INT32), 4679723299461809"),
        (429, "Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Used 29000, Requested 1500."),
        (401, "context length exceeded"),
        (404, "model 'long-context-length' not found, maximum"),
        (500, "CUDA out of memory. Tried to allocate more than 2 GiB"),
        (503, "too many requests, token bucket is empty"),
        (400, "Conversation roles must alternate user/assistant"),
        (422, "Input should be less than or equal to 4294967295"),
    ];
    for (status, text) in cases {
        assert_eq!(complaint_of(status, text), None, "{text}");
    }
}

#[test]
fn numbers_of_names_are_none() {
    let values = |text| all_numbers(text).into_iter().map(|number| number.value).collect::<Vec<_>>();
    assert_eq!(values("gpt-4 v1 128k -512 4,096 [1,30720] 4096.5 4096. max_2 7"), [4096, 1, 30720, 4096, 7]);
    assert_eq!(values("99999999999999999999999"), [0; 0]);
}
