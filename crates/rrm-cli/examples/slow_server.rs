//! Chat completion requests -> a verdict after a fixed wait: the OpenAI-compatible server that speed is measured against.
//!
//! `slow_server [MILLISECONDS]` (20 unless told) listens on a free loopback port and prints its address as the only line of
//! stdout. The verdict depends on the request body alone. `GET /served` tells how many completions were sent. It runs in a
//! process of its own, on one thread, so that its cost can be told apart from its clients'.
#![allow(clippy::print_stdout, reason = "the address is this program's output")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderName, HeaderValue, header},
    routing::{get, post},
    serve::ListenerExt,
};

/// What the judge "thinks" before each verdict: about as much text as a short reasoning trace.
const THINKING: &str = "Both responses address the query. The first one is direct and keeps to what was asked, while the second \
adds detail of which only a part is needed. Checking the facts that both state shows no error in either. What remains is how \
closely each does what the query wants, and there is a difference.";

/// How long a completion takes, and how many were sent.
struct Server {
    wait: Duration,
    served: AtomicU64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let wait = match std::env::args().nth(1) {
        Some(number) => number.parse().context("usage: slow_server [MILLISECONDS]")?,
        None => 20,
    };
    let server = Arc::new(Server { wait: Duration::from_millis(wait), served: AtomicU64::new(0) });
    let app = Router::new()
        .route("/v1/models", get(models))
        .route("/v1/chat/completions", post(complete))
        .route("/served", get(served))
        .with_state(server);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    // Without this the kernel holds small replies back, up to 40 ms, waiting for more to send.
    axum::serve(listener.tap_io(|stream| drop(stream.set_nodelay(true))), app).await?;
    Ok(())
}

type Json = ([(HeaderName, HeaderValue); 1], String);

fn json(text: String) -> Json {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text)
}

async fn models() -> Json {
    json(r#"{"object":"list","data":[{"id":"slow","object":"model","created":0,"owned_by":"slow_server"}]}"#.to_owned())
}

async fn served(State(server): State<Arc<Server>>) -> String {
    server.served.load(Ordering::Relaxed).to_string()
}

async fn complete(State(server): State<Arc<Server>>, body: Bytes) -> Json {
    tokio::time::sleep(server.wait).await;
    server.served.fetch_add(1, Ordering::Relaxed);
    // A token is taken to be four bytes.
    let (prompt_tokens, completion_tokens) = (body.len() / 4, THINKING.len() / 4 + 12);
    let hash = fnv1a(&body);
    let winner = 1 + (hash >> 32) % 2;
    json(format!(
        r#"{{"id":"chatcmpl-{hash:016x}","object":"chat.completion","created":0,"model":"slow","choices":[{{"index":0,"message":{{"role":"assistant","content":"<think>\n{THINKING}\n</think>\n\n\\boxed{{Assistant {winner}}}"}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":{prompt_tokens},"completion_tokens":{completion_tokens},"total_tokens":{}}}}}"#,
        prompt_tokens + completion_tokens
    ))
}

/// The 64-bit FNV-1a hash.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
