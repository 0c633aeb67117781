//! Answers of servers as they were seen: what counts, what is asked for again, and what ends a run.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request as Asked, Response, StatusCode},
};
use rrm::{
    chat::Message,
    engine::{
        Completion, Engine, EngineError, Finish, Request, Sampling,
        doctor::{CheckState, doctor},
        http::{Continuation, HttpConfig, HttpEngine, connect},
    },
};
use serde_json::{Value, json};

use crate::http::watched;

/// Answers a request: the n-th about something to be judged, or a probe (`None`).
pub type Answers = Arc<dyn Fn(Option<usize>, &str, &Value) -> Response<Body> + Send + Sync>;

/// A server that answers as it is told, and how many requests were no probes.
pub struct Odd {
    pub url: String,
    pub judged: Arc<AtomicUsize>,
}

/// What is asked about something to be judged.
const MARK: &str = "Which one is better";

pub async fn serve(answers: Answers) -> Odd {
    let judged = Arc::new(AtomicUsize::new(0));
    let counter = judged.clone();
    let app = Router::new().fallback(move |asked: Asked<Body>| {
        let (answers, counter) = (answers.clone(), counter.clone());
        async move {
            let path = asked.uri().path().to_owned();
            let body: Bytes = axum::body::to_bytes(asked.into_body(), 1 << 24).await.unwrap();
            let value: Value = serde_json::from_slice(&body).unwrap_or_default();
            let number = value.to_string().contains(MARK).then(|| counter.fetch_add(1, SeqCst));
            answers(number, &path, &value)
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    Odd { url, judged }
}

pub fn said(status: u16, body: impl Into<Body>) -> Response<Body> {
    let kind = ("content-type", "application/json");
    Response::builder().status(StatusCode::from_u16(status).unwrap()).header(kind.0, kind.1).body(body.into()).unwrap()
}

/// A reply with this text, this end and a usage that grows with the prompt.
pub fn reply(body: &Value, text: &str, reason: Value) -> Value {
    json!({"choices": [{"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": tokens(body), "completion_tokens": 20}})
}

/// Tokens of a prompt: four letters each.
pub fn tokens(body: &Value) -> usize {
    let length = |message: &Value| message["content"].as_str().map_or(0, str::len);
    30 + body["messages"].as_array().map_or(0, |messages| messages.iter().map(length).sum::<usize>()) / 4
}

/// A server that is well until it is asked about something to be judged, and then answers with `judged`.
pub async fn odd(judged: impl Fn(usize, &Value) -> Response<Body> + Send + Sync + 'static) -> Odd {
    serve(Arc::new(move |number, path, body| match number {
        _ if path.ends_with("models") => said(200, json!({"data": [{"id": "judge"}]}).to_string()),
        None => said(200, reply(body, "Once upon a time.", json!("stop")).to_string()),
        Some(number) => judged(number, body),
    }))
    .await
}

pub fn config(odd: &Odd) -> HttpConfig {
    HttpConfig {
        urls: vec![odd.url.clone()],
        backoff: 0.001,
        timeout: 5.0,
        max_retries: 2,
        continuation: Continuation::None,
        ..HttpConfig::default()
    }
}

pub async fn engine(odd: &Odd) -> HttpEngine {
    connect(config(odd)).await.unwrap()
}

pub fn request(text: &str) -> Request {
    Request {
        messages: [Message::user(format!("{MARK}? {text}"))].into(),
        sampling: Sampling { max_tokens: 100, ..Sampling::default() },
        seed: 1,
        budget: None,
        comparison: None,
        labels: None,
        sink: None,
    }
}

/// The answer to one request, and how often it was sent.
async fn asked(
    judged: impl Fn(usize, &Value) -> Response<Body> + Send + Sync + 'static,
) -> (Result<Completion, EngineError>, usize) {
    let odd = odd(judged).await;
    let answer = engine(&odd).await.complete(request("x")).await;
    (answer, odd.judged.load(SeqCst))
}

pub const VERDICT: &str = "\\boxed{Assistant 1}";

#[tokio::test]
async fn half_an_answer_is_asked_for_again_and_never_counts() {
    for reason in
        [json!("insufficient_system_resource"), json!("tool_calls"), json!("error"), json!(null), json!(""), json!("odd")]
    {
        let (answer, sent) = asked({
            let reason = reason.clone();
            move |_, body| said(200, reply(body, VERDICT, reason.clone()).to_string())
        })
        .await;
        let error = answer.unwrap_err();
        assert!(matches!(error, EngineError::BadReply { .. }) && !error.is_fatal(), "{reason}: {error}");
        assert_eq!(sent, 3, "{reason}");
        let (answer, sent) = asked(move |number, body| {
            let reason = if number == 0 { reason.clone() } else { json!("stop") };
            said(200, reply(body, VERDICT, reason).to_string())
        })
        .await;
        assert_eq!((answer.unwrap().text.as_str(), sent), (VERDICT, 2));
    }
}

#[tokio::test]
async fn a_stream_without_a_reason_is_broken_whatever_stands_in_its_chunks() {
    for reason in [json!(""), json!(null), json!("null")] {
        let odd = odd(move |_, _| {
            let chunk = json!({"choices": [{"index": 0, "delta": {"content": VERDICT}, "finish_reason": reason}]});
            let mut response = said(200, format!("data: {chunk}\n\ndata: [DONE]\n\n"));
            response.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
            response
        })
        .await;
        let (request, _) = watched(request("x"));
        let error = engine(&odd).await.complete(request).await.unwrap_err();
        assert!(error.to_string().contains("the stream ended before the answer did"), "{error}");
        assert_eq!(odd.judged.load(SeqCst), 3);
    }
}

#[tokio::test]
async fn a_server_that_never_gives_reasons_is_read_by_its_counts() {
    let odd = serve(Arc::new(|number, path, body| match number {
        _ if path.ends_with("models") => said(200, json!({"data": [{"id": "judge"}]}).to_string()),
        _ => said(200, reply(body, VERDICT, json!(null)).to_string()),
    }))
    .await;
    let done = engine(&odd).await.complete(request("x")).await.unwrap();
    assert_eq!((done.text.as_str(), done.finish), (VERDICT, Finish::Stop));
}

#[tokio::test]
async fn nothing_is_no_answer() {
    for message in [json!({"content": ""}), json!({"content": null, "reasoning_content": null}), json!({"content": "\n"})] {
        let body = json!({"choices": [{"finish_reason": "stop", "message": message}], "usage": {"prompt_tokens": 9, "completion_tokens": 900}});
        let (answer, sent) = asked(move |_, _| said(200, body.to_string())).await;
        assert!(answer.unwrap_err().to_string().contains("the answer is empty"));
        assert_eq!(sent, 3);
    }
    let cut =
        json!({"choices": [{"index": 0, "finish_reason": "length"}], "usage": {"prompt_tokens": 9, "completion_tokens": 0}});
    let (answer, sent) = asked(move |_, _| said(200, cut.to_string())).await;
    let answer = answer.unwrap();
    assert_eq!((answer.text.as_str(), answer.finish, sent), ("", Finish::Length, 1));
}

#[tokio::test]
async fn probes_without_a_message_do_not_keep_a_server_from_being_used() {
    let odd = serve(Arc::new(|number, path, body| match number {
        _ if path.ends_with("models") => said(200, json!({"data": [{"id": "judge"}]}).to_string()),
        None => said(200, json!({"choices": [{"index": 0, "finish_reason": "length"}]}).to_string()),
        _ => said(200, reply(body, VERDICT, json!("stop")).to_string()),
    }))
    .await;
    let engine = engine(&odd).await;
    assert!(!engine.info().seeds && !engine.notes().is_empty(), "nothing is known of it");
    assert_eq!(engine.complete(request("x")).await.unwrap().text, VERDICT);
}

#[tokio::test]
async fn secrets_and_control_sequences_reach_no_error() {
    let secret = "sk-SECRET-abcdefghijklmnop";
    let long = format!("{}key {secret} \u{1b}[31mred", "a ".repeat(80));
    let error = json!({"message": long, "code": 400});
    let bodies = [
        (200, json!({"error": error}).to_string()),
        (200, json!({"choices": [{"error": error}]}).to_string()),
        (200, format!("<html>{long}")),
        (400, json!({"error": error}).to_string()),
        (500, long.clone()),
        (402, long.clone()),
        (413, long.clone()),
        (400, format!("prompt is too long {long}")),
    ];
    for (status, body) in bodies {
        let answer = body.clone();
        let odd = odd(move |_, _| said(status, answer.clone())).await;
        let with_key = HttpConfig { api_key: Some(secret.to_owned()), max_retries: 0, ..config(&odd) };
        let error = connect(with_key).await.unwrap().complete(request("x")).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("sk-S") && !shown.contains('\u{1b}') && error.to_string().len() < 400, "{body}: {shown}");
    }
    let odd = odd(|_, _| said(500, "no")).await;
    let hidden = odd.url.replace("http://", "http://me:hidden-word@");
    let engine = connect(HttpConfig { urls: vec![hidden], ..config(&odd) }).await.unwrap();
    let error = engine.complete(request("x")).await.unwrap_err().to_string();
    assert!(!error.contains("hidden-word") && !engine.info().name.contains("hidden-word"), "{error}");
}

#[tokio::test]
async fn too_long_a_request_is_this_requests_error_in_all_words() {
    let cases = [
        (
            400,
            "This model's maximum context length is 1024 tokens. However, you requested 9192 tokens (1000 in the messages, 8192 in the completion).",
        ),
        (400, "max_tokens must be at least 1, got -512."),
        (400, "Input length (1300 tokens) exceeds the maximum allowed length (1024 tokens)."),
        (400, "the request exceeds the available context size, try increasing it"),
        (422, "Input validation error: `inputs` must have less than 1024 tokens. Given: 1300"),
        (413, "<html>413 Request Entity Too Large</html>"),
        (500, "Context size has been exceeded."),
    ];
    for (status, words) in cases {
        let (answer, sent) = asked(move |_, _| said(status, json!({"error": {"message": words}}).to_string())).await;
        let error = answer.unwrap_err();
        assert!(error.is_too_long() && !error.is_fatal(), "{words}: {error}");
        assert_eq!(sent, 1, "{words}");
    }
}

#[tokio::test]
async fn no_money_ends_a_run() {
    for (status, words) in
        [(402, "Insufficient Balance"), (429, "insufficient_quota"), (401, "Incorrect key"), (200, "out of credits")]
    {
        let (answer, sent) = asked(move |_, _| said(status, json!({"error": {"message": words}}).to_string())).await;
        let error = answer.unwrap_err();
        assert!(error.is_fatal(), "{error}");
        assert_eq!(sent, 1, "{words}");
    }
}

#[tokio::test]
async fn a_prompt_that_was_cut_is_an_error() {
    let long = |words: usize| (0..words).map(|n| format!("word {n} ")).collect::<String>();
    let cutting = |number: usize, body: &Value| {
        let _ = number;
        let mut reply = reply(body, VERDICT, json!("stop"));
        reply["usage"]["prompt_tokens"] = json!(tokens(body).min(2050));
        said(200, reply.to_string())
    };
    let server = odd(cutting).await;
    let engine = engine(&server).await;
    assert!(engine.complete(request(&long(200))).await.is_ok());
    let error = engine.complete(request(&long(3000))).await.unwrap_err();
    assert!(error.is_too_long() && error.to_string().contains("counts 2050 tokens"), "{error}");
    assert!(engine.complete(request(&long(100))).await.is_ok(), "short ones go on");
    let whole = odd(|_, body| said(200, reply(body, VERDICT, json!("stop")).to_string())).await;
    let engine = self::engine(&whole).await;
    assert!(engine.complete(request(&long(3000))).await.is_ok());
    let report = doctor(config(&server)).await;
    let state = |name: &str| report.checks.iter().find(|check| check.name == name).map(|check| check.state);
    assert_eq!(state("long prompt"), Some(CheckState::Ok), "this one cuts judgments only");
}

#[tokio::test]
async fn a_body_without_an_end_is_not_read_to_it() {
    for stream in [false, true] {
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = sent.clone();
        let odd = odd(move |_, _| {
            let counter = counter.clone();
            let block = Bytes::from(vec![b' '; 1 << 16]);
            let blocks = futures::stream::repeat_with(move || {
                counter.fetch_add(block.len(), SeqCst);
                Ok::<_, std::io::Error>(block.clone())
            });
            let mut response = said(200, Body::from_stream(blocks));
            if stream {
                response.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
            }
            response
        })
        .await;
        let engine = engine(&odd).await;
        let request = if stream { watched(request("x")).0 } else { request("x") };
        let error = engine.complete(request).await.unwrap_err();
        assert!(error.to_string().contains("did not end"), "{error}");
        assert_eq!(odd.judged.load(SeqCst), 1, "it is not asked for again");
        assert!(sent.load(SeqCst) < 64 << 20, "{}", sent.load(SeqCst));
    }
    // The words of an error stand at its beginning.
    let (answer, _) =
        asked(|_, _| said(400, Body::from_stream(futures::stream::repeat_with(|| Ok::<_, std::io::Error>("bad ".repeat(9999))))))
            .await;
    assert!(matches!(answer.unwrap_err(), EngineError::Status { status: 400, .. }));
}

#[tokio::test]
async fn a_wait_that_no_clock_holds_is_no_panic() {
    let (answer, sent) = asked(|_, _| {
        let mut response = said(429, "{}");
        response.headers_mut().insert("retry-after", "10000000000000000000".parse().unwrap());
        response
    })
    .await;
    assert!(matches!(answer.unwrap_err(), EngineError::Status { status: 429, .. }));
    assert_eq!(sent, 1);
}

#[tokio::test]
async fn seeds_repeat_only_where_they_do_beside_others() {
    let asked: Arc<Mutex<Vec<usize>>> = Arc::default();
    let seen = asked.clone();
    let odd = serve(Arc::new(move |_, path, body| {
        if path.ends_with("models") {
            return said(200, json!({"data": [{"id": "judge"}]}).to_string());
        }
        // The first answer with this limit is asked for alone.
        let mut seen = seen.lock().unwrap();
        let alone = body["max_tokens"] != json!(48) || seen.is_empty();
        if body["max_tokens"] == json!(48) {
            seen.push(tokens(body));
        }
        let text = if alone { "one text" } else { "another text" };
        said(200, reply(body, text, json!("stop")).to_string())
    }))
    .await;
    let engine = engine(&odd).await;
    assert!(!engine.info().seeds);
    let mut asked = asked.lock().unwrap().clone();
    asked.sort_unstable();
    assert_eq!(asked.len(), 5, "twice, and three others: {asked:?}");
    assert!(asked[1] < 100 && asked[2] > 200, "which are longer: {asked:?}");
}
