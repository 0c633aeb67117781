//! What members of complete groups get: exact rewards, in every scale, whatever the order of arrival.

use futures::future::join_all;
use rrm::ranking::{rank::RankSettings, strategy::Strategy};
use rrm_server::settings::{OpenRlhfKey, Scale, ServerSettings};
use serde_json::{Value, json};

use crate::served::{Served, groups_of, serve};

fn member(group: &str, name: &str, response: &str) -> Value {
    json!({"group": group, "member": name, "prompt": "Say it.", "response": response})
}

async fn rewards(served: &Served, group: &str, responses: &[&str]) -> Vec<f64> {
    let bodies: Vec<Value> = responses.iter().enumerate().map(|(i, text)| member(group, &i.to_string(), text)).collect();
    let answers = join_all(bodies.iter().map(|body| served.ask("/v1/groups", body))).await;
    answers
        .into_iter()
        .map(|(status, body)| if status == 200 { body["reward"].as_f64().unwrap() } else { panic!("{body}") })
        .collect()
}

fn rated(strategy: Strategy, scale: Scale, size: usize) -> ServerSettings {
    ServerSettings { rank: RankSettings { strategy, ..RankSettings::default() }, scale, ..groups_of(size) }
}

#[tokio::test]
async fn rewards_are_exact_in_every_scale() {
    let texts = ["a", "aaaa", "aa", "aaa"];
    for (scale, expected) in [
        (Scale::Centred, [-0.5, 0.5, -1.0 / 6.0, 1.0 / 6.0]),
        (Scale::Unit, [0.0, 1.0, 1.0 / 3.0, 2.0 / 3.0]),
        (Scale::Rank, [0.0, 1.0, 1.0 / 3.0, 2.0 / 3.0]),
    ] {
        let served = serve("longer", rated(Strategy::WinRate, scale, 4)).await;
        let found = rewards(&served, "g", &texts).await;
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12), "{scale:?} {found:?}");
    }
}

#[tokio::test]
async fn a_knockout_counts_rounds_and_arrival_changes_nothing() {
    let served = serve("longer", groups_of(4)).await;
    let forward = rewards(&served, "g", &["a", "aa", "aaa", "aaaa"]).await;
    let again = serve("longer", groups_of(4)).await;
    let mut backward = rewards(&again, "g", &["aaaa", "aaa", "aa", "a"]).await;
    backward.reverse();
    assert_eq!(forward, backward);
    assert_eq!(forward[3], 1.25, "the winner survives two rounds; the mean is 0.75");
    assert!(forward.iter().sum::<f64>().abs() < 1e-12);
}

#[tokio::test]
async fn ratings_of_the_elo_scale_are_probabilities_as_units() {
    for strategy in [Strategy::Elo, Strategy::BradleyTerry] {
        let served = serve("longer", rated(strategy, Scale::Unit, 4)).await;
        let units = rewards(&served, "g", &["a", "aa", "aaa", "aaaa"]).await;
        assert!(units.is_sorted() && units[0] > 0.0 && units[3] < 1.0, "{units:?}");
        assert!((units.iter().sum::<f64>() - 2.0).abs() < 1e-9, "each pair shares one: {units:?}");
    }
}

#[tokio::test]
async fn twins_share_a_reward_and_a_group_of_twins_is_told_so() {
    let served = serve("longer", rated(Strategy::WinRate, Scale::Centred, 3)).await;
    let found = rewards(&served, "g", &["aa", "a", "aa"]).await;
    assert_eq!(found[0], found[2]);
    assert!((found[0] - 1.0 / 3.0).abs() < 1e-12 && (found[1] + 2.0 / 3.0).abs() < 1e-12, "{found:?}");
    assert_eq!(served.counter("twins_total").await, 1.0);
    let one = |member: &str| json!({"group": "h", "size": 2, "member": member, "prompt": "P", "response": "x"});
    let (a, b) = (one("a"), one("b"));
    let ((status, a), (_, b)) = tokio::join!(served.ask("/v1/groups", &a), served.ask("/v1/groups", &b));
    assert_eq!((status, &a["reward"], &b["reward"], &a["distinct"]), (200, &json!(0.0), &json!(0.0), &json!(1)));
    assert_eq!(served.counter("groups_of_twins_total").await, 1.0);
}

#[tokio::test]
async fn metrics_tell_times_sizes_and_drift() {
    let served = serve("longer", rated(Strategy::WinRate, Scale::Unit, 2)).await;
    for group in 0..101 {
        // Lengths vary, and the last group is far longer than all before.
        let long = "x".repeat(if group == 100 { 5000 } else { 3 + group % 7 });
        rewards(&served, &group.to_string(), &["y", &long]).await;
    }
    assert_eq!(served.counter("group_judging_seconds_count").await, 101.0);
    assert_eq!(served.counter("response_bytes_bucket{le=\"64\"}").await, 201.0);
    assert_eq!(served.counter("response_bytes_count").await, 202.0);
    assert!(served.counter("drift{of=\"response_bytes\"}").await > 10.0);
    assert!(served.counter("drift{of=\"abstained_share\"}").await.is_nan(), "no vote abstained");
}

