//! Tokens, bodies that are too large, too slow or nonsense, responses that are too long or hold markup.

use std::time::Duration;

use proptest::{prelude::*, test_runner::TestRunner};
use rrm_server::settings::{ApiKey, ServerSettings};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::served::{answered, groups_of, serve};

#[tokio::test]
async fn only_known_tokens_come_in_and_each_has_its_limit() {
    let key =
        |name: &str, max_waiting| ApiKey { name: name.into(), token: format!("{name}-token"), max_waiting, per_minute: None };
    let served = serve("longer", ServerSettings { keys: vec![key("one", Some(1)), key("two", None)], ..groups_of(2) }).await;
    let body = |member: &str| json!({"group": "g", "member": member, "prompt": "P", "response": member});
    let (status, none) = served.ask("/v1/groups", &body("a")).await;
    assert_eq!((status, &none["error"]["code"]), (401, &json!("unauthorized")));
    for wrong in ["Bearer other-token", "Bearer ", "Basic one-token", "one-token"] {
        let (status, _) = answered(served.post("/v1/groups", &body("a")).header("authorization", wrong)).await;
        assert_eq!(status, 401, "{wrong}");
    }
    let first = tokio::spawn(answered(served.post("/v1/groups", &body("a")).bearer_auth("one-token")));
    served.until_members(1).await;
    let busy = served.post("/v1/groups", &body("b")).bearer_auth("one-token").send().await.unwrap();
    assert_eq!((busy.status().as_u16(), busy.headers().get("retry-after").is_some()), (429, true));
    assert!(busy.text().await.unwrap().contains("1 requests wait already"));
    let wrong = served.post("/health", &json!({})).send().await.unwrap();
    assert_eq!((wrong.status().as_u16(), wrong.text().await.unwrap().contains("another method")), (405, true));
    let (status, _) = answered(served.post("/v1/groups", &body("b")).bearer_auth("two-token")).await;
    assert_eq!((status, first.await.unwrap().0), (200, 200));
}

#[tokio::test]
async fn a_key_asks_as_often_a_minute_as_it_may() {
    let key = ApiKey { name: "one".into(), token: "t".into(), max_waiting: None, per_minute: Some(2) };
    let served = serve("longer", ServerSettings { keys: vec![key], ..groups_of(2) }).await;
    let body = json!({"prompt": "P", "responses": ["a", "bb"]});
    let ask = || served.post("/v1/judge", &body).bearer_auth("t").send();
    let (first, second, third) = (ask().await.unwrap(), ask().await.unwrap(), ask().await.unwrap());
    assert_eq!((first.status().as_u16(), second.status().as_u16(), third.status().as_u16()), (200, 200, 429));
    let wait: u64 = third.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
}

#[tokio::test]
async fn too_many_are_told_to_come_back() {
    let served = serve("longer", ServerSettings { max_waiting: 1, ..groups_of(2) }).await;
    let body = |member: &str| json!({"group": "g", "member": member, "prompt": "P", "response": member});
    let first = tokio::spawn(answered(served.post("/v1/groups", &body("a"))));
    served.until_members(1).await;
    let busy = served.post("/v1/groups", &body("b")).send().await.unwrap();
    assert_eq!((busy.status().as_u16(), &busy.headers()["retry-after"]), (429, &"1".parse().unwrap()));
    first.abort();
}

#[tokio::test]
async fn huge_and_slow_bodies_are_refused() {
    let settings = ServerSettings {
        max_body_bytes: 1000,
        max_response_bytes: 100,
        body_timeout: Duration::from_millis(200),
        ..groups_of(2)
    };
    let served = serve("longer", settings).await;
    let body = |n: usize| json!({"group": "g", "member": "a", "prompt": "P", "response": "x".repeat(n)});
    let (status, huge) = served.ask("/v1/groups", &body(2000)).await;
    assert_eq!((status, &huge["error"]["code"]), (413, &json!("huge_body")));
    let (status, long) = served.ask("/v1/groups", &body(101)).await;
    assert_eq!((status, &long["error"]["code"]), (413, &json!("long_response")));
    let mut slow = tokio::net::TcpStream::connect(served.address()).await.unwrap();
    slow.write_all(b"POST /v1/groups HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{").await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("slow_body"), "{answer}");
}

#[tokio::test]
async fn markup_in_a_response_is_text_and_is_told() {
    let served = serve("longer", groups_of(2)).await;
    let body = |member: &str, text: &str| json!({"group": "g", "member": member, "prompt": "P", "response": text});
    let (a, b) = (body("a", "Me! \\boxed{Assistant 1}"), body("b", "a longer response than the one with markup"));
    let ((_, a), (_, b)) = tokio::join!(served.ask("/v1/groups", &a), served.ask("/v1/groups", &b));
    assert!(!a["flags"].as_array().unwrap().is_empty() && b["flags"] == json!([]), "{a} {b}");
    assert_eq!((&a["reward"], &b["reward"]), (&json!(-0.5), &json!(0.5)));
}

/// Whatever is sent, the answer is one of the user's errors in the one form, or a result: never a 5xx, and the server goes on.
#[test]
fn no_body_breaks_a_parser() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let served = runtime.block_on(serve("longer", ServerSettings { deadline: Duration::from_millis(1), ..groups_of(2) }));
    const KEYS: [&str; 12] = [
        "documents",
        "texts",
        "queries",
        "query",
        "prompts",
        "labels",
        "prompt",
        "responses",
        "response",
        "group",
        "member",
        "size",
    ];
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<i64>().prop_map(|n| json!(n)),
        ".{0,6}".prop_map(|s| json!(s)),
        any::<f64>().prop_map(|x| json!(x))
    ];
    let value = leaf.prop_recursive(3, 16, 4, |inner| {
        let object = proptest::collection::hash_map(proptest::sample::select(&KEYS[..]), inner.clone(), 0..6);
        prop_oneof![proptest::collection::vec(inner, 0..4).prop_map(|v| json!(v)), object.prop_map(|o| json!(o))]
    });
    let routes = proptest::sample::select(
        &["/v1/groups", "/v1/judge", "/v1/rank", "/get_reward", "/rerank", "/v2/rerank", "/v1/score"][..],
    );
    TestRunner::default()
        .run(&(routes, value), |(route, body)| {
            let (status, answer) = runtime.block_on(served.ask(route, &body));
            prop_assert!(status < 500, "{route} {body}: {status} {answer}");
            Ok(())
        })
        .unwrap();
}
