//! A server on loopback that does with each request what a function says: for services that are stricter than most, and for proxies.
#![allow(dead_code, reason = "the tests of each crate use a part of it")]

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

/// One request.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// With its query.
    pub path: String,
    /// By lower-case names.
    pub headers: HashMap<String, String>,
    /// Null where it is no JSON.
    pub body: Value,
}

/// What is answered.
pub enum Answer {
    /// JSON with this status.
    Json(u16, Value),
    /// Anything; the headers are whole lines.
    Raw(u16, &'static str, Vec<u8>),
    /// Nothing, until the client goes.
    Hang,
}

/// A running server; it stops when it is dropped.
pub struct StrictServer {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    _stop: oneshot::Sender<()>,
}

type Handler = dyn Fn(&Asked) -> Answer + Send + Sync;

impl StrictServer {
    /// A server that answers as `handler` says.
    pub fn start(handler: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::on(std::net::TcpListener::bind("127.0.0.1:0").unwrap(), handler)
    }

    /// The same at this address.
    pub fn on(listener: std::net::TcpListener, handler: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let (log, handler): (_, Arc<Handler>) = (asked.clone(), Arc::new(handler));
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                let accept = async {
                    while let Ok((stream, _)) = listener.accept().await {
                        let (log, handler) = (log.clone(), handler.clone());
                        tokio::spawn(async move { connection(stream, &log, &*handler).await.ok() });
                    }
                };
                tokio::select! {
                    () = accept => {}
                    _ = stopped => {}
                }
            });
        });
        StrictServer { url, asked, _stop: stop }
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Bodies of the completions asked for so far.
    pub fn bodies(&self) -> Vec<Value> {
        self.asked().into_iter().filter(|asked| asked.path.contains("/completions")).map(|asked| asked.body).collect()
    }
}

async fn connection(mut stream: TcpStream, log: &Mutex<Vec<Asked>>, handler: &Handler) -> io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(asked) = read(&mut stream, &mut buffer).await? {
        log.lock().unwrap().push(asked.clone());
        let (status, headers, body) = match handler(&asked) {
            Answer::Json(status, value) => (status, "content-type: application/json\r\n", value.to_string().into_bytes()),
            Answer::Raw(status, headers, body) => (status, headers, body),
            Answer::Hang => {
                let mut rest = [0; 64];
                while !matches!(stream.read(&mut rest).await, Ok(0) | Err(_)) {}
                return Ok(());
            }
        };
        let head = format!("HTTP/1.1 {status} Said\r\n{headers}content-length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), &body].concat()).await?;
    }
    Ok(())
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Asked>> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let text = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, path) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while buffer.len() < end + length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let body = serde_json::from_slice(&buffer[end..end + length]).unwrap_or_default();
    buffer.drain(..end + length);
    Ok(Some(Asked { method, path, headers, body }))
}

impl Asked {
    /// Whether the body has this field.
    pub fn has(&self, field: &str) -> bool {
        self.body.get(field).is_some()
    }

    /// A number of the body.
    pub fn number(&self, field: &str) -> Option<f64> {
        self.body[field].as_f64()
    }
}

/// A list with one model.
pub fn models(id: &str) -> Answer {
    Answer::Json(200, json!({"object": "list", "data": [{"id": id, "object": "model"}]}))
}

/// An error in the form that most services use.
pub fn refuse(status: u16, message: &str) -> Answer {
    Answer::Json(status, json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": null}}))
}

/// A whole answer, or the same as a stream where the body asks for one.
pub fn say(asked: &Asked, text: &str) -> Answer {
    if asked.body["stream"] == json!(true) {
        Answer::Raw(200, "content-type: text/event-stream\r\n", events(text))
    } else {
        whole(text)
    }
}

/// A whole answer.
pub fn whole(text: &str) -> Answer {
    let choice = json!({"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}});
    Answer::Json(200, json!({"choices": [choice], "usage": {"prompt_tokens": 20, "completion_tokens": 8}}))
}

/// The events of a streamed answer, with comments between them and the usage at the end.
pub fn events(text: &str) -> Vec<u8> {
    let event = |value: Value| format!("data: {value}\n\n");
    let mut out = ": keep-alive\n\n".to_owned();
    for word in text.split_inclusive(' ') {
        out += &event(json!({"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": null}]}));
    }
    out += &event(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}));
    out += &event(json!({"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 8}}));
    (out + "data: [DONE]\n\n").into_bytes()
}
