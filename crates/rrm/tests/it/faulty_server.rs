//! An OpenAI-compatible server on loopback whose replies are a pure function of the request and whose faults follow a plan.
//!
//! It speaks HTTP/1.1 by hand, because a framework would neither break off a body nor close without an answer. Tests of other
//! crates include this file by `#[path]`; what it says lies in `faulty_model.rs` beside it.
#![allow(dead_code, reason = "the tests of each crate use a part of it")]

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

#[path = "faulty_model.rs"]
pub mod model;

use model::{Said, hash};

/// What goes wrong with one try of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The answer comes after this many milliseconds.
    Late(u64),
    /// Status 429 with this `Retry-After`.
    TooMany(&'static str),
    /// This status with a few words.
    Status(u16),
    /// 200 with a body that is no JSON.
    Garbage,
    /// 200 with JSON of other types.
    WrongTypes,
    /// 200 with an empty list of choices.
    NoChoices,
    /// 200 with an error object.
    ErrorInside,
    /// The head and half the body, then the connection closes.
    HalfABody,
    /// Half the body, well-formed as HTTP.
    ShortBody,
    /// No answer until the client goes.
    Hang,
    /// The connection closes without an answer.
    Close,
}

/// Fault of the n-th try (from 0) of the request with this hash.
pub type Plan = Arc<dyn Fn(u64, u64) -> Fault + Send + Sync>;

/// Every kind of fault, spread over requests by their hash. The third try of each request is answered, so three retries suffice.
pub fn mixed() -> Plan {
    const FAULTS: [Fault; 14] = [
        Fault::None,
        Fault::Late(3),
        Fault::TooMany("0"),
        Fault::Status(500),
        Fault::Garbage,
        Fault::WrongTypes,
        Fault::NoChoices,
        Fault::ErrorInside,
        Fault::HalfABody,
        Fault::ShortBody,
        Fault::Hang,
        Fault::Close,
        Fault::Status(503),
        Fault::Status(408),
    ];
    Arc::new(|request, attempt| match (attempt, FAULTS[(request % 14) as usize], FAULTS[(request / 14 % 14) as usize]) {
        (0, first, _) => first,
        // A second time-out would be the last try.
        (1, Fault::Hang, Fault::Hang) => Fault::Close,
        (1, _, second) => second,
        _ => Fault::None,
    })
}

/// No faults.
pub fn well() -> Plan {
    Arc::new(|_, _| Fault::None)
}

/// A running server; it stops when it is dropped.
pub struct FaultyServer {
    /// Its base address, `http://127.0.0.1:PORT`.
    pub url: String,
    shared: Arc<Shared>,
    _stop: oneshot::Sender<()>,
}

struct Shared {
    said: Said,
    plan: Mutex<Plan>,
    key: Option<String>,
    tries: Mutex<HashMap<u64, u64>>,
    answers: Mutex<HashMap<u64, u64>>,
    requests: AtomicU64,
    in_flight: AtomicU64,
    most_in_flight: AtomicU64,
    abandoned: AtomicU64,
}

impl FaultyServer {
    /// A server that speaks as `said` and fails as `plan` says.
    pub fn start(said: Said, plan: Plan) -> Self {
        Self::with_key(said, plan, None)
    }

    /// The same, which wants this key.
    pub fn with_key(said: Said, plan: Plan, key: Option<&str>) -> Self {
        let shared = Arc::new(Shared {
            said,
            plan: Mutex::new(plan),
            key: key.map(str::to_owned),
            tries: Mutex::default(),
            answers: Mutex::default(),
            requests: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            most_in_flight: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = shared.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = accept(listener, serving) => {}
                    _ = stopped => {}
                }
            });
        });
        FaultyServer { url, shared, _stop: stop }
    }

    /// Fails as `plan` says from now on.
    pub fn set_plan(&self, plan: Plan) {
        *self.shared.plan.lock().unwrap() = plan;
    }

    /// How it speaks.
    pub fn said(&self) -> &Said {
        &self.shared.said
    }

    /// Completions asked for so far, tries that failed included.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(SeqCst)
    }

    /// How often each request was answered in full, by its hash.
    pub fn answers(&self) -> HashMap<u64, u64> {
        self.shared.answers.lock().unwrap().clone()
    }

    /// Requests whose client went away before the answer.
    pub fn abandoned(&self) -> u64 {
        self.shared.abandoned.load(SeqCst)
    }

    /// The largest number of completions that were in flight together.
    pub fn most_in_flight(&self) -> u64 {
        self.shared.most_in_flight.load(SeqCst)
    }

    /// Completions in flight now.
    pub fn in_flight(&self) -> u64 {
        self.shared.in_flight.load(SeqCst)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            // A broken connection is what this server is for.
            let _ = connection(stream, &shared).await;
        });
    }
}

