//! Options about what a service wants otherwise: that they reach its requests, are saved, and hold no key.

use std::{
    path::Path,
    process::Output,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
};

use serde_json::json;

use crate::{
    file, rrm, stderr,
    strict_server::{Answer, Asked, StrictServer, models, refuse, say},
};

const PAIR: &str = r#"{"prompt":"Q","responses":["a","b"]}"#;
const VERDICT: &str = "<think>both</think> \\boxed{Assistant 1}";

/// A service that wants its key in a header of its own, and neither `max_tokens` nor a temperature nor a top_p.
fn picky(asked: &Asked) -> Answer {
    if asked.headers.get("api-key").is_none_or(|key| key != "very-secret") {
        return refuse(401, "Access denied");
    }
    if asked.path == "/v1/models" {
        return models("judge");
    }
    match ["max_tokens", "temperature", "top_p"].into_iter().find(|name| asked.has(name)) {
        Some("max_tokens") => {
            refuse(400, "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead.")
        }
        Some(name) => refuse(400, &format!("Unsupported parameter: '{name}' is not supported with this model.")),
        None => say(asked, VERDICT),
    }
}

/// `rrm judge` with one pair, one try, and the service's key in the environment.
fn judge(input: &Path, server: &StrictServer, more: &[&str]) -> Output {
    let mut command = crate::command();
    command.arg("judge").arg(input).args(["--engine", &server.url, "--store", "none", "--max-retries", "0"]).args(more);
    command.env("SERVICE_KEY", "very-secret").output().unwrap()
}

const KEY: [&str; 2] = ["--header", "api-key: ${SERVICE_KEY}"];

#[test]
fn a_picky_service_judges_and_no_key_is_written() {
    let server = StrictServer::start(picky);
    let (folder, input) = file("in.jsonl", PAIR);
    let said = stderr(&judge(&input, &server, &KEY));
    assert!(said.contains("--without-field temperature"), "{said}");
    let out = folder.path().join("out.jsonl");
    let options = ["--without-field", "temperature", "--without-field", "top_p", "--request-field", "reasoning_effort=low"];
    let more = [&KEY[..], &options, &["-o", out.to_str().unwrap()]].concat();
    let output = judge(&input, &server, &more);
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("note: ") && said.contains("max_completion_tokens"), "{said}");
    assert!(
        server
            .bodies()
            .iter()
            .rev()
            .take(3)
            .all(|body| body["reasoning_effort"] == "low" && body["max_completion_tokens"].is_u64())
    );
    let mut written = said;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        written += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    assert!(!written.contains("very-secret"), "{written}");
    let config = folder.path().join("out.jsonl.config.toml");
    let saved = std::fs::read_to_string(&config).unwrap();
    assert!(saved.contains("api-key: ${SERVICE_KEY}") && saved.contains("reasoning_effort=low"), "{saved}");
    assert!(!saved.contains("\ntemperature") && !saved.contains("\ntop-p"), "what is not sent is not claimed: {saved}");
    let stats = std::fs::read_to_string(folder.path().join("out.jsonl.stats.json")).unwrap();
    assert!(stats.contains("max_completion_tokens") && stats.contains("are not sent"), "{stats}");
}

#[test]
fn a_key_that_stands_in_an_option_is_refused() {
    let server = StrictServer::start(picky);
    let (folder, input) = file("in.jsonl", PAIR);
    for header in ["api-key: very-secret", "Authorization: Bearer very-secret", "api-key: ${NO_SUCH_VARIABLE}"] {
        let out = folder.path().join("out.jsonl");
        let output = judge(&input, &server, &["--header", header, "-o", out.to_str().unwrap()]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("--header") && !said.contains("very-secret"), "{said}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
    assert!(server.asked().is_empty());
}

#[test]
fn an_option_about_a_field_that_is_left_out_is_refused() {
    let (folder, input) = file("in.jsonl", PAIR);
    let refused = |words: &[&str]| {
        let judge = ["judge", input.to_str().unwrap(), "--engine", "http://127.0.0.1:1"];
        let output = rrm([&judge, words].concat());
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    let said = refused(&["--without-field", "temperature", "--temperature", "1"]);
    assert!(said.contains("--temperature sets what --without-field temperature leaves out"), "{said}");
    let said = refused(&["--without-field", "max_tokens", "--max-thinking-tokens", "9"]);
    assert!(said.contains("--max-thinking-tokens sets what"), "{said}");
    // What nobody named is left out, and so it is in the file of options.
    let config = folder.path().join("options.toml");
    std::fs::write(&config, "without-field = [\"temperature\"]\ntemperature = 0.6\n").unwrap();
    let said = refused(&["--config", config.to_str().unwrap()]);
    assert!(said.contains("--temperature sets what"), "{said}");
}

#[test]
fn a_gateway_that_gives_up_is_named_with_what_helps() {
    let server = StrictServer::start(|asked| match asked.path == "/v1/models" {
        true => models("judge"),
        false if asked.body["stream"] != json!(true) && asked.body["max_tokens"].as_u64() > Some(1000) => {
            refuse(504, "Gateway Time-out")
        }
        false => say(asked, VERDICT),
    });
    let (folder, input) = file("in.jsonl", PAIR);
    let out = folder.path().join("out.jsonl");
    let failed = judge(&input, &server, &["-o", out.to_str().unwrap()]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(stderr(&failed).contains("--stream-replies"), "{}", stderr(&failed));
    let output = judge(&input, &server, &["-o", out.to_str().unwrap(), "--stream-replies"]);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn a_server_that_is_starting_is_waited_for() {
    let starts = AtomicU64::new(1);
    let server = StrictServer::start(move |request| match request.path == "/v1/models" {
        true if starts.fetch_sub(1, SeqCst) == 1 => refuse(503, "Loading model"),
        true => models("judge"),
        false => say(request, VERDICT),
    });
    let (_folder, input) = file("in.jsonl", PAIR);
    let output = judge(&input, &server, &["--wait-for-server", "60"]);
    let said = stderr(&output);
    assert!(output.status.success() && said.contains("note: waiting 60 s at most"), "{said}");
}
