//! A fake scalar reward model on loopback, in the shapes of vLLM and Text Embeddings Inference: a response's score is the number that stands
//! in it, or else its length. It says that it is a fake (its model is called so). Tests of other crates include this file by `#[path]`.
#![allow(dead_code, reason = "the tests of each crate use a part of it")]

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

/// What the fake is called.
pub const MODEL: &str = "a-fake-scalar-model";

/// A running server; its thread ends with the test's process.
pub struct FakeScorer {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    routes: Vec<&'static str>,
    /// How often each text was scored.
    scored: Mutex<HashMap<String, u64>>,
    /// Statuses that come before the next answers.
    faults: Mutex<Vec<u16>>,
}

impl FakeScorer {
    /// A server with these routes.
    pub fn start(routes: &[&'static str]) -> Self {
        let shared = Arc::new(Shared { routes: routes.to_vec(), scored: Mutex::default(), faults: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = serving.clone();
                thread::spawn(move || while answer(&stream, &shared).is_some() {});
            }
        });
        FakeScorer { url, shared }
    }

    /// The next requests fail with these statuses, the last one first.
    pub fn fail(&self, statuses: &[u16]) {
        *self.shared.faults.lock().unwrap() = statuses.to_vec();
    }

    /// Texts that were scored, but those of probes, and how often.
    pub fn scored(&self) -> HashMap<String, u64> {
        let mut scored = self.shared.scored.lock().unwrap().clone();
        scored.retain(|text, _| text != "A week has seven days." && text != "Bananas!");
        scored
    }
}

/// Answers the next request of a connection; `None` at its end.
fn answer(mut stream: &TcpStream, shared: &Shared) -> Option<()> {
    let mut lines = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    lines.read_line(&mut first).ok().filter(|read| *read > 0)?;
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    let path = first.split(' ').nth(1)?.trim_start_matches('/').to_owned();
    let (status, text) = reply(&path, &serde_json::from_slice(&body).unwrap_or_default(), shared);
    write!(stream, "HTTP/1.1 {status} Planned\r\ncontent-length: {}\r\n\r\n{text}", text.len()).ok()
}

fn reply(path: &str, body: &Value, shared: &Shared) -> (u16, String) {
    let tei = shared.routes.contains(&"predict");
    match path {
        "v1/models" if !tei => return (200, json!({"data": [{"id": MODEL, "owned_by": "nobody: a fake"}]}).to_string()),
        "info" if tei => return (200, json!({"model_id": MODEL, "model_sha": "fake"}).to_string()),
        route if !shared.routes.contains(&route) => return (404, "no such route".to_owned()),
        _ => {}
    }
    if let Some(status) = shared.faults.lock().unwrap().pop() {
        return (status, json!({"error": "as planned", "error_type": "Overloaded"}).to_string());
    }
    let text = match path {
        "classify" => &body["messages"].as_array().unwrap().last().unwrap()["content"],
        "predict" => &body["inputs"][0][1],
        "score" => &body["text_2"],
        _ => &body["documents"][0],
    };
    let text = text.as_str().unwrap();
    *shared.scored.lock().unwrap().entry(text.to_owned()).or_default() += 1;
    let digits: String = text.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
    let score = digits.trim_matches('.').parse().unwrap_or(text.len() as f64);
    let reply = match path {
        "classify" => {
            json!({"data": [{"index": 0, "label": null, "probs": [score], "num_classes": 1}], "usage": {"prompt_tokens": 7}})
        }
        "predict" => json!([[{"label": "LABEL_0", "score": score}]]),
        "score" => json!({"data": [{"index": 0, "object": "score", "score": score}]}),
        _ => json!([{"index": 0, "score": score}]),
    };
    (200, reply.to_string())
}
