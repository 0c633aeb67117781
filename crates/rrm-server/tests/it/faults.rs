//! Members missing, late, doubled; clients and judges that are gone: what every waiter gets. Never a reward that nobody judged.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use rrm::ranking::{rank::RankSettings, strategy::Strategy};
use rrm_server::settings::{OnPartial, ServerSettings};
use serde_json::{Value, json};

use crate::served::{answered, groups_of, serve};

fn member(name: &str, response: &str) -> Value {
    json!({"group": "g", "member": name, "prompt": "P", "response": response})
}

fn soon(size: usize, on_partial: OnPartial) -> ServerSettings {
    ServerSettings { deadline: Duration::from_millis(300), on_partial, ..groups_of(size) }
}

fn code(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_missing_member_fails_its_group_at_the_deadline() {
    let served = serve("longer", soon(3, OnPartial::Fail)).await;
    let (a, b) = (member("a", "x"), member("b", "yy"));
    for (status, body) in
        [tokio::join!(served.ask("/v1/groups", &a), served.ask("/v1/groups", &b))].into_iter().flat_map(|(a, b)| [a, b])
    {
        assert_eq!((status, code(&body)), (424, "incomplete"), "{body}");
    }
    assert_eq!(served.counter("groups_incomplete_total").await, 1.0);
}

#[tokio::test]
async fn a_group_without_some_is_judged_where_asked_and_late_members_are_told() {
    let served = serve("longer", soon(3, OnPartial::Judge)).await;
    let (a, b) = (member("a", "x"), member("b", "yy"));
    let ((status, a), (_, b)) = tokio::join!(served.ask("/v1/groups", &a), served.ask("/v1/groups", &b));
    assert_eq!((status, &a["partial"], &a["present"], &b["reward"]), (200, &json!(true), &json!(2), &json!(0.5)));
    let (status, late) = served.ask("/v1/groups", &member("c", "zzz")).await;
    assert_eq!((status, code(&late)), (410, "late"));
    // One alone is compared with nobody.
    let (status, alone) = served.ask("/v1/groups", &json!({"group": "h", "member": "a", "prompt": "P", "response": "x"})).await;
    assert_eq!((status, code(&alone)), (424, "incomplete"));
}

#[tokio::test]
async fn a_doubled_member_joins_itself_and_contradictions_are_refused() {
    let served = serve("longer", groups_of(2)).await;
    let (a, b) = (member("a", "x"), member("b", "yy"));
    let first = tokio::spawn(answered(served.post("/v1/groups", &a)));
    served.until_members(1).await;
    let (status, other) = served.ask("/v1/groups", &member("a", "another")).await;
    assert_eq!((status, code(&other)), (409, "conflict"));
    let size = json!({"group": "g", "size": 3, "member": "b", "prompt": "P", "response": "yy"});
    assert_eq!(served.ask("/v1/groups", &size).await.0, 409);
    let prompt = json!({"group": "g", "member": "b", "prompt": "Q", "response": "yy"});
    assert_eq!(served.ask("/v1/groups", &prompt).await.0, 409);
    let doubled = tokio::spawn(answered(served.post("/v1/groups", &a)));
    let (_, last) = served.ask("/v1/groups", &b).await;
    let (first, doubled) = (first.await.unwrap().1, doubled.await.unwrap().1);
    assert_eq!((&last["reward"], &first["reward"], &doubled["reward"]), (&json!(0.5), &json!(-0.5), &json!(-0.5)));
    // After it was judged, too: the same answer, and nothing is judged again.
    let calls = served.counter("calls_total").await;
    let (status, again) = served.ask("/v1/groups", &a).await;
    assert_eq!((status, &again["reward"], &again["reused"]), (200, &json!(-0.5), &json!(true)));
    assert_eq!(served.counter("calls_total").await, calls);
    assert_eq!(served.ask("/v1/groups", &member("c", "z")).await.0, 409);
}

#[tokio::test]
async fn without_ids_a_lost_connection_is_taken_up_again_and_twins_are_two() {
    let served = serve("longer", groups_of(3)).await;
    let sample = |text: &str| json!({"query": [format!("P{text}")], "prompts": ["P"], "labels": [null]});
    let (x, yy) = (sample("x"), sample("yy"));
    let lost = tokio::spawn(answered(served.post("/get_reward", &x)));
    served.until_members(1).await;
    lost.abort();
    while served.server.groups.waiting() != 0 {
        tokio::task::yield_now().await;
    }
    // The retry takes the place that nobody waits in; its twin, while it waits, is another member.
    let retry = tokio::spawn(answered(served.post("/get_reward", &x)));
    while served.server.groups.waiting() != 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(served.server.groups.open(), (1, 1));
    let twin = tokio::spawn(answered(served.post("/get_reward", &x)));
    served.until_members(2).await;
    let (status, last) = served.ask("/get_reward", &yy).await;
    assert_eq!((status, &last["extra_logs"]["rrm_present"]), (200, &json!([3.0])));
    let (retry, twin) = (retry.await.unwrap().1, twin.await.unwrap().1);
    assert_eq!(retry["rewards"], twin["rewards"]);
    assert!(last["rewards"][0].as_f64() > retry["rewards"][0].as_f64());
}

#[tokio::test]
async fn a_group_is_judged_even_if_all_its_clients_are_gone() {
    let served = serve("longer", groups_of(2)).await;
    served.engine.on.store(false, SeqCst);
    let (status, failed) = {
        let (a, b) = (member("a", "x"), member("b", "yy"));
        let (a, b) = tokio::join!(served.ask("/v1/groups", &a), served.ask("/v1/groups", &b));
        assert_eq!(a, b);
        a
    };
    assert_eq!((status, code(&failed)), (502, "judge"), "{failed}");
    assert_eq!(served.counter("groups_failed_total").await, 1.0);
    // A judge that is back is asked again: the failed group was forgotten.
    served.engine.on.store(true, SeqCst);
    let first = tokio::spawn(answered(served.post("/v1/groups", &member("a", "x"))));
    served.until_members(1).await;
    first.abort();
    let (status, b) = served.ask("/v1/groups", &member("b", "yy")).await;
    assert_eq!((status, &b["reward"]), (200, &json!(0.5)));
    let (status, a) = served.ask("/v1/groups", &member("a", "x")).await;
    assert_eq!((status, &a["reward"], &a["reused"]), (200, &json!(-0.5), &json!(true)));
}

#[tokio::test]
async fn a_bug_in_the_judge_is_told_to_everybody_and_holds_up_nobody_else() {
    let served = serve("longer", groups_of(2)).await;
    let (a, b) = (member("a", "an engine with a bug"), member("b", "y"));
    let (a, b) = tokio::join!(served.ask("/v1/groups", &a), served.ask("/v1/groups", &b));
    for (status, body) in [a, b] {
        assert_eq!((status, code(&body)), (502, "judge"), "{body}");
    }
    assert_eq!(served.counter("groups_failed_total").await, 1.0);
    // The same group is judged anew, by other texts too.
    let (a, b) = (member("a", "x"), member("b", "yy"));
    let (a, b) = tokio::join!(served.ask("/v1/groups", &a), served.ask("/v1/groups", &b));
    assert_eq!((a.0, b.0), (200, 200), "{a:?}");
}

#[tokio::test]
async fn a_response_without_a_decided_match_has_no_reward() {
    let rank = RankSettings { strategy: Strategy::WinRate, ..RankSettings::default() };
    let served = serve("silent", ServerSettings { rank, ..groups_of(2) }).await;
    let (a, b) = (member("a", "x"), member("b", "yy"));
    let ((status, a), (other, _)) = tokio::join!(served.ask("/v1/groups", &a), served.ask("/v1/groups", &b));
    assert_eq!((status, other, code(&a)), (422, 422, "undecided"));
    assert_eq!(served.counter("responses_undecided_total").await, 2.0);
    // Nor has a knockout a winner then: no coin stands in for a judge. Who asks again is told the same, without a call.
    let served = serve("silent", groups_of(2)).await;
    let (a, b) = (member("a", "x"), member("b", "yy"));
    let ((status, told), (other, _)) = tokio::join!(served.ask("/v1/groups", &a), served.ask("/v1/groups", &b));
    assert_eq!((status, other, code(&told)), (422, 422, "undecided"));
    assert_eq!(served.counter("matches_by_coin_total").await, 0.0);
    let calls = served.counter("calls_total").await;
    assert_eq!(served.ask("/v1/groups", &a).await, (status, told));
    assert_eq!(served.counter("calls_total").await, calls);
}

#[tokio::test]
async fn a_server_that_ends_tells_those_who_wait_and_takes_nobody_in() {
    let served = serve("longer", groups_of(2)).await;
    let waiting = tokio::spawn(answered(served.post("/v1/groups", &member("a", "x"))));
    served.until_members(1).await;
    served.server.groups.close();
    let (status, told) = waiting.await.unwrap();
    assert_eq!((status, code(&told)), (503, "closing"));
    let (status, told) = served.ask("/v1/groups", &json!({"group": "h", "member": "a", "prompt": "P", "response": "x"})).await;
    assert_eq!((status, code(&told)), (503, "closing"));
}

#[tokio::test]
async fn ready_means_that_the_judge_can_be_asked() {
    let served = serve("longer", groups_of(2)).await;
    let (status, body) = answered(served.get("/ready")).await;
    assert_eq!((status, &body["status"]), (200, &json!("ready")));
    served.engine.on.store(false, SeqCst);
    let (status, body) = answered(served.get("/ready")).await;
    assert_eq!((status, &body["status"]), (503, &json!("not ready")));
    assert!(body["error"]["message"].as_str().unwrap().contains("it is off"), "{body}");
    assert_eq!(answered(served.get("/health")).await.0, 200, "the process lives all the same");
}
