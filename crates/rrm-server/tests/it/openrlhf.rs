//! OpenRLHF's way of asking: one sample a request, all samples of a step in flight together, five tries with a limit of time each, and empty
//! lists to all addresses but the first. Its client is played by tasks that ask, give up and ask again as its source does.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use rrm::ranking::{rank::RankSettings, strategy::Strategy};
use rrm_server::settings::{Scale, ServerSettings};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::served::{Served, answered, groups_of, serve};

const PROMPTS: usize = 12;
const SAMPLES: usize = 8;
const TRIES: usize = 5;
/// Connections that are lost in all.
const ALL_LOST: usize = 114;

fn settings() -> ServerSettings {
    ServerSettings {
        rank: RankSettings { strategy: Strategy::WinRate, ..RankSettings::default() },
        scale: Scale::Unit,
        ..groups_of(SAMPLES)
    }
}

/// The text of a sample. In every third prompt the first two samples are identical: twins, which are two members.
fn text(prompt: usize, sample: usize) -> String {
    let sample = if prompt.is_multiple_of(3) && sample == 1 { 0 } else { sample };
    "x".repeat(1 + sample)
}

fn body(prompt: usize, sample: usize) -> Value {
    let asked = format!("<|user|>Question {prompt}?<|assistant|>");
    json!({"query": [format!("{asked}{}<|im_end|>", text(prompt, sample))], "prompts": [asked], "labels": [null]})
}

/// The reward that a judge of length gives: wins among the different texts of the group.
fn expected(prompt: usize, sample: usize) -> f64 {
    let mut lengths: Vec<usize> = (0..SAMPLES).map(|other| text(prompt, other).len()).collect();
    lengths.sort_unstable();
    lengths.dedup();
    let own = text(prompt, sample).len();
    lengths.iter().filter(|other| **other < own).count() as f64 / (lengths.len() - 1) as f64
}

/// One sample as OpenRLHF's client asks for it. `loses` tries are given up while the group cannot be complete: the connection is gone, and the
/// client does not know whether it was heard.
async fn sample(served: &Served, (prompt, sample): (usize, usize), loses: usize, lost: &watch::Sender<usize>) -> Value {
    for attempt in 0..TRIES {
        let request = served.post("/get_reward", &body(prompt, sample));
        if attempt < loses {
            assert!(request.timeout(Duration::from_millis(150)).send().await.is_err(), "the group was not complete yet");
            lost.send_modify(|lost| *lost += 1);
            continue;
        }
        // The last sample of each prompt comes when everybody else has lost what there was to lose.
        if sample == SAMPLES - 1 {
            lost.subscribe().wait_for(|lost| *lost == ALL_LOST).await.unwrap();
        }
        let (status, told) = answered(request).await;
        assert_eq!(status, 200, "{told}");
        return told;
    }
    panic!("five tries were not enough");
}

/// All samples of a step.
fn samples() -> impl Iterator<Item = (usize, usize)> {
    (0..PROMPTS).flat_map(|p| (0..SAMPLES).map(move |s| (p, s)))
}

/// How many tries of a sample lose their connection.
fn losing(prompt: usize, sample: usize) -> usize {
    match sample {
        // The twins keep theirs: a twin whose connection is lost cannot be told from its other half (docs/http.md).
        0 | 1 if prompt.is_multiple_of(3) => 0,
        _ if sample == SAMPLES - 1 => 0,
        _ => (prompt + sample) % 4,
    }
}

#[tokio::test]
async fn a_step_of_single_samples_with_twins_and_lost_connections_gets_the_right_rewards() {
    let served = Arc::new(serve("longer", settings()).await);
    let lost = Arc::new(watch::Sender::new(0));
    let asked = samples().map(|(p, s)| {
        let (served, lost) = (served.clone(), lost.clone());
        async move { (p, s, sample(&served, (p, s), losing(p, s), &lost).await) }
    });
    let answers = join_all(asked).await;
    assert_eq!(samples().map(|(p, s)| losing(p, s)).sum::<usize>(), ALL_LOST);
    for (p, s, told) in answers {
        assert_eq!(told["rewards"], json!([expected(p, s)]), "prompt {p}, sample {s}: {told}");
        assert_eq!((&told["extra_logs"]["rrm_present"], &told["scores"]), (&json!([SAMPLES as f64]), &told["rewards"]));
    }
    assert_eq!(served.counter("groups_complete_total").await, PROMPTS as f64, "a retry is no member of its own");
    assert_eq!(served.counter("twins_total").await, PROMPTS.div_ceil(3) as f64);
}

#[tokio::test]
async fn several_addresses_get_empty_lists_and_change_nothing() {
    let (first, second) = (serve("longer", settings()).await, serve("longer", settings()).await);
    let empty = json!({"query": [], "prompts": [], "labels": []});
    let one = |s: usize| {
        let (asked, beside) = (first.post("/get_reward", &body(1, s)), second.post("/get_reward", &empty));
        async move { futures::join!(answered(asked), answered(beside)) }
    };
    for (s, ((status, told), (beside, nothing))) in join_all((0..SAMPLES).map(one)).await.into_iter().enumerate() {
        assert_eq!((status, &told["rewards"]), (200, &json!([expected(1, s)])));
        assert_eq!((beside, &nothing["rewards"], &nothing["scores"]), (200, &json!([]), &json!([])));
    }
}
