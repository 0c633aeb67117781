//! The doctor at healthy, limited and broken servers.

use rrm::engine::{
    doctor::{CheckState, DoctorReport, doctor},
    http::HttpConfig,
};

use crate::{
    faulty_server::{
        FaultyServer,
        model::{Continues, Said},
        well,
    },
    http::config,
};

/// Names and states, one a line.
fn states(report: &DoctorReport) -> String {
    report.checks.iter().map(|check| format!("{}: {:?}\n", check.name, check.state)).collect()
}

fn detail<'a>(report: &'a DoctorReport, name: &str) -> &'a str {
    &report.checks.iter().find(|check| check.name == name).unwrap().detail
}

#[tokio::test]
async fn a_good_server_is_good() {
    let server = FaultyServer::start(Said::default(), well());
    let report = doctor(config(&[&server])).await;
    insta::assert_snapshot!(states(&report), @r"
    reachable: Ok
    key: Ok
    models: Ok
    chat: Ok
    usage: Ok
    speed: Ok
    thinking: Ok
    weights: Ok
    precision: Missing
    seeds: Ok
    log-probabilities: Ok
    stop strings: Ok
    long prompt: Ok
    continuation: Ok
    thinking budget: Ok
    ");
    assert!(report.is_usable());
    assert_eq!(report.server, format!("judge at {}", server.url));
    assert!(detail(&report, "thinking budget").contains("\\boxed{Assistant"), "{}", detail(&report, "thinking budget"));
}

#[tokio::test]
async fn what_is_missing_comes_with_a_fix() {
    let said = Said {
        continues: Continues::Never,
        logprobs: false,
        usage: false,
        drifts: true,
        reasoning: Some("reasoning_content"),
        ..Said::default()
    };
    let server = FaultyServer::start(said, well());
    let report = doctor(config(&[&server])).await;
    insta::assert_snapshot!(states(&report), @r"
    reachable: Ok
    key: Ok
    models: Ok
    chat: Ok
    usage: Missing
    speed: Ok
    thinking: Ok
    weights: Missing
    precision: Missing
    seeds: Missing
    log-probabilities: Missing
    stop strings: Ok
    long prompt: Missing
    continuation: Missing
    ");
    assert!(report.is_usable());
    assert!(detail(&report, "thinking").contains("`reasoning_content`"));
    assert!(report.checks.iter().all(|check| check.fix.is_some() == (check.state != CheckState::Ok)));
}

#[tokio::test]
async fn what_is_broken_ends_the_visit() {
    let gone = FaultyServer::start(Said::default(), well()).url.clone();
    let two = FaultyServer::start(Said { models: vec!["judge", "writer"], ..Said::default() }, well());
    let locked = FaultyServer::with_key(Said::default(), well(), Some("sk-right"));
    let key = HttpConfig { api_key: Some("sk-wrong".to_owned()), ..config(&[&locked]) };
    let unknown = HttpConfig { model: Some("poet".to_owned()), ..config(&[&two]) };
    let cases = [
        (HttpConfig { urls: vec![gone], ..config(&[]) }, "reachable"),
        (config(&[&two]), "models"),
        (key, "key"),
        (unknown, "chat"),
        (config(&[]), "configuration"),
    ];
    for (config, name) in cases {
        let report = doctor(config).await;
        let failed = report.checks.iter().find(|check| check.state == CheckState::Failed).unwrap();
        assert_eq!(failed.name, name);
        assert!(failed.fix.is_some() && !report.is_usable());
        assert!(!serde_json::to_string(&report).unwrap().contains("sk-wrong"));
    }
}

#[tokio::test]
async fn thinking_that_the_template_opens_is_said() {
    for continues in [Continues::Template, Continues::Tokens, Continues::Flags] {
        let server = FaultyServer::start(Said { opens: true, continues, ..Said::default() }, well());
        let report = doctor(config(&[&server])).await;
        let thinking = report.checks.iter().find(|check| check.name == "thinking").unwrap();
        assert_eq!(thinking.state, CheckState::Missing, "{continues:?}");
        assert!(thinking.fix.as_ref().unwrap().contains("thinking.opened_by_template = true"), "{thinking:?}");
        assert!(detail(&report, "weights").contains("fingerprint"), "a note about thinking is none about weights");
    }
}
