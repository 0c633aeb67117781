//! Offers groups to a running reward server at a fixed rate, on loopback only -> waits from last member to last reply, memory, CPU, wrong rewards.
//!
//! `offer_load ADDRESS PID GROUPS_PER_SECOND SECONDS`: eight members a group, whose texts are one to eight words long; the judge must prefer
//! the longer one and rewards must be win rates from 0 to 1. The rate does not wait for answers.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that fails says so")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::MissedTickBehavior};

const SIZE: usize = 8;

/// What a group saw.
struct Seen {
    wait: Duration,
    wrong: usize,
    failed: usize,
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, address, pid, rate, seconds] = args.as_slice() else { panic!("offer_load ADDRESS PID GROUPS_PER_SECOND SECONDS") };
    assert!(address.starts_with("127.0.0.1:"), "only loopback is offered load");
    let (rate, seconds): (f64, f64) = (rate.parse().unwrap(), seconds.parse().unwrap());
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(offer(address, pid, rate, seconds));
}

async fn offer(address: &str, pid: &str, rate: f64, seconds: f64) {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let client = reqwest::Client::builder().tcp_nodelay(true).timeout(Duration::from_secs(30)).build().unwrap();
    let url: Arc<str> = format!("http://{address}/v1/groups").into();
    let groups = (rate * seconds) as usize;
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut tick = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (cpu, mut memory) = (cpu_seconds(pid), vec![memory_mib(pid)]);
    let began = Instant::now();
    for group in 0..groups {
        tick.tick().await;
        tokio::spawn(one(client.clone(), url.clone(), group, tell.clone()));
        if group % (groups / 6).max(1) == 0 {
            memory.push(memory_mib(pid));
        }
    }
    drop(tell);
    let mut seen = Vec::new();
    while let Some(group) = told.recv().await {
        seen.push(group);
    }
    let took = began.elapsed().as_secs_f64();
    memory.push(memory_mib(pid));
    let cpu = cpu_seconds(pid) - cpu;
    seen.sort_by_key(|group| group.wait);
    let at = |share: f64| seen[((seen.len() - 1) as f64 * share) as usize].wait.as_secs_f64() * 1000.0;
    let (wrong, failed): (usize, usize) = (seen.iter().map(|g| g.wrong).sum(), seen.iter().map(|g| g.failed).sum());
    println!(
        "groups {} in {took:.1} s ({:.1} a second), wrong rewards {wrong}, failed requests {failed}",
        seen.len(),
        seen.len() as f64 / took
    );
    println!("last member to last reply, ms: median {:.2}, p99 {:.2}, worst {:.2}", at(0.5), at(0.99), at(1.0));
    println!("server CPU {cpu:.2} s, {:.1} us a request", cpu / (seen.len() * SIZE) as f64 * 1e6);
    println!("server memory over time, MiB: {}", memory.iter().map(|m| format!("{m:.1}")).collect::<Vec<_>>().join(" "));
}

/// One group: all members at once, the last one sent last.
async fn one(client: reqwest::Client, url: Arc<str>, group: usize, tell: mpsc::UnboundedSender<Seen>) {
    let mut last = Instant::now();
    let mut waiting = Vec::new();
    for member in 0..SIZE {
        let body = json!({"group": format!("g{group}"), "size": SIZE, "member": member.to_string(), "prompt": "Why?", "response": vec!["word"; member + 1].join(" ")});
        let request = client.post(&*url).json(&body);
        last = Instant::now();
        waiting.push(tokio::spawn(async move { request.send().await?.error_for_status()?.json::<Value>().await }));
    }
    let answers = join_all(waiting).await;
    let wait = last.elapsed();
    let mut seen = Seen { wait, wrong: 0, failed: 0 };
    for (member, answer) in answers.into_iter().enumerate() {
        match answer.unwrap() {
            Ok(answer) => {
                let expected = member as f64 / (SIZE - 1) as f64;
                seen.wrong += usize::from(answer["reward"].as_f64().is_none_or(|reward| (reward - expected).abs() > 1e-9));
            }
            Err(_) => seen.failed += 1,
        }
    }
    tell.send(seen).ok();
}

/// Processor time of a process so far, in seconds.
fn cpu_seconds(pid: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = text.rsplit_once(") ").unwrap().1.split(' ').collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn memory_mib(pid: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
