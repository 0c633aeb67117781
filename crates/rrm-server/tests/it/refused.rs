//! A member that was refused tells its group at once, and why; judging has a deadline of its own. Deadlines of gathering are long here: who
//! waits for one fails by the client's patience.

use std::time::Duration;

use futures::future::join_all;
use rrm_server::settings::{OnPartial, OpenRlhfKey, ServerSettings};
use serde_json::{Value, json};

use crate::served::{Served, answered, groups_of, serve};

fn member(group: &str, name: &str, response: &str) -> Value {
    json!({"group": group, "member": name, "prompt": "P", "response": response})
}

fn code(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap_or_default()
}

fn message(body: &Value) -> &str {
    body["error"]["message"].as_str().unwrap_or_default()
}

/// Groups that wait for an hour.
fn patient(size: usize) -> ServerSettings {
    ServerSettings { deadline: Duration::from_secs(3600), max_response_bytes: 1000, max_body_bytes: 5000, ..groups_of(size) }
}

/// A body as it is, JSON or not.
async fn raw(served: &Served, route: &str, body: String) -> (u16, Value) {
    answered(served.post(route, &Value::Null).body(body)).await
}

/// Bodies that are refused, of member `d`, with the code of the refusal.
fn bad_bodies(group: &str) -> Vec<(&'static str, String, &'static str)> {
    let with = |key: &str, value: Value| {
        let mut body = member(group, "d", "dddd");
        body[key] = value;
        body.to_string()
    };
    let head = format!(r#"{{"group": "{group}", "member": "d", "prompt": "P", "#);
    vec![
        ("too long a response", with("response", "x".repeat(1001).into()), "long_response"),
        ("too large a body", format!("{head}\"response\": \"{}\"}}", "x".repeat(6000)), "huge_body"),
        ("half a surrogate", format!("{head}\"response\": \"smile \\ud83d\"}}"), "invalid"),
        ("cut JSON", format!("{head}\"response\": \"half of"), "invalid"),
        ("no JSON behind the key", format!("{head}response: x}}"), "invalid"),
        ("a number", with("response", json!(7)), "invalid"),
        ("null", with("response", Value::Null), "invalid"),
        ("no messages", with("response", json!([])), "invalid"),
        ("nobody of the assistant", with("response", json!([{"role": "user", "content": "x"}])), "invalid"),
        (
            "an image",
            with("response", json!([{"role": "assistant", "content": [{"type": "image_url", "image_url": "u"}]}])),
            "invalid",
        ),
        ("a role that is not known", with("response", json!([{"role": "narrator", "content": "x"}])), "invalid"),
        ("an empty prompt", with("prompt", " ".into()), "invalid"),
        ("a key that is not known", with("respones", "x".into()), "invalid"),
        ("a bad deadline", with("deadline_seconds", json!(-1)), "invalid"),
        ("a bad size", with("size", json!(1)), "invalid"),
        ("a scale that is not known", with("scale", "best".into()), "invalid"),
        ("two names", with("idempotency_key", "k".into()), "invalid"),
    ]
}

#[tokio::test]
async fn a_refused_member_tells_those_who_wait_and_those_who_come() {
    let served = serve("longer", patient(4)).await;
    for (i, (what, ..)) in bad_bodies("").into_iter().enumerate() {
        for early in [true, false] {
            let group = format!("g{i}{early}");
            let (_, body, refusal) = bad_bodies(&group).swap_remove(i);
            let good = ["a", "b", "c"].map(|name| member(&group, name, name));
            let waiting = if early { 0 } else { 2 };
            let waits = good[..waiting].iter().map(|body| tokio::spawn(answered(served.post("/v1/groups", body))));
            let waits: Vec<_> = waits.collect();
            served.until_members(waiting).await;
            let (status, told) = raw(&served, "/v1/groups", body).await;
            assert_eq!((status / 100, code(&told)), (4, refusal), "{what}: {told}");
            let mut others: Vec<(u16, Value)> = join_all(waits).await.into_iter().map(Result::unwrap).collect();
            for body in &good[waiting..] {
                others.push(served.ask("/v1/groups", body).await);
            }
            for (status, other) in others {
                assert_eq!((status, code(&other)), (424, "refused"), "{what}: {other}");
                assert!(message(&other).contains("member d") && message(&other).contains(message(&told)), "{what}: {other}");
            }
            // Everybody has heard: the group begins anew.
            let again = [&good[..], &[member(&group, "d", "dddd")]].concat();
            let again = join_all(again.iter().map(|body| served.ask("/v1/groups", body))).await;
            assert!(again.iter().all(|(status, _)| *status == 200), "{what}: {again:?}");
        }
    }
    assert_eq!(served.counter("groups_incomplete_total").await, 0.0);
}

#[tokio::test]
async fn a_refused_member_may_come_again_with_something_better() {
    let served = serve("longer", patient(2)).await;
    let (status, _) = served.ask("/v1/groups", &member("g", "a", &"x".repeat(1001))).await;
    assert_eq!(status, 413);
    let (better, other) = (member("g", "a", "x"), member("g", "b", "yy"));
    let first = tokio::spawn(answered(served.post("/v1/groups", &better)));
    served.until_members(1).await;
    let (status, told) = served.ask("/v1/groups", &other).await;
    assert_eq!((status, &told["reward"], first.await.unwrap().0), (200, &json!(0.5), 200));
    // A member that stands there already is not made absent by a bad copy of itself.
    let waiting = tokio::spawn(answered(served.post("/v1/groups", &member("h", "a", "x"))));
    served.until_members(1).await;
    assert_eq!(served.ask("/v1/groups", &member("h", "a", &"x".repeat(1001))).await.0, 413);
    assert_eq!(served.ask("/v1/groups", &member("h", "b", "yy")).await.0, 200);
    assert_eq!(waiting.await.unwrap().0, 200);
    // Nor is a group that was judged undone.
    assert_eq!(served.ask("/v1/groups", &member("h", "c", &"x".repeat(1001))).await.0, 413);
    assert_eq!(served.ask("/v1/groups", &member("h", "a", "x")).await.0, 200);
}

#[tokio::test]
async fn where_groups_are_judged_without_some_a_refused_member_is_one_of_these() {
    for refused_first in [true, false] {
        let served = serve("longer", ServerSettings { on_partial: OnPartial::Judge, ..patient(3) }).await;
        let long = member("g", "c", &"x".repeat(1001));
        if refused_first {
            assert_eq!(served.ask("/v1/groups", &long).await.0, 413);
        }
        let (a, b) = (member("g", "a", "x"), member("g", "b", "yy"));
        let waits = [a, b].map(|body| tokio::spawn(answered(served.post("/v1/groups", &body))));
        if !refused_first {
            served.until_members(2).await;
            assert_eq!(served.ask("/v1/groups", &long).await.0, 413);
        }
        let told = join_all(waits).await.into_iter().map(|told| told.unwrap().1);
        let told: Vec<Value> = told.map(|body| json!([body["reward"], body["present"], body["partial"]])).collect();
        assert_eq!(told, [json!([-0.5, 2, true]), json!([0.5, 2, true])]);
        // With one text there is nothing to compare, and the reason is told.
        let (status, alone) = served.ask("/v1/groups", &json!({"group": "h", "size": 2, "member": "c", "prompt": "P"})).await;
        assert_eq!((status, code(&alone)), (422, "invalid"));
        let (status, alone) =
            served.ask("/v1/groups", &json!({"group": "h", "size": 2, "member": "a", "prompt": "P", "response": "x"})).await;
        assert_eq!((status, code(&alone)), (424, "incomplete"));
        assert!(message(&alone).contains("member c was refused (422 invalid"), "{alone}");
    }
}

#[tokio::test]
async fn samples_of_openrlhf_that_are_refused_tell_their_groups() {
    for key in [OpenRlhfKey::Prompt, OpenRlhfKey::Label] {
        let served = serve("longer", ServerSettings { openrlhf_key: key, ..patient(2) }).await;
        let sample = |query: &str, label: &str| json!({"query": [query], "prompts": ["P"], "labels": [label]});
        let bad = [
            sample(&format!("P{}", "x".repeat(1001)), "0").to_string(),
            sample("Q another prompt", "1").to_string(),
            r#"{"prompts": ["P"], "labels": ["2"], "query": ["P\ud83d"]}"#.to_owned(),
            r#"{"query": ["P\ud83d"], "prompts": ["P"], "labels": ["3"]}"#.to_owned(),
        ];
        for (i, bad) in bad.into_iter().enumerate() {
            let good = sample("Pa", &i.to_string());
            let waiting = tokio::spawn(answered(served.post("/get_reward", &good)));
            served.until_members(1).await;
            let (status, told) = raw(&served, "/get_reward", bad).await;
            assert_eq!(status / 100, 4, "{told}");
            let (status, waited) = waiting.await.unwrap();
            assert_eq!((status, code(&waited)), (424, "refused"), "{i}: {waited}");
        }
    }
}

#[tokio::test]
async fn the_tries_of_one_refused_member_are_one_member() {
    let served = serve("longer", ServerSettings { on_partial: OnPartial::Judge, ..patient(4) }).await;
    let sample = |text: &str| json!({"query": [format!("P{text}")], "prompts": ["P"], "labels": [null]});
    let waits = ["a", "aa"].map(|text| tokio::spawn(answered(served.post("/get_reward", &sample(text)))));
    served.until_members(2).await;
    for _ in 0..5 {
        assert_eq!(served.ask("/get_reward", &sample(&"x".repeat(1001))).await.0, 413);
    }
    let (status, told) = served.ask("/get_reward", &sample("aaa")).await;
    assert_eq!((status, &told["extra_logs"]["rrm_present"]), (200, &json!([3.0])), "the third was waited for");
    assert!(join_all(waits).await.into_iter().all(|told| told.unwrap().0 == 200));
}

#[tokio::test]
async fn whoever_may_not_come_in_refuses_nobody() {
    use rrm_server::settings::ApiKey;
    let key = ApiKey { name: "one".into(), token: "one-token".into(), max_waiting: None, per_minute: None };
    let served = serve("longer", ServerSettings { keys: vec![key], ..patient(2) }).await;
    let waiting = tokio::spawn(answered(served.post("/v1/groups", &member("g", "a", "x")).bearer_auth("one-token")));
    served.until_members(1).await;
    let (status, _) = served.ask("/v1/groups", &member("g", "b", &"x".repeat(1001))).await;
    assert_eq!(status, 401);
    let (status, _) = answered(served.post("/v1/groups", &member("g", "b", "yy")).bearer_auth("one-token")).await;
    assert_eq!((status, waiting.await.unwrap().0), (200, 200));
}

#[tokio::test]
async fn who_contradicts_a_group_is_named_at_its_deadline() {
    let served = serve("longer", ServerSettings { deadline: Duration::from_millis(300), ..groups_of(2) }).await;
    let waiting = tokio::spawn(answered(served.post("/v1/groups", &member("g", "a", "x"))));
    served.until_members(1).await;
    let other = json!({"group": "g", "member": "b", "prompt": "Q", "response": "yy"});
    assert_eq!(served.ask("/v1/groups", &other).await.0, 409);
    let (status, told) = waiting.await.unwrap();
    assert_eq!((status, code(&told)), (424, "incomplete"));
    assert!(message(&told).contains("member b was refused") && message(&told).contains("another prompt"), "{told}");
}

#[tokio::test]
async fn requests_with_keys_of_their_own_take_their_places_again_and_fill_several_groups() {
    let served = serve("longer", patient(2)).await;
    let body = |key: &str, text: &str| json!({"group": "g", "idempotency_key": key, "prompt": "P", "response": text});
    // Twins with one text, and a prompt that comes twice: two groups of two.
    let four = [("1", "x"), ("2", "x"), ("3", "x"), ("4", "yy")].map(|(key, text)| body(key, text));
    let told = join_all(four.iter().map(|body| served.ask("/v1/groups", body))).await;
    assert!(told.iter().all(|(status, told)| *status == 200 && told["reused"] == json!(false)), "{told:?}");
    assert_eq!(served.counter("groups_complete_total").await, 2.0);
    // An answer that was lost on its way is asked for again: the same, and nobody waits.
    let calls = served.counter("calls_total").await;
    for (body, (_, before)) in four.iter().zip(&told) {
        let (status, again) = served.ask("/v1/groups", body).await;
        assert_eq!((status, &again["reward"], &again["reused"]), (200, &before["reward"], &json!(true)));
    }
    assert_eq!(served.counter("calls_total").await, calls);
    let (status, told) = served.ask("/v1/groups", &body("1", "another text")).await;
    assert_eq!((status, code(&told)), (409, "conflict"));
    // While it waits, too.
    let lost = tokio::spawn(answered(served.post("/v1/groups", &body("5", "x"))));
    served.until_members(1).await;
    lost.abort();
    let again = tokio::spawn(answered(served.post("/v1/groups", &body("5", "x"))));
    while served.server.groups.waiting() != 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(served.server.groups.open(), (1, 1));
    let (status, _) = served.ask("/v1/groups", &body("6", "yy")).await;
    assert_eq!((status, again.await.unwrap().0), (200, 200));
    // One way for all members of a group.
    let waiting = tokio::spawn(answered(served.post("/v1/groups", &body("7", "x"))));
    served.until_members(1).await;
    assert_eq!(served.ask("/v1/groups", &member("g", "a", "yy")).await.0, 409);
    waiting.abort();
}

#[tokio::test]
async fn judging_that_takes_too_long_is_given_up_and_told() {
    let settings = ServerSettings { judging_deadline: Duration::from_millis(200), ..patient(2) };
    let served = serve("longer", settings).await;
    let (a, b) = (member("g", "a", "an engine that never answers"), member("g", "b", "y"));
    let (a, b) = tokio::join!(served.ask("/v1/groups", &a), served.ask("/v1/groups", &b));
    for (status, body) in [a, b] {
        assert_eq!((status, code(&body)), (504, "slow_judge"), "{body}");
    }
    assert_eq!((served.counter("groups_failed_total").await, served.server.judge.places.busy()), (1.0, 0));
    // It was forgotten: the same key is judged anew.
    let (a, b) = (member("g", "a", "x"), member("g", "b", "yy"));
    let (a, b) = tokio::join!(served.ask("/v1/groups", &a), served.ask("/v1/groups", &b));
    assert_eq!((a.0, b.0), (200, 200), "{a:?}");
}

#[tokio::test]
async fn messages_are_read_as_in_files() {
    let served = serve("longer", patient(2)).await;
    let said = |text: &str| json!({"role": "assistant", "content": text});
    let prompts = [
        json!("P"),
        json!([{"role": "user", "content": "P"}]),
        json!([{"role": "user", "content": [{"type": "text", "text": "P"}]}]),
        json!([{"role": "developer", "content": null}, {"role": "user", "content": "P"}]),
        json!([{"role": "user", "content": "P"}, {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f"}}]},
            {"role": "tool", "content": "42"}]),
    ];
    // Each is two bytes long, of which the judge is shown the last message of the assistant.
    let responses = [
        json!("xx"),
        json!([said("xx")]),
        json!([{"role": "assistant", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "x"}]}]),
        json!([said("a longer one"), {"role": "tool", "content": "a longer result"}, said("xx")]),
        json!([said("xx"), {"role": "tool", "content": "a result that came last"}]),
        json!([{"type": "text", "text": "xx"}]),
    ];
    for (i, (prompt, response)) in
        prompts.iter().flat_map(|prompt| responses.iter().map(move |response| (prompt, response))).enumerate()
    {
        for (other, expected) in [("y", 0.5), ("yyy", -0.5)] {
            let body = |name: &str, response: Value| json!({"group": format!("{i}{other}"), "member": name, "prompt": prompt, "response": response});
            let (a, b) = (body("a", response.clone()), body("b", other.into()));
            let ((status, a), _) = tokio::join!(served.ask("/v1/groups", &a), served.ask("/v1/groups", &b));
            assert_eq!((status, &a["reward"]), (200, &json!(expected)), "{prompt} {response} {a}");
            let row = json!({"prompt": prompt, "responses": [response, other]});
            let (status, row) = served.ask("/v1/judge", &row).await;
            assert_eq!((status, &row["verdict"]), (200, &json!(if expected > 0.0 { "first" } else { "second" })), "{row}");
        }
    }
    // Null is empty text.
    let (a, b) = (
        member("null", "a", "y"),
        json!({"group": "null", "member": "b", "prompt": "P", "response": [{"role": "assistant", "content": null}]}),
    );
    let ((status, a), _) = tokio::join!(served.ask("/v1/groups", &a), served.ask("/v1/groups", &b));
    assert_eq!((status, &a["reward"]), (200, &json!(0.5)));
}

