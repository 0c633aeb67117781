//! Judges that say nothing, half of the time something, nonsense, or both labels: no reward and no rank rests on what was not said.

use futures::future::join_all;
use rrm::ranking::{rank::RankSettings, strategy::Strategy};
use rrm_server::settings::{Scale, ServerSettings};
use serde_json::{Value, json};

use crate::served::{Served, groups_of, serve};

/// What a judge writes, and why that is no verdict.
const WORDLESS: [(&str, &str); 3] = [
    ("silent", "no_verdict 6"),
    ("text=lorem ipsum dolor sit amet", "no_verdict 6"),
    ("text=It is \\boxed{Assistant 1 or Assistant 2}.", "ambiguous 6"),
];

fn by(strategy: Strategy, scale: Scale, size: usize) -> ServerSettings {
    ServerSettings { rank: RankSettings { strategy, ..RankSettings::default() }, scale, ..groups_of(size) }
}

async fn group(served: &Served, group: &str, responses: &[&str]) -> Vec<(u16, Value)> {
    let member = |(i, text): (usize, &&str)| json!({"group": group, "member": i.to_string(), "prompt": "P", "response": text});
    let bodies: Vec<Value> = responses.iter().enumerate().map(member).collect();
    join_all(bodies.iter().map(|body| served.ask("/v1/groups", body))).await
}

fn is_undecided((status, body): &(u16, Value), why: &str) {
    assert_eq!((*status, &body["error"]["code"]), (422, &json!("undecided")), "{body}");
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("no verdict says which place this response has: ") && message.contains(why), "{message}");
}

#[tokio::test]
async fn a_judge_without_a_verdict_gives_no_reward_by_any_strategy_or_route() {
    for (judge, why) in WORDLESS {
        for strategy in Strategy::ALL {
            // Three matches of a knockout of four, six of a round robin.
            let why = if strategy == Strategy::Knockout { why.replace('6', "3") } else { why.to_owned() };
            let served = serve(judge, by(strategy, Scale::Centred, 4)).await;
            for answer in group(&served, "g", &["a", "bb", "ccc", "dddd"]).await {
                is_undecided(&answer, &why);
            }
            let sample = |text: &str| json!({"query": [format!("P{text}")], "prompts": ["P"], "labels": [null]});
            let samples = ["a", "bb", "ccc", "dddd"].map(sample);
            for answer in join_all(samples.iter().map(|sample| served.ask("/get_reward", sample))).await {
                is_undecided(&answer, &why);
            }
            let documents = ["a", "bb", "ccc", "dddd"];
            is_undecided(&served.ask("/rerank", &json!({"query": "Q", "documents": documents})).await, &why);
            is_undecided(&served.ask("/score", &json!({"queries": "Q", "documents": documents})).await, &why);
            let (status, row) = served.ask("/v1/rank", &json!({"prompt": "Q", "responses": documents})).await;
            let nobody = json!([null, null, null, null]);
            assert_eq!((status, &row["order"], &row["ranks"], &row["scores"]), (200, &Value::Null, &nobody, &nobody));
            assert_eq!((&row["coins"], row["matches"][0].get("winner")), (&json!(0), Some(&Value::Null)));
            let (status, row) = served.ask("/v1/judge", &json!({"prompt": "Q", "responses": ["a", "bb"]})).await;
            assert_eq!((status, &row["verdict"], &row["order"]), (200, &json!("undecided"), &Value::Null));
            assert_eq!(served.counter("matches_by_coin_total").await, 0.0);
            assert_eq!(served.counter("responses_undecided_total").await, 8.0);
            assert_eq!(served.counter("rewarded_total").await, 0.0);
        }
    }
}

#[tokio::test]
async fn a_judge_that_speaks_half_of_the_time_rewards_only_what_it_decided() {
    for strategy in Strategy::ALL {
        let served = serve("silent=0.5", by(strategy, Scale::Centred, 4)).await;
        let (mut rewarded, mut refused, mut whole) = (0, 0, 0);
        for number in 0..40 {
            let answers = group(&served, &format!("g{number}"), &["a", "bb", "ccc", "dddd"]).await;
            let row = json!({"id": format!("g{number}"), "prompt": "P", "responses": ["a", "bb", "ccc", "dddd"]});
            let row = served.ask("/v1/rank", &row).await.1;
            whole += usize::from(!row["order"].is_null());
            for (i, answer) in answers.iter().enumerate() {
                let known = match row["order"].as_array() {
                    Some(_) => true,
                    None => !row["ranks"][i].is_null(),
                };
                assert_eq!(answer.0 == 200, known, "{strategy:?} {answer:?}\n{row}");
                if !known {
                    is_undecided(answer, "no_verdict");
                    refused += 1;
                    continue;
                }
                rewarded += 1;
                assert_eq!(answer.1["score"], row["scores"][i]);
                if strategy == Strategy::Knockout {
                    // The mean is that of the whole group, whoever has the other scores.
                    let rounds = answer.1["score"]["value"].as_f64().unwrap();
                    let place = [3, 2, 1][rounds as usize];
                    assert_eq!((answer.1["reward"].as_f64().unwrap(), &answer.1["rank"]), (rounds - 0.75, &json!(place)));
                }
            }
        }
        assert!(rewarded > 0 && refused > 0 && whole < 40, "{strategy:?}: {rewarded} {refused} {whole}");
        assert_eq!(served.counter("responses_undecided_total").await, f64::from(refused));
    }
}

#[tokio::test]
async fn equal_votes_are_decided_by_a_coin_that_is_told() {
    let even = rrm::judge::JudgeSettings { votes: 2, both_orders: true, ..Default::default() };
    let served = crate::served::serve_with("first", by(Strategy::Knockout, Scale::Centred, 4), even).await;
    let answers = group(&served, "g", &["a", "bb", "ccc", "dddd"]).await;
    assert!(answers.iter().all(|(status, body)| *status == 200 && body["coins"] == json!(3)), "{answers:?}");
    assert_eq!(served.counter("matches_by_coin_total").await, 3.0);
    // Clients of rerankers look at scores alone.
    is_undecided(&served.ask("/rerank", &json!({"query": "Q", "documents": ["a", "bb"]})).await, "only a coin");
}

#[tokio::test]
async fn where_twins_make_the_mean_of_a_knockout_unknown_nobody_is_rewarded() {
    // Of these groups of five members with four texts, those with a match without verdict have open scores.
    let served = serve("silent=0.5", by(Strategy::Knockout, Scale::Centred, 5)).await;
    let mut some = 0;
    for number in 0..30 {
        let answers = group(&served, &format!("g{number}"), &["a", "a", "bb", "ccc", "dddd"]).await;
        let rewarded: Vec<&(u16, Value)> = answers.iter().filter(|(status, _)| *status == 200).collect();
        let refused = answers.len() - rewarded.len();
        assert_eq!(answers[0].0, answers[1].0, "twins share what they get");
        // Either the twins are known, so that every open text has one member, or nobody has a reward.
        assert!(refused == 0 || rewarded.is_empty() || answers[0].0 == 200, "{answers:?}");
        some += usize::from(refused > 0 && !rewarded.is_empty());
    }
    assert!(some > 0, "no group was rewarded in part");
}
