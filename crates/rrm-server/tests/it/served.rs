//! A server on a free port of loopback with an engine that the test controls, and a client.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use rrm::{
    engine::{Completion, Engine, EngineError, EngineInfo, Request, scripted::ScriptedEngine, scripted::scripted},
    format::Format,
    judge::{Judge, JudgeSettings},
};
use rrm_server::{AppState, settings::ServerSettings};
use serde_json::Value;

/// A scripted engine that fails while it is switched off, panics over `an engine with a bug`, and is silent over `an engine that never answers`.
pub struct Switched {
    inner: ScriptedEngine,
    /// Whether it answers.
    pub on: AtomicBool,
}

impl Engine for Switched {
    fn info(&self) -> &EngineInfo {
        self.inner.info()
    }

    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        assert!(!request.messages.iter().any(|message| message.content.contains("an engine with a bug")), "a bug");
        if request.messages.iter().any(|message| message.content.contains("an engine that never answers")) {
            return Box::pin(std::future::pending());
        }
        if self.on.load(SeqCst) {
            return self.inner.complete(request);
        }
        Box::pin(async { Err(EngineError::Unreachable { engine: "switched".into(), detail: "it is off".into() }) })
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        let off = || Err(EngineError::Unreachable { engine: "switched".into(), detail: "it is off".into() });
        Box::pin(std::future::ready(if self.on.load(SeqCst) { Ok(()) } else { off() }))
    }
}

/// A running server.
pub struct Served {
    /// Its state.
    pub server: Arc<AppState>,
    /// Its judge.
    pub engine: Arc<Switched>,
    url: String,
    client: reqwest::Client,
}

/// Serves `scripted:RULE` with these settings.
pub async fn serve(rule: &str, settings: ServerSettings) -> Served {
    serve_with(rule, settings, JudgeSettings::default()).await
}

/// The same, judging like this.
pub async fn serve_with(rule: &str, settings: ServerSettings, judging: JudgeSettings) -> Served {
    let engine = Arc::new(Switched { inner: scripted(rule).unwrap(), on: AtomicBool::new(true) });
    let judge = judge_by(engine.clone(), judging);
    let server = AppState::new(judge, settings, Box::new(|_| Ok(())));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(rrm_server::connections::serve(listener, server.clone(), std::future::pending()));
    Served { server, engine, url, client: client() }
}

/// A client for loopback.
pub fn client() -> reqwest::Client {
    // Another test may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// A judge that keeps nothing.
pub fn judge_by(engine: Arc<dyn Engine>, settings: JudgeSettings) -> Judge {
    let mut judge = Judge::new(engine, Format::shipped("rrm").unwrap());
    judge.settings = settings;
    judge
}

/// Groups of this size.
pub fn groups_of(size: usize) -> ServerSettings {
    ServerSettings { group_size: Some(size), ..ServerSettings::default() }
}

impl Served {
    /// A request to a route, without sending it.
    pub fn post(&self, route: &str, body: &Value) -> reqwest::RequestBuilder {
        self.client.post(format!("{}{route}", self.url)).timeout(Duration::from_secs(60)).json(body)
    }

    /// A question to a route.
    pub fn get(&self, route: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{route}", self.url)).timeout(Duration::from_secs(60))
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Status and body of an answer.
    pub async fn ask(&self, route: &str, body: &Value) -> (u16, Value) {
        answered(self.post(route, body)).await
    }

    /// Status and body of an answer on a connection of its own.
    pub async fn fresh(&self, route: &str) -> (u16, Value) {
        answered(client().get(format!("{}{route}", self.url)).timeout(Duration::from_secs(60))).await
    }

    /// The same for a question with a body.
    pub async fn fresh_post(&self, route: &str, body: &Value) -> (u16, Value) {
        answered(client().post(format!("{}{route}", self.url)).timeout(Duration::from_secs(60)).json(body)).await
    }

    /// A counter of `/metrics`.
    pub async fn counter(&self, name: &str) -> f64 {
        let text = self.client.get(format!("{}/metrics", self.url)).send().await.unwrap().text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("rrm_{name} "))).unwrap();
        line.parse().unwrap()
    }

    /// Waits until so many members stand in open groups.
    pub async fn until_members(&self, n: usize) {
        while self.server.groups.open().1 != n {
            tokio::task::yield_now().await;
        }
    }
}

/// Status and body of an answer.
pub async fn answered(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}