#[tokio::test]
async fn conversations_about_another_prompt_and_transcripts_are_read_as_in_files() {
    let served = serve("longer", patient(2)).await;
    let chat = |turns: &[&str]| -> Value {
        let roles = ["user", "assistant"].into_iter().cycle();
        turns.iter().zip(roles).map(|(turn, role)| json!({"role": role, "content": turn})).collect()
    };
    // A member's whole conversation must be about the prompt of its group.
    let body = |group: &str, member: &str, response: Value| json!({"group": group, "member": member, "prompt": "P", "response": response});
    for (response, words) in [
        (chat(&["Q", "an answer"]), "begins with `User: Q`, the prompt with `User: P`"),
        (chat(&["P", "an answer", "and?", "another"]), "the user goes on behind the prompt"),
    ] {
        let (status, told) = served.ask("/v1/groups", &body("g", "a", response)).await;
        assert!(status == 422 && message(&told).contains(words), "{told}");
    }
    let (a, b) = (body("h", "a", chat(&["P", "xx"])), body("h", "b", "a longer one".into()));
    let ((status, a), _) = tokio::join!(served.ask("/v1/groups", &a), served.ask("/v1/groups", &b));
    assert_eq!((status, &a["reward"]), (200, &json!(-0.5)));
    // Rows are those of files: what is the same in all is no part of what is judged.
    let rows = [
        json!(["\n\nHuman: P\n\nAssistant: xx", "\n\nHuman: P\n\nAssistant: y"]),
        json!([
            "<|im_start|>user\nP<|im_end|>\n<|im_start|>assistant\nxx<|im_end|>",
            "<|im_start|>user\nP<|im_end|>\n<|im_start|>assistant\ny"
        ]),
        json!([chat(&["P", "xx"]), chat(&["P", "y"])]),
        json!([chat(&["P", "xx"]).to_string(), chat(&["P", "y"]).to_string()]),
    ];
    for responses in rows {
        let (status, told) = served.ask("/v1/judge", &json!({"prompt": "P", "responses": responses})).await;
        assert_eq!((status, &told["verdict"]), (200, &json!("first")), "{told}");
        for route in ["/v1/judge", "/v1/rank"] {
            let (status, told) = served.ask(route, &json!({"prompt": "Another", "responses": responses})).await;
            assert!(status == 422 && message(&told).contains("P`, the prompt with `User: Another`"), "{told}");
        }
        let mixed = json!({"prompt": "P", "responses": [responses[0], "a plain text"]});
        let (status, told) = served.ask("/v1/rank", &mixed).await;
        assert_eq!(status, if responses[0].is_string() { 422 } else { 200 }, "{told}");
    }
    // Two equal texts are no question.
    let calls = served.counter("votes_total").await;
    let (status, told) = served.ask("/v1/judge", &json!({"prompt": "P", "responses": ["x", "x"]})).await;
    assert_eq!((status, &told["verdict"], &told["matches"][0]["decided_by"]), (200, &json!("tie"), &json!("team")));
    assert_eq!(served.counter("votes_total").await, calls);
}

