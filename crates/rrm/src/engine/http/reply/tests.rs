//! Replies of different servers.

use serde_json::json;

use super::*;

const READING: ReplyRules = ReplyRules { max_tokens: 8, unreasoned: true, empty: false };

fn read(reply: Value) -> Result<ServerReply, TryFailure> {
    parse(reply.to_string().as_bytes(), READING)
}

fn choice(choice: Value) -> ServerReply {
    read(json!({"choices": [choice]})).unwrap()
}

fn stopped(message: Value) -> ServerReply {
    choice(json!({"finish_reason": "stop", "message": message}))
}

#[test]
fn content_is_text_null_or_parts() {
    let reply = stopped(json!({"content": null, "reasoning_content": "why", "reasoning": ""}));
    assert_eq!((reply.text.as_str(), reply.reasoning.as_deref(), reply.finish), ("", Some("why"), Finish::Stop));
    let parts = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
    let reply = choice(json!({"finish_reason": "length", "message": {"content": parts}}));
    assert_eq!((reply.text.as_str(), reply.reasoning.as_deref(), reply.finish), ("ab", Some("hm"), Finish::Length));
    assert_eq!(stopped(json!({"content": "x", "reasoning": "r", "reasoning_content": "r"})).reasoning.as_deref(), Some("r"));
    assert_eq!(stopped(json!({"content": null, "refusal": "I can't."})).text, "I can't.", "what the model says is its text");
}

#[test]
fn who_stopped_it_is_kept_where_it_is_said() {
    let by = |extra: Value| choice(extra).stopped_by;
    let message = json!({"content": "x"});
    assert_eq!(by(json!({"message": message, "finish_reason": "stop"})), StoppedBy::Unsaid);
    assert_eq!(by(json!({"message": message, "finish_reason": "stop", "stop_reason": null})), StoppedBy::End);
    assert_eq!(by(json!({"message": message, "finish_reason": "stop", "stop_reason": "}"})), StoppedBy::Text("}".to_owned()));
    assert_eq!(by(json!({"message": message, "finish_reason": "stop", "matched_stop": 2})), StoppedBy::End);
}

#[test]
fn a_missing_reason_is_read_from_the_count_only_where_no_reason_is_ever_given() {
    let body = |tokens: u64, reason: Value| json!({"choices": [{"message": {"content": "x"}, "finish_reason": reason}], "usage": {"completion_tokens": tokens}});
    for reason in [json!(null), json!(""), json!("null")] {
        let finish = |tokens: u64| read(body(tokens, reason.clone())).unwrap().finish;
        assert_eq!((finish(8), finish(7)), (Finish::Length, Finish::Stop), "{reason}");
        let strict = parse(body(7, reason.clone()).to_string().as_bytes(), ReplyRules { unreasoned: false, ..READING });
        assert!(matches!(strict, Err(TryFailure::Unreadable(_))), "{reason}");
    }
}

#[test]
fn what_is_no_known_end_is_no_answer() {
    let ended = |reason: &str| {
        read(
            json!({"choices": [{"message": {"content": "\\boxed{Assistant 1}"}, "finish_reason": reason}], "usage": {"prompt_tokens": 5, "completion_tokens": 3}}),
        )
    };
    let usage = Usage { prompt_tokens: 5, completion_tokens: 3 };
    for reason in ["insufficient_system_resource", "tool_calls", "error", "abort", "network_error", "whatever"] {
        match ended(reason) {
            Err(failure @ TryFailure::NoAnswer { .. }) => {
                assert!(failure.may_pass() && format!("{failure:?}").contains(reason));
                assert_eq!(failure.cost(), failure::TryCost::Counted(usage), "what it cost is known");
            }
            other => panic!("{reason}: {other:?}"),
        }
    }
    for reason in ["content_filter", "SAFETY", "sensitive"] {
        let withheld = ended(reason).unwrap_err();
        assert!(matches!(withheld, TryFailure::Withheld { .. }) && !withheld.may_pass(), "{reason}");
    }
    for (reason, finish) in [("eos_token", Finish::Stop), ("end_turn", Finish::Stop), ("MAX_TOKENS", Finish::Length)] {
        assert_eq!(ended(reason).unwrap().finish, finish, "{reason}");
    }
}