#[tokio::test]
async fn open_rlhf_samples_meet_by_prompt_and_are_judged_without_prompt_end_and_thinking() {
    let served = serve("longer", rated(Strategy::WinRate, Scale::Centred, 2)).await;
    let sample = |text: &str| json!({"query": [format!("<u>Hi<a>{text}</s><pad>")], "prompts": ["<u>Hi<a>"], "labels": [null]});
    let (a, b) = (sample("<think>a very long thought indeed</think>ab"), sample("abc"));
    let ((status, a), (_, b)) = tokio::join!(served.ask("/get_reward", &a), served.ask("/get_reward", &b));
    assert_eq!((status, &a["rewards"], &b["rewards"]), (200, &json!([-0.5]), &json!([0.5])));
    assert_eq!((&a["scores"], &b["scores"]), (&json!([0.0]), &json!([1.0])));
    assert_eq!(
        a["extra_logs"].as_object().unwrap().keys().collect::<Vec<_>>(),
        b["extra_logs"].as_object().unwrap().keys().collect::<Vec<_>>()
    );
    // With several addresses, all but the first get empty lists.
    let (status, empty) = served.ask("/get_reward", &json!({"query": [], "prompts": [], "labels": []})).await;
    assert_eq!((status, &empty["rewards"]), (200, &json!([])));
    let (status, wrong) = served.ask("/get_reward", &json!({"query": ["other"], "prompts": ["Hi"], "labels": [null]})).await;
    assert_eq!((status, &wrong["error"]["code"]), (422, &json!("invalid")));
}

#[tokio::test]
async fn open_rlhf_samples_can_meet_by_label() {
    let served = serve("longer", ServerSettings { openrlhf_key: OpenRlhfKey::Label, ..groups_of(2) }).await;
    let sample = |text: &str, label: Value| json!({"query": [format!("P{text}")], "prompts": ["P"], "labels": [label]});
    let (a, b) = (sample("x", json!("k1")), sample("yy", json!("k1")));
    let ((status, _), (_, b)) = tokio::join!(served.ask("/get_reward", &a), served.ask("/get_reward", &b));
    assert_eq!((status, &b["rewards"]), (200, &json!([0.5])));
    let (status, _) = served.ask("/get_reward", &sample("x", Value::Null)).await;
    assert_eq!(status, 422);
}

#[tokio::test]
async fn rows_are_judged_and_ranked_as_on_the_command_line() {
    let served = serve("longer", ServerSettings::default()).await;
    let (status, row) = served.ask("/v1/rank", &json!({"id": "r", "prompt": "P", "responses": ["a", "aaa", "aa"]})).await;
    assert_eq!((status, &row["order"], &row["rrm"]), (200, &json!([1, 2, 0]), &json!(1)));
    let pair =
        json!({"prompt": [{"role": "user", "content": "P"}], "responses": ["a", [{"role": "assistant", "content": "aa"}]]});
    let (status, row) = served.ask("/v1/judge", &pair).await;
    assert_eq!((status, &row["verdict"]), (200, &json!("second")));
    assert_eq!(served.ask("/v1/judge", &json!({"prompt": "P", "responses": ["a"]})).await.0, 422);
}

#[tokio::test]
async fn what_a_response_says_of_thinking_is_judged_and_what_surrounds_it_is_not() {
    let mention =
        "Split at the closing tag: `answer = reply.split('</think>')[-1]`. DeepSeek-R1 begins its reply with `<think>`.";
    let served = serve("longer", groups_of(2)).await;
    for (group, long) in
        [("a", mention.to_owned()), ("b", format!("<think>hm</think>{mention}<|eot_id|>\n<|finetune_right_pad_id|>"))]
    {
        let short = format!("<think>{}</think>No.", "long ".repeat(100));
        let bodies = [member(group, "0", &long), member(group, "1", &short)];
        let answers = join_all(bodies.iter().map(|body| served.ask("/v1/groups", body))).await;
        let [(200, long), (200, short)] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!((&long["rank"], &short["rank"]), (&json!(1), &json!(2)), "{group}");
        assert_eq!(short["taken_off"], json!(["thinking"]));
        let tokens = ["<|finetune_right_pad_id|>", "<|eot_id|>", "thinking"];
        let expected = if group == "a" { Value::Null } else { json!(tokens) };
        assert_eq!(long["taken_off"], expected);
    }
    let row = json!({"prompt": "Q", "responses": [format!("<think>hm</think>{mention}</s>"), "No."]});
    let (status, row) = served.ask("/v1/rank", &row).await;
    assert_eq!((status, &row["order"]), (200, &json!([0, 1])), "{row}");
    assert_eq!(row["flags"][0]["taken_off"], json!(["</s>", "thinking"]));
}