#[tokio::test]
async fn a_judge_whose_last_calls_failed_is_not_ready() {
    use std::sync::atomic::Ordering::SeqCst;
    let served = serve("longer", patient(2)).await;
    let ready = async || answered(served.get("/ready")).await;
    assert_eq!(ready().await.0, 200);
    let row = json!({"prompt": "P", "responses": ["a", "bb"]});
    served.engine.on.store(false, SeqCst);
    assert_eq!(served.ask("/v1/judge", &row).await.0, 502);
    let (status, told) = ready().await;
    assert_eq!((status, code(&told)), (503, "judge"));
    assert!(message(&told).contains("it is off"), "{told}");
    assert_eq!(answered(served.get("/health")).await.0, 200, "the process lives");
    served.engine.on.store(true, SeqCst);
    assert_eq!(served.ask("/v1/judge", &row).await.0, 200);
    assert_eq!(ready().await.0, 200);
}

#[tokio::test]
async fn a_judge_whose_limit_is_met_is_not_ready() {
    use rrm::spending::{Spending, SpendingLimits};
    let engine = std::sync::Arc::new(rrm::engine::scripted::scripted("longer").unwrap());
    let mut judge = crate::served::judge_by(engine, rrm::judge::JudgeSettings::default());
    judge.spending = std::sync::Arc::new(Spending::new(SpendingLimits { max_calls: Some(1), ..SpendingLimits::default() }));
    let server = rrm_server::AppState::new(judge, patient(2), Box::new(|_| Ok(())));
    let ready = || rrm_server::routes::ready(axum::extract::State(server.clone()));
    assert_eq!(ready().await.status(), 200);
    server.judge.spending.begin().unwrap().finish(rrm::engine::Usage::default());
    let response = ready().await;
    assert_eq!(response.status(), 503);
    let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
    let said = String::from_utf8(body.to_vec()).unwrap();
    assert!(said.contains("the server's limit is used up: stopped by --max-calls 1"), "{said}");
}