async fn connection(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    loop {
        let Some((path, key, body)) = read_request(&mut stream, &mut buffer).await? else { return Ok(()) };
        let value: Value = serde_json::from_slice(&body).unwrap_or_default();
        if shared.key.is_some() && key != shared.key {
            let text =
                json!({"error": {"message": format!("Incorrect API key provided: {}", key.unwrap_or_default())}}).to_string();
            respond(&mut stream, 401, "", &text).await?;
        } else if path.ends_with("/completions") {
            let now = shared.in_flight.fetch_add(1, SeqCst) + 1;
            shared.most_in_flight.fetch_max(now, SeqCst);
            let result = completion(&mut stream, shared, &path, &value, hash(&body)).await;
            shared.in_flight.fetch_sub(1, SeqCst);
            if !result? {
                return Ok(());
            }
        } else {
            let (status, text) = shared.said.other_route(&path, &value);
            respond(&mut stream, status, "", &text).await?;
        }
    }
}

/// Answers one completion, or fails as planned; whether the connection lives on.
async fn completion(stream: &mut TcpStream, shared: &Shared, path: &str, body: &Value, request: u64) -> io::Result<bool> {
    shared.requests.fetch_add(1, SeqCst);
    let attempt = {
        let mut tries = shared.tries.lock().unwrap();
        let tries = tries.entry(request).or_default();
        *tries += 1;
        *tries - 1
    };
    let (status, text) = shared.said.completion(path, body);
    let fault = (shared.plan.lock().unwrap())(request, attempt);
    match fault {
        Fault::Late(milliseconds) => {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(milliseconds)) => {}
                () = gone(stream) => {
                    shared.abandoned.fetch_add(1, SeqCst);
                    return Ok(false);
                }
            }
        }
        Fault::None => {}
        Fault::Hang => {
            gone(stream).await;
            shared.abandoned.fetch_add(1, SeqCst);
            return Ok(false);
        }
        Fault::Close => return Ok(false),
        Fault::HalfABody => {
            let half = text.len() / 2;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n", kind(body), text.len());
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&text.as_bytes()[..half]).await?;
            return Ok(false);
        }
        fault => {
            let (status, header, text) = failed(fault, &text);
            respond(stream, status, &header, &text).await?;
            return Ok(true);
        }
    }
    let header = if status == 200 { format!("content-type: {}\r\n", kind(body)) } else { String::new() };
    // Counted before it is sent: a client that has its answer must find it in the count.
    *shared.answers.lock().unwrap().entry(request).or_default() += 1;
    respond(stream, status, &header, &text).await?;
    Ok(true)
}

fn failed(fault: Fault, text: &str) -> (u16, String, String) {
    let json = "content-type: application/json\r\n".to_owned();
    match fault {
        Fault::TooMany(wait) => (429, format!("retry-after: {wait}\r\n"), r#"{"error":{"message":"slow down"}}"#.to_owned()),
        Fault::Status(status) => (status, String::new(), format!("status {status}, as planned")),
        Fault::Garbage => (200, json, "<html>\u{fffd} not what you asked for".to_owned()),
        Fault::WrongTypes => {
            (200, json, r#"{"choices":[{"message":{"content":{"verdict":1}},"finish_reason":"stop"}]}"#.to_owned())
        }
        Fault::NoChoices => (200, json, r#"{"choices":[],"usage":{"prompt_tokens":1}}"#.to_owned()),
        Fault::ErrorInside => (200, json, r#"{"error":{"message":"the worker died","code":502}}"#.to_owned()),
        Fault::ShortBody => (200, json, text.chars().take(text.chars().count() / 2).collect()),
        other => unreachable!("{other:?} is no answer"),
    }
}

fn kind(body: &Value) -> &'static str {
    if body["stream"] == json!(true) { "text/event-stream" } else { "application/json" }
}

/// Waits until the client closes its side.
async fn gone(stream: &mut TcpStream) {
    let mut rest = [0; 64];
    while !matches!(stream.read(&mut rest).await, Ok(0) | Err(_)) {}
}

/// Path, key and body of the next request; `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<(String, Option<String>, Vec<u8>)>> {
    let head = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let text = String::from_utf8_lossy(&buffer[..head]).into_owned();
    let header = |name: &str| {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).next()
    };
    let length: usize = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while buffer.len() < head + length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let body = buffer[head..head + length].to_vec();
    buffer.drain(..head + length);
    let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
    let key = header("authorization").and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned));
    Ok(Some((path, key, body)))
}

async fn respond(stream: &mut TcpStream, status: u16, headers: &str, body: &str) -> io::Result<()> {
    let answer = format!("HTTP/1.1 {status} Planned\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).await
}