#[test]
fn nothing_said_is_no_answer_but_nothing_said_before_the_limit_is_cut() {
    for message in [
        json!({"content": ""}),
        json!({"content": null, "reasoning_content": null}),
        json!({"content": " \n"}),
        json!({"content": []}),
        json!({}),
    ] {
        let body = |reason: &str| json!({"choices": [{"message": message, "finish_reason": reason}], "usage": {"completion_tokens": 900}});
        assert!(matches!(read(body("stop")), Err(TryFailure::NoAnswer { .. })), "{message}");
        assert_eq!(read(body("length")).unwrap().finish, Finish::Length, "{message}");
        let stop_string = parse(body("stop").to_string().as_bytes(), ReplyRules { empty: true, ..READING });
        assert_eq!(stop_string.unwrap().finish, Finish::Stop, "{message}");
    }
    let bare = |reason: &str| read(json!({"choices": [{"index": 0, "finish_reason": reason}], "usage": {"prompt_tokens": 9}}));
    let cut = bare("length").unwrap();
    assert_eq!((cut.text.as_str(), cut.finish), ("", Finish::Length));
    assert!(matches!(bare("stop"), Err(TryFailure::Unreadable(_))));
}

#[test]
fn odd_fields_beside_an_answer_do_not_hide_it() {
    let answer = json!({"message": {"content": "\\boxed{Assistant 2}"}, "finish_reason": "stop"});
    let beside = |name: &str, value: Value| {
        let mut reply = json!({"choices": [answer]});
        reply[name] = value;
        read(reply)
    };
    let usages = [
        (json!({"prompt_tokens": 100.0, "completion_tokens": "20"}), (100, 20), (true, true)),
        (json!({"prompt_tokens": -1, "completion_tokens": 20}), (0, 20), (false, true)),
        (json!({"prompt_tokens": 5}), (5, 0), (true, false)),
        (json!({"prompt_tokens": 5.5, "completion_tokens": {}, "prompt_tokens_details": "none"}), (0, 0), (false, false)),
        (json!([]), (0, 0), (false, false)),
        (json!("none"), (0, 0), (false, false)),
        (json!(7), (0, 0), (false, false)),
    ];
    for (usage, (prompt_tokens, completion_tokens), counted) in usages {
        let reply = beside("usage", usage.clone()).unwrap();
        assert_eq!((reply.text.as_str(), reply.counted), ("\\boxed{Assistant 2}", counted), "{usage}");
        assert_eq!(reply.usage, Usage { prompt_tokens, completion_tokens }, "{usage}");
    }
    for error in [json!(""), json!(false), json!(null), json!({}), json!([]), json!({"message": "", "code": null})] {
        assert_eq!(beside("error", error.clone()).unwrap().text, "\\boxed{Assistant 2}", "{error}");
    }
    for reasoning in [json!({"content": "hm", "effort": "high"}), json!(["hm"]), json!(7), json!({"effort": "high"}), json!(null)]
    {
        assert_eq!(stopped(json!({"content": "x", "reasoning": reasoning})).text, "x", "{reasoning}");
    }
    assert_eq!(stopped(json!({"content": "x", "reasoning": {"content": "hm"}})).reasoning.as_deref(), Some("hm"));
}

#[test]
fn broken_characters_and_numbers_do_not_hide_an_answer() {
    let bodies: [&[u8]; 4] = [
        br#"{"choices":[{"finish_reason":"stop","message":{"content":"<think>nice \ud83d</think>\\boxed{Assistant 1}"}}]}"#,
        b"{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":\"<think>nice \xf0\x9f</think>\\\\boxed{Assistant 1}\"}}]}",
        br#"{"metrics":{"itl":NaN},"choices":[{"logprobs":{"content":[{"logprob":-Infinity}]},"finish_reason":"stop","message":{"content":"\\boxed{Assistant 1}"}}]}"#,
        br#"{"usage":{"prompt_tokens":NaN},"choices":[{"finish_reason":"stop","message":{"content":"\\boxed{Assistant 1}"}}]}"#,
    ];
    for body in bodies {
        let reply = parse(body, READING).unwrap();
        assert!(reply.text.ends_with("\\boxed{Assistant 1}"), "{}", reply.text);
    }
}

#[test]
fn what_is_no_answer_is_refused() {
    let bad = [
        json!({}),
        json!({"choices": []}),
        json!({"choices": null}),
        json!({"choices": [{}]}),
        json!({"choices": [{"message": {}}]}),
        json!({"choices": [{"message": {"content": 7}, "finish_reason": "stop"}]}),
        json!({"choices": [{"message": {"content": {"verdict": 1}}, "finish_reason": "stop"}]}),
        json!({"choices": [{"message": "text", "finish_reason": "stop"}]}),
        json!({"choices": "x"}),
        json!([]),
    ];
    for reply in bad {
        assert!(matches!(read(reply.clone()), Err(TryFailure::Unreadable(_))), "{reply}");
    }
    let error = read(json!({"error": {"message": "busy", "code": 503}, "choices": []}));
    assert!(matches!(error, Err(TryFailure::Status { status: 503, .. })));
    let inside = json!({"choices": [{"finish_reason": "stop", "error": {"code": 502, "message": "Upstream error"}, "message": {"content": "half"}}]});
    assert!(matches!(read(inside), Err(TryFailure::Status { status: 502, .. })));
}
